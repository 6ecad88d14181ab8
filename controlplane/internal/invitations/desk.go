package invitations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Collection holds the invitations; they carry an outbox. One is named after its tenant
// and the hash of the address.
const Collection = "invitations"

const (
	byTenant  = "tenant"
	byToken   = "token"
	byState   = "state"
	byExpires = "expires"

	sweepEvery = time.Minute
	// restAfter leaves an accepted invitation to the request that accepted it.
	restAfter = 30 * time.Second
	// keptDays is how long an invitation is shown after its time is over.
	keptDays   = 7
	pendingMax = 100
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{{Name: Collection, Indexes: []docstore.Index{
		outbox.Index(),
		{Name: byTenant, Fields: []string{"tenant"}},
		{Name: byToken, Fields: []string{"token"}, Unique: true},
		{Name: byState, Fields: []string{"state"}},
		{Name: byExpires, Fields: []string{"expires"}},
	}}}
}

// The budgets against flooding, beside those of sign-ups.
var (
	tenantBudget  = identity.Budget{Burst: 30, Every: 5 * time.Minute}
	addressBudget = identity.Budget{Burst: 5, Every: time.Hour} // from all companies
)

// Desk takes invitations and sees them through. All methods may be called from many
// goroutines.
type Desk struct {
	invitations docstore.Table[Invitation]
	people      *identity.People
	tenants     *tenancy.Tenants
	mailbox     *notify.Mailbox
	site        string
	now         func() time.Time
	log         *slog.Logger
	tenant      *identity.Limiter
	address     *identity.Limiter
	origin      *identity.Limiter
	open        *identity.Limiter
}

// New opens the desk. Site is the address of the product without a slash at the end, for
// the links in mails.
func New(s docstore.Store, people *identity.People, tenants *tenancy.Tenants, mailbox *notify.Mailbox, site string, now func() time.Time, log *slog.Logger) *Desk {
	limits := people.Limits()
	return &Desk{
		invitations: docstore.TableOf[Invitation](s, Collection),
		people:      people, tenants: tenants, mailbox: mailbox, site: site, now: now, log: log,
		tenant:  identity.NewLimiter(tenantBudget, now),
		address: identity.NewLimiter(addressBudget, now),
		origin:  identity.NewLimiter(limits.SignupOrigin, now),
		open:    identity.NewLimiter(limits.VerifyOrigin, now),
	}
}

func key(t id.Tenant, a identity.Address) string { return string(t) + "/" + a.Key() }

// Invite asks whoever reads the mails of an address to join the inviter's tenant. It
// fails with identity.ErrAddress, tenancy.ErrRole, tenancy.ErrAbove, ErrMember,
// ErrInvited, ErrPending or ErrTooMany.
func (d *Desk) Invite(ctx context.Context, who identity.Who, email string, role contract.Role) (id.Invitation, error) {
	address, err := identity.ParseAddress(email)
	if err != nil {
		return "", err
	}
	if err := d.mayInvite(ctx, who, address, role); err != nil {
		return "", err
	}
	if d.tenant.Take(string(who.Tenant)) != nil || d.origin.Take(string(identity.OriginFrom(ctx))) != nil || d.address.Take(address.Key()) != nil {
		return "", ErrTooMany
	}
	token, now := identity.NewToken(), d.now()
	fresh := Invitation{
		ID: id.NewInvitation(), Tenant: who.Tenant, Email: address, Role: role,
		By: who.Person, ByEmail: who.Email, State: Lifecycle.First(),
	}
	fresh.send(token, now)
	if err := fresh.AnnounceBy(ctx, EventInvited, who.Tenant, fresh.data()); err != nil {
		return "", err
	}
	err = d.invitations.Insert(ctx, key(who.Tenant, address), fresh)
	if errors.Is(err, docstore.ErrExists) {
		_, err = d.invitations.Update(ctx, key(who.Tenant, address), func(i *Invitation) error {
			if i.State == Joining || i.State == Pending && !i.over(now) {
				return ErrInvited
			}
			if err := i.move(InvitedAgain); err != nil {
				return err
			}
			box := i.Box
			*i = fresh
			i.Box = box // what was announced before stays so
			return i.AnnounceBy(ctx, EventInvited, who.Tenant, i.data())
		})
	}
	if err != nil {
		return "", fmt.Errorf("keep invitation: %w", err)
	}
	return fresh.ID, d.post(ctx, fresh, token)
}

