package worker

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// Solve implements solve.Solver: it runs m in a process of its own.
func (p *Pool) Solve(ctx context.Context, m *model.Model, o solve.Options, observe func(solve.Progress)) (solve.Outcome, error) {
	if err := m.Validate(); err != nil {
		return solve.Outcome{Status: solve.InvalidInput, Engine: o.Engine, Detail: err.Error()}, nil
	}
	if !p.enter() {
		return unavailable(o, "the solver is shutting down"), nil
	}
	defer p.work.Done()
	defer p.refill()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)() // Close cancels what runs

	if p.broken != nil {
		return unavailable(o, "the program cannot find itself: "+scrub(p.broken.Error())), nil
	}
	child, err := p.acquire()
	if err != nil {
		if ctx.Err() != nil {
			return solve.Outcome{Status: solve.Cancelled, Stopped: "cancelled", Engine: o.Engine}, nil
		}
		return unavailable(o, scrub(err.Error())), nil
	}
	// However this ends, the process ends with it.
	patience := p.o.KillAfter
	defer func() { child.finish(patience) }()

	h, out, ok := p.greet(ctx, child, o)
	if !ok {
		patience = 0
		return out, nil
	}
	out = p.converse(ctx, child, m, o, observe)
	out.Engine, out.EngineVersion = h.Engine, h.Version
	out.Detail = scrub(out.Detail)
	return out, nil
}

func unavailable(o solve.Options, why string) solve.Outcome {
	return solve.Outcome{Status: solve.EngineUnavailable, Engine: o.Engine, Detail: why}
}

// greet waits for the child's hello; ok is false when the solve ends here.
func (p *Pool) greet(ctx context.Context, child *process, o solve.Options) (h hello, out solve.Outcome, ok bool) {
	timer := time.NewTimer(p.o.StartLimit)
	defer timer.Stop()
	select {
	case h, ok = <-child.greeting:
	case <-ctx.Done():
		return h, solve.Outcome{Status: solve.Cancelled, Stopped: "cancelled", Engine: o.Engine}, false
	case <-timer.C:
		child.kill()
		return h, solve.Outcome{Status: solve.EngineCrash, Engine: o.Engine, Detail: fmt.Sprintf("the worker did not start within %v", p.o.StartLimit)}, false
	}
	switch {
	case !ok:
		child.kill()
		<-child.done
		return h, solve.Outcome{Status: solve.EngineCrash, Engine: o.Engine, Detail: child.obituary()}, false
	case h.Error != "":
		return h, unavailable(o, scrub(h.Error)), false
	case o.Engine != "" && o.Engine != h.Engine:
		return h, unavailable(o, fmt.Sprintf("the engine %q is not installed; there is %s", o.Engine, h.Engine)), false
	}
	return h, out, true
}

// converse sends the model and listens until the result, the end of the child,
// or the end of patience.
func (p *Pool) converse(ctx context.Context, child *process, m *model.Model, o solve.Options, observe func(solve.Progress)) solve.Outcome {
	started := time.Now()
	body, err := encodeSolve(m, o)
	if err != nil {
		return solve.Outcome{Status: solve.InvalidInput, Detail: err.Error()}
	}
	// Writing has its own goroutine, so that a child that does not read cannot
	// hold up the stop; it ends because the child does.
	orders := make(chan kind, 1)
	written := make(chan struct{})
	defer func() { <-written }()
	defer func() { _ = child.stdin.Close() }() // frees a blocked writer
	defer close(orders)
	go func() {
		defer close(written)
		err := writeFrame(child.stdin, kindSolve, body)
		for order := range orders {
			if err == nil {
				err = writeFrame(child.stdin, order)
			}
		}
	}()

	limit := time.NewTimer(o.Filled().TimeLimit + p.o.Overrun)
	defer limit.Stop()
	s := stopping{pool: p, child: child, orders: orders}
	defer s.end()
	cancelled := ctx.Done()
	for {
		select {
		case f, ok := <-child.frames:
			if !ok {
				<-child.done
				return s.lost(child.obituary(), time.Since(started))
			}
			out, final := hear(f, m.Cols(), observe)
			if !final {
				continue
			}
			if s.reason != "" && out.Stopped == "cancelled" {
				out.Stopped = s.reason // the engine does not know why it was asked
				if out.Status == solve.Cancelled && s.reason == "time_limit" {
					out.Status = solve.NoSolutionFound
				}
			}
			return out
		case <-cancelled:
			cancelled = nil
			s.begin("cancelled")
		case <-limit.C:
			s.begin("time_limit")
		case <-s.term:
			s.term = nil
			s.killed = true // a worker holds out against it, another program ends
			child.signal(syscall.SIGTERM)
		case <-s.last:
			s.last = nil
			s.killed = true
			child.kill()
		}
	}
}

// hear takes in one frame; final is true for a result.
func hear(f frame, cols int, observe func(solve.Progress)) (out solve.Outcome, final bool) {
	switch f.kind {
	case kindProgress:
		if body, err := readJSON[progressBody](f); err == nil && observe != nil {
			observe(body.decode())
		}
		return out, false
	case kindResult:
		out, err := decodeResult(f.body, cols)
		if err != nil {
			return solve.Outcome{Status: solve.EngineCrash, Detail: "the worker's result cannot be read: " + err.Error()}, true
		}
		return out, true
	default:
		return solve.Outcome{Status: solve.EngineCrash, Detail: fmt.Sprintf("the worker sent frame %d out of turn", f.kind)}, true
	}
}

// stopping is the four-step stop of one solve.
type stopping struct {
	pool   *Pool
	child  *process
	orders chan<- kind
	reason string // "" until the stop began
	killed bool   // we sent a signal that ends processes
	term   <-chan time.Time
	last   <-chan time.Time
	timers []*time.Timer
}

// begin asks for the incumbent and sets the clock for the harder steps; the
// first reason stays.
func (s *stopping) begin(reason string) {
	if s.reason != "" {
		return
	}
	s.reason = reason
	s.orders <- kindCancel // buffered; sent once
	term, last := time.NewTimer(s.pool.o.TermAfter), time.NewTimer(s.pool.o.KillAfter)
	s.term, s.last, s.timers = term.C, last.C, []*time.Timer{term, last}
}

func (s *stopping) end() {
	for _, t := range s.timers {
		t.Stop()
	}
}

// lost is the outcome of a child that ended without a result.
func (s *stopping) lost(how string, after time.Duration) solve.Outcome {
	out := solve.Outcome{Status: solve.EngineCrash, Detail: how, Seconds: after.Seconds()}
	if !s.killed {
		return out
	}
	out.Stopped, out.Detail = s.reason, "the engine did not stop when asked and was ended; its best plan is lost"
	out.Status = solve.NoSolutionFound
	if s.reason == "cancelled" {
		out.Status = solve.Cancelled
	}
	return out
}
