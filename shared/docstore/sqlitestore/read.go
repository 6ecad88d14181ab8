package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/internal/plan"
)

// Get implements docstore.Store.
func (s *Store) Get(ctx context.Context, collection, id string) (docstore.Document, error) {
	t, err := s.table(collection)
	if err != nil {
		return docstore.Document{}, err
	}
	if err := docstore.CheckID(id); err != nil {
		return docstore.Document{}, err
	}
	if err := s.enterToRead(ctx); err != nil {
		return docstore.Document{}, err
	}
	defer s.door.Leave()
	if s.lacks(collection) {
		return docstore.Document{}, docstore.ErrNotFound
	}
	st, err := s.prepare("SELECT rev, body FROM " + t.name + " WHERE id = ?")
	if err != nil {
		return docstore.Document{}, storeFault("read document", err)
	}
	d := docstore.Document{ID: id}
	err = st.QueryRowContext(context.WithoutCancel(ctx), id).Scan(&d.Rev, (*[]byte)(&d.Body))
	if errors.Is(err, sql.ErrNoRows) {
		return docstore.Document{}, docstore.ErrNotFound
	}
	if err != nil {
		return docstore.Document{}, storeFault("read document", err)
	}
	return d, nil
}

// Size implements docstore.Store. octet_length is known from the head of a row:
// what overflows its page is not read.
func (s *Store) Size(ctx context.Context, collection string) (docstore.Size, error) {
	var size docstore.Size
	t, err := s.table(collection)
	if err != nil {
		return size, err
	}
	if err := s.enterToRead(ctx); err != nil {
		return size, err
	}
	defer s.door.Leave()
	if s.lacks(collection) {
		return size, nil
	}
	st, err := s.prepare("SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM " + t.name)
	if err != nil {
		return size, storeFault("measure collection", err)
	}
	err = st.QueryRowContext(ctx).Scan(&size.Documents, &size.Bytes)
	return size, storeFault("measure collection", err)
}

// Find implements docstore.Store.
func (s *Store) Find(ctx context.Context, collection string, q docstore.Query) (docstore.Page, error) {
	t, err := s.table(collection)
	if err != nil {
		return docstore.Page{}, err
	}
	p, err := plan.Of(t.Collection, q)
	if err != nil {
		return docstore.Page{}, err
	}
	if err := s.enterToRead(ctx); err != nil {
		return docstore.Page{}, err
	}
	defer s.door.Leave()
	if s.lacks(collection) {
		return docstore.Page{}, nil
	}
	page, err := s.find(ctx, t, p)
	return page, storeFault("find documents", err)
}

// enterToRead opens the door for a call whose ctx has not ended. The reads
// themselves take milliseconds and run without the cancellation of ctx, whose
// watching would cost more than it saves; Find looks at it between documents.
func (s *Store) enterToRead(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return docstore.ErrUnavailable.Because(err)
	}
	return s.door.Enter()
}

// find walks the ranges of p in one read transaction.
func (s *Store) find(ctx context.Context, t table, p plan.Plan) (docstore.Page, error) {
	calm := context.WithoutCancel(ctx)
	steps := make([]step, len(p.Ranges))
	for i, r := range p.Ranges {
		query, args := t.rangeSQL(p, r)
		st, err := s.prepare(query) // before a connection is taken: preparing takes one too
		if err != nil {
			return docstore.Page{}, err
		}
		steps[i] = step{st, args}
	}
	var tx *sql.Tx
	if len(steps) > 1 {
		var err error
		if tx, err = s.read.BeginTx(calm, nil); err != nil {
			return docstore.Page{}, err
		}
		defer func() { _ = tx.Rollback() }() // it only read
	}
	b := builder{plan: p}
	for _, step := range steps {
		st := step.st
		if tx != nil {
			st = tx.StmtContext(calm, st)
		}
		rows, err := st.QueryContext(calm, append(step.args, p.Limit+1-len(b.page.Docs))...)
		if err != nil {
			return docstore.Page{}, err
		}
		if err := b.take(ctx, rows); err != nil {
			return docstore.Page{}, err
		}
		if b.full {
			break
		}
	}
	return b.page, nil
}

// step is one range, ready to run.
type step struct {
	st   *sql.Stmt
	args []any
}

