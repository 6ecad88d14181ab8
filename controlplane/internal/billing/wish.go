package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Wish is a confirmed offer while the provider is asked for it. It keeps two
// colleagues from two changes at once.
type Wish struct {
	Offer string    `json:"offer"` // its name
	At    time.Time `json:"at"`
}

// wishLife is after which a wish whose process died holds nobody up. What it asked
// for either happened, and then Fetch shows it, or did not.
const wishLife = 2 * time.Minute

// wished says whether another offer is being carried out.
func (a *Account) wished(offer string, now time.Time) bool {
	return a.Wish != nil && a.Wish.Offer != offer && now.Before(a.Wish.At.Add(wishLife))
}

// Accept carries an offer out that was confirmed by its token. It asks for the price
// again, for the same second; when that comes to anything else it fails with
// ErrPriceChanged, which presents the new offer. New limits hold only once a
// snapshot shows the price. It may be repeated with the same token: what is done, or
// waits for its payment, or is scheduled, is not asked for again.
func (b *Books) Accept(ctx context.Context, t id.Tenant, token string) (Account, error) {
	shown, err := b.unseal(ctx, t, token)
	if err != nil {
		return Account{}, err
	}
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return a, err
	}
	if a.Snapshot.fulfills(shown) {
		return a, nil
	}
	o, err := b.confirm(ctx, a, shown)
	if err != nil {
		return a, err
	}
	o.Token = token
	a, err = b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.underWay("") || a.wished(o.name(), b.now()) {
			return false, ErrChanging
		}
		a.Wish = &Wish{Offer: o.name(), At: b.now().UTC()}
		return true, a.AnnounceBy(ctx, EventAsked, t, AskedData{What: "change", Plan: o.To, Interval: o.target()})
	})
	if err != nil {
		return a, err
	}
	if err := b.carryOutOffer(ctx, a, o); err != nil {
		if errors.Is(err, ErrQuoteChanged) || errors.Is(err, ErrPayment) {
			return a, errors.Join(err, b.fulfilled(ctx, t, o)) // it is known that nothing happened
		}
		return a, err
	}
	if err := b.fulfilled(ctx, t, o); err != nil {
		return a, err
	}
	return b.SyncCustomer(ctx, t)
}

// confirm reckons again what was shown, and fails with what there is now unless that
// is the same.
func (b *Books) confirm(ctx context.Context, a Account, shown sealed) (Offer, error) {
	at := time.Unix(shown.ProratedAt, 0).UTC()
	interval := shown.Interval
	if shown.ToInterval != "" {
		interval = shown.ToInterval
	}
	if !b.now().Before(time.Unix(shown.Expires, 0)) {
		fresh, err := b.offer(ctx, a, shown.To, interval, b.now().UTC().Truncate(time.Second))
		if err != nil {
			return Offer{}, err
		}
		return Offer{}, ErrPriceChanged.Saying("This price was shown more than %.0f minutes ago. Look at the present price and confirm it.", offerLife.Minutes()).Presenting(fresh)
	}
	o, err := b.offer(ctx, a, shown.To, interval, at)
	if err != nil {
		return Offer{}, err
	}
	if len(o.Excess) > 0 {
		return Offer{}, doesNotFit(o)
	}
	if !shown.stillSays(o.sealed(a)) {
		fresh, err := b.offer(ctx, a, shown.To, interval, b.now().UTC().Truncate(time.Second))
		if err != nil {
			return Offer{}, err
		}
		return Offer{}, ErrPriceChanged.Presenting(fresh)
	}
	return o, nil
}

// doesNotFit names what has to go.
func doesNotFit(o Offer) error {
	f := ErrDoesNotFit.Saying("Your company uses more than %s has. Make room first.", o.To.name())
	for _, e := range o.Excess {
		f = f.With(fault.Detail{Location: e.What, Message: fmt.Sprintf("%d of at most %d. %s", e.Have, e.Allowed, e.WayOut)})
	}
	return f.Presenting(o)
}

