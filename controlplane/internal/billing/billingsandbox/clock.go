package billingsandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
)

// settings are what people chose on the sandbox's own pages.
type settings struct {
	Ahead time.Duration `json:"ahead"` // how far the sandbox's clock is ahead of the real one
	After AfterRetries  `json:"after,omitempty"`
	Chaos Chaos         `json:"chaos"`
}

const settingsID = "settings"

func (b *Sandbox) loadSettings() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownPatience)
	defer cancel()
	d, err := b.store.Get(ctx, settingsCollection, settingsID)
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(d.Body, &b.settings)
}

func (b *Sandbox) chosen() settings {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings
}

// choose changes the settings, and keeps them.
func (b *Sandbox) choose(ctx context.Context, change func(*settings)) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	s := b.chosen()
	change(&s)
	row, err := b.store.Get(ctx, settingsCollection, settingsID)
	if err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return fmt.Errorf("read settings: %w", err)
	}
	ops, err := put(nil, settingsCollection, settingsID, row.Rev+1, s)
	if err != nil {
		return err
	}
	if err := b.store.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("keep settings: %w", err)
	}
	b.mu.Lock()
	b.settings = s
	b.mu.Unlock()
	return nil
}

// Now is the time by the sandbox's own clock: the real time, and as much ahead of it
// as the clock was moved. Whatever shall follow the sandbox asks it.
func (b *Sandbox) Now() time.Time { return b.real().Add(b.chosen().Ahead) }

// advanceMax is how far the clock may be moved at once.
const advanceMax = 2 * 366 * 24 * time.Hour

// ErrAdvance refuses a move of the clock.
var ErrAdvance = errors.New("the sandbox's clock moves forward only, and at most two years at once")

// Advance moves the sandbox's clock, and does what time does until then. It never
// goes back.
func (b *Sandbox) Advance(ctx context.Context, d time.Duration) error {
	if d <= 0 || d > advanceMax {
		return ErrAdvance
	}
	if err := b.choose(ctx, func(s *settings) { s.Ahead += d }); err != nil {
		return err
	}
	return b.Tick(ctx)
}

const tickEvery = time.Second

// Run lets time do its work until ctx ends: trials end, subscriptions renew,
// payments are tried again.
func (b *Sandbox) Run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		if err := b.Tick(ctx); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "sandbox time stands still", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Tick does what is due by now, the earliest first, and brings test clocks that a
// crash stopped to where they were going.
func (b *Sandbox) Tick(ctx context.Context) error {
	for {
		if done, err := b.step(ctx, sandboxClock, b.Now().Unix()); err != nil {
			return err
		} else if done {
			break
		}
	}
	rows, err := b.objects.All(ctx, ofKind(kindTestClock))
	if err != nil {
		return fmt.Errorf("find test clocks: %w", err)
	}
	for _, row := range rows {
		if row.Value.Advancing != 0 {
			if err := b.wind(ctx, row.ID, row.Value.Advancing); err != nil {
				return err
			}
		}
	}
	return nil
}

