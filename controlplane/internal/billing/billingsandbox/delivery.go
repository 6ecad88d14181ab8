package billingsandbox

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// delivery is the way of one event to one receiver. That of the product is named
// after the event alone.
type delivery struct {
	State    deliveryState `json:"state"`
	Event    string        `json:"event,omitempty"`
	Endpoint string        `json:"endpoint,omitempty"` // "" is the product
	Attempts int           `json:"attempts"`
	Next     int64         `json:"next"` // Unix milliseconds of the real time
	Reason   string        `json:"reason,omitempty"`
}

const (
	attemptsMax = 16
	retryFirst  = time.Second
	retryMax    = time.Hour
	deliverPoll = 500 * time.Millisecond
	hookTimeout = 10 * time.Second
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
		if d.Attempts >= attemptsMax || errors.Is(failure, errDropped) {
			e = givenUp
		}
	}
	next, err := deliveries.Next(d.State, e)
	d.State = next
	return err
}

// deliver adds the deliveries of a new event to what is written.
func (t *tx) deliver(ops []docstore.Op, e *event) ([]docstore.Op, error) {
	hooks, err := every[hook](t, ofKind(kindEndpoint))
	if err != nil {
		return nil, err
	}
	var to []string
	if !aboutCatalogue(e.Type) {
		to = append(to, "")
	}
	for _, h := range hooks {
		if h.wants(e.Type) {
			to = append(to, h.ID)
		}
	}
	chaos := t.b.chosen().Chaos
	for _, endpoint := range to {
		id := e.ID
		if endpoint != "" {
			id += "/" + endpoint
		}
		d := delivery{State: waiting, Event: e.ID, Endpoint: endpoint, Next: t.b.real().Add(chaos.Delay).UnixMilli()}
		if ops, err = put(ops, deliveriesCollection, id, 1, d); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// aboutCatalogue says whether an event is one that the product did not subscribe to:
// it makes products and prices itself, and test clocks are no business of it.
func aboutCatalogue(sort string) bool {
	return strings.HasPrefix(sort, "product.") || strings.HasPrefix(sort, "price.") || strings.HasPrefix(sort, "test_helpers.")
}

// Delivery is the part of the sandbox that sends webhooks to sink, and to the
// endpoints that were made over the API. Its Run ends with ctx; what is undelivered
// then is delivered after the next start.
func (b *Sandbox) Delivery(sink Sink) *Delivery {
	d := &Delivery{sandbox: b, sink: sink}
	b.mu.Lock()
	b.courier = d
	b.mu.Unlock()
	return d
}

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

// Deliver sends every webhook that is due, once; with chaos, as that will have it.
func (d *Delivery) Deliver(ctx context.Context) error {
	b := d.sandbox
	rows, err := b.deliveries.All(ctx, docstore.Query{Index: byDue, Equal: []any{string(waiting)}, To: b.real().UnixMilli() + 1})
	if err != nil {
		return fmt.Errorf("find webhooks: %w", err)
	}
	chaos := b.chosen().Chaos
	if chaos.Burst > len(rows) {
		return nil // held back until there are enough for a burst
	}
	if chaos.Reorder {
		rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] }) //nolint:gosec // disorder needs no secret
	}
	for _, row := range rows {
		if err := d.once(ctx, row, chaos); err != nil {
			return err
		}
	}
	return nil
}

func (d *Delivery) once(ctx context.Context, row docstore.Row[delivery], chaos Chaos) error {
	b := d.sandbox
	failure := d.send(ctx, row, chaos)
	if ctx.Err() != nil {
		return ctx.Err() // we stop; it is sent again after the next start
	}
	if err := row.Value.settle(failure, b.real()); err != nil {
		return err
	}
	if failure != nil {
		b.log.WarnContext(ctx, "sandbox webhook not taken", "event", row.ID, "attempt", row.Value.Attempts, "err", failure)
	}
	if _, err := b.deliveries.Replace(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) {
		return fmt.Errorf("settle webhook %s: %w", row.ID, err)
	}
	return nil
}

// outrun delivers what is due before the call that caused it is answered, when
// chaos wants that.
func (b *Sandbox) outrun(ctx context.Context) {
	b.mu.Lock()
	courier, early := b.courier, b.settings.Chaos.BeforeAnswer
	b.mu.Unlock()
	if !early || courier == nil {
		return
	}
	if err := courier.Deliver(ctx); err != nil {
		b.log.WarnContext(ctx, "sandbox webhooks wait", "err", err)
	}
}

// Why chaos did not deliver.
var (
	errDropped = errors.New("chaos dropped it")
	errFailing = errors.New("chaos answered 500 in place of the receiver")
)

func (d *Delivery) send(ctx context.Context, row docstore.Row[delivery], chaos Chaos) error {
	b := d.sandbox
	stored, err := b.objects.Get(ctx, strings.Split(row.ID, "/")[0])
	if err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	switch {
	case lot(row.ID, "drop", chaos.Drop):
		return errDropped
	case row.Value.Attempts < chaos.FailFirst:
		return errFailing
	}
	payload := []byte(stored.Value.Object)
	if chaos.Version != "" {
		if payload, err = aged(payload, chaos.Version); err != nil {
			return err
		}
	}
	times := 1
	if lot(row.ID, "duplicate", chaos.Duplicate) {
		times = 2
	}
	for range times {
		if err := d.hand(ctx, row.Value.Endpoint, payload); err != nil {
			return err
		}
	}
	return nil
}

// hand gives a payload to its receiver.
func (d *Delivery) hand(ctx context.Context, endpoint string, payload []byte) error {
	b := d.sandbox
	if endpoint == "" {
		b.mu.Lock()
		secrets := slices.Clone(b.secrets)
		b.mu.Unlock()
		if d.sink == nil {
			return nil
		}
		return d.sink(ctx, payload, sign(b.Now(), payload, secrets...))
	}
	row, err := b.objects.Get(ctx, endpoint)
	if errors.Is(err, docstore.ErrNotFound) {
		return errDropped // nobody is there any more
	}
	if err != nil {
		return fmt.Errorf("read webhook endpoint: %w", err)
	}
	var to hook
	if err := json.Unmarshal(row.Value.Object, &to); err != nil {
		return fmt.Errorf("decode webhook endpoint: %w", err)
	}
	if b.http == nil {
		return errors.New("the sandbox was given no client to send with")
	}
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("prepare webhook: %w", err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Stripe-Signature", sign(b.Now(), payload, row.Value.Secret))
	answer, err := b.http.Do(r)
	if err != nil {
		return fmt.Errorf("send webhook: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // its answer is its status
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the receiver answered %d", answer.StatusCode)
	}
	return nil
}

// sign is the Stripe-Signature of a payload, with one signature for each secret.
func sign(now time.Time, payload []byte, secrets ...string) string {
	signature := "t=" + strconv.FormatInt(now.Unix(), 10)
	for _, secret := range secrets {
		signature += ",v1=" + hex.EncodeToString(webhook.ComputeSignature(now, payload, secret))
	}
	return signature
}

// aged is a payload as another version of the API would name it.
func aged(payload []byte, version string) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	raw, err := json.Marshal(version)
	if err != nil {
		return nil, fmt.Errorf("encode version: %w", err)
	}
	fields["api_version"] = raw
	return json.Marshal(fields)
}
