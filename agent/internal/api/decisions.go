package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// GoalInput is a replenish.Goal of which every field may be missing; what is
// missing or 0 takes its default.
type GoalInput struct {
	Horizon         int                   `json:"horizon,omitempty" doc:"Periods to plan, 1 to 26; default 8."`
	ServiceLevel    float64               `json:"serviceLevel,omitempty" doc:"0.5 to 0.99; default 0.95."`
	ServiceRule     replenish.ServiceRule `json:"serviceRule,omitempty" doc:"required or preferred; default required."`
	BudgetPerPeriod float64               `json:"budgetPerPeriod,omitempty" doc:"Currency; 0 means no limit."`
	BudgetTotal     float64               `json:"budgetTotal,omitempty" doc:"Currency over the horizon; 0 means no limit."`
	StorageCapacity float64               `json:"storageCapacity,omitempty" doc:"Storage units at the end of any period; 0 means no limit."`
	HoldingRate     float64               `json:"holdingRate,omitempty" doc:"A year, of the unit cost; default 0.25."`
	ShortageCost    float64               `json:"shortageCost,omitempty" doc:"Times the unit cost, for a unit short; default 5."`
	SKUs            []string              `json:"skus,omitempty" maxItems:"2000" doc:"Only these; none means all."`
	TimeLimitSec    int                   `json:"timeLimitSec,omitempty" doc:"Of the solver, 1 to 600; default 30."`
	Gap             float64               `json:"gap,omitempty" doc:"Relative, 0 to 0.2; default 0.01."`
	Seed            int                   `json:"seed,omitempty"`
}

// GoalDraft is a goal to be kept.
type GoalDraft struct {
	Title    string    `json:"title,omitempty" maxLength:"120"`
	Text     string    `json:"text,omitempty" maxLength:"4000" doc:"In your own words."`
	Template string    `json:"template" maxLength:"60"`
	Goal     GoalInput `json:"goal"`
}

// GoalList is a page of goals.
type GoalList struct {
	Goals []runs.SavedGoal `json:"goals"`
	Next  string           `json:"next"`
}

// RunList is a page of runs.
type RunList struct {
	Runs []runs.Run `json:"runs"`
	Next string     `json:"next"`
}