// fulfills says whether what a token asks for is there, or on its way.
func (s Snapshot) fulfills(w sealed) bool {
	interval := w.Interval
	if w.ToInterval != "" {
		interval = w.ToInterval
	}
	switch {
	case s.Subscription != w.Subscription:
		return false
	case s.has(w.To, interval):
		return true
	case w.When == AtPeriodEnd:
		return s.Scheduled != nil && s.Scheduled.Plan == w.To && s.Scheduled.Interval == interval
	}
	return s.Pending != nil && s.Pending.Plan == w.To && s.Pending.Interval == interval
}

func (b *Books) carryOutOffer(ctx context.Context, a Account, o Offer) error {
	ask := b.provider.Change
	if o.When == AtPeriodEnd {
		ask = b.provider.Schedule
	}
	if err := ask(ctx, o.terms(a)); err != nil {
		return fmt.Errorf("change plan of %s: %w", a.Tenant, err)
	}
	return nil
}

// fulfilled takes the wish away.
func (b *Books) fulfilled(ctx context.Context, t id.Tenant, o Offer) error {
	_, err := b.store.change(ctx, t, func(a *Account) (bool, error) {
		if a.Wish == nil || a.Wish.Offer != o.name() {
			return false, nil
		}
		a.Wish = nil
		return true, nil
	})
	return err
}

// WithdrawChange takes back what has not come into force: a change that is scheduled,
// or one that waits for its payment. It fails with ErrNothingOpen.
func (b *Books) WithdrawChange(ctx context.Context, t id.Tenant) (Account, error) {
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return a, err
	}
	s := a.Snapshot
	if s.Scheduled == nil && s.Pending == nil {
		return a, ErrNothingOpen
	}
	if err := b.asked(ctx, t, AskedData{What: "take_back"}); err != nil {
		return a, err
	}
	if s.Scheduled != nil {
		err = b.provider.Unschedule(ctx, s.Subscription)
	}
	if err == nil && s.Pending != nil && s.Pending.Invoice != "" {
		err = b.provider.Abandon(ctx, s.Pending.Invoice)
	}
	if err != nil {
		return a, fmt.Errorf("take change of %s back: %w", t, err)
	}
	return b.SyncCustomer(ctx, t)
}

// asked announces who asked for what.
func (b *Books) asked(ctx context.Context, t id.Tenant, what AskedData) error {
	_, err := b.store.change(ctx, t, func(a *Account) (bool, error) {
		return true, a.AnnounceBy(ctx, EventAsked, t, what)
	})
	return err
}

// Cancel ends the subscription of tenant t, now or at the end of the paid period.
// Data stays, to be read and exported. Reason is the customer's own, or "".
func (b *Books) Cancel(ctx context.Context, t id.Tenant, now bool, reason string) (Account, error) {
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return a, err
	}
	s := a.Snapshot
	if !s.Live() {
		return a, ErrNotSubscribed
	}
	if s.CancelAtPeriodEnd && !now {
		return a, nil
	}
	what := "cancel"
	if now {
		what = "cancel_now"
	}
	if err := b.asked(ctx, t, AskedData{What: what, Plan: s.Plan, Reason: reason}); err != nil {
		return a, err
	}
	if err := b.provider.Cancel(ctx, s.Subscription, now, reason); err != nil {
		return a, fmt.Errorf("end subscription of %s: %w", t, err)
	}
	return b.SyncCustomer(ctx, t)
}

// Resume takes a Cancel back, until the period ends. It fails with ErrNotEnding.
func (b *Books) Resume(ctx context.Context, t id.Tenant) (Account, error) {
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return a, err
	}
	if !a.Snapshot.Live() || !a.Snapshot.CancelAtPeriodEnd {
		return a, ErrNotEnding
	}
	if err := b.asked(ctx, t, AskedData{What: "resume", Plan: a.Snapshot.Plan}); err != nil {
		return a, err
	}
	if err := b.provider.Resume(ctx, a.Snapshot.Subscription); err != nil {
		return a, fmt.Errorf("resume subscription of %s: %w", t, err)
	}
	return b.SyncCustomer(ctx, t)
}
