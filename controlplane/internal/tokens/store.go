package tokens

import (
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/docstore"
)

// The collections. A family is named after itself, a device grant after the hash
// of its device code, a key book after its tenant.
const (
	FamiliesCollection    = "refresh_families" // carries an outbox
	KeyBooksCollection    = "api_keys"         // carries an outbox
	grantsCollection      = "device_grants"
	signingKeysCollection = "signing_keys"

	byPerson  = "person"
	byTenant  = "tenant"
	byExpires = "expires"
	byState   = "state"
	byCode    = "code"
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: signingKeysCollection},
		{Name: FamiliesCollection, Indexes: []docstore.Index{
			{Name: byPerson, Fields: []string{"person"}},
			{Name: byExpires, Fields: []string{"expires"}},
			{Name: byState, Fields: []string{"state"}},
			{Name: byTenant, Fields: []string{"tenant"}},
			outbox.Index(),
		}},
		{Name: grantsCollection, Indexes: []docstore.Index{
			{Name: byCode, Fields: []string{"userCode"}, Unique: true},
			{Name: byExpires, Fields: []string{"expires"}},
			{Name: byTenant, Fields: []string{"tenant"}},
		}},
		{Name: KeyBooksCollection, Indexes: []docstore.Index{outbox.Index()}},
	}
}
