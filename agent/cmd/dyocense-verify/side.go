package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

const (
	applicationID = 0x64796f63
	sealBytes     = 73 // `,"ch":"` + 64 digits + `"}`
	tombstone     = `{"_deleted":true}`

	journalTable    = "journal"
	commandsTable   = "commands"
	blobsTable      = "blobs"
	checkpointTable = "checkpoint"
)

// side is one of the two files, read at one moment.
type side struct {
	name string // "source" or "target"
	path string
	db   *sql.DB
	tx   *sql.Tx

	tables  []string         // without "c/"
	entries map[int64]string // id of the journal's row by slot, of those that are readable
	end     int64            // slot of the last entry
	next    int64            // generation of the entry behind it
	chain   string           // of the last entry
	chains  map[int64]string // by slot
	want    map[key]wanted   // what the journal leads to
	refers  map[string]int64 // slot of the first entry that refers to a blob
	hand    json.RawMessage  // of the last hand-over
	handAt  int64
	bad     map[key]bool // rows that were named already
}

type key struct{ table, id string }

// wanted is what the journal says of a row.
type wanted struct {
	slot int64
	sum  [sha256.Size]byte
}

// openSide begins a read transaction on the file.
func openSide(ctx context.Context, name, path string) (*side, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, exit{exitBadUse, fmt.Sprintf("there is no file %s", path)}
	}
	s := &side{
		name: name, path: path, entries: map[int64]string{}, chains: map[int64]string{}, want: map[key]wanted{},
		refers: map[string]int64{}, bad: map[key]bool{},
	}
	err = s.begin(ctx, "mode=ro")
	if err != nil && noLog(path) {
		// A file on a medium that cannot be written has no place for SQLite's shared
		// memory. Without a log beside it, it can be read as it lies.
		err = s.begin(ctx, "immutable=1")
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened: %w", path, err)
	}
	return s, nil
}

func noLog(path string) bool {
	_, err := os.Stat(path + "-wal")
	return errors.Is(err, os.ErrNotExist)
}

func (s *side) begin(ctx context.Context, mode string) (err error) {
	full, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: full, RawQuery: mode + "&_pragma=query_only(ON)&_pragma=busy_timeout(10000)"}
	if s.db, err = sql.Open("sqlite", u.String()); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.tx, err = s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err != nil {
		return err
	}
	var app int64
	if err := s.tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return err
	}
	if app != applicationID {
		return errors.New("it is no file of a tenant")
	}
	rows, err := s.tx.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'c/%' ORDER BY name")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		s.tables = append(s.tables, strings.TrimPrefix(name, "c/"))
	}
	return rows.Err()
}

func (s *side) close() error {
	if s.tx != nil {
		_ = s.tx.Rollback() // it only read
	}
	return s.db.Close()
}

// row is a row as it is stored. flaw says that a column has another type than it
// should; what there is of it is shown then.
type row struct {
	id   string
	rev  int64
	body []byte
	flaw string
}

// rows walks a table in the order of ids. It reads the table itself and no index,
// so that one which is out of step hides nothing.
func (s *side) rows(ctx context.Context, table string) (next func() (*row, error), closing func() error, err error) {
	if !slices.Contains(s.tables, table) {
		return func() (*row, error) { return nil, nil }, func() error { return nil }, nil
	}
	found, err := s.tx.QueryContext(ctx, `SELECT typeof(id), CAST(id AS BLOB), typeof(rev), CAST(rev AS INTEGER), typeof(body), CAST(body AS BLOB) FROM "c/`+table+`" NOT INDEXED ORDER BY 2`)
	if err != nil {
		return nil, nil, err
	}
	return func() (*row, error) {
		if !found.Next() {
			return nil, found.Err()
		}
		var idType, revType, bodyType string
		var id, body []byte
		var rev sql.NullInt64
		if err := found.Scan(&idType, &id, &revType, &rev, &bodyType, &body); err != nil {
			return nil, err
		}
		r := &row{id: string(id), rev: rev.Int64, body: body}
		for _, c := range [][3]string{{"id", idType, "text"}, {"rev", revType, "integer"}, {"body", bodyType, "text"}} {
			if c[1] != c[2] {
				r.flaw = fmt.Sprintf("column %s has the type %s instead of %s", c[0], c[1], c[2])
			}
		}
		return r, nil
	}, found.Close, nil
}

