package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
)

// ErrNotKept is the fault of an event that the stream has not confirmed. It may
// have it nevertheless; publishing again with the same id is right.
var ErrNotKept = fault.New(fault.Unavailable, "bus.not_kept", "The event could not be handed over; it will be sent again.")

// EnsureStreams makes every stream of core exist as declared, kept by that many
// servers (1 in the process, 3 in a cluster). It is idempotent, and brings back
// a stream that was deleted.
func EnsureStreams(ctx context.Context, js jetstream.JetStream, replicas int) error {
	for _, s := range contract.Streams() {
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name:       s.Name,
			Subjects:   s.Subjects,
			Storage:    jetstream.FileStorage,
			Retention:  jetstream.LimitsPolicy,
			Discard:    jetstream.DiscardOld,
			MaxAge:     s.MaxAge,
			MaxBytes:   s.MaxBytes,
			MaxMsgSize: s.MaxMessage,
			Duplicates: s.Duplicates,
			Replicas:   replicas,
		})
		if err != nil {
			return fmt.Errorf("ensure stream %s: %w", s.Name, err)
		}
	}
	return nil
}

// Publisher publishes events. It may be used from many goroutines.
type Publisher struct {
	js       jetstream.JetStream
	replicas int
}

// NewPublisher publishes through js into streams kept by that many servers.
func NewPublisher(js jetstream.JetStream, replicas int) *Publisher {
	return &Publisher{js: js, replicas: replicas}
}

// publishWithin bounds one attempt.
const publishWithin = 5 * time.Second

// Publish returns nil when the stream has e on disk, under e.ID, however often
// it is published. When the stream is missing it is made again first. It fails
// with ErrNotKept, and with fault.Invalid for an event that can never be sent.
func (p *Publisher) Publish(ctx context.Context, e contract.Event) error {
	if e.ID == "" || e.Type == "" || e.Tenant == "" {
		return contract.ErrMalformed.Saying("An event needs an id, a type and a tenant.")
	}
	b, err := contract.Encode(e)
	if err != nil {
		return err
	}
	err = p.publish(ctx, e, b)
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, jetstream.ErrStreamNotFound) {
		if err = EnsureStreams(ctx, p.js, p.replicas); err == nil {
			err = p.publish(ctx, e, b)
		}
	}
	if err != nil {
		return ErrNotKept.Because(err)
	}
	return nil
}

func (p *Publisher) publish(ctx context.Context, e contract.Event, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	_, err := p.js.Publish(ctx, e.Subject(), b,
		jetstream.WithMsgID(string(e.ID)),
		jetstream.WithExpectStream(contract.Events().Name),
		jetstream.WithRetryAttempts(0))
	return err
}
