package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
)

// table is a declared collection in SQL.
type table struct {
	docstore.Collection
	name string // quoted
}

func (s *Store) table(collection string) (table, error) {
	c, err := s.collections.Get(collection)
	return table{Collection: c, name: quote("c/" + collection)}, err
}

// quote makes an SQL identifier of a declared name; those hold no quotes.
func quote(name string) string { return `"` + name + `"` }

func (t table) indexName(ix docstore.Index) string { return quote("i/" + t.Name + "/" + ix.Name) }

// key is the expression of an indexed field: integers and texts as they are,
// booleans as blobs, which SQLite orders after texts, and NULL for all else.
func key(field string) string {
	path := `'$."` + strings.ReplaceAll(field, ".", `"."`) + `"'`
	return "CASE json_type(body, " + path + ") WHEN 'true' THEN x'01' WHEN 'false' THEN x'00'" +
		" WHEN 'integer' THEN json_extract(body, " + path + ") WHEN 'text' THEN json_extract(body, " + path + ") END"
}

// Ensure implements docstore.Store.
func (s *Store) Ensure(ctx context.Context, collections ...docstore.Collection) error {
	if err := s.door.Enter(); err != nil {
		return err
	}
	defer s.door.Leave()
	var wanted []table
	for _, c := range collections {
		sum, err := s.collections.Declare(c)
		if err != nil {
			return err
		}
		wanted = append(wanted, table{Collection: sum, name: quote("c/" + c.Name)})
	}
	if s.w == nil {
		for _, t := range wanted {
			if err := s.note(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}
	return s.w.do(ctx, 0, func(tx *txn) error {
		for _, t := range wanted {
			if err := t.create(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// create makes the table and its indexes exist, as declared.
func (t table) create(tx *txn) error {
	if err := ensure(tx, "table", t.name, "CREATE TABLE "+t.name+" (id TEXT NOT NULL PRIMARY KEY, rev INTEGER NOT NULL, body TEXT NOT NULL)"); err != nil {
		return err
	}
	for _, ix := range t.Indexes {
		keys := make([]string, 0, len(ix.Fields)+1)
		for _, f := range ix.Fields {
			keys = append(keys, key(f))
		}
		kind := "INDEX "
		if ix.Unique {
			kind = "UNIQUE INDEX " // NULL equals nothing: documents that lack a field are exempt
		} else {
			keys = append(keys, "id")
		}
		err := ensure(tx, "index", t.indexName(ix), "CREATE "+kind+t.indexName(ix)+" ON "+t.name+" ("+strings.Join(keys, ", ")+")")
		if taken(err) {
			return docstore.ErrExists.Saying("The unique index %s of %s cannot be made: two documents share its values.", ix.Name, t.Name).Because(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ensure runs create unless the thing exists; an existing one must have been
// made by the same words.
func ensure(tx *txn, kind, quoted, create string) error {
	var stored string
	switch err := tx.row("SELECT sql FROM sqlite_master WHERE type = ? AND name = ?", &stored, kind, strings.Trim(quoted, `"`)); {
	case errors.Is(err, sql.ErrNoRows):
		_, err := tx.exec(create)
		return err
	case err != nil:
		return err
	case stored != create:
		return docstore.ErrDeclaration.Saying("The %s %s exists with another definition.", kind, quoted).Because(fmt.Errorf("stored: %s", stored))
	}
	return nil
}