// mayInvite looks at the roll as it is now, not at the session.
func (d *Desk) mayInvite(ctx context.Context, who identity.Who, a identity.Address, role contract.Role) error {
	if !tenancy.Known(role) {
		return tenancy.ErrRole
	}
	if err := d.grants(ctx, who, role); err != nil {
		return err
	}
	members, err := d.tenants.Members(ctx, who.Tenant)
	if err != nil {
		return err
	}
	for _, m := range members {
		if strings.EqualFold(m.Email, string(a)) {
			return ErrMember
		}
	}
	open, err := d.Open(ctx, who.Tenant)
	if err != nil {
		return err
	}
	if len(open) >= pendingMax {
		return ErrPending
	}
	return nil
}

func (d *Desk) grants(ctx context.Context, who identity.Who, role contract.Role) error {
	may, err := d.tenants.Grants(ctx, who.Tenant, who.Person, role)
	if err == nil && !may {
		err = tenancy.ErrAbove
	}
	return err
}

// post writes the mail with the link. After a crash before it the invitation is there
// and can be sent again.
func (d *Desk) post(ctx context.Context, i Invitation, token identity.Token) error {
	company, err := d.tenants.Name(ctx, i.Tenant)
	if err != nil {
		return err
	}
	return d.mailbox.Post(ctx, "invitation/"+token.Key(), string(i.Email), notify.Invitation{
		Company: company, Inviter: i.ByEmail, Role: string(i.Role), Link: d.site + "/join#token=" + token.Reveal(), Days: linkDays,
	})
}

// Open lists the invitations of a tenant that were not used or revoked, those whose time
// is over included.
func (d *Desk) Open(ctx context.Context, t id.Tenant) ([]Invitation, error) {
	rows, err := d.rows(ctx, t)
	if err != nil {
		return nil, err
	}
	open := []Invitation{}
	for _, row := range rows {
		if row.Value.State == Pending || row.Value.State == Joining {
			open = append(open, row.Value)
		}
	}
	return open, nil
}

func (d *Desk) rows(ctx context.Context, t id.Tenant) ([]docstore.Row[Invitation], error) {
	rows, err := d.invitations.All(ctx, docstore.Query{Index: byTenant, Equal: []any{string(t)}})
	if err != nil {
		return nil, fmt.Errorf("list invitations of %s: %w", t, err)
	}
	return rows, nil
}

// find is the tenant's invitation with an identifier, or ErrNone.
func (d *Desk) find(ctx context.Context, t id.Tenant, wanted id.Invitation) (docstore.Row[Invitation], error) {
	rows, err := d.rows(ctx, t)
	if err != nil {
		return docstore.Row[Invitation]{}, err
	}
	for _, row := range rows {
		if row.Value.ID == wanted {
			return row, nil
		}
	}
	return docstore.Row[Invitation]{}, ErrNone
}

// Resend sends an invitation again, with a new link; the one of before works no more. It
// fails with ErrNone, ErrAgain, ErrTooMany or tenancy.ErrAbove.
func (d *Desk) Resend(ctx context.Context, who identity.Who, wanted id.Invitation) error {
	row, err := d.find(ctx, who.Tenant, wanted)
	if err != nil {
		return err
	}
	if err := d.grants(ctx, who, row.Value.Role); err != nil {
		return err
	}
	if d.tenant.Take(string(who.Tenant)) != nil || d.address.Take(row.Value.Email.Key()) != nil {
		return ErrTooMany
	}
	token, now := identity.NewToken(), d.now()
	row, err = d.invitations.Update(ctx, row.ID, func(i *Invitation) error {
		if i.ID != wanted || i.State != Pending {
			return ErrNone
		}
		if i.Sends >= sendsMax || now.Sub(i.Sent) < sendPause {
			return ErrAgain
		}
		i.By, i.ByEmail = who.Person, who.Email
		i.send(token, now)
		return i.AnnounceBy(ctx, EventSentAgain, i.Tenant, i.data())
	})
	if err != nil {
		return fmt.Errorf("send invitation again: %w", err)
	}
	return d.post(ctx, row.Value, token)
}

