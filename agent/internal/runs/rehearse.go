package runs

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// objectiveTolerance is how far two objectives may lie apart, relatively, and
// still be the same decision: what is left of rounding after a proof.
const objectiveTolerance = 1e-6

// Rehearse makes the last decisions of a tenant again, on the data that they were
// made on, and tells how each came out. Nothing is kept. store needs to serve
// reading alone.
func (s *Service) Rehearse(ctx context.Context, store *tenantstore.Store, last int, tell func(contract.ParityResult)) error {
	made, err := lastDecisions(ctx, store, last)
	if err != nil {
		return err
	}
	for _, rec := range made {
		result, err := s.rehearse(ctx, store, rec)
		if err != nil {
			return fmt.Errorf("make decision %s again: %w", rec.ID, err)
		}
		tell(result)
	}
	return nil
}

// lastDecisions are the newest runs that ended with a result.
func lastDecisions(ctx context.Context, store *tenantstore.Store, last int) ([]record, error) {
	var made []record
	q := docstore.Query{Desc: true, Limit: 50}
	for {
		page, err := store.Find(ctx, runs, q)
		if err != nil {
			return nil, fmt.Errorf("list decisions: %w", err)
		}
		for _, d := range page.Docs {
			var r record
			if err := json.Unmarshal(d.Body, &r); err != nil {
				return nil, fmt.Errorf("decode run %s: %w", d.ID, err)
			}
			if r.State != Done || r.Result == nil {
				continue
			}
			if made = append(made, r); len(made) == last {
				return made, nil
			}
		}
		if page.Next == "" {
			return made, nil
		}
		q.After = page.Next
	}
}

func (s *Service) rehearse(ctx context.Context, store *tenantstore.Store, rec record) (contract.ParityResult, error) {
	body, err := store.GetBlob(ctx, *rec.Result)
	if err != nil {
		return contract.ParityResult{}, fmt.Errorf("read its result: %w", err)
	}
	var before replenish.Result
	if err := json.Unmarshal(body, &before); err != nil {
		return contract.ParityResult{}, fmt.Errorf("decode its result: %w", err)
	}
	data, notes, err := rec.Data.Data(ctx, store)
	if err == nil {
		err = notes.Err()
	}
	if err != nil {
		return contract.ParityResult{}, fmt.Errorf("read its data: %w", err)
	}
	after, err := s.decider.Decide(ctx, data, rec.Goal, func(replenish.Progress) {})
	if err != nil {
		return contract.ParityResult{}, err
	}
	return compare(rec.ID, rec.Title, before, after), nil
}

// compare says whether two results are one decision. A plan that was proven has
// to come out with the same objective; one that ran into its time limit with an
// objective that both proofs allow.
func compare(run id.Run, title string, before, after replenish.Result) contract.ParityResult {
	p := contract.ParityResult{Run: run, Title: title, Before: outcomeOf(before), After: outcomeOf(after)}
	p.Same = before.Status == after.Status || before.Status.HasPlan() && after.Status.HasPlan()
	p.Same = p.Same && before.Evidence.DataHash == after.Evidence.DataHash && before.Evidence.GoalHash == after.Evidence.GoalHash
	if !p.Same || !before.Status.HasPlan() {
		return p
	}
	one, other := before.Solver.Objective, after.Solver.Objective
	if one == nil || other == nil {
		p.Same = one == nil && other == nil
		return p
	}
	scale := math.Max(1, math.Max(math.Abs(*one), math.Abs(*other)))
	p.Same = math.Abs(*one-*other) <= (objectiveTolerance+gapOf(before)+gapOf(after))*scale
	return p
}

func gapOf(r replenish.Result) float64 {
	if r.Solver.Gap == nil {
		return 0
	}
	return *r.Solver.Gap
}

// outcomeOf is a result in a few words.
func outcomeOf(r replenish.Result) string {
	words := string(r.Status)
	if o := r.Solver.Objective; o != nil {
		words += ", objective " + strconv.FormatFloat(*o, 'f', 2, 64)
	}
	if r.Status.HasPlan() {
		words += ", " + strconv.Itoa(len(r.Orders)) + " orders"
	}
	return words
}
