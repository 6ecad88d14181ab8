package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

// storeFault gives an error of the driver its meaning. Faults pass unchanged.
func storeFault(doing string, err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return docstore.ErrUnavailable.Because(fmt.Errorf("%s: %w", doing, err))
	}
	switch code(err) & 0xff {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return docstore.ErrInvalid.Saying("The file of the store is damaged or not a database.").Because(fmt.Errorf("%s: %w", doing, err))
	case sqlite3.SQLITE_FULL:
		return docstore.ErrUnavailable.Saying("The disk of the store is full; free some space.").Because(fmt.Errorf("%s: %w", doing, err))
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return docstore.ErrUnavailable.Because(fmt.Errorf("%s: %w", doing, err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// taken says that err is a unique id or index refusing a row.
func taken(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// code is SQLite's extended result code, 0 for other errors.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}
