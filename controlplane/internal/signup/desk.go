package signup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	signupsCollection = "signups" // named after the hash of the link's token
	byState           = "state"
	byExpires         = "expires"

	sweepEvery = time.Minute
	// restAfter leaves a confirmed sign-up to the request that confirmed it.
	restAfter = 30 * time.Second
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{{Name: signupsCollection, Indexes: []docstore.Index{
		{Name: byState, Fields: []string{"state"}},
		{Name: byExpires, Fields: []string{"expires"}},
	}}}
}

// Desk takes sign-ups and sees them through. All methods may be called from many
// goroutines.
type Desk struct {
	signups docstore.Table[Signup]
	people  *identity.People
	tenants *tenancy.Tenants
	mailbox *notify.Mailbox
	site    string
	now     func() time.Time
	log     *slog.Logger
	address *identity.Limiter
	origin  *identity.Limiter
	verify  *identity.Limiter
}

// New opens the desk. Site is the address of the product without a slash at the
// end, for the links in mails.
func New(s docstore.Store, people *identity.People, tenants *tenancy.Tenants, mailbox *notify.Mailbox, site string, now func() time.Time, log *slog.Logger) *Desk {
	limits := people.Limits()
	return &Desk{
		signups: docstore.TableOf[Signup](s, signupsCollection),
		people:  people, tenants: tenants, mailbox: mailbox, site: site, now: now, log: log,
		address: identity.NewLimiter(limits.SignupAddress, now),
		origin:  identity.NewLimiter(limits.SignupOrigin, now),
		verify:  identity.NewLimiter(limits.VerifyOrigin, now),
	}
}

// Begin takes a wish. It does the same work whether the address is known or not;
// a known one gets another mail and a sign-up that leads nowhere. It fails with
// ErrRequest, identity.ErrTooMany or identity.ErrBusy.
func (d *Desk) Begin(ctx context.Context, w Wish) error {
	address, company, err := w.read()
	if err != nil {
		return err
	}
	if err := errors.Join(d.origin.Take(string(identity.OriginFrom(ctx))), d.address.Take(address.Key())); err != nil {
		return identity.ErrTooMany
	}
	hash, err := d.people.HashPassword(ctx, w.Password)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	known, err := d.people.Knows(ctx, address)
	if err != nil {
		return err
	}
	token := identity.NewToken()
	signup := begin(address, hash, company, d.now())
	var letter notify.Letter = notify.ConfirmAddress{Company: company, Link: d.site + "/verify#token=" + token.Reveal(), Hours: linkHours}
	if known {
		letter = notify.AlreadyRegistered{Link: d.site + "/signin"}
		if err := signup.move(AddressTaken); err != nil {
			return err
		}
	}
	if err := d.signups.Insert(ctx, token.Key(), signup); err != nil {
		return fmt.Errorf("keep sign-up: %w", err)
	}
	return d.mailbox.Post(ctx, "signup/"+token.Key(), string(address), letter)
}

// Verify opens the link with this token and makes the person and the tenant. It
// fails with ErrLink, ErrUsed or identity.ErrAddressTaken. One caller at most
// gets the person for one link.
func (d *Desk) Verify(ctx context.Context, token string) (identity.Person, error) {
	if err := d.verify.Take(string(identity.OriginFrom(ctx))); err != nil {
		return identity.Person{}, err
	}
	t, ok := identity.ReadToken(token)
	if !ok {
		return identity.Person{}, ErrLink
	}
	for {
		row, err := d.signups.Get(ctx, t.Key())
		if errors.Is(err, docstore.ErrNotFound) {
			return identity.Person{}, ErrLink
		}
		if err != nil {
			return identity.Person{}, fmt.Errorf("read sign-up: %w", err)
		}
		if err := row.Value.mayOpen(d.now()); err != nil {
			return identity.Person{}, err
		}
		person, err := d.settle(ctx, row)
		if !errors.Is(err, docstore.ErrStale) { // stale: somebody works on the same link; look again
			return person, err
		}
	}
}

// settle takes every step that is left. Each step may be repeated.
func (d *Desk) settle(ctx context.Context, row docstore.Row[Signup]) (identity.Person, error) {
	var err error
	if row.Value.State == Pending {
		row.Value.Opened = d.now().UTC()
		if row, err = d.advance(ctx, row, LinkOpened); err != nil {
			return identity.Person{}, err
		}
	}
	s := row.Value
	person := s.person()
	if err := d.people.Add(ctx, person); errors.Is(err, identity.ErrAddressTaken) {
		if _, err := d.advance(ctx, row, AddressTaken); err != nil {
			return identity.Person{}, err
		}
		return identity.Person{}, identity.ErrAddressTaken
	} else if err != nil {
		return identity.Person{}, err
	}
	if err := d.tenants.Create(ctx, s.Tenant, s.Company, s.Person, string(s.Email)); err != nil {
		return identity.Person{}, err
	}
	if _, err := d.advance(ctx, row, Settled); err != nil {
		return identity.Person{}, err
	}
	return person, nil
}

func (d *Desk) advance(ctx context.Context, row docstore.Row[Signup], e Event) (docstore.Row[Signup], error) {
	if err := row.Value.move(e); err != nil {
		return row, err
	}
	next, err := d.signups.Replace(ctx, row)
	if err != nil {
		return row, fmt.Errorf("move sign-up by %q: %w", e, err)
	}
	return next, nil
}

// Run finishes what a crash left half done and forgets what is over, until ctx
// ends.
func (d *Desk) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := d.Sweep(ctx); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "sign-ups wait to be tidied", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep is one round of Run.
func (d *Desk) Sweep(ctx context.Context) error {
	now := d.now()
	confirmed, err := d.signups.All(ctx, docstore.Query{Index: byState, Equal: []any{string(Confirmed)}})
	if err != nil {
		return fmt.Errorf("find half-done sign-ups: %w", err)
	}
	for _, row := range confirmed {
		if now.Sub(row.Value.Opened) < restAfter {
			continue
		}
		if _, err := d.settle(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) && !errors.Is(err, identity.ErrAddressTaken) {
			return err
		}
	}
	over, err := d.signups.All(ctx, docstore.Query{Index: byExpires, To: now.UnixMilli() + 1})
	if err != nil {
		return fmt.Errorf("find sign-ups that are over: %w", err)
	}
	for _, row := range over {
		if row.Value.State == Confirmed {
			continue
		}
		err := d.signups.Delete(ctx, row.ID, row.Rev)
		if err != nil && !errors.Is(err, docstore.ErrStale) && !errors.Is(err, docstore.ErrNotFound) {
			return fmt.Errorf("forget sign-up: %w", err)
		}
	}
	return nil
}
