package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
)

// Consumer is what one slice wants to hear of. The stream remembers under Name
// how far it has come; processes with the same Name share the work.
type Consumer struct {
	Name     string        // letters, digits, - and _
	Subjects []string      // e.g. "evt.billing.>"; empty means every event
	Within   time.Duration // what one call of the handler gets; 0 means 30 s
	Replicas int           // of the streams, which Consume makes again when missing; 0 means 1
}

// backoff is the pause before the n-th next try of an event, at most a minute. It
// is never given up: what cannot succeed is a fault that is not retryable.
func backoff(deliveries uint64) time.Duration {
	return min(time.Minute, 100*time.Millisecond<<min(deliveries, 10))
}

// Consume calls handle for each event, one at a time, until ctx ends; then it
// returns nil. The verdict follows from the error's kind: nil acknowledges and
// waits until that is kept; a retryable kind has the event delivered again after
// a pause; every other kind ends the event with the reason, and it is logged
// here.
//
// Consume survives everything on the other side: a lost connection, a deleted
// consumer or stream (which it makes again).
func Consume(ctx context.Context, js jetstream.JetStream, c Consumer, log *slog.Logger, handle func(context.Context, contract.Event) error) error {
	if c.Within <= 0 {
		c.Within = 30 * time.Second
	}
	c.Replicas = max(c.Replicas, 1)
	log = log.With("consumer", c.Name)
	for failures := uint64(0); ; {
		began := time.Now()
		err := consume(ctx, js, c, log, handle)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to end: what broke off is no failure
		}
		if time.Since(began) > time.Minute {
			failures = 0
		}
		pause := min(backoff(failures), 5*time.Second)
		failures++
		log.WarnContext(ctx, "consumer starts again", "err", err, "pause", pause)
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

func consume(ctx context.Context, js jetstream.JetStream, c Consumer, log *slog.Logger, handle func(context.Context, contract.Event) error) error {
	setup, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := EnsureStreams(setup, js, c.Replicas); err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(setup, contract.Events().Name, jetstream.ConsumerConfig{
		Durable:        c.Name,
		FilterSubjects: c.Subjects,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        c.Within + 10*time.Second, // the handler's time, and time to say how it went
		MaxDeliver:     -1,
		MaxAckPending:  1000,
	})
	if err != nil {
		return fmt.Errorf("ensure consumer: %w", err)
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxMessages(64),
		jetstream.PullExpiry(10*time.Second),
		jetstream.PullHeartbeat(time.Second), // how soon a stream that is gone is noticed, twice
	)
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	defer messages.Stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return fmt.Errorf("wait for events: %w", err)
		}
		if err := settle(ctx, m, c, log, handle); err != nil {
			return err
		}
	}
}

// settle handles one message and tells the stream how it went. It fails only
// when the stream cannot be told; the event then comes again.
func settle(ctx context.Context, m jetstream.Msg, c Consumer, log *slog.Logger, handle func(context.Context, contract.Event) error) error {
	deliveries := uint64(1)
	if meta, err := m.Metadata(); err == nil {
		deliveries = meta.NumDelivered
	}
	e, err := contract.Decode[contract.Event](m.Data())
	if err == nil {
		err = call(ctx, c.Within, e, handle)
	}
	tell, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	switch kind := fault.KindOf(err); {
	case err == nil:
		if err := m.DoubleAck(tell); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	case ctx.Err() != nil: // stopping, not failing: the next process tries at once
		return m.Nak()
	case kind.Retryable() || errors.Is(err, contract.ErrNewer): // the upgrade will come
		pause := backoff(deliveries)
		log.WarnContext(ctx, "event will be tried again", "subject", m.Subject(), "event", e.ID, "tries", deliveries, "pause", pause, "err", err)
		if err := m.NakWithDelay(pause); err != nil {
			return fmt.Errorf("put off: %w", err)
		}
	default:
		log.ErrorContext(ctx, "event given up", "subject", m.Subject(), "event", e.ID, "err", err)
		if err := m.TermWithReason(fault.ProblemOf(err).Code); err != nil {
			return fmt.Errorf("give up: %w", err)
		}
	}
	return nil
}

func call(ctx context.Context, within time.Duration, e contract.Event, handle func(context.Context, contract.Event) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return handle(ctx, e)
}
