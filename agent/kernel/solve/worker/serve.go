package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/kernel/solve"
)

// heartbeat is how often a working child says that it is.
const heartbeat = 500 * time.Millisecond

// Engine is what a child process solves with: loaded, and ready for one model.
type Engine struct {
	Name    string
	Version string
	Solver  solve.Solver
}

// Serve is the child's side: it opens the engine, says hello, solves the one
// model it is sent, answers, and returns when the parent has closed its end. An
// engine that does not open is told in the hello and is not an error; what open
// logs reaches the parent's log. The end of
// ctx asks a running solve for its incumbent and ends an idle child.
//
// in and out must be used by nobody else; what the program prints by accident
// must go elsewhere (see ClaimStdout).
func Serve(ctx context.Context, in io.Reader, out io.Writer, open func(context.Context, *slog.Logger) (Engine, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := sender{w: bufio.NewWriterSize(out, 64<<10)}

	log := slog.New(slog.NewTextHandler(&lines{&s}, nil))
	engine, err := open(ctx, log)
	greeting := hello{Protocol: protocol, Engine: engine.Name, Version: engine.Version}
	if err != nil {
		greeting.Error = err.Error()
	}
	if err := s.send(kindHello, greeting); err != nil || greeting.Error != "" {
		return err
	}

	// The parent's frames come in beside the solve. The goroutine ends with the
	// input; when an idle child is told to end, it ends with the process.
	frames := make(chan frame)
	ended := make(chan error, 1)
	go func() {
		defer close(frames)
		for {
			f, err := readFrame(in)
			if err != nil {
				ended <- err
				return
			}
			select {
			case frames <- f:
			case <-ctx.Done():
			}
		}
	}()

	var job frame
	select {
	case f, ok := <-frames:
		if !ok {
			if err := <-ended; !errors.Is(err, io.EOF) {
				return fmt.Errorf("reading from the parent: %w", err)
			}
			return nil
		}
		job = f
	case <-ctx.Done():
		return nil
	}
	if job.kind != kindSolve {
		return fmt.Errorf("the parent begins with frame %d: %w", job.kind, errFrame)
	}

	result := make(chan error, 1)
	go func() { result <- s.solve(ctx, engine, job.body) }()
	for {
		select {
		case f, ok := <-frames:
			if !ok { // the parent is gone, or has all it wants
				cancel()
				return <-result
			}
			if f.kind == kindCancel {
				cancel()
			}
		case err := <-result:
			if err != nil {
				return err
			}
			result <- nil
			for range frames { // until the parent closes its end
			}
			return nil
		}
	}
}

// sender writes frames from several goroutines, each flushed at once.
type sender struct {
	mu sync.Mutex
	w  *bufio.Writer
}

func (s *sender) send(k kind, value any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := writeJSON(s.w, k, value); err != nil {
		return err
	}
	return s.w.Flush()
}

// lines sends what is logged as log frames, one a line.
type lines struct{ s *sender }

func (l *lines) Write(b []byte) (int, error) {
	return len(b), l.s.send(kindLog, logLine{Line: strings.TrimSpace(string(b))})
}

// solve runs the model and sends progress and the result.
func (s *sender) solve(ctx context.Context, engine Engine, body []byte) error {
	m, o, err := decodeSolve(body)
	if err != nil {
		return err
	}
	var (
		mu      sync.Mutex
		latest  solve.Progress
		started = time.Now()
		stop    = make(chan struct{})
		beats   sync.WaitGroup
	)
	limitMemory(o.Filled().MemoryMiB)
	observe := func(p solve.Progress) {
		mu.Lock()
		latest = p
		mu.Unlock()
		_ = s.send(kindProgress, encodeProgress(p)) // the result will tell if the parent is gone
	}
	beats.Go(func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				mu.Lock()
				p := latest
				mu.Unlock()
				p.Elapsed = time.Since(started)
				_ = s.send(kindProgress, encodeProgress(p))
			}
		}
	})
	out, err := engine.Solver.Solve(ctx, m, o, observe)
	close(stop)
	beats.Wait()
	if err != nil {
		return fmt.Errorf("running the engine: %w", err)
	}
	answer, err := encodeResult(out)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := writeFrame(s.w, kindResult, answer); err != nil {
		return err
	}
	return s.w.Flush()
}
