package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The collections. A person is named after the hash of the address, a session
// after the hash of its token.
const (
	peopleCollection   = "people"
	sessionsCollection = "sessions"

	byPerson  = "person"
	byExpires = "expires"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: peopleCollection, Indexes: []docstore.Index{{Name: byPerson, Fields: []string{"id"}, Unique: true}}},
		{Name: sessionsCollection, Indexes: []docstore.Index{
			{Name: byExpires, Fields: []string{"expires"}},
			{Name: byPerson, Fields: []string{"person"}},
		}},
	}
}

type store struct {
	people   docstore.Table[Person]
	sessions docstore.Table[Session]
}

func newStore(s docstore.Store) store {
	return store{
		people:   docstore.TableOf[Person](s, peopleCollection),
		sessions: docstore.TableOf[Session](s, sessionsCollection),
	}
}

// personAt finds the person of an address, nil when there is none.
func (s store) personAt(ctx context.Context, a Address) (*docstore.Row[Person], error) {
	row, err := s.people.Get(ctx, a.Key())
	if errors.Is(err, docstore.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	return &row, nil
}

// person finds a person by identifier, or fails with docstore.ErrNotFound.
func (s store) person(ctx context.Context, p id.Person) (Person, error) {
	rows, _, err := s.people.Find(ctx, docstore.Query{Index: byPerson, Equal: []any{string(p)}, Limit: 1})
	if err != nil {
		return Person{}, fmt.Errorf("find person: %w", err)
	}
	if len(rows) == 0 {
		return Person{}, docstore.ErrNotFound
	}
	return rows[0].Value, nil
}
