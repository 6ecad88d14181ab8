package billing

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// offerLife is how long an offer can be confirmed.
const offerLife = 15 * time.Minute

// When is when a change comes into force.
type When string

// The moments.
const (
	AtOnce      When = "now"
	AtPeriodEnd When = "period_end"
)

// Offer is a change within the pool with its price, and the token that confirms
// exactly this.
type Offer struct {
	Quote
	When   When      `json:"when" enum:"now,period_end"`
	Excess []Surplus `json:"excess" doc:"what no longer fits; not empty: make room first"`
	Token  string    `json:"token"`
}

// Surplus is something of which the tenant has more than a plan allows.
type Surplus struct {
	What    string `json:"what" doc:"seats, locations, decisions"`
	Have    int    `json:"have"`
	Allowed int    `json:"allowed"`
	WayOut  string `json:"wayOut"`
}

// Fit says what of a tenant does not fit into a plan. The slices that count seats,
// locations and decisions implement it.
type Fit interface {
	Excess(ctx context.Context, t id.Tenant, p Plan) ([]Surplus, error)
}

// Offer says what it costs tenant t to change within the pool: to another plan,
// another interval or both. Up takes effect at once, down at the end of the paid
// period, and within a trial everything at once and for nothing. It fails like
// Quote, and with ErrNeedsMove for Enterprise.
func (b *Books) Offer(ctx context.Context, t id.Tenant, to PlanID, interval Interval) (Offer, error) {
	if _, err := PlanOf(to); err != nil {
		return Offer{}, err
	}
	if !interval.valid() {
		return Offer{}, ErrInterval
	}
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return Offer{}, err
	}
	return b.offer(ctx, a, to, interval, b.now().UTC().Truncate(time.Second))
}

// offer reckons the change for one second.
func (b *Books) offer(ctx context.Context, a Account, to PlanID, interval Interval, at time.Time) (Offer, error) {
	s := a.Snapshot
	if err := s.changesTo(to, interval); err != nil {
		return Offer{}, err
	}
	q := Quote{From: s.Plan, To: to, Interval: s.Interval, ProratedAt: at}
	if interval != s.Interval {
		q.ToInterval = interval
	}
	o := Offer{When: s.moment(to, interval), Excess: []Surplus{}}
	plan, err := PlanOf(to)
	if err != nil {
		return Offer{}, err
	}
	expires := b.now().UTC().Add(offerLife)
	if o.When == AtOnce && s.Status != StatusTrialing {
		if o.Quote, err = b.preview(ctx, a, q, expires); err != nil {
			return Offer{}, err
		}
	} else {
		q.Currency, q.Expires, q.Lines = plan.Currency, expires, []QuoteLine{}
		q.AtRenewal, q.RenewsAt = plan.Price(interval), s.CurrentPeriodEnd
		o.Quote = q
	}
	if o.Excess, err = b.excess(ctx, a, plan); err != nil {
		return Offer{}, err
	}
	o.Token, err = b.seal(ctx, a, o)
	return o, err
}

// excess asks everybody who counts, when the plan is smaller than the present one.
func (b *Books) excess(ctx context.Context, a Account, to Plan) ([]Surplus, error) {
	all := []Surplus{}
	if to.ID.rank() >= a.Snapshot.Plan.rank() {
		return all, nil
	}
	for _, f := range b.fits {
		more, err := f.Excess(ctx, a.Tenant, to)
		if err != nil {
			return nil, fmt.Errorf("compare %s with plan %s: %w", a.Tenant, to.ID, err)
		}
		all = append(all, more...)
	}
	return all, nil
}

// rank orders the plans, the cheapest first.
func (p PlanID) rank() int {
	return slices.IndexFunc(Plans(), func(plan Plan) bool { return plan.ID == p })
}

// pooled says whether the plan runs in the pool.
func (p PlanID) pooled() bool {
	plan, err := PlanOf(p)
	return err == nil && plan.Mode == features.SMB
}

// moment is when a change comes into force: a customer never loses what is paid for,
// nor waits for what is not.
func (s Snapshot) moment(to PlanID, interval Interval) When {
	shorter := s.Interval == Year && interval == Month
	switch rank, present := to.rank(), s.Plan.rank(); {
	case s.Status == StatusTrialing, rank > present:
		return AtOnce
	case rank < present, shorter:
		return AtPeriodEnd
	}
	return AtOnce
}

