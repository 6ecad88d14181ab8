package moves

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

// longGoal cannot be solved to its gap in its time, so that it is worked on until
// the time is over.
func longGoal(s product.Sample, seconds int) json.RawMessage {
	return json.RawMessage(strings.TrimSuffix(strings.TrimSpace(string(s.SuggestedGoal)), "}") + fmt.Sprintf(`,"gap":0.0000001,"timeLimitSec":%d}`, seconds))
}

type seenRun struct {
	ID       string
	State    string
	Status   string
	Stage    string
	Attempts int
	Progress json.RawMessage
}

func TestDecisionsThatAreWorkedOnCrossTheSwitch(t *testing.T) {
	t.Parallel()
	h := open(t, shipped)
	ctx := within(t, 3*time.Minute)
	c := h.customer(t, "rob", "business")
	s := sample(t, c, "hardware")
	must(t, c.LoadSample(ctx, s.ID))
	_, err := c.StartMove(ctx, "enterprise", "asked")
	must(t, err)
	ready, err := c.AwaitOffer(ctx, "switch")
	must(t, err)

	var started []string
	for n := range 4 { // two are worked on, two wait
		run, err := c.StartRun(ctx, fmt.Sprintf("Order %d", n), longGoal(s, 10))
		must(t, err)
		started = append(started, run.ID)
	}
	look := func(run string) (r seenRun) {
		if err := c.Call(ctx, http.MethodGet, "/v1/runs/"+run, nil, &r); err != nil {
			return seenRun{State: err.Error()}
		}
		return r
	}
	must(t, product.Until(ctx, time.Minute, func() (bool, string) {
		r := look(started[0])
		return r.Stage == "solve" && len(r.Progress) > 0, fmt.Sprintf("the first decision is %+v", r)
	}))
	must(t, c.Act(ctx, ready.ID, "switch"))
	switched, err := c.AwaitMove(ctx, "switched")
	must(t, err)
	at := look(started[0])
	if at.State != "running" {
		t.Errorf("after the switch the first decision is %+v, want it running", at)
	}
	t.Run("their progress is seen at the new owner", func(t *testing.T) {
		must(t, product.Until(ctx, time.Minute, func() (bool, string) {
			r := look(started[0])
			return r.State == "running" && string(r.Progress) != string(at.Progress), fmt.Sprintf("the first decision stays %+v, %s", r, r.Progress)
		}))
	})
	t.Run("one can be cancelled after the switch, and its best plan is kept", func(t *testing.T) {
		must(t, c.Call(ctx, http.MethodPost, "/v1/runs/"+started[1]+"/cancel", nil, nil))
		run, err := c.AwaitRun(ctx, started[1])
		must(t, err)
		if run.State != "done" && run.State != "cancelled" || run.Attempts != 1 {
			t.Errorf("the cancelled decision is %+v", run)
		}
	})
	t.Run("each ends once, at its first attempt", func(t *testing.T) {
		for _, id := range []string{started[0], started[2], started[3]} {
			run, err := c.AwaitRun(ctx, id)
			must(t, err)
			if run.State != "done" || run.Attempts != 1 {
				t.Errorf("a decision that crossed the switch is %+v, want done at the first attempt", run)
			}
			if _, err := c.Bytes(ctx, http.MethodGet, "/v1/runs/"+id+"/result", nil); err != nil {
				t.Errorf("its result: %v", err)
			}
		}
		var list struct{ Runs []seenRun }
		must(t, c.Call(ctx, http.MethodGet, "/v1/runs", nil, &list))
		count := map[string]int{}
		for _, r := range list.Runs {
			count[r.ID]++
		}
		for _, id := range started {
			if count[id] != 1 {
				t.Errorf("the decision %s is listed %d times", id, count[id])
			}
		}
		if len(list.Runs) != len(started) {
			t.Errorf("%d decisions are listed, %d were started", len(list.Runs), len(started))
		}
	})
	last, err := finish(ctx, c, "accept", func(product.Move) {})
	must(t, err)
	t.Logf("writes waited %+v; %s", switched.Pause, last)
}