// each calls f with every row of a table.
func (s *side) each(ctx context.Context, table string, f func(*row) error) (err error) {
	next, closing, err := s.rows(ctx, table)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	for {
		r, err := next()
		if err != nil || r == nil {
			return err
		}
		if err := f(r); err != nil {
			return err
		}
	}
}

// entry is what this program reads of one.
type entry struct {
	Kind       string `json:"k"`
	Generation int64  `json:"g"`
	Slot       int64  `json:"s"`
	Ops        []struct {
		Table string          `json:"c"`
		ID    string          `json:"id"`
		Type  string          `json:"t"`
		Body  json.RawMessage `json:"d"`
		Sum   string          `json:"h"`
	} `json:"ops"`
	Commands []struct {
		ID     string          `json:"id"`
		Kind   json.RawMessage `json:"kind"`
		Result json.RawMessage `json:"res"`
	} `json:"cmd"`
	Blobs []struct {
		Hash string `json:"hash"`
	} `json:"b"`
	Hand json.RawMessage `json:"hand"`
}

func readEntry(body []byte) (e entry, ok bool) {
	err := json.Unmarshal(body, &e)
	return e, err == nil
}

func entryID(generation, slot int64) string { return fmt.Sprintf("%06d/%012d", generation, slot) }

// follow walks the journal: the chain, and what it leads to.
func (s *side) follow(ctx context.Context, p *problems) error {
	before := make([]byte, sha256.Size)
	s.chain = hex.EncodeToString(before)
	return s.each(ctx, journalTable, func(r *row) error {
		wrong := func(what string, args ...any) {
			s.bad[key{journalTable, r.id}] = true
			p.add(problem{Side: s.name, Table: journalTable, Row: r.id, What: fmt.Sprintf(what, args...)})
		}
		if r.flaw != "" {
			wrong("%s", r.flaw)
		}
		if r.rev != 1 {
			wrong("has revision %d; entries are never changed", r.rev)
		}
		e, ok := readEntry(r.body)
		if !ok {
			wrong("is not readable")
			return nil
		}
		if entryID(e.Generation, e.Slot) != r.id {
			wrong("claims slot %s", entryID(e.Generation, e.Slot))
			return nil
		}
		switch {
		case e.Slot > s.end+1:
			for missing := s.end + 1; missing < e.Slot && missing <= s.end+10; missing++ {
				p.add(problem{Side: s.name, Table: journalTable, Row: entryID(s.next, missing), What: fmt.Sprintf("slot %d is missing", missing)})
				s.bad[key{journalTable, entryID(s.next, missing)}] = true
			}
		case e.Slot <= s.end:
			wrong("slot %d is there twice", e.Slot)
			return nil
		case e.Generation != s.next:
			wrong("is of generation %d; that of the journal there is %d", e.Generation, s.next)
		}
		claimed, computed := link(before, r.body)
		if claimed == "" {
			wrong("has no chain hash")
		} else {
			if claimed != computed {
				if e.Slot == s.end+1 { // behind a gap it cannot fit
					wrong("does not chain to the entry before: it says %.16s, computed is %.16s", claimed, computed)
				}
			}
			before, _ = hex.DecodeString(claimed) // link looked at its digits
			s.chain = claimed
		}
		s.end, s.next = e.Slot, e.Generation
		if e.Kind == "COMMIT" {
			s.next++
			s.hand, s.handAt = e.Hand, e.Slot
		}
		s.entries[e.Slot], s.chains[e.Slot] = r.id, s.chain
		s.lead(&e, wrong)
		return nil
	})
}

