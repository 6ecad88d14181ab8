// Package plan turns declarations and queries into what an adapter runs.
//
// It owns the reading of a query: its limits, its cursor, and the few index
// ranges that answer it in order. Adapters only translate a range into their
// language, so that both answer alike. It does not touch a store.
package plan

import (
	"slices"
	"sync"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Collections remembers what was declared. The zero value knows nothing. Safe
// for concurrent use.
type Collections struct {
	mu    sync.RWMutex
	known map[string]docstore.Collection
}

// Declare adds c to what is known and returns the sum of all its declarations.
// It fails with docstore.ErrDeclaration when c is malformed or changes an index.
func (k *Collections) Declare(c docstore.Collection) (docstore.Collection, error) {
	if err := c.Check(); err != nil {
		return c, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := k.known[c.Name]
	sum.Name = c.Name
	sum.Indexes = slices.Clone(sum.Indexes)
	for _, ix := range c.Indexes {
		at := slices.IndexFunc(sum.Indexes, func(o docstore.Index) bool { return o.Name == ix.Name })
		switch {
		case at < 0:
			ix.Fields = slices.Clone(ix.Fields)
			sum.Indexes = append(sum.Indexes, ix)
		case sum.Indexes[at].Unique != ix.Unique || !slices.Equal(sum.Indexes[at].Fields, ix.Fields):
			return c, docstore.ErrDeclaration.Saying("The index %s of %s was declared differently before.", ix.Name, c.Name)
		}
	}
	if k.known == nil {
		k.known = map[string]docstore.Collection{}
	}
	k.known[c.Name] = sum
	return sum, nil
}

// Get is the declared collection, or docstore.ErrUndeclared.
func (k *Collections) Get(name string) (docstore.Collection, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	c, ok := k.known[name]
	if !ok {
		return c, docstore.ErrUndeclared.Saying("The collection %q was not declared.", name)
	}
	return c, nil
}