// changesTo says whether the subscription can be changed within the pool.
func (s Snapshot) changesTo(to PlanID, interval Interval) error {
	switch {
	case s.Plan == "" || s.Status == StatusIncomplete || s.Status == StatusIncompleteExpired:
		return ErrNotSubscribed
	case !to.pooled() || !s.Plan.pooled():
		return ErrNeedsMove
	case s.has(to, interval):
		return ErrSamePlan.Saying("Your company has the %s plan by the %s already.", to.name(), interval)
	case s.Status == StatusTrialing && s.CancelAtPeriodEnd:
		return ErrNotSubscribed.Saying("Your trial ends on %s. Resume it first, under Plan and usage.", date(s.CurrentPeriodEnd))
	case s.Status == StatusTrialing:
		return nil
	}
	return s.changeable("", "")
}

// terms are the offer in the provider's hands.
func (o Offer) terms(a Account) Terms {
	return Terms{
		Customer: a.Customer, Subscription: a.Snapshot.Subscription, From: o.From, To: o.To, Interval: o.Interval, ToInterval: o.ToInterval,
		ProratedAt: o.ProratedAt, Mark: "offer " + o.name(), Once: fmt.Sprintf("dyocense/%s/offer/%s", a.Tenant, o.name()),
	}
}

// target is the interval after the change.
func (q Quote) target() Interval { return cmp.Or(q.ToInterval, q.Interval) }

// name is the same for the same token.
func (o Offer) name() string { return sum(o.Token)[:32] }

// sealed is what a token confirms.
type sealed struct {
	Tenant       id.Tenant `json:"t"`
	Subscription string    `json:"s"`
	From         PlanID    `json:"f"`
	To           PlanID    `json:"p"`
	Interval     Interval  `json:"i"`
	ToInterval   Interval  `json:"j,omitempty"`
	When         When      `json:"w"`
	ProratedAt   int64     `json:"a"`
	DueToday     Cents     `json:"d"`
	CreditToday  Cents     `json:"c"`
	AtRenewal    Cents     `json:"r"`
	Currency     string    `json:"m"`
	Expires      int64     `json:"x"`
}

func (o Offer) sealed(a Account) sealed {
	return sealed{
		Tenant: a.Tenant, Subscription: a.Snapshot.Subscription, From: o.From, To: o.To, Interval: o.Interval, ToInterval: o.ToInterval,
		When: o.When, ProratedAt: o.ProratedAt.Unix(), DueToday: o.DueToday, CreditToday: o.CreditToday, AtRenewal: o.AtRenewal,
		Currency: o.Currency, Expires: o.Expires.Unix(),
	}
}

// stillSays says whether a new reckoning comes to the same as what was shown. When
// the offer ends is no part of it.
func (s sealed) stillSays(now sealed) bool {
	s.Expires, now.Expires = 0, 0
	return s == now
}

// tokenMax is longer than any token.
const tokenMax = 1200

// seal makes the token of an offer.
func (b *Books) seal(ctx context.Context, a Account, o Offer) (string, error) {
	key, err := b.offerKey(ctx)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(o.sealed(a))
	if err != nil {
		return "", fmt.Errorf("encode offer: %w", err)
	}
	return encode(raw) + "." + encode(macOf(key, raw)), nil
}

// unseal reads a token, or fails with ErrOffer: a forged one, or one of another
// tenant.
func (b *Books) unseal(ctx context.Context, t id.Tenant, token string) (sealed, error) {
	var s sealed
	payload, mac, ok := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	given, macErr := base64.RawURLEncoding.DecodeString(mac)
	if !ok || err != nil || macErr != nil || len(token) > tokenMax {
		return s, ErrOffer
	}
	key, err := b.offerKey(ctx)
	if err != nil {
		return s, err
	}
	if !hmac.Equal(given, macOf(key, raw)) {
		return s, ErrOffer
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&s); err != nil || s.Tenant != t {
		return s, ErrOffer
	}
	return s, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func macOf(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// mark is something that there is one of.
type mark struct {
	Key []byte    `json:"key,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

const offerKeyMark = "offer key"

// offerKey is what tokens are signed with: the same for all replicas, made once.
func (b *Books) offerKey(ctx context.Context) ([]byte, error) {
	for {
		row, err := b.store.marks.Get(ctx, offerKeyMark)
		if err == nil {
			return row.Value.Key, nil
		}
		if !errors.Is(err, docstore.ErrNotFound) {
			return nil, fmt.Errorf("read key of offers: %w", err)
		}
		key := make([]byte, sha256.Size)
		_, _ = rand.Read(key) // it never fails
		err = b.store.marks.Insert(ctx, offerKeyMark, mark{Key: key, At: b.now().UTC()})
		if err != nil && !errors.Is(err, docstore.ErrExists) {
			return nil, fmt.Errorf("keep key of offers: %w", err)
		}
	}
}
