package runs

import (
	"sync"

	"github.com/dyocense/dyocense/shared/id"
)

// board shows the runs in work as they are this moment. Watchers are woken, not
// fed: each reads the latest state when it gets to it, so that a slow one costs
// nothing and misses only what is out of date. It is safe for many goroutines.
type board struct {
	mu    sync.Mutex
	cards map[job]*card
}

type card struct {
	run      Run
	shown    bool // run is newer than what is stored
	watchers map[chan struct{}]struct{}
}

func newBoard() *board { return &board{cards: map[job]*card{}} }

// show makes r the latest state of the run. Progress of a run that is being
// cancelled does not hide that.
func (b *board) show(j job, r Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.card(j)
	if c.shown && c.run.State == Canceling && r.State == Running {
		r.State = Canceling
	}
	c.run, c.shown = r, true
	c.wake()
}

// alter changes the state shown, if there is one; else it wakes the watchers, for
// the stored state has changed.
func (b *board) alter(j job, change func(*Run)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.cards[j]
	if !ok {
		return
	}
	if c.shown {
		change(&c.run)
	}
	c.wake()
}

// remove says that the stored state is the latest again.
func (b *board) remove(j job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.card(j)
	c.shown = false
	c.wake()
	b.sweep(j, c)
}

// wake tells all who watch runs of a tenant to look again.
func (b *board) wake(tenant id.Tenant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for j, c := range b.cards {
		if j.tenant == tenant {
			c.wake()
		}
	}
}

// latest is the state shown, if there is one.
func (b *board) latest(j job) (Run, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.cards[j]; ok && c.shown {
		return c.run, true
	}
	return Run{}, false
}

// watch returns a channel that receives after each change, at most one value
// waiting, and the function that ends it.
func (b *board) watch(j job) (<-chan struct{}, func()) {
	woken := make(chan struct{}, 1) // one: a second wake-up would say nothing new
	b.mu.Lock()
	defer b.mu.Unlock()
	b.card(j).watchers[woken] = struct{}{}
	return woken, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		c := b.card(j)
		delete(c.watchers, woken)
		b.sweep(j, c)
	}
}

func (b *board) card(j job) *card {
	c, ok := b.cards[j]
	if !ok {
		c = &card{watchers: map[chan struct{}]struct{}{}}
		b.cards[j] = c
	}
	return c
}

func (b *board) sweep(j job, c *card) {
	if !c.shown && len(c.watchers) == 0 {
		delete(b.cards, j)
	}
}

func (c *card) wake() {
	for w := range c.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}
