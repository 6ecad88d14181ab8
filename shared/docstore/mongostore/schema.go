package mongostore

import (
	"context"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/dyocense/dyocense/shared/docstore"
)

// indexable are the BSON types of indexed values, in index order.
var indexable = bson.A{"long", "string", "bool"}

// Ensure implements docstore.Store. What this Cluster made before is not asked
// for again, so that opening the thousandth tenant of a pool costs no round trip.
func (s *Store) Ensure(ctx context.Context, collections ...docstore.Collection) error {
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for _, c := range collections {
		sum, err := s.collections.Declare(c)
		if err != nil {
			return err
		}
		for _, ix := range sum.Indexes {
			if err := s.ensureIndex(ctx, c.Name, ix); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) ensureIndex(ctx context.Context, collection string, ix docstore.Index) error {
	mark := strings.Join(append([]string{s.db.Name(), collection, ix.Name, fmt.Sprint(ix.Unique)}, ix.Fields...), "\x00")
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	if s.cluster.ensured[mark] {
		return nil
	}
	keys := bson.D{{Key: fieldPrefix, Value: 1}}
	present := bson.D{}
	for _, f := range ix.Fields {
		keys = append(keys, bson.E{Key: fieldBody + "." + f, Value: 1})
		present = append(present, bson.E{Key: fieldBody + "." + f, Value: bson.D{{Key: "$type", Value: indexable}}})
	}
	o := options.Index().SetName(ix.Name)
	if ix.Unique {
		o.SetUnique(true).SetPartialFilterExpression(present) // documents that lack a field are exempt
	} else {
		keys = append(keys, bson.E{Key: fieldID, Value: 1})
	}
	_, err := s.db.Collection(collection).Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keys, Options: o})
	switch {
	case err == nil:
		s.cluster.ensured[mark] = true
		return nil
	case serverSays(err, indexOptionsConflict, indexKeySpecsConflict):
		return docstore.ErrDeclaration.Saying("The index %s of %s exists with another definition.", ix.Name, collection).Because(err)
	case mongo.IsDuplicateKeyError(err):
		return docstore.ErrExists.Saying("The unique index %s of %s cannot be made: two documents share its values.", ix.Name, collection).Because(err)
	}
	return storeFault("create index "+ix.Name+" of "+collection, err)
}
