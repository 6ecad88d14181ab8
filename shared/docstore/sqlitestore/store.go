// Package sqlitestore keeps documents in one SQLite file.
//
// It owns the file: one process opens it, enforced by a lock beside it, and
// inside the process one goroutine writes it. Writes that wait together share
// one transaction and one fsync, and each keeps its own success or failure.
// Reads run beside the writer on connections of their own (WAL).
//
// A collection is a table of (id, rev, body); the body is the JSON text as it
// was given. A declared index is an expression index over that text. The format
// is plain SQLite: any tool can read a copy.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/internal/doorway"
	"github.com/dyocense/dyocense/shared/docstore/internal/plan"
)

const (
	// applicationID marks our files ("dyoc"), so that another program's database
	// is refused instead of extended.
	applicationID = 0x64796f63
	// formatVersion grows when an older program can no longer read the file.
	formatVersion = 1
	// readerIdle is how long a read connection is kept without use.
	readerIdle = time.Minute
)

// Options tunes a store. The zero value is right for most.
type Options struct {
	// Readers is how many reads may run at one time; 0 means 4.
	Readers int
	// CacheKiB bounds the page cache of one connection; 0 means 1024.
	CacheKiB int
}

// Store is a docstore.Store on one file.
type Store struct {
	path  string
	lock  *fileLock // nil when opened for reading, like write and w
	write *sql.DB   // one connection, used by the writer goroutine only
	read  *sql.DB
	w     *writer

	collections plan.Collections
	statements  sync.Map // SQL text -> *sql.Stmt of read; bounded by the declared indexes
	lacking     sync.Map // collections that a file opened for reading does not have
	door        doorway.Door
	hints       doorway.Hints
}

var _ docstore.Store = (*Store)(nil)

// Open opens or creates the file at path and its directory. It fails with
// docstore.ErrUnavailable when another process (or another Store of this one)
// has the file open, and with docstore.ErrInvalid when it is no file of ours.
func Open(path string, o Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if o.CacheKiB <= 0 {
		o.CacheKiB = 1024
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, docstore.ErrUnavailable.Because(fmt.Errorf("create folder of store: %w", err))
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, lock: lock}
	if err := s.open(o); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Store) open(o Options) error {
	// SQLite would create the file readable by everyone; its companions inherit
	// the mode of the file.
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return docstore.ErrUnavailable.Because(fmt.Errorf("create store file: %w", err))
	}
	if err := f.Close(); err != nil {
		return docstore.ErrUnavailable.Because(fmt.Errorf("create store file: %w", err))
	}
	// fdatasync keeps a commit as durable as fsync and halves its price on file
	// systems that journal timestamps. Platforms without it stay with fsync.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return fmt.Errorf("choose fdatasync: %w", err)
	}
	cache := "cache_size(-" + strconv.Itoa(o.CacheKiB) + ")"
	s.write, err = sql.Open("sqlite", source(s.path,
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
		"journal_size_limit(8388608)", cache))
	if err != nil {
		return fmt.Errorf("open store file: %w", err)
	}
	s.write.SetMaxOpenConns(1)
	conn, err := s.write.Conn(context.Background())
	if err != nil {
		return storeFault("open store file", err)
	}
	s.w = newWriter(conn)
	if err := s.claimFormat(); err != nil {
		return err
	}
	s.read, err = sql.Open("sqlite", source(s.path, "busy_timeout(10000)", "query_only(ON)", cache))
	if err != nil {
		return fmt.Errorf("open store file for reading: %w", err)
	}
	s.read.SetMaxOpenConns(o.Readers)
	// Readers stay while they are used, so that statements stay prepared; an idle
	// store gives their memory back.
	s.read.SetMaxIdleConns(o.Readers)
	s.read.SetConnMaxIdleTime(readerIdle)
	return nil
}

// claimFormat marks a new file as ours and refuses one that is not.
func (s *Store) claimFormat() error {
	return s.w.do(context.Background(), 0, func(tx *txn) error {
		var app, version, tables int64
		if err := tx.row("PRAGMA application_id", &app); err != nil {
			return err
		}
		if err := tx.row("PRAGMA user_version", &version); err != nil {
			return err
		}
		if app == applicationID {
			if version > formatVersion {
				return docstore.ErrInvalid.Saying("The data was written by a newer version of this program; update it first.")
			}
			return nil
		}
		if err := tx.row("SELECT count(*) FROM sqlite_master", &tables); err != nil {
			return err
		}
		if app != 0 || tables != 0 {
			return docstore.ErrInvalid.Saying("The file is a database of another program.")
		}
		if _, err := tx.exec("PRAGMA application_id = " + strconv.Itoa(applicationID)); err != nil {
			return err
		}
		_, err := tx.exec("PRAGMA user_version = " + strconv.Itoa(formatVersion))
		return err
	})
}

// source is the data source name of the file with these pragmas.
func source(path string, pragmas ...string) string {
	q := url.Values{"_pragma": pragmas}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// Path is where the file lies; its companions are path-wal, path-shm, path.lock.
func (s *Store) Path() string { return s.path }

// Watch implements docstore.Store.
func (s *Store) Watch(ctx context.Context, collection string) <-chan struct{} {
	return s.hints.Watch(ctx, collection)
}

// Ping implements docstore.Store: it reads through a read connection and passes
// once through the writer.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.door.Enter(); err != nil {
		return err
	}
	defer s.door.Leave()
	if err := s.read.PingContext(ctx); err != nil {
		return storeFault("ping store", err)
	}
	if s.w == nil {
		return nil
	}
	return s.w.do(ctx, 0, func(*txn) error { return nil })
}

// Integrity reads the whole file and fails with docstore.ErrInvalid when SQLite
// finds it damaged. It takes time in proportion to the file.
func (s *Store) Integrity(ctx context.Context) error {
	if err := s.door.Enter(); err != nil {
		return err
	}
	defer s.door.Leave()
	var verdict string
	if err := s.read.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return storeFault("check integrity", err)
	}
	if verdict != "ok" {
		return docstore.ErrInvalid.Saying("The file of the store is damaged.").Because(errors.New(verdict))
	}
	return nil
}

// Close implements docstore.Store. A second Close does nothing.
func (s *Store) Close() error {
	if !s.door.Close() {
		return nil
	}
	s.hints.Close()
	return s.release()
}

// release closes what was opened, readers first: the last connection of the file
// is then the writer's, which folds the WAL into it.
func (s *Store) release() error {
	var errs []error
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.w != nil {
		errs = append(errs, s.w.close())
	}
	if s.write != nil {
		errs = append(errs, s.write.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}
