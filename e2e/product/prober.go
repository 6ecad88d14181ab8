package product

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Prober writes through the public address and remembers what became of each
// write: a goal with a title of its own is the cheapest command there is.
type Prober struct {
	c     *Customer
	every time.Duration
	name  string
	stop  context.CancelFunc
	work  sync.WaitGroup
	n     atomic.Int64

	mu     sync.Mutex
	writes []Write
}

// Outcome is what a writer knows of its write.
type Outcome string

// The outcomes.
const (
	Acknowledged Outcome = "acknowledged"
	Declined     Outcome = "declined" // nothing came of it
	Unclear      Outcome = "unclear"  // it may have happened
)

// Write is one of a prober.
type Write struct {
	Title      string
	ID         string // of the goal; "" unless it was acknowledged
	Start, End time.Time
	Outcome    Outcome
	Err        string
}

// goalBody is a goal that nobody decides.
var goalBody = json.RawMessage(`{"horizon":4}`)

// WriteGoal keeps a goal and gives its id.
func (c *Customer) WriteGoal(ctx context.Context, title string) (string, error) {
	var saved struct{ ID string }
	err := c.Call(ctx, http.MethodPost, "/v1/goals", map[string]any{"title": title, "text": "", "template": "inventory_replenishment", "goal": goalBody}, &saved)
	return saved.ID, err
}

// Goal is one as it is listed.
type Goal struct{ ID, Title string }

// Goals lists the newest goals down to the first whose title is not wanted.
func (c *Customer) Goals(ctx context.Context, wanted func(Goal) bool) ([]Goal, error) {
	var all []Goal
	after := ""
	for {
		var page struct {
			Goals []Goal
			Next  string
		}
		if err := c.Call(ctx, http.MethodGet, "/v1/goals?limit=200&after="+after, nil, &page); err != nil {
			return nil, err
		}
		for _, g := range page.Goals {
			if !wanted(g) {
				return all, nil
			}
			all = append(all, g)
		}
		if page.Next == "" {
			return all, nil
		}
		after = page.Next
	}
}

// Probe starts writers that write all the time, each with a pause between two
// writes. The name begins the titles of its writes.
func (c *Customer) Probe(ctx context.Context, name string, writers int, every time.Duration) *Prober {
	ctx, stop := context.WithCancel(ctx)
	p := &Prober{c: c, every: every, name: name, stop: stop}
	for range writers {
		p.work.Go(func() { p.write(ctx) })
	}
	return p
}

func (p *Prober) write(ctx context.Context) {
	tick := time.NewTicker(max(p.every, time.Millisecond))
	defer tick.Stop()
	for ctx.Err() == nil {
		w := Write{Title: fmt.Sprintf("%s/%06d", p.name, p.n.Add(1)), Start: time.Now()}
		// A writer that is told to stop finishes what it has begun.
		id, err := p.c.WriteGoal(context.WithoutCancel(ctx), w.Title)
		w.ID, w.End = id, time.Now()
		switch {
		case err == nil:
			w.Outcome = Acknowledged
		case refused(err):
			w.Outcome, w.Err = Declined, err.Error()
		default:
			w.Outcome, w.Err = Unclear, err.Error()
		}
		p.mu.Lock()
		p.writes = append(p.writes, w)
		p.mu.Unlock()
		if p.every > 0 || err != nil {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}
}

// Stop waits for the writers and gives all writes in the order of their ends.
func (p *Prober) Stop() []Write {
	p.stop()
	p.work.Wait()
	return p.Writes()
}

// Writes are those that have ended, in the order of their ends.
func (p *Prober) Writes() []Write {
	p.mu.Lock()
	defer p.mu.Unlock()
	writes := slices.Clone(p.writes)
	slices.SortFunc(writes, func(a, b Write) int { return a.End.Compare(b.End) })
	return writes
}

// FirstAfter is the end of the first acknowledged write that began after t.
func (p *Prober) FirstAfter(t time.Time) (time.Time, bool) {
	for _, w := range p.Writes() {
		if w.Outcome == Acknowledged && w.Start.After(t) {
			return w.End, true
		}
	}
	return time.Time{}, false
}

// Tally is what became of a prober's writes.
type Tally struct {
	Acknowledged, Declined, Unclear int
	Lost, Twice                     []string
	Gap                             time.Duration // longest between the ends of two acknowledged writes
	Slowest                         time.Duration // acknowledged write
	Errors                          []string      // a few
}

// Check stops the writers and compares what they know with what is there: every
// acknowledged write exactly once, no declined one, an unclear one at most once.
func (p *Prober) Check(ctx context.Context) (Tally, error) {
	writes := p.Stop()
	var t Tally
	// Other writers' goals may lie between; only those below all of ours end it.
	oldest := ""
	for _, w := range writes {
		if w.ID != "" && (oldest == "" || w.ID < oldest) {
			oldest = w.ID
		}
	}
	goals, err := p.c.Goals(ctx, func(g Goal) bool { return oldest == "" || g.ID >= oldest || strings.HasPrefix(g.Title, p.name+"/") })
	if err != nil {
		return t, fmt.Errorf("list what was written: %w", err)
	}
	found := map[string][]string{}
	for _, g := range goals {
		found[g.Title] = append(found[g.Title], g.ID)
	}
	var last time.Time
	for _, w := range writes {
		there := found[w.Title]
		if len(there) > 1 || w.Outcome == Declined && len(there) > 0 {
			t.Twice = append(t.Twice, w.Title)
		}
		if w.Err != "" && len(t.Errors) < 5 {
			t.Errors = append(t.Errors, w.Err)
		}
		switch w.Outcome {
		case Declined:
			t.Declined++
		case Unclear:
			t.Unclear++
		case Acknowledged:
			t.Acknowledged++
			if !slices.Contains(there, w.ID) {
				t.Lost = append(t.Lost, w.Title)
			}
			if !last.IsZero() {
				t.Gap = max(t.Gap, w.End.Sub(last))
			}
			last = w.End
			t.Slowest = max(t.Slowest, w.End.Sub(w.Start))
		}
	}
	return t, nil
}
