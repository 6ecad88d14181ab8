package tenancy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// rollMax bounds the tenant's document: about half a megabyte.
const rollMax = 2000

// Seats is how many members may do more than read.
type Seats struct {
	Limit int    // 0 is unlimited
	Plan  string // its name, for people; "" when nothing is bought
}

// none is ErrSeats in the words of the plan.
func (s Seats) none() error {
	if s.Plan == "" {
		return ErrSeats.Saying("Without a plan there is one seat. An owner can choose a plan under Plans.")
	}
	seats := "seats, and all are taken"
	if s.Limit == 1 {
		seats = "seat, and it is taken"
	}
	return ErrSeats.Saying("The %s plan has %d %s. An owner can choose a larger plan under Plans, or make room under Settings, Team.", s.Plan, s.Limit, seats)
}

// readsOnly is ErrSeats for a member for whom there is no seat.
func (s Seats) readsOnly() error {
	return ErrSeats.Saying("There are more members than the seats of the %s plan, so you can read and not change anything. "+
		"An owner can give you a seat under Settings, Team, or choose a larger plan under Plans.", cmp.Or(s.Plan, "present"))
}

// member finds a member, or fails with ErrMember.
func (t *Tenant) member(p id.Person) (*Member, error) {
	i := slices.IndexFunc(t.Roll, func(m Member) bool { return m.Person == p })
	if i < 0 {
		return nil, ErrMember
	}
	return &t.Roll[i], nil
}

func (t *Tenant) owners() (n int) {
	for _, m := range t.Roll {
		if m.Role == contract.RoleOwner {
			n++
		}
	}
	return n
}

// join adds a member and announces it. Somebody who is one already stays as they are.
func (t *Tenant) join(ctx context.Context, m Member, invitation string, s Seats) error {
	if _, err := t.member(m.Person); err == nil {
		return nil
	}
	switch {
	case s.Limit > 0 && len(t.Roll) >= s.Limit:
		return s.none()
	case len(t.Roll) >= rollMax:
		return ErrFull
	}
	t.Roll = append(t.Roll, m)
	return t.AnnounceBy(ctx, EventMemberJoined, t.ID, MemberData{Target: m.Person, Email: m.Email, After: m.Role, Invitation: invitation})
}

// changeRole gives p another role on behalf of by. It returns false when p has it.
func (t *Tenant) changeRole(ctx context.Context, by, p id.Person, role contract.Role) (bool, error) {
	target, err := t.inReach(by, p)
	if err != nil {
		return false, err
	}
	actor, err := t.member(by)
	switch {
	case err != nil:
		return false, err
	case !Known(role):
		return false, ErrRole
	case !Covers(actor.Role, role):
		return false, ErrAbove
	case target.Role == role:
		return false, nil
	case target.Role == contract.RoleOwner && t.owners() == 1:
		return false, ErrLastOwner
	}
	before := target.Role
	target.Role = role
	return true, t.AnnounceBy(ctx, EventRoleChanged, t.ID, MemberData{Target: p, Email: target.Email, Before: before, After: role})
}

// remove takes p off the roll on behalf of by, who may be p.
func (t *Tenant) remove(ctx context.Context, by, p id.Person) error {
	target, err := t.member(p)
	if err != nil {
		return err
	}
	if by != p {
		if target, err = t.inReach(by, p); err != nil {
			return err
		}
	}
	if target.Role == contract.RoleOwner && t.owners() == 1 {
		return ErrLastOwner
	}
	gone := *target
	t.Roll = slices.DeleteFunc(t.Roll, func(m Member) bool { return m.Person == p })
	return t.AnnounceBy(ctx, EventMemberRemoved, t.ID, MemberData{Target: p, Email: gone.Email, Before: gone.Role, Left: by == p})
}

// seat gives p a seat before all others but owners.
func (t *Tenant) seat(ctx context.Context, by, p id.Person, now time.Time) error {
	target, err := t.inReach(by, p)
	if err != nil {
		return err
	}
	target.Seated = now.UTC()
	return t.AnnounceBy(ctx, EventSeatGiven, t.ID, MemberData{Target: p, Email: target.Email, After: target.Role})
}

// inReach is p, if by is a member who manages members and whose role covers p's. The
// roll and not the session says what by is: the session may be seconds old.
func (t *Tenant) inReach(by, p id.Person) (*Member, error) {
	actor, err := t.member(by)
	if err != nil || !May(actor.Role, Members, Manage) {
		return nil, ErrForbidden
	}
	target, err := t.member(p)
	if err != nil {
		return nil, err
	}
	if !Covers(actor.Role, target.Role) {
		return nil, ErrAbove
	}
	return target, nil
}

// readers are the members for whom there is no seat. Owners have one, then those to
// whom one was given by name, the last first, then those who joined earlier.
func (t *Tenant) readers(s Seats) map[id.Person]bool {
	readers := map[id.Person]bool{}
	if s.Limit <= 0 || len(t.Roll) <= s.Limit {
		return readers
	}
	line := slices.DeleteFunc(slices.Clone(t.Roll), func(m Member) bool { return m.Role == contract.RoleOwner })
	slices.SortStableFunc(line, func(a, b Member) int {
		return cmp.Or(b.Seated.Compare(a.Seated), a.Joined.Compare(b.Joined))
	})
	for _, m := range line[min(len(line), max(0, s.Limit-t.owners())):] {
		readers[m.Person] = true
	}
	return readers
}