type pageInput struct {
	After string `query:"after" maxLength:"600" doc:"The next of the page before."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func registerGoals(d door) {
	serve(d, writes, huma.Operation{
		OperationID: "create-goal", Method: http.MethodPost, Path: "/v1/goals", Tags: []string{"goals"},
		Summary: "Keep a goal", DefaultStatus: http.StatusOK,
	}, func(ctx context.Context, c call, in *struct{ Body GoalDraft }) (*body[runs.SavedGoal], error) {
		g, err := c.runs.Keep(ctx, c.caller(), runs.Draft{
			Title: in.Body.Title, Text: in.Body.Text, Template: in.Body.Template, Goal: replenish.Goal(in.Body.Goal),
		})
		return &body[runs.SavedGoal]{g}, err
	})

	serve(d, reads, huma.Operation{
		OperationID: "list-goals", Method: http.MethodGet, Path: "/v1/goals", Tags: []string{"goals"},
		Summary: "Goals, newest first",
	}, func(ctx context.Context, c call, in *pageInput) (*body[GoalList], error) {
		list, next, err := c.runs.Goals(ctx, c.caller(), in.After, in.Limit)
		return &body[GoalList]{GoalList{list, next}}, err
	})

	serve(d, reads, huma.Operation{
		OperationID: "get-goal", Method: http.MethodGet, Path: "/v1/goals/{id}", Tags: []string{"goals"},
		Summary: "One goal",
	}, func(ctx context.Context, c call, in *uploadPath) (*body[runs.SavedGoal], error) {
		goal, err := id.ParseGoal(in.ID)
		if err != nil {
			return nil, runs.ErrNoGoal
		}
		g, err := c.runs.Goal(ctx, c.caller(), goal)
		return &body[runs.SavedGoal]{g}, err
	})
}

type startInput struct {
	Once string `header:"Idempotency-Key" maxLength:"200" doc:"A repeated request with the same key answers with the run of the first."`
	Body struct {
		GoalID string `json:"goalId" maxLength:"60"`
	}
}

// started is the answer to a new run.
type started struct {
	Spent string `header:"Dyocense-Decisions" doc:"used/limit of this month with this run; absent without a limit"`
	Body  runs.Run
}

type runPath struct {
	ID string `path:"id" maxLength:"60"`
}

// parse reads the identifier; text that is none names no run.
func (p runPath) parse() (id.Run, error) {
	run, err := id.ParseRun(p.ID)
	if err != nil {
		return "", runs.ErrNoRun
	}
	return run, nil
}

func registerRuns(d door) {
	serve(d, writes, huma.Operation{
		OperationID: "start-run", Method: http.MethodPost, Path: "/v1/runs", Tags: []string{"runs"},
		Summary: "Decide a goal on the tables as they are now", DefaultStatus: http.StatusAccepted,
		Metadata: map[string]any{"deadline": "file"}, Errors: []int{http.StatusTooManyRequests, http.StatusPaymentRequired},
	}, func(ctx context.Context, c call, in *startInput) (*started, error) {
		goal, err := id.ParseGoal(in.Body.GoalID)
		if err != nil {
			return nil, runs.ErrNoGoal
		}
		r, used, err := c.runs.Start(ctx, c.caller(), goal, in.Once)
		if err != nil {
			return nil, err
		}
		answer := &started{Body: r}
		if limit := c.who.Limits.Decisions; limit > 0 && used > 0 {
			answer.Spent = contract.Spent(used, limit)
		}
		return answer, nil
	})

	serve(d, reads, huma.Operation{
		OperationID: "show-usage", Method: http.MethodGet, Path: "/v1/usage", Tags: []string{"runs"},
		Summary: "What is used of what the plan allows", Metadata: map[string]any{"deadline": "file"},
	}, func(ctx context.Context, c call, _ *struct{}) (*body[runs.Usage], error) {
		u, err := c.runs.Usage(ctx, c.caller())
		return &body[runs.Usage]{u}, err
	})

	serve(d, reads, huma.Operation{
		OperationID: "list-runs", Method: http.MethodGet, Path: "/v1/runs", Tags: []string{"runs"},
		Summary: "Runs, newest first",
	}, func(ctx context.Context, c call, in *pageInput) (*body[RunList], error) {
		list, next, err := c.runs.List(ctx, c.caller(), in.After, in.Limit)
		return &body[RunList]{RunList{list, next}}, err
	})

	serve(d, reads, huma.Operation{
		OperationID: "get-run", Method: http.MethodGet, Path: "/v1/runs/{id}", Tags: []string{"runs"},
		Summary: "One run as it is this moment",
	}, func(ctx context.Context, c call, in *runPath) (*body[runs.Run], error) {
		run, err := in.parse()
		if err != nil {
			return nil, err
		}
		r, err := c.runs.Find(ctx, c.caller(), run)
		return &body[runs.Run]{r}, err
	})

	serve(d, writes, huma.Operation{
		OperationID: "cancel-run", Method: http.MethodPost, Path: "/v1/runs/{id}/cancel", Tags: []string{"runs"},
		Summary: "Stop a run; a plan found so far is kept", DefaultStatus: http.StatusOK, Errors: []int{http.StatusConflict},
	}, func(ctx context.Context, c call, in *runPath) (*body[runs.Run], error) {
		run, err := in.parse()
		if err != nil {
			return nil, err
		}
		r, err := c.runs.Cancel(ctx, c.caller(), run)
		return &body[runs.Run]{r}, err
	})

	serve(d, reads, huma.Operation{
		OperationID: "get-run-result", Method: http.MethodGet, Path: "/v1/runs/{id}/result", Tags: []string{"runs"},
		Summary: "The whole result of a run that has ended", Errors: []int{http.StatusConflict},
	}, func(ctx context.Context, c call, in *runPath) (*body[replenish.Result], error) {
		run, err := in.parse()
		if err != nil {
			return nil, err
		}
		_, result, err := c.runs.Result(ctx, c.caller(), run)
		return &body[replenish.Result]{result}, err
	})
}
