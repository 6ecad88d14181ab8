package invitations

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Next is what somebody with a link has to do to join.
type Next string

// The ways to join.
const (
	NextAccept Next = "accept"  // signed in with the invited address
	NextSignUp Next = "sign_up" // the address has no account: choose a password
	NextSignIn Next = "sign_in" // it has one
	NextSwitch Next = "switch"  // signed in with another address
)

// byLink finds the invitation of a link that still works. It fails with
// identity.ErrTooMany, ErrLink or ErrUsed.
func (d *Desk) byLink(ctx context.Context, token string) (docstore.Row[Invitation], error) {
	var none docstore.Row[Invitation]
	if err := d.open.Take(string(identity.OriginFrom(ctx))); err != nil {
		return none, err
	}
	t, ok := identity.ReadToken(token)
	if !ok {
		return none, ErrLink
	}
	rows, _, err := d.invitations.Find(ctx, docstore.Query{Index: byToken, Equal: []any{t.Key()}, Limit: 1})
	if err != nil {
		return none, fmt.Errorf("find invitation: %w", err)
	}
	if len(rows) == 0 {
		return none, ErrLink
	}
	row := rows[0]
	if err := row.Value.mayOpen(d.now()); err != nil {
		return none, err
	}
	if row.Value.State == Joining {
		return row, nil
	}
	may, err := d.tenants.Grants(ctx, row.Value.Tenant, row.Value.By, row.Value.Role)
	if err != nil && !errors.Is(err, tenancy.ErrNotFound) {
		return none, err
	}
	if !may {
		return none, ErrLink
	}
	return row, nil
}

// Look says what an invitation is and what its reader has to do to join. Who has the link
// reads the mails of the address, so they may hear whether it has an account.
func (d *Desk) Look(ctx context.Context, token string) (i Invitation, company string, next Next, err error) {
	row, err := d.byLink(ctx, token)
	if err != nil {
		return Invitation{}, "", "", err
	}
	if company, err = d.tenants.Name(ctx, row.Value.Tenant); err != nil {
		return Invitation{}, "", "", err
	}
	next, err = d.next(ctx, row.Value)
	return row.Value, company, next, err
}

func (d *Desk) next(ctx context.Context, i Invitation) (Next, error) {
	who, signedIn := identity.From(ctx)
	if signedIn && who.Email == string(i.Email) {
		return NextAccept, nil
	}
	if signedIn {
		return NextSwitch, nil
	}
	if i.State == Joining { // by who opened the link before
		return NextSignUp, nil
	}
	known, err := d.people.Knows(ctx, i.Email)
	if known {
		return NextSignIn, err
	}
	return NextSignUp, err
}

// Accept uses a link and makes its reader a member of the tenant, which becomes the one
// they work in. Password is that of a new account, made is whether there is one. It fails
// with ErrLink, ErrUsed, ErrOther, ErrSignIn, identity.ErrPassword, and with what
// tenancy.Join says; after the latter the link still works.
func (d *Desk) Accept(ctx context.Context, token, password string) (p identity.Person, made bool, err error) {
	for {
		row, err := d.byLink(ctx, token)
		if err != nil {
			return p, false, err
		}
		if row, err = d.begin(ctx, row, password); err == nil {
			made = row.Value.Password != ""
			p, err = d.settle(ctx, row)
		}
		if !errors.Is(err, docstore.ErrStale) { // stale: somebody works on the same link; look again
			return p, made, err
		}
	}
}

// begin notes who joins.
func (d *Desk) begin(ctx context.Context, row docstore.Row[Invitation], password string) (docstore.Row[Invitation], error) {
	next, err := d.next(ctx, row.Value)
	switch {
	case err != nil:
		return row, err
	case next == NextSwitch:
		return row, ErrOther
	case next == NextSignIn:
		return row, ErrSignIn
	case row.Value.State == Joining:
		return row, nil
	}
	i := row.Value
	if err := i.move(Accepted); err != nil {
		return row, err
	}
	i.Opened = d.now().UTC()
	if next == NextAccept {
		who, err := identity.Require(ctx)
		if err != nil {
			return row, err
		}
		i.Person = who.Person
	} else {
		company, err := d.tenants.Name(ctx, i.Tenant)
		if err != nil {
			return row, err
		}
		if err := identity.CheckPassword(password, identity.MinAlone, string(i.Email), i.Email.Local(), company); err != nil {
			return row, err
		}
		if i.Password, err = d.people.HashPassword(ctx, password); err != nil {
			return row, err
		}
		i.Person = id.NewPerson()
	}
	row.Value = i
	return d.invitations.Replace(ctx, row)
}

// refused says whether the invitation was put back: trying again needs somebody to do
// something else first.
func refused(err error) bool {
	return errors.Is(err, ErrSignIn) || fault.KindOf(err) == fault.Exhausted || fault.KindOf(err) == fault.Forbidden || errors.Is(err, tenancy.ErrNotFound)
}

// settle takes every step that is left. Each step may be repeated. The seat comes first:
// without one there is no account to be made.
func (d *Desk) settle(ctx context.Context, row docstore.Row[Invitation]) (identity.Person, error) {
	i := row.Value
	person := identity.Person{ID: i.Person, Email: i.Email, Password: i.Password, Joined: i.Opened}
	err := d.tenants.Join(ctx, i.Tenant, tenancy.Joining{Person: i.Person, Email: string(i.Email), Role: i.Role, Invitation: string(i.ID)})
	if err == nil && i.Password != "" {
		if err = d.people.Add(ctx, person); errors.Is(err, identity.ErrAddressTaken) {
			// They got an account in another way meanwhile, and join with that one.
			if err := d.tenants.Remove(ctx, i.Tenant, i.Person, i.Person); err != nil && !errors.Is(err, tenancy.ErrMember) {
				return person, err
			}
			err = ErrSignIn
		}
	}
	if err != nil {
		if refused(err) {
			if _, back := d.advance(ctx, row, PutBack); back != nil {
				return person, back
			}
		}
		return person, err
	}
	if err := d.tenants.Choose(ctx, i.Person, i.Tenant); err != nil {
		return person, err
	}
	_, err = d.advance(ctx, row, Settled)
	return person, err
}

func (d *Desk) advance(ctx context.Context, row docstore.Row[Invitation], e Event) (docstore.Row[Invitation], error) {
	if err := row.Value.move(e); err != nil {
		return row, err
	}
	next, err := d.invitations.Replace(ctx, row)
	if err != nil {
		return row, fmt.Errorf("move invitation by %q: %w", e, err)
	}
	return next, nil
}