// link is the chain hash that an entry claims, and the one computed behind before.
// claimed is "" when it has none.
func link(before, body []byte) (claimed, computed string) {
	at := len(body) - sealBytes
	if at < 1 || !bytes.HasPrefix(body[at:], []byte(`,"ch":"`)) || !bytes.HasSuffix(body, []byte(`"}`)) {
		return "", ""
	}
	claimed = string(body[at+7 : len(body)-2])
	if raw, err := hex.DecodeString(claimed); err != nil || len(raw) != sha256.Size {
		return "", ""
	}
	h := sha256.New()
	h.Write(before)
	h.Write(body[:at])
	h.Write([]byte("}"))
	return claimed, hex.EncodeToString(h.Sum(nil))
}

// lead notes what rows an entry leads to.
func (s *side) lead(e *entry, wrong func(string, ...any)) {
	for _, o := range e.Ops {
		body := []byte(o.Body)
		if o.Type == "del" {
			body = []byte(tombstone)
		}
		sum := sha256.Sum256(body)
		if hex.EncodeToString(sum[:]) != o.Sum {
			wrong("the body of %s %s in it is not the one its hash is of", o.Table, o.ID)
		}
		s.want[key{o.Table, o.ID}] = wanted{e.Slot, sum}
	}
	for _, c := range e.Commands {
		if c.ID != "" {
			s.want[key{commandsTable, c.ID}] = wanted{e.Slot, sha256.Sum256(remembered(e.Slot, c.Kind, c.Result))}
		}
	}
	for _, b := range e.Blobs {
		if _, known := s.refers[b.Hash]; !known {
			s.refers[b.Hash] = e.Slot
		}
	}
}

// remembered is the body of a command's row.
func remembered(slot int64, kind, result []byte) []byte {
	b := fmt.Appendf(nil, `{"s":%d,"kind":%s`, slot, kind)
	if result != nil {
		b = append(append(b, `,"res":`...), result...)
	}
	return append(b, '}')
}

// written is the body that the journal says a row has.
func (s *side) written(ctx context.Context, k key, slot int64) []byte {
	var raw []byte
	if s.tx.QueryRowContext(ctx, `SELECT CAST(body AS BLOB) FROM "c/journal" WHERE id = ?`, s.entries[slot]).Scan(&raw) != nil {
		return nil
	}
	e, ok := readEntry(raw)
	if !ok {
		return nil
	}
	for _, o := range e.Ops {
		if o.Table == k.table && o.ID == k.id {
			if o.Type == "del" {
				return []byte(tombstone)
			}
			return o.Body
		}
	}
	for _, c := range e.Commands {
		if k.table == commandsTable && c.ID == k.id {
			return remembered(slot, c.Kind, c.Result)
		}
	}
	return nil
}

// check holds every row that follows from the journal against it.
func (s *side) check(ctx context.Context, table string, p *problems) error {
	type differing struct {
		r *row
		w wanted
	}
	var differ []differing // looked into afterwards: the connection is busy now
	err := s.each(ctx, table, func(r *row) error {
		k := key{table, r.id}
		wrong := func(what string, args ...any) {
			s.bad[k] = true
			p.add(problem{Side: s.name, Table: table, Row: r.id, What: fmt.Sprintf(what, args...)})
		}
		w, ok := s.want[k]
		delete(s.want, k)
		if r.flaw != "" {
			wrong("%s", r.flaw)
		}
		switch {
		case !ok:
			wrong("is in no journal entry (slot %d)", r.rev)
		case r.rev != w.slot:
			wrong("is the version of slot %d; the journal wrote it at slot %d", r.rev, w.slot)
		case sha256.Sum256(r.body) != w.sum:
			s.bad[k] = true
			if p.room() {
				differ = append(differ, differing{r, w})
			} else {
				p.add(problem{})
			}
		}
		return nil
	})
	for _, d := range differ {
		k := key{table, d.r.id}
		for _, f := range fields(s.written(ctx, k, d.w.slot), d.r.body) {
			p.add(problem{Side: s.name, Table: table, Row: k.id, Field: f.path, What: fmt.Sprintf("differs from the journal (slot %d)", d.w.slot), Journal: f.a, Found: f.b})
		}
	}
	return err
}

