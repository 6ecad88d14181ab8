package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The life of a family.
const (
	familyIdle     = 7 * 24 * time.Hour
	familyAbsolute = 30 * 24 * time.Hour
	// replayWithin is how long an answer that got lost may be asked for again.
	replayWithin = 10 * time.Second
)

// The events of families.
const (
	EventSignedIn  = "tokens.program_signed_in"
	EventSignedOut = "tokens.program_signed_out"
	EventReused    = "tokens.refresh_token_reused"
)

// FamilyData goes with the events of families.
type FamilyData struct {
	Family id.Family `json:"family"`
	Person id.Person `json:"person"`
	Client string    `json:"client"`
	Origin string    `json:"origin,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// family is the refresh tokens of one signed-in program.
type family struct {
	ID      id.Family   `json:"id"`
	Person  id.Person   `json:"person"`
	Email   string      `json:"email"`
	Tenant  id.Tenant   `json:"tenant"`
	Client  string      `json:"client"` // as the program calls itself
	Origin  string      `json:"origin"` // where it was signed in from
	State   FamilyState `json:"state"`
	Started time.Time   `json:"started"`
	Used    time.Time   `json:"used"`
	Expires int64       `json:"expires"` // Unix milliseconds
	Current string      `json:"current"` // hash of the token that is worth something
	Last    string      `json:"last,omitempty"`
	Rotated time.Time   `json:"rotated,omitzero"` // when Last was replaced
	outbox.Box
}

func (f family) usable(now time.Time) bool {
	return f.State == FamilyActive && now.UnixMilli() < f.Expires
}

// see moves the end of the family, never beyond its absolute limit.
func (f *family) see(now time.Time) {
	f.Used = now.UTC()
	end := f.Used.Add(familyIdle)
	if last := f.Started.Add(familyAbsolute); end.After(last) {
		end = last
	}
	f.Expires = end.UnixMilli()
}

func (f *family) move(e FamilyEvent) error {
	next, err := FamilyLifecycle.Next(f.State, e)
	if err != nil {
		return err
	}
	f.State = next
	return nil
}

func (f family) data(origin, reason string) FamilyData {
	return FamilyData{Family: f.ID, Person: f.Person, Client: f.Client, Origin: origin, Reason: reason}
}

// Pair is what a program gets: the one to ask with, and the one to get the next
// pair with.
type Pair struct {
	Access  string
	Refresh string
}

// Refresh gives the pair that follows the refresh token. It fails with ErrGrant;
// when the token was replaced more than ten seconds ago, somebody has a copy, and
// the whole family ends.
func (s *Service) Refresh(ctx context.Context, token, origin string) (Pair, error) {
	old, ok := s.ring.read(token)
	if !ok {
		return Pair{}, ErrGrant
	}
	for {
		row, err := s.families.Get(ctx, string(old.family))
		if errors.Is(err, docstore.ErrNotFound) {
			return Pair{}, ErrGrant
		}
		if err != nil {
			return Pair{}, fmt.Errorf("read family: %w", err)
		}
		pair, err := s.refresh(ctx, row, old, origin)
		if !errors.Is(err, docstore.ErrStale) {
			return pair, err
		}
	}
}

// refresh is one attempt; it fails with docstore.ErrStale when somebody else
// changed the family meanwhile.
func (s *Service) refresh(ctx context.Context, row docstore.Row[family], old refreshToken, origin string) (Pair, error) {
	f, now := &row.Value, s.now()
	if !f.usable(now) {
		return Pair{}, ErrGrant
	}
	switch hash := old.hash(); {
	case hash == f.Current:
		return s.rotate(ctx, row, old)
	case hash == f.Last && now.Sub(f.Rotated) <= replayWithin:
		if next, ok := s.ring.knownSuccessor(old, f.Current); ok {
			return s.pair(*f, next)
		}
	}
	if err := f.move(TokenReused); err != nil {
		return Pair{}, err
	}
	if err := f.AnnounceBy(ctx, EventReused, f.Tenant, f.data(origin, "")); err != nil {
		return Pair{}, err
	}
	row, err := s.families.Replace(ctx, row)
	if err != nil {
		return Pair{}, err
	}
	if err := s.tell(ctx, row); err != nil {
		s.log.WarnContext(ctx, "a person is told of a stolen token later", "family", row.ID, "err", err)
	}
	return Pair{}, ErrGrant
}

func (s *Service) rotate(ctx context.Context, row docstore.Row[family], old refreshToken) (Pair, error) {
	f, now := &row.Value, s.now()
	if err := s.stillMember(ctx, *f); err != nil {
		if errors.Is(err, ErrGrant) { // it does not come to life again if they come back
			err = errors.Join(err, s.end(ctx, f.ID, func(family) error { return nil }, "left the company"))
		}
		return Pair{}, err
	}
	next := s.ring.successor(old)
	if err := f.move(TokenRotated); err != nil {
		return Pair{}, err
	}
	f.Last, f.Current, f.Rotated = f.Current, next.hash(), now.UTC()
	f.see(now)
	row, err := s.families.Replace(ctx, row)
	if err != nil {
		return Pair{}, err
	}
	return s.pair(row.Value, next)
}

// stillMember fails with ErrGrant when the family's person left the tenant.
func (s *Service) stillMember(ctx context.Context, f family) error {
	_, err := s.members.Member(ctx, f.Tenant, f.Person)
	if errors.Is(err, tenancy.ErrNotFound) {
		return ErrGrant
	}
	return err
}

func (s *Service) pair(f family, t refreshToken) (Pair, error) {
	access, err := s.signer.Sign(f.Person, f.Tenant, f.ID)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Access: access, Refresh: s.ring.reveal(t)}, nil
}

// tell writes to the person whose token was stolen, once.
func (s *Service) tell(ctx context.Context, row docstore.Row[family]) error {
	f := row.Value
	letter := notify.StolenToken{Program: f.Client, Link: s.site + "/settings/keys"}
	if err := s.mails.Post(ctx, "stolen token/"+string(f.ID), f.Email, letter); err != nil {
		return fmt.Errorf("write to the person of %s: %w", f.ID, err)
	}
	if err := row.Value.move(PersonTold); err != nil {
		return err
	}
	if _, err := s.families.Replace(ctx, row); err != nil && !gone(err) {
		return fmt.Errorf("note that the person of %s was told: %w", f.ID, err)
	}
	return nil
}

func (s *Service) tellAll(ctx context.Context) error {
	rows, err := s.families.All(ctx, docstore.Query{Index: byState, Equal: []any{string(FamilyStolen)}})
	if err != nil {
		return fmt.Errorf("find stolen families: %w", err)
	}
	for _, row := range rows {
		if err := s.tell(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// SignOut ends the family of a refresh token. What proves nothing is no failure.
func (s *Service) SignOut(ctx context.Context, token string) error {
	t, ok := s.ring.read(token)
	if !ok {
		return nil
	}
	err := s.end(ctx, t.family, func(family) error { return nil }, "signed out by the program")
	if errors.Is(err, ErrNoFamily) {
		return nil
	}
	return err
}

// Program is a family as its person sees it.
type Program struct {
	ID      id.Family `json:"id"`
	Client  string    `json:"client" doc:"as the program calls itself"`
	Origin  string    `json:"origin" doc:"the network it was signed in from"`
	Started time.Time `json:"started"`
	Used    time.Time `json:"used"`
	Ends    time.Time `json:"ends" doc:"if it is not used before"`
}

// Programs lists where a person is signed in with a program, the last used first.
func (s *Service) Programs(ctx context.Context, p id.Person, t id.Tenant) ([]Program, error) {
	rows, err := s.families.All(ctx, docstore.Query{Index: byPerson, Equal: []any{string(p)}})
	if err != nil {
		return nil, fmt.Errorf("list families: %w", err)
	}
	list := []Program{}
	for _, row := range rows {
		if f := row.Value; f.Tenant == t && f.usable(s.now()) {
			list = append(list, Program{
				ID: f.ID, Client: f.Client, Origin: f.Origin, Started: f.Started, Used: f.Used, Ends: time.UnixMilli(f.Expires).UTC(),
			})
		}
	}
	slices.SortFunc(list, func(a, b Program) int { return b.Used.Compare(a.Used) })
	return list, nil
}

// EndProgram signs a person's program out, or fails with ErrNoFamily.
func (s *Service) EndProgram(ctx context.Context, p id.Person, f id.Family) error {
	return s.end(ctx, f, func(found family) error {
		if found.Person != p {
			return ErrNoFamily
		}
		return nil
	}, "signed out in the portal")
}

// EndAll signs all programs of a person out: after a new password, say.
func (s *Service) EndAll(ctx context.Context, p id.Person, reason string) error {
	rows, err := s.families.All(ctx, docstore.Query{Index: byPerson, Equal: []any{string(p)}})
	if err != nil {
		return fmt.Errorf("list families: %w", err)
	}
	for _, row := range rows {
		err := s.end(ctx, row.Value.ID, func(family) error { return nil }, reason)
		if err != nil && !errors.Is(err, ErrNoFamily) {
			return err
		}
	}
	return nil
}

// end closes an active family that allow lets through, or fails with ErrNoFamily.
func (s *Service) end(ctx context.Context, f id.Family, allow func(family) error, reason string) error {
	_, err := s.families.Update(ctx, string(f), func(found *family) error {
		if err := allow(*found); err != nil {
			return err
		}
		if !found.usable(s.now()) {
			return ErrNoFamily
		}
		if err := found.move(FamilyClosed); err != nil {
			return err
		}
		return found.AnnounceBy(ctx, EventSignedOut, found.Tenant, found.data("", reason))
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return ErrNoFamily
	}
	if err != nil {
		return fmt.Errorf("end %s: %w", f, err)
	}
	return nil
}

// sweepFamilies deletes the families that are over. One that still has something
// to say stays until it is said.
func (s *Service) sweepFamilies(ctx context.Context) error {
	rows, err := s.families.All(ctx, docstore.Query{Index: byExpires, To: s.now().UnixMilli() + 1})
	if err != nil {
		return fmt.Errorf("find families that are over: %w", err)
	}
	for _, row := range rows {
		if row.Value.State == FamilyStolen || len(row.Value.Outbox) > 0 {
			continue
		}
		if err := s.families.Delete(ctx, row.ID, row.Rev); err != nil && !gone(err) {
			return fmt.Errorf("delete family: %w", err)
		}
	}
	return nil
}
