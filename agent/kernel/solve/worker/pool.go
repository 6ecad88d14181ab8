package worker

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Options of a pool. The zero value starts this program itself with the argument
// "worker" and keeps no process ready.
type Options struct {
	Program  string   // what to run; "" is the running program
	Args     []string // how; nil is {"worker"}. "--cache-dir DIR" is appended
	Env      []string // all that the child sees of the environment
	CacheDir string   // for compiled code; "" is the user's cache directory, "-" none
	Warm     int      // processes kept started, each with an engine ready (about 45 MB)

	StartLimit time.Duration // for a process to say hello; default 60 s
	Overrun    time.Duration // beyond the engine's time limit; default 2 s
	TermAfter  time.Duration // from cancel to SIGTERM; default 2 s
	KillAfter  time.Duration // from cancel to SIGKILL; default 5 s

	Log *slog.Logger // nil is slog.Default()
}

// Pool runs solves in child processes. It implements solve.Solver, is safe for
// concurrent use and sets no limit on how many run at once: that is the caller's
// to decide. Close it.
type Pool struct {
	o      Options
	broken error // why no process can be started at all

	launches chan launch // to the launcher
	ctx      context.Context
	cancel   context.CancelFunc
	work     sync.WaitGroup // launcher, warmers and solves

	mu     sync.Mutex
	closed bool
	idle   []*process
	coming int // warm processes on their way
}

type launch struct {
	answer chan launched
}

type launched struct {
	p   *process
	err error
}

// New makes a pool and begins to start its warm processes.
func New(o Options) *Pool {
	fill(&o.StartLimit, 60*time.Second)
	fill(&o.Overrun, 2*time.Second)
	fill(&o.TermAfter, 2*time.Second)
	fill(&o.KillAfter, 5*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &Pool{launches: make(chan launch)}
	if o.Program == "" {
		o.Program, p.broken = os.Executable()
	}
	if o.Args == nil {
		o.Args = []string{"worker"}
	}
	if o.CacheDir == "" {
		o.CacheDir = "-"
		if base, err := os.UserCacheDir(); err == nil {
			o.CacheDir = filepath.Join(base, "dyocense", "engine")
		}
	}
	p.o = o
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.work.Go(p.launcher)
	p.refill()
	return p
}

func fill(d *time.Duration, otherwise time.Duration) {
	if *d <= 0 {
		*d = otherwise
	}
}

// launcher starts all processes from one thread that lives as long as the pool:
// the kernel kills a child when the thread that started it ends, not the process.
func (p *Pool) launcher() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	args := append(append([]string{}, p.o.Args...), "--cache-dir", p.o.CacheDir)
	for {
		select {
		case l := <-p.launches:
			child, err := start(p.o.Program, args, p.o.Env, p.o.Log)
			l.answer <- launched{child, err}
		case <-p.ctx.Done():
			return
		}
	}
}

func (p *Pool) launch() (*process, error) {
	l := launch{answer: make(chan launched, 1)}
	select {
	case p.launches <- l:
		a := <-l.answer
		return a.p, a.err
	case <-p.ctx.Done():
		return nil, context.Canceled
	}
}

// refill begins to start what the pool should hold ready.
func (p *Pool) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && p.broken == nil && len(p.idle)+p.coming < p.o.Warm {
		p.coming++
		p.work.Go(p.warm)
	}
}

// warm starts one process and keeps it. One that does not come up is not tried
// again until the next solve asks, so a missing engine costs no loop.
func (p *Pool) warm() {
	child, err := p.launch()
	p.mu.Lock()
	p.coming--
	keep := err == nil && !p.closed
	if keep {
		p.idle = append(p.idle, child)
	}
	p.mu.Unlock()
	switch {
	case err != nil && p.ctx.Err() == nil:
		p.o.Log.Warn("a solver process could not be kept ready", "error", err)
	case err == nil && !keep:
		child.kill()
		child.finish(p.o.KillAfter)
	}
}

// acquire is a warm process, or a new one.
func (p *Pool) acquire() (*process, error) {
	p.mu.Lock()
	var child *process
	for len(p.idle) > 0 && child == nil {
		child = p.idle[0]
		p.idle = p.idle[1:]
		if child.ended() {
			child = nil // it died while it waited; nobody lost anything
		}
	}
	p.mu.Unlock()
	if child != nil {
		return child, nil
	}
	return p.launch()
}

// enter registers a solve; false after Close.
func (p *Pool) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.work.Add(1)
	return true
}

// Close ends all processes; running solves are cancelled and keep their
// incumbents if they hand them over in time. It returns when everything ended.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	p.cancel()
	for _, child := range idle {
		child.kill()
		child.finish(p.o.KillAfter)
	}
	p.work.Wait()
}
