// Package storebench measures a docstore.Store: operations a second of its
// primitives, at a given number of documents, by one caller and by many.
//
// It owns what is measured and how; it does not open stores, print, or judge. The
// raw figures of the driver alone, on the same disk in the same run, are what the
// adapter's figures are to be compared with.
package storebench

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver that AgainstRaw measures

	"github.com/dyocense/dyocense/shared/docstore"
)

// Figure is one measurement.
type Figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Better string  `json:"better"` // higher or lower
}

const (
	collection = "bench_things"
	kinds      = 100 // documents are spread over so many values of the first indexed field
	callers    = 16  // of the figures "by 16"
	loadBatch  = 500
	// budget bounds one measurement, so that slow servers end too.
	budget = 1500 * time.Millisecond
	// turns is how often AgainstRaw changes sides.
	turns = 10
)

type thing struct {
	Kind string `json:"kind"`
	Size int    `json:"size"`
	Text string `json:"text"`
}

// Collection is what Run uses; the store should not hold it yet.
func Collection() docstore.Collection {
	return docstore.Collection{Name: collection, Indexes: []docstore.Index{{Name: "by_kind_size", Fields: []string{"kind", "size"}}}}
}

func thingOf(i int) json.RawMessage {
	body, err := json.Marshal(thing{Kind: fmt.Sprintf("kind-%02d", i%kinds), Size: i / kinds, Text: "about as much text as a small document has, and no more"})
	if err != nil {
		panic(err) // the type has nothing that JSON cannot hold
	}
	return body
}

func idOf(i int) string { return fmt.Sprintf("t%09d", i) }

// Run loads n documents (at least 1,000) into s and measures. Each figure takes
// about a second and a half. It leaves its documents behind.
func Run(ctx context.Context, s docstore.Store, n int) ([]Figure, error) {
	n = max(n, 1000)
	if err := s.Ensure(ctx, Collection()); err != nil {
		return nil, fmt.Errorf("declare collection: %w", err)
	}
	figures := []Figure{}
	add := func(name string, value float64) {
		figures = append(figures, Figure{Name: name, Value: value, Unit: "ops/s", Better: "higher"})
	}
	began := time.Now()
	if err := load(ctx, s, n); err != nil {
		return nil, err
	}
	add(fmt.Sprintf("bulk load of %d documents", n), float64(n)/time.Since(began).Seconds())

	var fresh atomic.Int64
	fresh.Store(int64(n))
	for _, m := range []struct {
		name string
		op   func(context.Context) error
	}{
		{"insert", func(ctx context.Context) error {
			i := int(fresh.Add(1))
			return s.Insert(ctx, collection, docstore.Document{ID: idOf(i), Body: thingOf(i)})
		}},
		{"get", func(ctx context.Context) error {
			_, err := s.Get(ctx, collection, idOf(rand.IntN(n)))
			return err
		}},
		{"compare-and-set", func(ctx context.Context) error { return replaceAny(ctx, s, n) }},
		{"indexed find of 20", func(ctx context.Context) error {
			page, err := s.Find(ctx, collection, docstore.Query{
				Index: "by_kind_size", Equal: []any{fmt.Sprintf("kind-%02d", rand.IntN(kinds))},
				From: rand.IntN(max(1, n/kinds-20)), Limit: 20,
			})
			if err == nil && len(page.Docs) == 0 {
				return errors.New("nothing was found")
			}
			return err
		}},
	} {
		for _, by := range []int{1, callers} {
			rate, err := measure(ctx, by, budget, m.op)
			if err != nil {
				return nil, fmt.Errorf("%s by %d: %w", m.name, by, err)
			}
			add(fmt.Sprintf("%s by %d at %d documents", m.name, by, n), rate)
		}
	}
	return figures, nil
}

func load(ctx context.Context, s docstore.Store, n int) error {
	for from := 0; from < n; from += loadBatch {
		var ops []docstore.Op
		for i := from; i < min(from+loadBatch, n); i++ {
			ops = append(ops, docstore.Op{Kind: docstore.OpInsert, Collection: collection, Doc: docstore.Document{ID: idOf(i), Rev: 1, Body: thingOf(i)}})
		}
		if err := s.Batch(ctx, ops...); err != nil {
			return fmt.Errorf("load documents: %w", err)
		}
	}
	return nil
}

// replaceAny is one read and one replace at the read revision; losing a race to a
// rival counts as an operation too.
func replaceAny(ctx context.Context, s docstore.Store, n int) error {
	d, err := s.Get(ctx, collection, idOf(rand.IntN(n)))
	if err != nil {
		return err
	}
	if _, err = s.Replace(ctx, collection, d); errors.Is(err, docstore.ErrStale) {
		return nil
	}
	return err
}

// measure is operations a second of by callers within the time.
func measure(ctx context.Context, by int, within time.Duration, op func(context.Context) error) (float64, error) {
	var (
		done  atomic.Int64
		all   sync.WaitGroup
		began = time.Now()
		errs  = make([]error, by)
	)
	for c := range by {
		all.Go(func() {
			for time.Since(began) < within && errs[c] == nil {
				if errs[c] = op(ctx); errs[c] == nil {
					done.Add(1)
				}
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}

// AgainstRaw measures inserts by one caller into s, which Run has filled, in turns
// with what the SQLite driver alone does in dir, a fresh folder on the same disk:
// one prepared insert a transaction, WAL and synchronous FULL, into an empty table
// without indexes of ours. In turns, because a disk has moods.
func AgainstRaw(ctx context.Context, s docstore.Store, dir string) (figures []Figure, err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "raw.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, fmt.Errorf("open raw database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "CREATE TABLE things (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL, body TEXT NOT NULL)"); err != nil {
		return nil, fmt.Errorf("create raw table: %w", err)
	}
	insert, err := db.PrepareContext(ctx, "INSERT INTO things (id, rev, body) VALUES (?, 1, ?)")
	if err != nil {
		return nil, fmt.Errorf("prepare raw insert: %w", err)
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	var i int
	raw := func(context.Context) error {
		i++
		_, err := insert.Exec(idOf(i), string(thingOf(i))) //nolint:noctx // as the adapter does: watching a context costs more than the insert
		return err
	}
	through := func(ctx context.Context) error {
		i++
		return s.Insert(ctx, collection, docstore.Document{ID: "turn" + idOf(i), Body: thingOf(i)})
	}
	var rawRate, rate float64
	for range turns {
		r, err := measure(ctx, 1, budget/turns, raw)
		if err != nil {
			return nil, fmt.Errorf("raw insert: %w", err)
		}
		t, err := measure(ctx, 1, budget/turns, through)
		if err != nil {
			return nil, fmt.Errorf("insert: %w", err)
		}
		rawRate, rate = rawRate+r/turns, rate+t/turns
	}
	return []Figure{
		{Name: "insert by 1, the driver alone", Value: rawRate, Unit: "ops/s", Better: "higher"},
		{Name: "insert by 1, in turns with it", Value: rate, Unit: "ops/s", Better: "higher"},
		{Name: "insert by 1 over the driver alone", Value: rate / rawRate, Unit: "x", Better: "higher"},
	}, nil
}
