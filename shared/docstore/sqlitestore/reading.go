package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dyocense/dyocense/shared/docstore"
)

// errReading refuses every write to a store that was opened for reading.
var errReading = docstore.ErrUnavailable.Saying("The store was opened for reading.")

// OpenForReading opens an existing file without its lock, beside the process that
// writes it or without one. Nothing is created or changed: Ensure declares, and a
// collection that the file does not have is empty. Two reads see two moments. It
// fails like Open, and with docstore.ErrNotFound when there is no file.
func OpenForReading(path string, o Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, docstore.ErrNotFound.Saying("There is no store file %s.", filepath.Base(path)).Because(err)
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if o.CacheKiB <= 0 {
		o.CacheKiB = 1024
	}
	s := &Store{path: path}
	s.read, err = sql.Open("sqlite", source(path, "busy_timeout(10000)", "query_only(ON)", "cache_size(-"+strconv.Itoa(o.CacheKiB)+")")+"&mode=ro")
	if err != nil {
		return nil, fmt.Errorf("open store file for reading: %w", err)
	}
	s.read.SetMaxOpenConns(o.Readers)
	s.read.SetMaxIdleConns(o.Readers)
	var app, version int64
	err = errors.Join(
		s.read.QueryRow("PRAGMA application_id").Scan(&app),
		s.read.QueryRow("PRAGMA user_version").Scan(&version))
	switch {
	case err != nil:
		err = storeFault("open store file for reading", err)
	case app != applicationID:
		err = docstore.ErrInvalid.Saying("The file is not one of this program.")
	case version > formatVersion:
		err = docstore.ErrInvalid.Saying("The data was written by a newer version of this program; update it first.")
	}
	if err != nil {
		return nil, errors.Join(err, s.read.Close())
	}
	return s, nil
}

// note remembers which of the declared collections the file has.
func (s *Store) note(ctx context.Context, t table) error {
	var n int
	err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", "c/"+t.Name).Scan(&n)
	if err != nil {
		return storeFault("look for collection", err)
	}
	if n == 0 {
		s.lacking.Store(t.Name, true)
	}
	return nil
}

// lacks says that the file was opened for reading and has no such collection.
func (s *Store) lacks(collection string) bool {
	_, ok := s.lacking.Load(collection)
	return ok
}
