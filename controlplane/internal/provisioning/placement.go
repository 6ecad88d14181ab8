package provisioning

import (
	"strconv"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// State of a placement.
type State string

// The states.
const (
	Requested State = "requested"
	Placed    State = "placed"
	Creating  State = "creating"
	Verifying State = "verifying"
	Ready     State = "ready"
	Failed    State = "failed"
)

// Event moves a placement.
type Event string

// The events.
const (
	EnvironmentChosen Event = "environment_chosen"
	AgentTold         Event = "agent_told"
	StoreCreated      Event = "store_created"
	ProbeAnswered     Event = "probe_answered"
	StepFailed        Event = "step_failed"
	RetryAsked        Event = "retry_asked"
)

// Lifecycle of a placement.
var Lifecycle = state.New(Requested, state.Table[State, Event]{
	Requested: {EnvironmentChosen: Placed, StepFailed: Failed},
	Placed:    {AgentTold: Creating, StepFailed: Failed},
	Creating:  {StoreCreated: Verifying, StepFailed: Failed},
	Verifying: {ProbeAnswered: Ready, StepFailed: Failed},
	Ready:     {},
	Failed:    {RetryAsked: Requested},
})

// EventReady is announced when a tenant can be used.
const EventReady = "provisioning.ready"

// placement is the document of one tenant; its id is the tenant's.
type placement struct {
	outbox.Box
	Tenant      id.Tenant           `json:"tenant"`
	Name        string              `json:"name"` // of the company
	Plan        string              `json:"plan"`
	State       State               `json:"state"`
	Unfinished  string              `json:"unfinished,omitempty"` // the state while it moves, for the index
	Environment id.Environment      `json:"environment,omitempty"`
	Revision    int64               `json:"revision,omitempty"` // of the desired state that names this tenant
	Entered     map[State]time.Time `json:"entered"`            // when each state was entered
	AgentSteps  []contract.Step     `json:"agentSteps,omitempty"`
	Error       string              `json:"error,omitempty"` // safe to show
	Attempts    int                 `json:"attempts"`
	Moving      *Moving             `json:"moving,omitempty"`    // nil unless a move may switch any moment
	Switches    int64               `json:"switches,omitempty"`  // how often the tenant has changed its environment
	EndedMove   string              `json:"endedMove,omitempty"` // the last migration that may not switch any more
}

// Moving is a move of a ready tenant that may switch, or switch back, any moment.
type Moving struct {
	Claim     int64          `json:"claim,omitempty"` // of the last switch
	Migration string         `json:"migration"`       // whose move it is
	To        id.Environment `json:"to"`              // the other end: where the tenant lives after the next switch
}

// move takes the placement one state on.
func (p *placement) move(e Event) error {
	next, err := Lifecycle.Next(p.State, e)
	if err != nil {
		return err
	}
	p.State = next
	p.Entered[next] = time.Now().UTC()
	p.Unfinished = string(next)
	switch next {
	case Requested: // a retry
		p.Error, p.Attempts = "", p.Attempts+1
	case Ready:
		p.Unfinished = ""
		return p.Announce(EventReady, p.Tenant, nil)
	case Failed:
		p.Unfinished = ""
	case Placed, Creating, Verifying:
	}
	return nil
}

// PlacementView is what a person sees of a placement.
type PlacementView struct {
	State       State           `json:"state" enum:"requested,placed,creating,verifying,ready,failed"`
	Steps       []PlacementStep `json:"steps"`
	WaitingFor  string          `json:"waitingFor" doc:"what has to happen next, in words; empty when nothing is waited for"`
	StartedAt   time.Time       `json:"startedAt"`
	ReadyAt     *time.Time      `json:"readyAt,omitempty"`
	TotalMillis float64         `json:"totalMillis" doc:"from the request until ready, or until now"`
	Error       string          `json:"error,omitempty"`
}

// PlacementStep is one line of PlacementView.
type PlacementStep struct {
	Name      string     `json:"name"`
	Title     string     `json:"title"`
	State     string     `json:"state" enum:"waiting,working,done,failed"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	Millis    float64    `json:"millis" doc:"how long it took; 0 while it works"`
	Detail    string     `json:"detail,omitempty"`
}

// steps are the states a person watches, in order, with what each waits for.
var steps = []struct {
	state   State
	title   string
	waiting string
}{
	{Requested, "Choose a place", "a place in the pool"},
	{Placed, "Tell the agent", "the desired state to be written"},
	{Creating, "Create your store", "an agent of the pool to create the store"},
	{Verifying, "Send a first request", "the first request to come back"},
	{Ready, "Ready", ""},
}

// progress is p as a person sees it at now.
func (p *placement) progress(now time.Time) PlacementView {
	view := PlacementView{State: p.State, StartedAt: p.Entered[Requested], Error: p.Error}
	end := now
	if p.State == Ready || p.State == Failed {
		end = p.Entered[p.State]
	}
	if p.State == Ready {
		view.ReadyAt = &end
	}
	view.TotalMillis = millis(end.Sub(view.StartedAt))
	for i, s := range steps {
		step := PlacementStep{Name: string(s.state), Title: s.title, State: "waiting"}
		if started, entered := p.Entered[s.state]; entered && !started.Before(view.StartedAt) {
			step.StartedAt, step.State = &started, "working"
			if s.state == Ready {
				step.State = "done"
			} else if left, gone := p.Entered[steps[i+1].state]; gone && !left.Before(started) {
				step.State, step.Millis = "done", millis(left.Sub(started))
			} else if p.State == Failed {
				step.State, step.Millis = "failed", millis(end.Sub(started))
				step.Detail = p.Error
			} else {
				view.WaitingFor = s.waiting
			}
		}
		if s.state == Creating {
			for _, a := range p.AgentSteps {
				step.Detail = join(step.Detail, a)
			}
		}
		view.Steps = append(view.Steps, step)
	}
	return view
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// join adds a timed step of the agent to a step's detail.
func join(detail string, s contract.Step) string {
	if detail != "" {
		detail += ", "
	}
	return detail + s.Name + " " + strconv.FormatFloat(s.Millis, 'f', 1, 64) + " ms"
}
