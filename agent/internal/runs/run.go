package runs

import (
	"slices"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/agent/kernel/solve"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// The collections of this package.
const (
	goals = "goals"
	runs  = "runs"
)

// Decisions is the collection whose documents read as a Run, for whoever writes
// the tenant out.
const Decisions = runs

const byState = "by_state"

// Collections are declared to the tenant's store before anything is kept in it.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: goals},
		{Name: runs, Indexes: []docstore.Index{{Name: byState, Fields: []string{"state"}}}},
		{Name: usage},
	}
}

// The faults of runs.
var (
	ErrNoRun       = fault.New(fault.NotFound, "runs.no_such_run", "There is no such decision.")
	ErrNoGoal      = fault.New(fault.NotFound, "runs.no_such_goal", "There is no such goal.")
	ErrBadGoal     = fault.New(fault.Invalid, "runs.bad_goal", "The goal cannot be understood.")
	ErrTooMany     = fault.New(fault.RateLimited, "runs.too_many_waiting", "There are 50 decisions waiting already. Wait for some to finish, or cancel them.")
	ErrEnded       = fault.New(fault.Conflict, "runs.already_ended", "This decision has ended already.")
	ErrNoResult    = fault.New(fault.NotFound, "runs.no_result", "This decision has no result; its state says why.")
	ErrNotYet      = fault.New(fault.Conflict, "runs.not_finished", "This decision is still being worked on.")
	ErrInterrupted = fault.New(fault.Internal, "runs.interrupted", "The program stopped three times while working on this decision, so it was given up. Try a shorter horizon, fewer products or a shorter time limit, and tell support.")
	ErrEngineGone  = fault.New(fault.Unavailable, "runs.engine_unavailable", "No solver is available, so no plan was made.")
	ErrEngineDied  = fault.New(fault.Internal, "runs.engine_crash", "The solver stopped unexpectedly, so no plan was made. Start the decision again.")
	ErrBroken      = fault.New(fault.Internal, "runs.broken", "Something went wrong on our side while this was decided. Nothing was changed; try again, and tell support if it stays.")
)

// maxAttempts is how often a run is started in all.
const maxAttempts = 3

// maxWaiting is how many runs of one tenant may wait.
const maxWaiting = 50

// Run is one decision in the making, or made.
type Run struct {
	ID         id.Run         `json:"id"`
	GoalID     id.Goal        `json:"goalId"`
	Title      string         `json:"title"`
	Goal       replenish.Goal `json:"goal"`
	State      State          `json:"state" enum:"queued,running,canceling,done,failed,cancelled"`
	Status     solve.Status   `json:"status"`   // "" until there is one
	Headline   string         `json:"headline"` // of the result
	Stage      string         `json:"stage"`    // being worked on; "" before and after
	Stages     []Stage        `json:"stages"`
	Progress   *Progress      `json:"progress,omitempty"`
	Attempts   int            `json:"attempts"` // started so often
	CreatedAt  time.Time      `json:"createdAt"`
	StartedAt  *time.Time     `json:"startedAt,omitempty"`
	FinishedAt *time.Time     `json:"finishedAt,omitempty"`
	Error      *fault.Problem `json:"error"` // why it failed
}

// StageState is how far a stage is.
type StageState string

// The states of a stage.
const (
	StageWaiting StageState = "waiting"
	StageWorking StageState = "working"
	StageDone    StageState = "done"
	StageFailed  StageState = "failed"
)

// Stage of a run.
type Stage struct {
	Stage   string     `json:"stage"`
	State   StageState `json:"state" enum:"waiting,working,done,failed"`
	Seconds float64    `json:"seconds"`
}

// Progress of a run, kept in memory only.
type Progress struct {
	Stage          string   `json:"stage"`
	Done           int      `json:"done"`
	Total          int      `json:"total"` // 0 when unknown
	ElapsedSeconds float64  `json:"elapsedSeconds"`
	Objective      *float64 `json:"objective,omitempty"` // of the best plan so far
	Bound          *float64 `json:"bound,omitempty"`     // no plan can be better
	Gap            *float64 `json:"gap,omitempty"`
	Nodes          int64    `json:"nodes"`
}

// record is the document of a run.
type record struct {
	Run
	Data   tables.Snapshot   `json:"data"`
	Result *tenantstore.Blob `json:"result,omitempty"`
	Actor  string            `json:"actor"`
	// Begun is how often it was begun, stops in good order included. It names the
	// attempt in work.
	Begun int `json:"begun,omitempty"`
	// Where is the environment that works on it, or did last; "" is this one.
	Where id.Environment `json:"where,omitempty"`
}

// inWork says whether that attempt is the one in work.
func (r *record) inWork(attempt int) bool {
	return r.Begun == attempt && (r.State == Running || r.State == Canceling)
}

// step moves r along its lifecycle.
func (r *Run) step(e event) error {
	next, err := lifecycle.Next(r.State, e)
	if err != nil {
		return err
	}
	r.State = next
	return nil
}

// stageOrder is what every run goes through; diagnose joins when it happens.
func stageOrder() []replenish.Stage {
	return []replenish.Stage{
		replenish.StageForecast, replenish.StageCompile, replenish.StageSolve, replenish.StageCheck, replenish.StageExplain,
	}
}

func freshStages() []Stage {
	var list []Stage
	for _, s := range stageOrder() {
		list = append(list, Stage{Stage: string(s), State: StageWaiting})
	}
	return list
}

// enter makes stage the one being worked on, since when the one before began.
func (r *Run) enter(stage string, spent time.Duration) {
	r.leave(StageDone, spent)
	at := slices.IndexFunc(r.Stages, func(s Stage) bool { return s.Stage == stage })
	if at < 0 {
		last := max(0, len(r.Stages)-1)
		r.Stages = slices.Insert(slices.Clone(r.Stages), last, Stage{Stage: stage})
		at = last
	}
	r.Stages = slices.Clone(r.Stages)
	r.Stages[at].State = StageWorking
	r.Stage = stage
}

// leave ends the stage being worked on.
func (r *Run) leave(s StageState, spent time.Duration) {
	r.Stages = slices.Clone(r.Stages)
	for i := range r.Stages {
		if r.Stages[i].State == StageWorking {
			r.Stages[i].State = s
			r.Stages[i].Seconds += spent.Seconds()
		}
	}
	r.Stage = ""
}
