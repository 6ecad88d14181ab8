package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/bus/bustest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func event(kind string) contract.Event {
	return contract.Event{V: contract.Version, ID: id.NewEvent(), Type: kind, Tenant: id.NewTenant(), At: time.Now().UTC()}
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}

// consume runs a consumer until the test ends, and checks that it ends cleanly.
func consume(t *testing.T, js jetstream.JetStream, c bus.Consumer, handle func(context.Context, contract.Event) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- bus.Consume(ctx, js, c, silent(), handle) }()
	once := sync.OnceFunc(func() {
		cancel()
		if err := receive(t, ended, "the end of the consumer"); err != nil {
			t.Errorf("consume: %v", err)
		}
	})
	t.Cleanup(once)
	return once
}

func publish(t *testing.T, js jetstream.JetStream, events ...contract.Event) {
	t.Helper()
	p := bus.NewPublisher(js, 1)
	for _, e := range events {
		if err := p.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	t.Run("keeps one id once, and makes the stream when it is missing", func(t *testing.T) {
		t.Parallel()
		js := bustest.New(t).JetStream(t)
		e := event("billing.paid")
		publish(t, js, e, e, e)
		stream, err := js.Stream(t.Context(), contract.Events().Name)
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Msgs; n != 1 {
			t.Errorf("%d messages", n)
		}
	})
	t.Run("says that an event is not kept when core is away", func(t *testing.T) {
		t.Parallel()
		core := bustest.New(t)
		js := core.JetStream(t)
		publish(t, js, event("billing.paid"))
		core.Stop()
		err := bus.NewPublisher(js, 1).Publish(t.Context(), event("billing.paid"))
		if !errors.Is(err, bus.ErrNotKept) || !fault.KindOf(err).Retryable() {
			t.Errorf("got %v", err)
		}
		core.Start(t) // for the cleanup
	})
	t.Run("refuses an event without id", func(t *testing.T) {
		t.Parallel()
		e := event("billing.paid")
		e.ID = ""
		if err := bus.NewPublisher(bustest.New(t).JetStream(t), 1).Publish(t.Context(), e); fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestConsume(t *testing.T) {
	t.Parallel()

	t.Run("hands over each event, and goes on where it stopped", func(t *testing.T) {
		t.Parallel()
		js := bustest.New(t).JetStream(t)
		first, other, second := event("billing.paid"), event("tenancy.renamed"), event("billing.paid")
		publish(t, js, first, other)
		heard := make(chan id.Event, 10)
		handle := func(_ context.Context, e contract.Event) error { heard <- e.ID; return nil }
		c := bus.Consumer{Name: "reader", Subjects: []string{"evt.billing.>"}}
		stop := consume(t, js, c, handle)
		if got := receive(t, heard, "the first event"); got != first.ID {
			t.Errorf("heard %s", got)
		}
		stop()
		publish(t, js, second)
		consume(t, js, c, handle)
		if got := receive(t, heard, "the second event"); got != second.ID {
			t.Errorf("heard %s", got)
		}
	})

	t.Run("tries again what may succeed later", func(t *testing.T) {
		t.Parallel()
		js := bustest.New(t).JetStream(t)
		tries, done := 0, make(chan struct{})
		consume(t, js, bus.Consumer{Name: "reader"}, func(context.Context, contract.Event) error {
			if tries++; tries < 3 {
				return fault.New(fault.Unavailable, "test.away", "Away.")
			}
			close(done)
			return nil
		})
		publish(t, js, event("billing.paid"))
		receive(t, done, "the third try")
	})

	t.Run("gives up at once on what can never succeed", func(t *testing.T) {
		t.Parallel()
		core := bustest.New(t)
		js := core.JetStream(t)
		given := make(chan struct{}, 1)
		if _, err := core.Connect(t).Subscribe("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>", func(*nats.Msg) { given <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
		heard := make(chan id.Event, 10)
		consume(t, js, bus.Consumer{Name: "reader"}, func(_ context.Context, e contract.Event) error {
			heard <- e.ID
			if e.Type == "billing.odd" {
				return fault.New(fault.Invalid, "test.odd", "Odd.")
			}
			return nil
		})
		bad, good := event("billing.odd"), event("billing.paid")
		publish(t, js, bad, good)
		for _, want := range []id.Event{bad.ID, good.ID} {
			if got := receive(t, heard, "an event"); got != want {
				t.Errorf("heard %s, want %s", got, want)
			}
		}
		receive(t, given, "giving up")
	})

	t.Run("gives up on bytes that are no event", func(t *testing.T) {
		t.Parallel()
		js := bustest.New(t).JetStream(t)
		heard := make(chan id.Event, 10)
		consume(t, js, bus.Consumer{Name: "reader"}, func(_ context.Context, e contract.Event) error { heard <- e.ID; return nil })
		if err := bus.EnsureStreams(t.Context(), js, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "evt.billing.paid.x", []byte("nonsense")); err != nil {
			t.Fatal(err)
		}
		e := event("billing.paid")
		publish(t, js, e)
		if got := receive(t, heard, "the event behind it"); got != e.ID {
			t.Errorf("heard %s", got)
		}
	})
}

// outbox stands for the documents that events come from: nothing is lost here.
func TestStreamIsRebuilt(t *testing.T) {
	t.Parallel()
	t.Run("from the outbox, with every effect exactly once", func(t *testing.T) {
		t.Parallel()
		core := bustest.New(t)
		js := core.JetStream(t)
		outbox := make([]contract.Event, 40)
		for i := range outbox {
			outbox[i] = event("billing.paid_" + strconv.Itoa(i))
		}

		var mu sync.Mutex
		inbox, effects := map[id.Event]bool{}, map[id.Event]int{}
		done := make(chan struct{}, 2*len(outbox))
		consume(t, js, bus.Consumer{Name: "reader"}, func(_ context.Context, e contract.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if !inbox[e.ID] { // the inbox and the effect are one write of a real handler
				inbox[e.ID] = true
				effects[e.ID]++
				done <- struct{}{}
			}
			return nil
		})
		publish(t, js, outbox[:20]...)
		for range 20 {
			receive(t, done, "an effect before the loss")
		}

		core.Stop()
		core.Wipe(t)
		core.Start(t)
		js = core.JetStream(t) // the process restarts with its core ...
		stop := consume(t, js, bus.Consumer{Name: "reader"}, func(_ context.Context, e contract.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if !inbox[e.ID] {
				inbox[e.ID] = true
				effects[e.ID]++
				done <- struct{}{}
			}
			return nil
		})
		publish(t, js, outbox...) // ... and publishes what its outboxes hold
		for range 20 {
			receive(t, done, "an effect after the loss")
		}
		stop()
		mu.Lock()
		defer mu.Unlock()
		for _, e := range outbox {
			if effects[e.ID] != 1 {
				t.Errorf("%s took effect %d times", e.Type, effects[e.ID])
			}
		}
	})

	t.Run("while a consumer is at it, when somebody deletes it", func(t *testing.T) {
		t.Parallel()
		js := bustest.New(t).JetStream(t)
		heard := make(chan id.Event, 10)
		consume(t, js, bus.Consumer{Name: "reader"}, func(_ context.Context, e contract.Event) error { heard <- e.ID; return nil })
		first, second := event("billing.paid"), event("billing.paid")
		publish(t, js, first)
		receive(t, heard, "the first event")
		if err := js.DeleteStream(t.Context(), contract.Events().Name); err != nil {
			t.Fatal(err)
		}
		publish(t, js, second)
		if got := receive(t, heard, "the event in the new stream"); got != second.ID {
			t.Errorf("heard %s", got)
		}
	})
}

func TestAsk(t *testing.T) {
	t.Parallel()

	t.Run("gets the answer", func(t *testing.T) {
		t.Parallel()
		nc := bustest.New(t).Connect(t)
		a, err := bus.Answer(nc, "desired.*", "q", silent(), func(_ context.Context, subject string, q contract.DesiredRequest) (contract.Desired, error) {
			if subject != "desired.x" {
				t.Errorf("arrived on %s", subject)
			}
			return contract.Desired{V: contract.Version, Revision: q.Have + 1}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Stop()
		got, err := bus.Ask[contract.Desired](t.Context(), nc, "desired.x", contract.DesiredRequest{V: contract.Version, Have: 4})
		if err != nil || got.Revision != 5 {
			t.Errorf("got %+v, %v", got, err)
		}
	})

	t.Run("gets the other side's fault", func(t *testing.T) {
		t.Parallel()
		nc := bustest.New(t).Connect(t)
		want := fault.New(fault.Exhausted, "runs.used_up", "No decision is left this month.")
		a, err := bus.Answer(nc, "x", "", silent(), func(context.Context, string, contract.Ack) (contract.Ack, error) {
			return contract.Ack{}, want
		})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Stop()
		_, err = bus.Ask[contract.Ack](t.Context(), nc, "x", contract.Ack{V: contract.Version})
		if !errors.Is(err, want) || fault.KindOf(err) != fault.Exhausted {
			t.Errorf("got %v", err)
		}
	})

	t.Run("refuses a message of a newer version and tells so", func(t *testing.T) {
		t.Parallel()
		nc := bustest.New(t).Connect(t)
		a, err := bus.Answer(nc, "x", "", silent(), func(_ context.Context, _ string, q contract.Ack) (contract.Ack, error) { return q, nil })
		if err != nil {
			t.Fatal(err)
		}
		defer a.Stop()
		m, err := nc.Request("x", []byte(`{"v":2}`), 5*time.Second)
		if err != nil || m.Header.Get(contract.FaultHeader) != string(fault.Invalid) || !errors.Is(contract.DecodeFault(m.Data), contract.ErrNewer) {
			t.Errorf("got %v, %v", m, err)
		}
	})

	t.Run("fails at once when nobody listens", func(t *testing.T) {
		t.Parallel()
		nc := bustest.New(t).Connect(t)
		if _, err := bus.Ask[contract.Ack](t.Context(), nc, "nowhere", contract.Ack{V: contract.Version}); !errors.Is(err, bus.ErrNobody) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("gives up in time", func(t *testing.T) {
		t.Parallel()
		nc := bustest.New(t).Connect(t)
		a, err := bus.Answer(nc, "x", "", silent(), func(ctx context.Context, _ string, q contract.Ack) (contract.Ack, error) {
			<-ctx.Done()
			return q, ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := bus.Ask[contract.Ack](ctx, nc, "x", contract.Ack{V: contract.Version}); !errors.Is(err, bus.ErrNoAnswer) {
			t.Errorf("got %v", err)
		}
		a.Stop() // ends the handler that still waits
	})
}