// missing names the rows of a table that the journal leads to and check did not meet.
func (s *side) missing(table string, p *problems) {
	var ids []string
	for k := range s.want {
		if k.table == table {
			ids = append(ids, k.id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		k := key{table, id}
		s.bad[k] = true
		p.add(problem{Side: s.name, Table: table, Row: id, What: fmt.Sprintf("is missing; the journal wrote it at slot %d", s.want[k].slot)})
	}
}

// blobs hashes the contents. Those that nothing refers to may be there or not:
// a file is stored before the entry that refers to it.
func (s *side) blobs(ctx context.Context, p *problems) (here map[string]bool, err error) {
	here = map[string]bool{}
	name, parts, sum := "", 0, sha256.New()
	wrong := func(row, what string) {
		s.bad[key{blobsTable, row}] = true
		p.add(problem{Side: s.name, Table: blobsTable, Row: row, What: what})
	}
	finish := func() {
		if name == "" {
			return
		}
		here[name] = true
		if hex.EncodeToString(sum.Sum(nil)) != name {
			wrong(name, fmt.Sprintf("the content of its %d parts has another hash", parts))
		}
	}
	err = s.each(ctx, blobsTable, func(r *row) error {
		of, part, _ := strings.Cut(r.id, "/")
		if of != name {
			finish()
			name, parts = of, 0
			sum.Reset()
		}
		if want := fmt.Sprintf("%04d", parts); part != want {
			wrong(r.id, "is part "+part+"; part "+want+" belongs there")
		}
		parts++
		if r.flaw != "" {
			wrong(r.id, r.flaw)
		}
		if r.rev != 1 {
			wrong(r.id, fmt.Sprintf("has revision %d; contents are never changed", r.rev))
		}
		var c struct {
			D string `json:"d"`
		}
		content, err := []byte(nil), json.Unmarshal(r.body, &c)
		if err == nil {
			content, err = base64.StdEncoding.DecodeString(c.D)
		}
		if err != nil {
			wrong(r.id, "is not readable")
		} else if again := `{"d":"` + base64.StdEncoding.EncodeToString(content) + `"}`; again != string(r.body) {
			wrong(r.id, "is written in another way than it should be")
		}
		sum.Write(content)
		return nil
	})
	finish()
	return here, err
}

// checkpoint looks at what the file says of itself.
func (s *side) checkpoint(ctx context.Context, p *problems) error {
	met := map[string]bool{}
	err := s.each(ctx, checkpointTable, func(r *row) error {
		met[r.id] = true
		wrong := func(what string, args ...any) {
			p.add(problem{Side: s.name, Table: checkpointTable, Row: r.id, What: fmt.Sprintf(what, args...)})
		}
		if r.flaw != "" {
			wrong("%s", r.flaw)
		}
		switch r.id {
		case "applied":
			want := fmt.Sprintf(`{"g":%d,"s":%d,"ch":"%s"}`, s.next, s.end, s.chain)
			if string(r.body) != want || r.rev != s.end {
				wrong("says %.120s at slot %d; the journal ends with %s", r.body, r.rev, want)
			}
		case "handover":
			if !bytes.Equal(r.body, s.hand) || r.rev != s.handAt {
				wrong("says %.120s at slot %d; the last hand-over of the journal is %.120s at slot %d", r.body, r.rev, s.hand, s.handAt)
			}
		case "standby": // of the copying, not of the tenant
		default:
			wrong("does not belong there")
		}
		return nil
	})
	if s.end > 0 && !met["applied"] {
		p.add(problem{Side: s.name, Table: checkpointTable, Row: "applied", What: "is missing"})
	}
	if s.handAt > 0 && !met["handover"] {
		p.add(problem{Side: s.name, Table: checkpointTable, Row: "handover", What: "is missing"})
	}
	return err
}

// sound lets SQLite look at the file as a whole.
func (s *side) sound(ctx context.Context, p *problems) error {
	rows, err := s.tx.QueryContext(ctx, "PRAGMA integrity_check(10)")
	if err != nil {
		return err
	}
	for rows.Next() {
		var says string
		if err := rows.Scan(&says); err != nil {
			return errors.Join(err, rows.Close())
		}
		if says != "ok" {
			p.add(problem{Side: s.name, What: "the file is damaged: " + strings.TrimPrefix(says, "*** in database main ***\n")})
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}
