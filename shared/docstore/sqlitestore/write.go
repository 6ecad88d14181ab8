package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Insert implements docstore.Store.
func (s *Store) Insert(ctx context.Context, collection string, d docstore.Document) error {
	t, err := s.accept(collection, d.ID, d.Body)
	if err != nil {
		return err
	}
	return s.change(ctx, len(d.Body), func(tx *txn) error {
		return t.insert(tx, d.ID, 1, d.Body)
	}, collection)
}

// Replace implements docstore.Store.
func (s *Store) Replace(ctx context.Context, collection string, d docstore.Document) (int64, error) {
	t, err := s.accept(collection, d.ID, d.Body)
	if err != nil {
		return 0, err
	}
	err = s.change(ctx, len(d.Body), func(tx *txn) error {
		res, err := tx.exec("UPDATE "+t.name+" SET rev = rev + 1, body = ? WHERE id = ? AND rev = ?", string(d.Body), d.ID, d.Rev)
		return t.hit(tx, d.ID, res, err)
	}, collection)
	if err != nil {
		return 0, err
	}
	return d.Rev + 1, nil
}

// Delete implements docstore.Store.
func (s *Store) Delete(ctx context.Context, collection, id string, rev int64) error {
	t, err := s.table(collection)
	if err != nil {
		return err
	}
	if err := docstore.CheckID(id); err != nil {
		return err
	}
	return s.change(ctx, 0, func(tx *txn) error {
		res, err := tx.exec("DELETE FROM "+t.name+" WHERE id = ? AND rev = ?", id, rev)
		return t.hit(tx, id, res, err)
	}, collection)
}

// Batch implements docstore.Store. All steps share one transaction; a step that
// fails ends it without undoing the steps before.
func (s *Store) Batch(ctx context.Context, ops ...docstore.Op) error {
	if err := docstore.CheckBatch(ops); err != nil {
		return err
	}
	tables := make([]table, len(ops))
	bytes := 0
	var touched []string
	for i, op := range ops {
		t, err := s.table(op.Collection)
		if err != nil {
			return fmt.Errorf("step %d of batch: %w", i, err)
		}
		tables[i] = t
		bytes += len(op.Doc.Body)
		if i == 0 || ops[i-1].Collection != op.Collection {
			touched = append(touched, op.Collection)
		}
	}
	return s.change(ctx, bytes, func(tx *txn) error {
		for i, op := range ops {
			err := tables[i].step(tx, op)
			if errors.Is(err, docstore.ErrExists) {
				return &docstore.BatchError{Step: i, Err: err}
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, touched...)
}

// change passes a write through the door and the writer, and tells watchers.
func (s *Store) change(ctx context.Context, bytes int, run func(*txn) error, touched ...string) error {
	if err := s.door.Enter(); err != nil {
		return err
	}
	defer s.door.Leave()
	if s.w == nil {
		return errReading
	}
	err := s.w.do(ctx, bytes, run)
	var b *docstore.BatchError
	if err == nil || errors.As(err, &b) {
		for _, c := range touched {
			s.hints.Tell(c)
		}
	}
	return err
}

// accept checks a document before it costs anybody's time in the writer.
func (s *Store) accept(collection, id string, body []byte) (table, error) {
	t, err := s.table(collection)
	if err != nil {
		return t, err
	}
	if err := docstore.CheckID(id); err != nil {
		return t, err
	}
	return t, docstore.CheckBody(body)
}

func (t table) step(tx *txn, op docstore.Op) error {
	switch op.Kind {
	case docstore.OpInsert:
		return t.insert(tx, op.Doc.ID, op.Doc.Rev, op.Doc.Body)
	case docstore.OpPut:
		_, err := tx.exec("INSERT INTO "+t.name+" (id, rev, body) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, body = excluded.body WHERE excluded.rev > rev",
			op.Doc.ID, op.Doc.Rev, string(op.Doc.Body))
		if taken(err) {
			return docstore.ErrExists.Because(err)
		}
		return err
	default: // CheckBatch let only the three kinds through
		_, err := tx.exec("DELETE FROM "+t.name+" WHERE id = ? AND rev <= ?", op.Doc.ID, op.Doc.Rev)
		return err
	}
}

func (t table) insert(tx *txn, id string, rev int64, body []byte) error {
	_, err := tx.exec("INSERT INTO "+t.name+" (id, rev, body) VALUES (?, ?, ?)", id, rev, string(body))
	if taken(err) {
		return docstore.ErrExists.Because(err)
	}
	return err
}

// hit turns "no row matched id and rev" into the reason.
func (t table) hit(tx *txn, id string, res sql.Result, err error) error {
	if taken(err) {
		return docstore.ErrExists.Because(err)
	}
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 1 {
		return err
	}
	var one int
	switch err := tx.row("SELECT 1 FROM "+t.name+" WHERE id = ?", &one, id); {
	case errors.Is(err, sql.ErrNoRows):
		return docstore.ErrNotFound
	case err != nil:
		return err
	}
	return docstore.ErrStale
}
