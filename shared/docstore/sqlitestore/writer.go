package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

const (
	groupWrites = 512      // writes that share one commit at most
	groupBytes  = 16 << 20 // bytes of bodies that share one commit at most
	queueLength = 1024     // writes that wait; more callers wait to get in line
)

// writer is the goroutine that owns the write connection. Writes are taken in
// the order they come; those that wait together become one transaction.
type writer struct {
	queue chan *write
	ended chan struct{}
	tx    txn
}

// write is one caller's change.
type write struct {
	change  func(*txn) error
	bytes   int
	state   atomic.Int32 // waiting, then taken or abandoned
	verdict error        // of the change, once it ran
	err     error        // of the whole, set before done closes
	done    chan struct{}
}

const (
	waiting int32 = iota
	takenUp
	abandoned
)

// txn runs statements in the current transaction. Only the writer goroutine, and
// changes it runs, use it.
type txn struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

func newWriter(conn *sql.Conn) *writer {
	w := &writer{
		queue: make(chan *write, queueLength),
		ended: make(chan struct{}),
		tx:    txn{conn: conn, statements: map[string]*sql.Stmt{}},
	}
	go w.run()
	return w
}

// do runs change in a transaction, alone or with others, and returns when it is
// durable. A change must return a fault for what is the caller's affair (the
// transaction goes on) and the driver's error for everything else.
//
// When ctx ends while the change still waits it is dropped; once it runs, its
// real outcome is waited for.
func (w *writer) do(ctx context.Context, bytes int, change func(*txn) error) error {
	if err := ctx.Err(); err != nil {
		return docstore.ErrUnavailable.Because(err)
	}
	j := &write{change: change, bytes: bytes, done: make(chan struct{})}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return docstore.ErrUnavailable.Because(ctx.Err())
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, abandoned) {
			return docstore.ErrUnavailable.Because(ctx.Err())
		}
		<-j.done
	}
	return j.err
}

// close ends the goroutine after what is queued. Nobody may call do any more.
func (w *writer) close() error {
	close(w.queue)
	<-w.ended
	// SQLite keeps a connection, and its files, open while a statement of it is.
	var errs []error
	for _, st := range w.tx.statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, w.tx.conn.Close())...)
}

func (w *writer) run() {
	defer close(w.ended)
	for first := range w.queue {
		// Callers that were just answered are about to come back; letting them run
		// first makes the next commit carry them all.
		runtime.Gosched()
		group := w.gather(first)
		if len(group) > 0 {
			w.commit(group)
		}
	}
}

// gather takes up first and what waits behind it.
func (w *writer) gather(first *write) []*write {
	var group []*write
	bytes := 0
	for j := first; ; {
		if j.state.CompareAndSwap(waiting, takenUp) {
			group = append(group, j)
			bytes += j.bytes
		}
		if len(group) >= groupWrites || bytes >= groupBytes {
			return group
		}
		select {
		case next, ok := <-w.queue:
			if !ok {
				return group
			}
			j = next
		default:
			return group
		}
	}
}

// commit runs the group in one transaction. When a change meets trouble that is
// not its caller's affair, the transaction is rolled back and each change gets
// one of its own, so that only the guilty one fails.
func (w *writer) commit(group []*write) {
	defer func() {
		for _, j := range group {
			close(j.done)
		}
	}()
	err := w.apply(group)
	if err == nil {
		w.finish(group)
		return
	}
	if len(group) == 1 {
		group[0].err = err
		return
	}
	for i, j := range group {
		if j.err = w.apply(group[i : i+1]); j.err == nil {
			w.finish(group[i : i+1])
		}
	}
}

// apply begins a transaction and runs the changes in it. When it fails nothing
// of the group has happened and no transaction is open.
func (w *writer) apply(group []*write) error {
	if _, err := w.tx.exec("BEGIN IMMEDIATE"); err != nil {
		return storeFault("begin", err)
	}
	for _, j := range group {
		j.verdict = w.change(j)
		var f *fault.Error
		var b *docstore.BatchError
		if j.verdict == nil || errors.As(j.verdict, &b) || errors.As(j.verdict, &f) {
			continue
		}
		w.rollback()
		return storeFault("write", j.verdict)
	}
	return nil
}

// finish commits. A commit that fails leaves open whether it happened, so nobody
// is served a second time.
func (w *writer) finish(group []*write) {
	_, err := w.tx.exec("COMMIT")
	if err != nil {
		w.rollback()
		err = docstore.ErrUnavailable.Because(fmt.Errorf("commit: %w", err))
	}
	for _, j := range group {
		if j.err = err; err == nil {
			j.err = j.verdict
		}
	}
}

// change runs one change; its panic is its own failure and no one else's.
func (w *writer) change(j *write) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write panicked: %v", p)
		}
	}()
	return j.change(&w.tx)
}

// rollback ends the transaction; SQLite may have ended it before, which is the
// one error that can come and means what is wanted.
func (w *writer) rollback() { _, _ = w.tx.exec("ROLLBACK") }

// exec runs a statement, prepared once.
func (t *txn) exec(query string, args ...any) (sql.Result, error) {
	st, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// row reads one row; sql.ErrNoRows when there is none.
func (t *txn) row(query string, into any, args ...any) error {
	st, err := t.prepare(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(context.Background(), args...).Scan(into)
}

func (t *txn) prepare(query string) (*sql.Stmt, error) {
	if st, ok := t.statements[query]; ok {
		return st, nil
	}
	st, err := t.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.statements[query] = st
	return st, nil
}
