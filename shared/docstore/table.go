package docstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Table reads and writes the documents of one collection as values of T.
type Table[T any] struct {
	store      Store
	collection string
}

// TableOf is the collection of s, with bodies that are T in JSON.
func TableOf[T any](s Store, collection string) Table[T] {
	return Table[T]{store: s, collection: collection}
}

// Row is a value with the id and revision it was read at.
type Row[T any] struct {
	ID    string
	Rev   int64
	Value T
}

// Insert adds v under id. It fails like Store.Insert.
func (t Table[T]) Insert(ctx context.Context, id string, v T) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", t.collection, id, err)
	}
	return t.store.Insert(ctx, t.collection, Document{ID: id, Body: body})
}

// Get reads id. It fails like Store.Get.
func (t Table[T]) Get(ctx context.Context, id string) (Row[T], error) {
	d, err := t.store.Get(ctx, t.collection, id)
	if err != nil {
		return Row[T]{}, err
	}
	return t.row(d)
}

// Replace stores r.Value if the stored revision is r.Rev. It fails like
// Store.Replace and returns the row at its new revision.
func (t Table[T]) Replace(ctx context.Context, r Row[T]) (Row[T], error) {
	body, err := json.Marshal(r.Value)
	if err != nil {
		return r, fmt.Errorf("encode %s %s: %w", t.collection, r.ID, err)
	}
	rev, err := t.store.Replace(ctx, t.collection, Document{ID: r.ID, Rev: r.Rev, Body: body})
	if err != nil {
		return r, err
	}
	r.Rev = rev
	return r, nil
}

// Update reads id, lets change alter the value, and replaces it; when someone was
// faster it begins again with what they wrote, up to 20 times. An error of change
// ends it unchanged. Change must therefore have no effect but on its argument.
func (t Table[T]) Update(ctx context.Context, id string, change func(*T) error) (Row[T], error) {
	for attempt := 1; ; attempt++ {
		r, err := t.Get(ctx, id)
		if err != nil {
			return r, err
		}
		if err := change(&r.Value); err != nil {
			return r, err
		}
		r, err = t.Replace(ctx, r)
		if err == nil || !errors.Is(err, ErrStale) || attempt == 20 {
			return r, err
		}
	}
}

// Delete removes the row at its revision. It fails like Store.Delete.
func (t Table[T]) Delete(ctx context.Context, id string, rev int64) error {
	return t.store.Delete(ctx, t.collection, id, rev)
}

// Find answers q; next is Page.Next.
func (t Table[T]) Find(ctx context.Context, q Query) (rows []Row[T], next string, err error) {
	page, err := t.store.Find(ctx, t.collection, q)
	if err != nil {
		return nil, "", err
	}
	rows = make([]Row[T], 0, len(page.Docs))
	for _, d := range page.Docs {
		r, err := t.row(d)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, r)
	}
	return rows, page.Next, nil
}

// All walks every page of q.
func (t Table[T]) All(ctx context.Context, q Query) ([]Row[T], error) {
	var all []Row[T]
	for {
		rows, next, err := t.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if next == "" {
			return all, nil
		}
		q.After = next
	}
}

// Watch is Store.Watch of the collection.
func (t Table[T]) Watch(ctx context.Context) <-chan struct{} {
	return t.store.Watch(ctx, t.collection)
}

func (t Table[T]) row(d Document) (Row[T], error) {
	r := Row[T]{ID: d.ID, Rev: d.Rev}
	if err := json.Unmarshal(d.Body, &r.Value); err != nil {
		return r, fmt.Errorf("decode %s %s: %w", t.collection, d.ID, err)
	}
	return r, nil
}
