package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/dyocense/dyocense/shared/docstore"
)

const (
	bulkSteps = 500      // steps of one bulk write
	bulkBytes = 16 << 20 // bytes of one bulk write
	// putTries is how often a put that met a duplicate key is tried while the
	// stored revision stays lower: once for a rival who was inserting, and again.
	putTries = 4
)

// Insert implements docstore.Store.
func (s *Store) Insert(ctx context.Context, collection string, d docstore.Document) error {
	d.Rev = 1
	raw, err := s.accept(collection, d)
	if err != nil {
		return err
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if _, err := s.db.Collection(collection).InsertOne(ctx, raw); err != nil {
		return storeFault("insert document", err)
	}
	s.hints.Tell(collection)
	return nil
}

// Replace implements docstore.Store.
func (s *Store) Replace(ctx context.Context, collection string, d docstore.Document) (int64, error) {
	before := d.Rev
	d.Rev++
	raw, err := s.accept(collection, d)
	if err != nil {
		return 0, err
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	res, err := s.db.Collection(collection).ReplaceOne(ctx, s.at(d.ID, before), raw)
	if err != nil {
		return 0, storeFault("replace document", err)
	}
	if res.MatchedCount == 0 {
		return 0, s.reason(ctx, collection, d.ID)
	}
	s.hints.Tell(collection)
	return d.Rev, nil
}

// Delete implements docstore.Store.
func (s *Store) Delete(ctx context.Context, collection, id string, rev int64) error {
	if _, err := s.collections.Get(collection); err != nil {
		return err
	}
	if err := docstore.CheckID(id); err != nil {
		return err
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	res, err := s.db.Collection(collection).DeleteOne(ctx, s.at(id, rev))
	if err != nil {
		return storeFault("delete document", err)
	}
	if res.DeletedCount == 0 {
		return s.reason(ctx, collection, id)
	}
	s.hints.Tell(collection)
	return nil
}

// accept checks d and encodes it.
func (s *Store) accept(collection string, d docstore.Document) (bson.Raw, error) {
	if _, err := s.collections.Get(collection); err != nil {
		return nil, err
	}
	if err := docstore.CheckID(d.ID); err != nil {
		return nil, err
	}
	if err := docstore.CheckBody(d.Body); err != nil {
		return nil, err
	}
	return s.encode(d)
}

// at matches a document at a revision.
func (s *Store) at(id string, rev any) bson.D {
	return bson.D{{Key: fieldID, Value: s.stored(id)}, {Key: fieldRev, Value: rev}}
}

// reason says why nothing matched an id and a revision.
func (s *Store) reason(ctx context.Context, collection, id string) error {
	_, found, err := s.revision(ctx, collection, id)
	switch {
	case err != nil:
		return err
	case !found:
		return docstore.ErrNotFound
	}
	return docstore.ErrStale
}

func (s *Store) revision(ctx context.Context, collection, id string) (rev int64, found bool, err error) {
	only := options.FindOne().SetProjection(bson.D{{Key: fieldRev, Value: 1}})
	raw, err := s.db.Collection(collection).FindOne(ctx, bson.D{{Key: fieldID, Value: s.stored(id)}}, only).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, storeFault("read revision", err)
	}
	rev, ok := raw.Lookup(fieldRev).AsInt64OK()
	if !ok {
		return 0, true, fmt.Errorf("document %q has no revision", id)
	}
	return rev, true, nil
}

// Batch implements docstore.Store: an ordered bulk write per run of steps in one
// collection, split where it would grow too large.
func (s *Store) Batch(ctx context.Context, ops ...docstore.Op) error {
	if err := docstore.CheckBatch(ops); err != nil {
		return err
	}
	models := make([]mongo.WriteModel, len(ops))
	sizes := make([]int, len(ops))
	for i, op := range ops {
		if _, err := s.collections.Get(op.Collection); err != nil {
			return fmt.Errorf("step %d of batch: %w", i, err)
		}
		m, size, err := s.model(op)
		if err != nil {
			return fmt.Errorf("step %d of batch: %w", i, err)
		}
		models[i], sizes[i] = m, size
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	tries := 0
	for from := 0; from < len(ops); {
		to := runEnd(ops, sizes, from)
		failed, err := s.bulk(ctx, ops[from].Collection, models[from:to])
		if err != nil && failed < 0 {
			return storeFault("write batch", err)
		}
		if failed > 0 || err == nil {
			s.hints.Tell(ops[from].Collection)
		}
		if err == nil {
			from, tries = to, 0
			continue
		}
		at := from + failed
		if failed > 0 {
			tries = 0
		}
		tries++
		if from, err = s.afterFailure(ctx, ops[at], at, tries, err); err != nil {
			return err
		}
	}
	return nil
}

// afterFailure is the step to go on with after step at failed for the tries-th
// time, or the error to give up with.
//
// A put whose guard did not match becomes an insert and meets the id: the stored
// document is as new, and the put has nothing to do. A stored revision that is
// lower or gone means that a rival's insert came between, or a unique index.
func (s *Store) afterFailure(ctx context.Context, op docstore.Op, at, tries int, err error) (int, error) {
	if !mongo.IsDuplicateKeyError(err) {
		return 0, &docstore.BatchError{Step: at, Err: storeFault("write batch", err)}
	}
	if op.Kind == docstore.OpPut {
		rev, found, readErr := s.revision(ctx, op.Collection, op.Doc.ID)
		if readErr != nil {
			return 0, readErr
		}
		if found && rev >= op.Doc.Rev {
			return at + 1, nil
		}
		if tries < putTries {
			return at, nil
		}
	}
	return 0, &docstore.BatchError{Step: at, Err: docstore.ErrExists.Because(err)}
}

// bulk writes a run. failed is the step whose write the server refused, -1 when
// the error is about the whole.
func (s *Store) bulk(ctx context.Context, collection string, models []mongo.WriteModel) (failed int, err error) {
	_, err = s.db.Collection(collection).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(true))
	var b mongo.BulkWriteException
	if errors.As(err, &b) && len(b.WriteErrors) > 0 && b.WriteConcernError == nil {
		return b.WriteErrors[0].Index, b.WriteErrors[0].WriteError
	}
	return -1, err
}

// runEnd is where the bulk write that begins at from ends.
func runEnd(ops []docstore.Op, sizes []int, from int) int {
	bytes := 0
	to := from
	for to < len(ops) && ops[to].Collection == ops[from].Collection && to-from < bulkSteps {
		if bytes += sizes[to]; bytes > bulkBytes && to > from {
			break
		}
		to++
	}
	return to
}

func (s *Store) model(op docstore.Op) (m mongo.WriteModel, size int, err error) {
	if op.Kind == docstore.OpRemove {
		return mongo.NewDeleteOneModel().SetFilter(s.at(op.Doc.ID, bson.D{{Key: "$lte", Value: op.Doc.Rev}})), 0, nil
	}
	raw, err := s.encode(op.Doc)
	if err != nil {
		return nil, 0, err
	}
	if op.Kind == docstore.OpInsert {
		return mongo.NewInsertOneModel().SetDocument(raw), len(raw), nil
	}
	older := s.at(op.Doc.ID, bson.D{{Key: "$lt", Value: op.Doc.Rev}})
	return mongo.NewReplaceOneModel().SetFilter(older).SetReplacement(raw).SetUpsert(true), len(raw), nil
}
