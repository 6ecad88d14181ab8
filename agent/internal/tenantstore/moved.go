package tenantstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// MovedError refuses everything at a store whose tenant another environment owns.
// Nothing of what was asked has happened, so it may be asked again there.
type MovedError struct {
	To id.Environment
}

// Error implements error.
func (e *MovedError) Error() string { return "moved to " + string(e.To) }

// Unwrap makes it an ErrMoved.
func (e *MovedError) Unwrap() error { return ErrMoved }

// yielded notes that an entry handed the tenant over; nil, and a hand-over to here,
// say nothing. From then
// on the Store refuses everything, for good: when the tenant comes back it is
// opened anew.
func (s *Store) yielded(h *HandOver) {
	if h != nil && h.To != s.self {
		s.moved.Store(&MovedError{To: h.To})
	}
}

// refusal is the MovedError of a store that handed its tenant over, else nil.
func (s *Store) refusal() error {
	if m := s.moved.Load(); m != nil {
		return m
	}
	return nil
}

// Role is what a tenant's documents in one place are.
type Role string

// The roles.
const (
	RoleOwner   Role = "owner"   // accepts writes
	RoleStandby Role = "standby" // a copy that nobody handed the tenant over to
	RoleMoved   Role = "moved"   // was the owner, and follows the present one
)

// Standing is what the documents say of themselves.
type Standing struct {
	Role    Role
	Applied Place    // up to where they are
	Standby *Standby // of a copy, and of an owner that follows the next one
	Last    *HandOver
	LastAt  int64 // slot of Last
}

// Later says whether what is here belongs to another move than these. What no move
// has marked is nobody's.
func (s Standing) Later(moves []string) bool {
	switch {
	case len(moves) == 0:
		return false
	case s.Role == RoleMoved && s.Last != nil:
		return !slices.Contains(moves, s.Last.Move)
	case s.Role == RoleStandby && s.Standby != nil:
		return !slices.Contains(moves, s.Standby.Move)
	}
	return false
}

// Standby is the mark of a copy.
type Standby struct {
	Move  string `json:"move"`
	Claim int64  `json:"claim"` // of the worker that may write here; older ones are refused
	Base  Place  `json:"base"`  // where the copy began: journal and documents up to here are copied, later ones applied
}

// standing reads what the documents of a tenant are in environment self. It asks
// one question: to whom was the tenant last handed over? Without a hand-over the
// owner is whoever is not marked as a copy.
func standing(ctx context.Context, docs docstore.Store, self id.Environment) (Standing, error) {
	at, err := checkpoint(ctx, docs)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Role: RoleOwner, Applied: at}
	var mark Standby
	var last HandOver
	switch _, found, err := own(ctx, docs, standbyID, &mark); {
	case err != nil:
		return s, err
	case found:
		s.Standby, s.Role = &mark, RoleStandby
	}
	switch slot, found, err := own(ctx, docs, handOverID, &last); {
	case err != nil:
		return s, err
	case found:
		s.Last, s.LastAt, s.Role = &last, slot, RoleMoved
		if last.To == self {
			s.Role = RoleOwner
		}
	}
	return s, nil
}

// own reads one of this package's documents beside the checkpoint.
func own(ctx context.Context, docs docstore.Store, which string, into any) (rev int64, found bool, err error) {
	d, err := docs.Get(ctx, checkpointCollection, which)
	if errors.Is(err, docstore.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read %s: %w", which, err)
	}
	if err := json.Unmarshal(d.Body, into); err != nil {
		return 0, false, ErrDamaged.Because(fmt.Errorf("%s is not readable: %w", which, err))
	}
	return d.Rev, true, nil
}

// Elsewhere says of an error that the tenant is not served here, because another
// environment owns it or is about to hand it over.
func Elsewhere(err error) bool { return errors.Is(err, ErrMoved) || errors.Is(err, ErrStandby) }
