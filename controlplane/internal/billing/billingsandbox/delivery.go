package billingsandbox

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/state"
)

// Sink receives webhooks: the bytes that were signed and the Stripe-Signature
// header. An error means that it did not take them.
type Sink func(ctx context.Context, payload []byte, signature string) error

// deliveryState is how far a delivery is.
type deliveryState string

const (
	waiting   deliveryState = "waiting"
	delivered deliveryState = "delivered"
	failed    deliveryState = "failed"
)

type deliveryEvent string

const (
	taken   deliveryEvent = "taken"
	refused deliveryEvent = "refused"
	givenUp deliveryEvent = "given up"
)

var deliveries = state.New(waiting, state.Table[deliveryState, deliveryEvent]{
	waiting:   {taken: delivered, refused: waiting, givenUp: failed},
	delivered: {},
	failed:    {},
})

// delivery is the way of one event to the receiver; it is named after the event.
type delivery struct {
	State    deliveryState `json:"state"`
	Attempts int           `json:"attempts"`
	Next     int64         `json:"next"` // Unix milliseconds
	Reason   string        `json:"reason,omitempty"`
}

const (
	attemptsMax = 16
	retryFirst  = time.Second
	retryMax    = time.Hour
	deliverPoll = 500 * time.Millisecond
)

// settle notes how an attempt came out.
func (d *delivery) settle(failure error, now time.Time) error {
	d.Attempts++
	e := taken
	d.Reason, d.Next = "", now.UnixMilli()
	if failure != nil {
		e, d.Reason = refused, failure.Error()
		pause := retryMax
		if shift := d.Attempts - 1; shift < 12 {
			pause = min(retryMax, retryFirst<<shift)
		}
		d.Next = now.Add(pause).UnixMilli()
		if d.Attempts >= attemptsMax {
			e = givenUp
		}
	}
	next, err := deliveries.Next(d.State, e)
	d.State = next
	return err
}

// Delivery is the part of the sandbox that sends webhooks to sink. Its Run ends
// with ctx; what is undelivered then is delivered after the next start.
func (b *Sandbox) Delivery(sink Sink) *Delivery { return &Delivery{sandbox: b, sink: sink} }

// Delivery sends webhooks.
type Delivery struct {
	sandbox *Sandbox
	sink    Sink
}

// Run delivers until ctx ends.
func (d *Delivery) Run(ctx context.Context) error {
	b := d.sandbox
	news := b.deliveries.Watch(ctx)
	tick := time.NewTicker(deliverPoll)
	defer tick.Stop()
	for {
		if err := d.Deliver(ctx); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "sandbox webhooks wait", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-news:
			if !open {
				news = nil
			}
		case <-tick.C:
		}
	}
}

// Deliver sends every webhook that is due, once.
func (d *Delivery) Deliver(ctx context.Context) error {
	b := d.sandbox
	rows, err := b.deliveries.All(ctx, docstore.Query{Index: byDue, Equal: []any{string(waiting)}, To: b.now().UnixMilli() + 1})
	if err != nil {
		return fmt.Errorf("find webhooks: %w", err)
	}
	for _, row := range rows {
		failure := d.send(ctx, row.ID)
		if ctx.Err() != nil {
			return ctx.Err() // we stop; it is sent again after the next start
		}
		if err := row.Value.settle(failure, b.now()); err != nil {
			return err
		}
		if failure != nil {
			b.log.WarnContext(ctx, "sandbox webhook not taken", "event", row.ID, "attempt", row.Value.Attempts, "err", failure)
		}
		if _, err := b.deliveries.Replace(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) {
			return fmt.Errorf("settle webhook %s: %w", row.ID, err)
		}
	}
	return nil
}

func (d *Delivery) send(ctx context.Context, id string) error {
	row, err := d.sandbox.objects.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	payload := []byte(row.Value.Object)
	now := d.sandbox.now()
	signature := "t=" + strconv.FormatInt(now.Unix(), 10) +
		",v1=" + hex.EncodeToString(webhook.ComputeSignature(now, payload, d.sandbox.secret))
	return d.sink(ctx, payload, signature)
}
