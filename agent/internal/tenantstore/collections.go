package tenantstore

import (
	"slices"

	"github.com/dyocense/dyocense/shared/docstore"
)

// The collections this package keeps beside the tenant's own.
const (
	journalCollection    = "journal"
	commandsCollection   = "commands"   // by command id
	checkpointCollection = "checkpoint" // one document
	blobsCollection      = "blobs"      // by content hash and chunk
	movesCollection      = "moves"      // one document, journaled: the move that is under way, or the last one
	registryCollection   = "tenants"    // of a shared database, not of a tenant

	checkpointID = "applied"
	handOverID   = "handover" // the last hand-over that was applied
	standbyID    = "standby"  // says that this is a copy that follows an owner
	currentMove  = "current"
)

var reserved = []string{journalCollection, commandsCollection, checkpointCollection, blobsCollection, movesCollection, registryCollection}

// checkCollections fails with docstore.ErrDeclaration when these cannot be a
// tenant's collections.
func checkCollections(collections []docstore.Collection) error {
	seen := map[string]bool{}
	for _, c := range collections {
		if err := c.Check(); err != nil {
			return err
		}
		if slices.Contains(reserved, c.Name) || seen[c.Name] {
			return docstore.ErrDeclaration.Saying("The collection name %s is taken.", c.Name)
		}
		seen[c.Name] = true
		for _, ix := range c.Indexes {
			if ix.Unique {
				return docstore.ErrDeclaration.Saying("The index %s of %s is unique; a journal entry must always be applicable: claim a document id instead.", ix.Name, c.Name)
			}
		}
	}
	return nil
}

// withOwn are a tenant's collections and this package's.
func withOwn(collections []docstore.Collection) []docstore.Collection {
	return append([]docstore.Collection{
		{Name: journalCollection},
		{Name: commandsCollection},
		{Name: checkpointCollection},
		{Name: blobsCollection},
		{Name: movesCollection},
	}, collections...)
}
