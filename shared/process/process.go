// Package process runs the parts of a program together and stops them together.
//
// It owns start order, the first failure, and reverse stop order. It does not
// own signals (the caller's context) or what a part does.
package process

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Part is something that lives as long as the program.
type Part struct {
	Name string
	// Run works until its context ends and then returns nil; it returns early
	// only with the error that kept it from going on.
	Run func(ctx context.Context) error
}

// Run starts all parts at once and waits until every one has returned.
//
// When ctx ends, or one part returns early, the parts are stopped one after
// another in reverse order: a part may rely, while it stops, on those named
// before it. The result names the part that broke first; nil when ctx ended and
// all stopped cleanly.
func Run(ctx context.Context, parts ...Part) error {
	type running struct {
		stop context.CancelFunc
		done chan struct{}
	}
	var (
		once  sync.Once
		first error
		broke = make(chan struct{})
	)
	fail := func(err error) {
		once.Do(func() { first = err; close(broke) })
	}
	all := make([]running, len(parts))
	for i, p := range parts {
		// WithoutCancel: parts stop when their turn comes, not all when ctx ends.
		part, stop := context.WithCancel(context.WithoutCancel(ctx))
		r := running{stop: stop, done: make(chan struct{})}
		all[i] = r
		go func() {
			defer close(r.done)
			err := p.Run(part)
			stopping := part.Err() != nil
			switch {
			case err == nil && !stopping:
				fail(fmt.Errorf("%s stopped by itself", p.Name))
			case err != nil && !(stopping && errors.Is(err, context.Canceled)):
				fail(fmt.Errorf("%s: %w", p.Name, err))
			}
		}()
	}
	select {
	case <-ctx.Done():
	case <-broke:
	}
	for i := len(all) - 1; i >= 0; i-- {
		all[i].stop()
		<-all[i].done
	}
	once.Do(func() {}) // orders the last write of first before this read
	return first
}