// builder fills a page until a document too many shows that there is more.
type builder struct {
	plan  plan.Plan
	page  docstore.Page
	last  []any // free index values of the last document
	bytes int
	full  bool
}

func (b *builder) take(ctx context.Context, rows *sql.Rows) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	free := len(b.plan.Free())
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var d docstore.Document
		values := make([]any, free)
		into := []any{&d.ID, &d.Rev, (*[]byte)(&d.Body)}
		for i := range values {
			into = append(into, &values[i])
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if len(b.page.Docs) == b.plan.Limit || len(b.page.Docs) > 0 && b.bytes+len(d.Body) > docstore.MaxPage {
			b.full = true
			b.page.Next, err = b.plan.NextAfter(b.page.Docs[len(b.page.Docs)-1].ID, b.last)
			return err
		}
		for i, v := range values {
			if blob, ok := v.([]byte); ok {
				values[i] = len(blob) == 1 && blob[0] == 1
			}
		}
		b.page.Docs, b.last = append(b.page.Docs, d), values
		b.bytes += len(d.Body)
	}
	return rows.Err()
}

// rangeSQL is the statement that walks r in order; its last argument is a limit.
func (t table) rangeSQL(p plan.Plan, r plan.Range) (string, []any) {
	fields := make([]string, 0, len(p.Index.Fields)+1)
	for _, f := range p.Index.Fields {
		fields = append(fields, key(f))
	}
	fields = append(fields, "id")
	var where []string
	var args []any
	add := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	for i, v := range r.Equal {
		add(fields[i]+" = ?", argument(v))
	}
	at := len(r.Equal)
	if low, open := lowest(r, at == len(p.Index.Fields)); low != nil {
		add(fields[at]+pick(open, " > ?", " >= ?"), low)
	}
	if high, open := highest(r, at == len(p.Index.Fields)); high != nil {
		add(fields[at]+pick(open, " < ?", " <= ?"), high)
	}
	for i := at + 1; i < len(p.Index.Fields); i++ {
		add(fields[i] + " IS NOT NULL")
	}
	free := fields[len(p.Index.Fields)-len(p.Free()):]
	var q strings.Builder
	q.WriteString("SELECT id, rev, body")
	for _, f := range free[:len(free)-1] {
		q.WriteString(", " + f)
	}
	q.WriteString(" FROM " + t.name)
	if p.Index.Name != "" {
		q.WriteString(" INDEXED BY " + t.indexName(p.Index)) // an error rather than a scan
	}
	if len(where) > 0 {
		q.WriteString(" WHERE " + strings.Join(where, " AND "))
	}
	direction := pick(p.Desc, " DESC", "")
	q.WriteString(" ORDER BY " + strings.Join(free, direction+", ") + direction + " LIMIT ?")
	return q.String(), args
}

// lowest is the bound below r: its own, or where its first kind begins.
func lowest(r plan.Range, isID bool) (value any, open bool) {
	if r.Low.Value != nil {
		return argument(r.Low.Value), r.Low.Open
	}
	if isID {
		return nil, false
	}
	switch r.Kinds[0] {
	case plan.Int:
		return int64(-1 << 63), false // below it is only NULL, the documents that lack the field
	case plan.Text:
		return "", false
	default:
		return []byte{}, false
	}
}

// highest is the bound above r: its own, or where the kind after its last begins.
func highest(r plan.Range, isID bool) (value any, open bool) {
	if r.High.Value != nil {
		return argument(r.High.Value), r.High.Open
	}
	if isID {
		return nil, false
	}
	switch r.Kinds[len(r.Kinds)-1] {
	case plan.Int:
		return "", true
	case plan.Text:
		return []byte{}, true
	default:
		return nil, false
	}
}

// argument is v as the key expression shows it.
func argument(v any) any {
	if b, ok := v.(bool); ok {
		if b {
			return []byte{1}
		}
		return []byte{0}
	}
	return v
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// prepare is a statement of the readers, made once.
func (s *Store) prepare(query string) (*sql.Stmt, error) {
	if st, ok := s.statements.Load(query); ok {
		return st.(*sql.Stmt), nil
	}
	st, err := s.read.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	if won, lost := s.statements.LoadOrStore(query, st); lost {
		return won.(*sql.Stmt), st.Close()
	}
	return st, nil
}
