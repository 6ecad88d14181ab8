package provisioning

import (
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/docstore"
)

// Collection holds the placements.
const Collection = "placements"

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{{Name: Collection, Indexes: []docstore.Index{
		outbox.Index(),
		{Name: "unfinished", Fields: []string{"unfinished"}},
	}}}
}
