package dedicated

import "github.com/dyocense/dyocense/shared/docstore"

// Collection holds the dedicated environments.
const Collection = "dedicated"

const (
	byKey  = "key"
	bySlot = "slot"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{{Name: Collection, Indexes: []docstore.Index{
		{Name: byKey, Fields: []string{"tenant", "key"}, Unique: true},
		// Whoever inserts a slot has it; an environment that is gone has none.
		{Name: bySlot, Fields: []string{"home", "slot"}, Unique: true},
	}}}
}