// Revoke takes an invitation back. Against somebody who accepts it at the same moment the
// first write wins; then it fails with ErrNone.
func (d *Desk) Revoke(ctx context.Context, who identity.Who, wanted id.Invitation) error {
	row, err := d.find(ctx, who.Tenant, wanted)
	if err != nil {
		return err
	}
	_, err = d.invitations.Update(ctx, row.ID, func(i *Invitation) error {
		if i.ID != wanted || i.State != Pending {
			return ErrNone
		}
		if err := i.move(RevokeAsked); err != nil {
			return err
		}
		return i.AnnounceBy(ctx, EventRevoked, i.Tenant, i.data())
	})
	if err != nil {
		return fmt.Errorf("revoke invitation: %w", err)
	}
	return nil
}

// Run finishes what a crash left half done and forgets what is over, until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := d.Sweep(ctx); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "invitations wait to be tidied", "err", err)
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
	joining, err := d.invitations.All(ctx, docstore.Query{Index: byState, Equal: []any{string(Joining)}})
	if err != nil {
		return fmt.Errorf("find half-done invitations: %w", err)
	}
	for _, row := range joining {
		if now.Sub(row.Value.Opened) < restAfter {
			continue
		}
		if _, err := d.settle(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) && !refused(err) {
			return err
		}
	}
	over, err := d.invitations.All(ctx, docstore.Query{Index: byExpires, To: now.AddDate(0, 0, -keptDays).UnixMilli()})
	if err != nil {
		return fmt.Errorf("find invitations that are over: %w", err)
	}
	for _, row := range over {
		if row.Value.State == Joining || len(row.Value.Outbox) > 0 {
			continue
		}
		if err := d.forget(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) forget(ctx context.Context, row docstore.Row[Invitation]) error {
	err := d.invitations.Delete(ctx, row.ID, row.Rev)
	if err != nil && !errors.Is(err, docstore.ErrStale) && !errors.Is(err, docstore.ErrNotFound) {
		return fmt.Errorf("forget invitation: %w", err)
	}
	return nil
}

// Holds is how many invitations of a tenant there are.
func (d *Desk) Holds(ctx context.Context, t id.Tenant) (int, error) {
	rows, err := d.rows(ctx, t)
	return len(rows), err
}

// Forget deletes all invitations of a tenant that is being erased, and the mails about
// them to who has no account.
func (d *Desk) Forget(ctx context.Context, t id.Tenant) error {
	rows, err := d.rows(ctx, t)
	if err != nil {
		return err
	}
	for _, row := range rows {
		known, err := d.people.Knows(ctx, row.Value.Email)
		if err != nil {
			return err
		}
		if !known { // nobody here but through the invitation
			if err := d.mailbox.Forget(ctx, string(row.Value.Email)); err != nil {
				return err
			}
		}
		if err := d.forget(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// Told is an invitation as the export of a company shows it.
type Told struct {
	Email   identity.Address `json:"email"`
	Role    contract.Role    `json:"role"`
	Inviter string           `json:"inviter"`
	State   State            `json:"state"`
	Sent    time.Time        `json:"sent"`
}

// Tell lists all invitations of a tenant, without what their links prove.
func (d *Desk) Tell(ctx context.Context, t id.Tenant) ([]Told, error) {
	rows, err := d.rows(ctx, t)
	told := []Told{}
	for _, row := range rows {
		i := row.Value
		told = append(told, Told{Email: i.Email, Role: i.Role, Inviter: i.ByEmail, State: i.State, Sent: i.Sent})
	}
	return told, err
}
