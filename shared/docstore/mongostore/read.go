package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/internal/plan"
)

// Get implements docstore.Store.
func (s *Store) Get(ctx context.Context, collection, id string) (docstore.Document, error) {
	if _, err := s.collections.Get(collection); err != nil {
		return docstore.Document{}, err
	}
	if err := docstore.CheckID(id); err != nil {
		return docstore.Document{}, err
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return docstore.Document{}, err
	}
	defer leave()
	raw, err := s.db.Collection(collection).FindOne(ctx, bson.D{{Key: fieldID, Value: s.stored(id)}}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return docstore.Document{}, docstore.ErrNotFound
	}
	if err != nil {
		return docstore.Document{}, storeFault("read document", err)
	}
	return s.decode(raw)
}

// Size implements docstore.Store.
func (s *Store) Size(ctx context.Context, collection string) (docstore.Size, error) {
	var size docstore.Size
	if _, err := s.collections.Get(collection); err != nil {
		return size, err
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return size, err
	}
	defer leave()
	cursor, err := s.db.Collection(collection).Aggregate(ctx, mongo.Pipeline{
		{{Key: "$match", Value: s.idBounds(plan.Range{})}},
		{{Key: "$group", Value: bson.D{
			{Key: "_id", Value: nil},
			{Key: "documents", Value: bson.D{{Key: "$sum", Value: 1}}},
			{Key: "bytes", Value: bson.D{{Key: "$sum", Value: bson.D{{Key: "$bsonSize", Value: "$$ROOT"}}}}},
		}}},
	})
	if err != nil {
		return size, storeFault("measure collection", err)
	}
	defer func() { _ = cursor.Close(ctx) }() // its one document is read or it has failed
	if cursor.Next(ctx) {
		err = cursor.Decode(&size)
	}
	return size, storeFault("measure collection", errors.Join(err, cursor.Err()))
}

// Find implements docstore.Store.
func (s *Store) Find(ctx context.Context, collection string, q docstore.Query) (docstore.Page, error) {
	c, err := s.collections.Get(collection)
	if err != nil {
		return docstore.Page{}, err
	}
	p, err := plan.Of(c, q)
	if err != nil {
		return docstore.Page{}, err
	}
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return docstore.Page{}, err
	}
	defer leave()
	b := builder{store: s, plan: p}
	for _, r := range p.Ranges {
		if err := s.walk(ctx, collection, r, &b); err != nil {
			return docstore.Page{}, storeFault("find documents", err)
		}
		if b.full {
			break
		}
	}
	return b.page, nil
}

// walk lets b take the documents of r in order until it is full.
//
// The server may return documents that a Query does not mean (it looks into
// arrays); b drops them. Should that leave a limited answer short, the range is
// walked again without the limit, which costs only what is then read.
func (s *Store) walk(ctx context.Context, collection string, r plan.Range, b *builder) error {
	before := *b
	limit := b.plan.Limit + 1 - len(b.page.Docs)
	returned, err := s.scan(ctx, collection, r, b, limit)
	if err != nil || b.full || returned < limit || len(b.page.Docs)-len(before.page.Docs) == returned {
		return err
	}
	*b = before
	_, err = s.scan(ctx, collection, r, b, 0)
	return err
}

// scan reads r with a limit (0 is none) and says how many documents came.
func (s *Store) scan(ctx context.Context, collection string, r plan.Range, b *builder, limit int) (returned int, err error) {
	o := options.Find().SetSort(order(b.plan)).SetLimit(int64(limit))
	if b.plan.Index.Name != "" {
		o.SetHint(b.plan.Index.Name) // an error rather than a scan
	}
	cursor, err := s.db.Collection(collection).Find(ctx, s.filter(b.plan, r), o)
	if err != nil {
		return 0, err
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // what was read is read
	for !b.full && cursor.Next(ctx) {
		returned++
		if err := b.take(cursor.Current, r); err != nil {
			return returned, err
		}
	}
	return returned, cursor.Err()
}

// filter is r in MongoDB's words. The prefix bounds every scan: through the index
// field p, or through the range of ids that begin with it.
func (s *Store) filter(p plan.Plan, r plan.Range) bson.D {
	if p.Index.Name == "" {
		return s.idBounds(r)
	}
	terms := bson.A{bson.D{{Key: fieldPrefix, Value: s.prefix}}}
	add := func(field, operator string, value any) {
		terms = append(terms, bson.D{{Key: field, Value: bson.D{{Key: operator, Value: value}}}})
	}
	for i, f := range p.Index.Fields {
		f = fieldBody + "." + f
		if i < len(r.Equal) {
			add(f, "$eq", r.Equal[i])
		}
		// The same words as in the partial filter of a unique index, which makes
		// that index usable.
		add(f, "$type", indexable)
		if i != len(r.Equal) {
			continue
		}
		if r.Low.Value != nil {
			add(f, pick(r.Low.Open, "$gt", "$gte"), r.Low.Value)
		}
		if r.High.Value != nil {
			add(f, pick(r.High.Open, "$lt", "$lte"), r.High.Value)
		}
		if len(r.Kinds) < len(indexable) {
			add(f, "$type", typesOf(r.Kinds))
		}
	}
	if len(r.Equal) == len(p.Index.Fields) {
		for _, e := range s.idBounds(r) {
			terms = append(terms, bson.D{e})
		}
	}
	return bson.D{{Key: "$and", Value: terms}}
}

// idBounds limits _id to the prefix and to the bounds of r, whose key is the id.
func (s *Store) idBounds(r plan.Range) bson.D {
	var bounds bson.D
	if s.prefix != "" { // "0" follows "/" in the order of bytes
		bounds = bson.D{{Key: "$gte", Value: s.prefix + "/"}, {Key: "$lt", Value: s.prefix + "0"}}
	}
	terms := bson.D{{Key: fieldID, Value: bounds}}
	if bounds == nil {
		terms = bson.D{}
	}
	var own bson.D
	if v, ok := r.Low.Value.(string); ok {
		own = append(own, bson.E{Key: pick(r.Low.Open, "$gt", "$gte"), Value: s.stored(v)})
	}
	if v, ok := r.High.Value.(string); ok {
		own = append(own, bson.E{Key: pick(r.High.Open, "$lt", "$lte"), Value: s.stored(v)})
	}
	switch {
	case own == nil:
		return terms
	case bounds == nil:
		return bson.D{{Key: fieldID, Value: own}}
	}
	return bson.D{{Key: "$and", Value: bson.A{terms, bson.D{{Key: fieldID, Value: own}}}}}
}

// order is the sort of p: its free fields, then the id, as the index has them.
func order(p plan.Plan) bson.D {
	direction := 1
	if p.Desc {
		direction = -1
	}
	var sort bson.D
	for _, f := range p.Free() {
		sort = append(sort, bson.E{Key: fieldBody + "." + f, Value: direction})
	}
	if p.Index.Unique && len(sort) > 0 {
		return sort // no two share the values, and the index does not hold the id
	}
	return append(sort, bson.E{Key: fieldID, Value: direction})
}

func typesOf(kinds []plan.Kind) bson.A {
	var out bson.A
	for _, k := range kinds {
		out = append(out, indexable[k-plan.Int])
	}
	return out
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