// step does the one thing that is due first by a clock, as of the second it was due.
func (b *Sandbox) step(ctx context.Context, clock string, until int64) (done bool, err error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	ctx, cancel := steady(ctx)
	defer cancel()
	if err := b.recover(ctx); err != nil {
		return false, err
	}
	rows, _, err := b.objects.Find(ctx, docstore.Query{Index: byTimer, Equal: []any{clock}, To: until + 1, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("find what is due: %w", err)
	}
	if len(rows) == 0 {
		return true, nil
	}
	row := rows[0]
	t := b.begin(ctx, call{})
	t.request = nil
	if clock != sandboxClock {
		of, err := get[testClock](t, clock)
		if err != nil {
			return false, err
		}
		of.FrozenTime = max(of.FrozenTime, row.Value.Due)
		t.save(of)
	}
	t.now = row.Value.Due
	after, err := t.due(row)
	if err != nil {
		return false, fmt.Errorf("%s of %s: %w", row.Value.Kind, row.ID, err)
	}
	if after == row.Value.Due {
		return false, fmt.Errorf("time does nothing to %s %s", row.Value.Kind, row.ID)
	}
	return false, t.commit()
}

// due does what time does to one object, and says when it is due next.
func (t *tx) due(row docstore.Row[record]) (next int64, err error) {
	var o object
	switch row.Value.Kind {
	case kindSubscription:
		s, err := hold[subscription](t, row)
		if err != nil {
			return 0, err
		}
		o, err = s, t.turn(s)
		if err != nil {
			return 0, err
		}
	case kindInvoice:
		i, err := hold[invoice](t, row)
		if err != nil {
			return 0, err
		}
		o, err = i, t.dueInvoice(i)
		if err != nil {
			return 0, err
		}
	case kindCheckout:
		v, err := hold[checkoutSession](t, row)
		if err != nil {
			return 0, err
		}
		o = v
		t.expire(v)
	case kindSchedule:
		v, err := hold[schedule](t, row)
		if err != nil {
			return 0, err
		}
		o, err = v, t.nextPhase(v)
		if err != nil {
			return 0, err
		}
	case kindTaxID:
		v, err := hold[taxID](t, row)
		if err != nil {
			return 0, err
		}
		o = v
		t.verify(v)
	default:
		return 0, fmt.Errorf("a %s is never due", row.Value.Kind)
	}
	return o.found().due, nil
}

// testClock is a time of its own for some customers.
type testClock struct {
	hidden
	ID           string `json:"id"`
	Object       kind   `json:"object"`
	Created      int64  `json:"created"`
	DeletesAfter int64  `json:"deletes_after"`
	FrozenTime   int64  `json:"frozen_time"`
	Livemode     bool   `json:"livemode"`
	Name         ref    `json:"name"`
	Status       string `json:"status"` // ready, advancing
}

func (v *testClock) found() found { return found{id: v.ID, kind: kindTestClock} }

const testClockLife = 30 * 24 * 3600

func clockEndpoints() []endpoint {
	return []endpoint{
		{"POST /v1/test_helpers/test_clocks", []string{"frozen_time", "name"}, createTestClock},
		{"GET /v1/test_helpers/test_clocks", paged(), listed[testClock](nil, nil)},
		{"GET /v1/test_helpers/test_clocks/{id}", nil, read[testClock]},
		{"POST /v1/test_helpers/test_clocks/{id}/advance", []string{"frozen_time"}, advanceTestClock},
		{"DELETE /v1/test_helpers/test_clocks/{id}", nil, deleteTestClock},
	}
}

func createTestClock(t *tx, c call) (any, error) {
	if _, err := c.form.need("frozen_time"); err != nil {
		return nil, err
	}
	frozen, err := c.form.number("frozen_time", 0)
	if err != nil {
		return nil, err
	}
	v := &testClock{
		ID: name(kindTestClock, ""), Object: kindTestClock, Created: t.now, DeletesAfter: t.now + testClockLife,
		FrozenTime: frozen, Name: ref(c.form.text("name")), Status: "ready",
	}
	t.save(v)
	t.announce("test_helpers.test_clock.created", v)
	return v, nil
}

func advanceTestClock(t *tx, c call) (any, error) {
	v, err := get[testClock](t, c.id)
	if err != nil {
		return nil, err
	}
	if _, err := c.form.need("frozen_time"); err != nil {
		return nil, err
	}
	to, err := c.form.number("frozen_time", 0)
	switch {
	case err != nil:
		return nil, err
	case v.Status != "ready":
		return nil, invalid("", "", "Test clock advancement is already underway on this clock.")
	case to <= v.FrozenTime:
		return nil, invalid("", "frozen_time", "You cannot advance a test clock to a time before or at its current frozen time.")
	case to > v.FrozenTime+int64(advanceMax/time.Second):
		return nil, invalid("", "frozen_time", "You cannot advance a test clock by more than two years at once.")
	}
	v.Status, v.Memo.Advancing = "advancing", to
	t.save(v)
	t.announce("test_helpers.test_clock.advancing", v)
	t.after = func(ctx context.Context) error { return t.b.wind(ctx, v.ID, to) }
	return v, nil
}

// wind does what is due by a test clock until a second, and sets it there.
func (b *Sandbox) wind(ctx context.Context, id string, to int64) error {
	for {
		if done, err := b.step(ctx, id, to); err != nil {
			return err
		} else if done {
			break
		}
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	ctx, cancel := steady(ctx)
	defer cancel()
	t := b.begin(ctx, call{})
	t.request = nil
	v, err := get[testClock](t, id)
	if err != nil || v.Memo.Advancing == 0 {
		return err
	}
	v.FrozenTime, v.Status, v.Memo.Advancing = to, "ready", 0
	t.now = to
	t.save(v)
	t.announce("test_helpers.test_clock.ready", v)
	return t.commit()
}

// deleteTestClock takes the customers of the clock and all they have along.
func deleteTestClock(t *tx, c call) (any, error) {
	v, err := get[testClock](t, c.id)
	if err != nil {
		return nil, err
	}
	all, err := every[customer](t, ofKind(kindCustomer))
	if err != nil {
		return nil, err
	}
	for _, of := range all {
		if string(of.TestClock) != v.ID {
			continue
		}
		if err := t.removeCustomer(of); err != nil {
			return nil, err
		}
		t.remove(of)
	}
	t.remove(v)
	t.announce("test_helpers.test_clock.deleted", v)
	return removed{v.ID, kindTestClock, true}, nil
}
