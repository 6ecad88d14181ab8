package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The data is made by the agent's store; what looks at it is this program alone.

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func collections() []docstore.Collection {
	return []docstore.Collection{{Name: "notes", Indexes: []docstore.Index{{Name: "by_n", Fields: []string{"n"}}}}, {Name: "others"}}
}

type home struct {
	t       testing.TB
	dir     string
	factory tenantstore.Factory
	shelf   *tenantstore.Shelf
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir()}
	var err error
	h.factory, err = tenantstore.NewSQLiteFactory(h.dir, collections())
	noError(t, err)
	h.shelf = tenantstore.NewShelf(h.factory, 4)
	h.shelf.Belong("env_a")
	t.Cleanup(func() { _ = h.shelf.Close() })
	return h
}

func (h *home) path(tenant id.Tenant) string {
	return filepath.Join(h.dir, "tenants", string(tenant)+".db")
}

func (h *home) use(tenant id.Tenant, f func(*tenantstore.Store)) {
	h.t.Helper()
	s, release, err := h.shelf.Open(context.Background(), tenant)
	noError(h.t, err)
	defer release()
	f(s)
}

// write does n random commands.
func (h *home) write(tenant id.Tenant, r *rand.Rand, n int) {
	h.t.Helper()
	h.use(tenant, func(s *tenantstore.Store) {
		for range n {
			command := tenantstore.Command{Kind: "test <&>", Actor: "me"}
			if r.IntN(2) == 0 {
				command.ID = fmt.Sprintf("c/%d", r.Uint64())
			}
			var blob *tenantstore.Blob
			if r.IntN(4) == 0 {
				b, err := s.PutBlob(context.Background(), fmt.Appendf(nil, "content %d", r.Uint64()))
				noError(h.t, err)
				blob = &b
			}
			_, err := s.Do(context.Background(), command, func(tx *tenantstore.Tx) error {
				if command.ID != "" && r.IntN(2) == 0 {
					noError(h.t, tx.Return(map[string]any{"took": r.IntN(9), "why": "<because>"}))
				}
				if r.IntN(5) == 0 {
					noError(h.t, tx.Delete("notes", fmt.Sprintf("n%d", r.IntN(9))))
				}
				noError(h.t, tx.Put("others", fmt.Sprintf("o%d", r.IntN(5)), map[string]any{"lines": []any{1, map[string]any{"qty": r.IntN(100), "part": 0.5}}, "blob": blob}))
				return tx.Put("notes", fmt.Sprintf("n%d", r.IntN(9)), map[string]any{"n": r.IntN(1000), "text": "\u00fc <b> & " + fmt.Sprint(r.Uint32())})
			})
			noError(h.t, err)
		}
	})
}

// copied is the tenant rebuilt in another home, up to slots, which is a way of its
// own to the same rows.
func (h *home) copied(tenant id.Tenant, to *home, slots int64) {
	h.t.Helper()
	ctx := context.Background()
	raw, closing, err := tenantstore.ReadTenant(ctx, h.factory, tenant)
	noError(h.t, err)
	defer func() { noError(h.t, closing()) }()
	end, err := raw.End(ctx)
	noError(h.t, err)
	_, err = to.shelf.Rebuild(ctx, tenant, false, func(r *tenantstore.Rebuild) error {
		err := raw.Journal(ctx, end, func(id string, body []byte) error {
			if slots > 0 && r.At().Slot >= slots {
				return nil
			}
			step, err := tenantstore.ReadEntry(id, body)
			if err != nil {
				return err
			}
			for _, b := range step.Blobs {
				content, err := raw.GetBlob(ctx, b)
				if err != nil {
					return err
				}
				if _, err := r.Blob(ctx, content); err != nil {
					return err
				}
			}
			return r.Take(ctx, id, body)
		})
		return errors.Join(err, r.Flush(ctx))
	})
	noError(h.t, err)
}

// moved begins a move and ends it, and hands the tenant over if it is to be.
func (h *home) moved(tenant id.Tenant, handOver bool) {
	h.t.Helper()
	ctx := context.Background()
	h.use(tenant, func(s *tenantstore.Store) {
		_, err := s.BeginMove(ctx, "mv", 1, "env_b", "env_a")
		noError(h.t, err)
		if handOver {
			w, err := s.Cut(ctx, time.Minute)
			noError(h.t, err)
			_, err = w.HandOver(ctx, "env_b", "mv", 1, w.Tail)
			noError(h.t, err)
		}
	})
}

func ran(t testing.TB, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := root()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&errs)
	if code := execute(context.Background(), c); code != want {
		t.Errorf("%q ended with %d, want %d:\n%s%s", args, code, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

func TestTwoCopiesOfATenantAgreeThirtyTimes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			a, b := newHome(t), newHome(t)
			tenant := id.NewTenant()
			noError(t, a.shelf.Create(t.Context(), tenant))
			a.write(tenant, r, r.IntN(25))
			if seed%3 == 0 {
				a.moved(tenant, seed%2 == 0)
				a.write(tenant, r, r.IntN(9))
			}
			args := []string{a.path(tenant), b.path(tenant)}
			a.copied(tenant, b, 0)
			if seed%4 == 1 { // the owner goes on
				raw, closing, err := tenantstore.ReadTenant(t.Context(), b.factory, tenant)
				noError(t, err)
				end, err := raw.End(t.Context())
				noError(t, errors.Join(err, closing()))
				a.write(tenant, r, 1+r.IntN(9))
				if end.Slot > 0 {
					ran(t, 1, args...) // without saying up to where
					args = append(args, "--until", fmt.Sprint(end.Slot))
				} else {
					return
				}
			}
			if seed%2 == 0 { // else both are open, with a log
				noError(t, errors.Join(a.shelf.Close(), b.shelf.Close()))
			}
			out, _ := ran(t, 0, args...)
			if !strings.Contains(out, "They agree") {
				t.Error(out)
			}
		})
	}
}

// injection is one fault in a copy, with the rows that have to be named.
type injection struct {
	what  string
	table string
	rows  []string
}

// victim is a random row of a table.
func victim(t *testing.T, db *sql.DB, r *rand.Rand, table string) (rowID string, rev int64, body string) {
	t.Helper()
	var n int
	noError(t, db.QueryRow(`SELECT count(*) FROM "c/`+table+`"`).Scan(&n))
	noError(t, db.QueryRow(`SELECT id, rev, body FROM "c/`+table+`" ORDER BY id LIMIT 1 OFFSET ?`, r.IntN(n)).Scan(&rowID, &rev, &body))
	return rowID, rev, body
}

// inject does one fault of a kind. ok is false when the file does not take it, as
// for what an index cannot hold.
func inject(t *testing.T, db *sql.DB, r *rand.Rand, kind string) (in injection, ok bool) {
	t.Helper()
	tables := []string{"notes", "others", "commands", "journal", "moves", "blobs"}
	in = injection{what: kind, table: tables[r.IntN(len(tables))]}
	if kind == "added row" || kind == "stale version" || kind == "swapped rows" {
		in.table = tables[r.IntN(3)]
	}
	row, rev, body := victim(t, db, r, in.table)
	in.rows = []string{row}
	table := `"c/` + in.table + `"`
	exec := func(query string, args ...any) bool {
		res, err := db.Exec(query, args...)
		if err != nil {
			return false
		}
		n, err := res.RowsAffected()
		return err == nil && n > 0
	}
	set := func(row, body string) bool { return exec("UPDATE "+table+" SET body = ? WHERE id = ?", body, row) }
	switch kind {
	case "flipped byte":
		bad := []byte(body)
		bad[r.IntN(len(bad))] ^= 1 << r.IntN(7)
		return in, set(row, string(bad))
	case "flipped version":
		return in, exec("UPDATE "+table+" SET rev = rev + ? WHERE id = ?", 1<<r.IntN(6), row)
	case "dropped row":
		return in, exec("DELETE FROM "+table+" WHERE id = ?", row)
	case "added row":
		in.rows = []string{"added"}
		return in, exec("INSERT INTO "+table+" VALUES ('added', ?, ?)", rev, body)
	case "stale version":
		// What the row was before, by the journal; without a before, an older revision.
		var older, text string
		err := db.QueryRow(`SELECT json_extract(j.body, '$.s'), json_extract(o.value, '$.d') FROM "c/journal" j, json_each(j.body, '$.ops') o
			WHERE json_extract(o.value, '$.c') = ? AND json_extract(o.value, '$.id') = ? AND json_extract(j.body, '$.s') < ? AND json_extract(o.value, '$.t') = 'put'
			ORDER BY 1 DESC LIMIT 1`, in.table, row, rev).Scan(&older, &text)
		if err == nil {
			return in, exec("UPDATE "+table+" SET rev = CAST(? AS INTEGER), body = ? WHERE id = ?", older, text, row)
		}
		return in, exec("UPDATE "+table+" SET rev = rev - 1 WHERE id = ?", row)
	case "wrong type":
		if r.IntN(2) == 0 || in.table == "blobs" || in.table == "journal" {
			return in, exec("UPDATE "+table+" SET body = CAST(body AS BLOB) WHERE id = ?", row)
		}
		at := strings.IndexAny(body, "0123456789") // a number that becomes a text
		if at < 1 || body[at-1] != ':' {
			return in, false
		}
		end := at
		for end < len(body) && strings.ContainsRune("0123456789.", rune(body[end])) {
			end++
		}
		return in, set(row, body[:at]+`"`+body[at:end]+`"`+body[end:])
	default: // swapped rows
		other, otherRev, otherBody := victim(t, db, r, in.table)
		in.rows = append(in.rows, other)
		if other == row || otherBody == body {
			return in, false
		}
		return in, exec("UPDATE "+table+" SET rev = ?, body = ? WHERE id = ?", otherRev, otherBody, row) &&
			exec("UPDATE "+table+" SET rev = ?, body = ? WHERE id = ?", rev, body, other)
	}
}

func TestTwoHundredFaultsAreFoundAndNamed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	a, b := newHome(t), newHome(t)
	tenant := id.NewTenant()
	noError(t, a.shelf.Create(t.Context(), tenant))
	a.write(tenant, r, 40)
	a.moved(tenant, true)
	a.write(tenant, r, 20)
	a.copied(tenant, b, 0)
	noError(t, errors.Join(a.shelf.Close(), b.shelf.Close()))
	good, err := os.ReadFile(b.path(tenant))
	noError(t, err)
	kinds := []string{"flipped byte", "flipped version", "dropped row", "added row", "stale version", "wrong type", "swapped rows"}
	found := map[string]int{}
	for n := 0; n < 200; {
		kind := kinds[r.IntN(len(kinds))]
		path := filepath.Join(t.TempDir(), "copy.db")
		noError(t, os.WriteFile(path, good, 0o600))
		db, err := sql.Open("sqlite", path)
		noError(t, err)
		in, ok := inject(t, db, r, kind)
		noError(t, db.Close())
		if !ok {
			continue
		}
		n++
		source, target, side := a.path(tenant), path, "target"
		if r.IntN(2) == 0 {
			source, target, side = target, source, "source"
		}
		report, err := compare(t.Context(), source, target, 0, time.Now())
		noError(t, err)
		if report.Same {
			t.Errorf("%d: %+v was not found", n, in)
			continue
		}
		for _, row := range in.rows {
			named := slices.ContainsFunc(report.List, func(p problem) bool {
				return p.Table == in.table && (p.Row == row || in.table == "blobs" && strings.HasPrefix(row, p.Row)) && (p.Side == side || p.Side == "both")
			})
			if !named {
				t.Errorf("%d: %s %s of %+v was not named: %v", n, in.table, row, in, report.List)
			}
		}
		found[kind]++
	}
	for _, kind := range kinds {
		if found[kind] == 0 {
			t.Errorf("no %s was tried", kind)
		}
	}
}

func TestADifferenceIsNamedByRowAndField(t *testing.T) {
	t.Parallel()
	a, b := newHome(t), newHome(t)
	tenant := id.NewTenant()
	noError(t, a.shelf.Create(t.Context(), tenant))
	a.use(tenant, func(s *tenantstore.Store) {
		_, err := s.Do(t.Context(), tenantstore.Command{Kind: "test"}, func(tx *tenantstore.Tx) error {
			return tx.Put("others", "order", map[string]any{"lines": []any{map[string]any{"qty": 5}, map[string]any{"qty": 7}}})
		})
		noError(t, err)
	})
	a.copied(tenant, b, 0)
	noError(t, errors.Join(a.shelf.Close(), b.shelf.Close()))
	db, err := sql.Open("sqlite", b.path(tenant))
	noError(t, err)
	_, err = db.Exec(`UPDATE "c/others" SET body = replace(body, '"qty":7', '"qty":"7"')`)
	noError(t, errors.Join(err, db.Close()))
	out, _ := ran(t, 1, a.path(tenant), b.path(tenant))
	if !strings.Contains(out, `target others order, field lines[1].qty: differs from the journal (slot 1): it is 7 there, and \"7\" here`) {
		t.Error(out)
	}
}

func TestAnotherHistoryIsFoundThoughBothAreSound(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	a, b := newHome(t), newHome(t)
	tenant := id.NewTenant()
	noError(t, a.shelf.Create(t.Context(), tenant))
	a.write(tenant, r, 10)
	a.copied(tenant, b, 0)
	a.write(tenant, r, 3)
	b.write(tenant, r, 3) // two owners
	report, err := compare(t.Context(), a.path(tenant), b.path(tenant), 0, time.Now())
	noError(t, err)
	if report.Same || !strings.Contains(fmt.Sprint(report.List), "the chains differ at this slot") {
		t.Errorf("%v", report.List)
	}
	report, err = compare(t.Context(), a.path(tenant), b.path(tenant), 10, time.Now())
	noError(t, err)
	if !report.Same {
		t.Errorf("up to where they parted: %v", report.List)
	}
}

func TestTheReportIsSigned(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	a, b := newHome(t), newHome(t)
	tenant := id.NewTenant()
	noError(t, a.shelf.Create(t.Context(), tenant))
	a.write(tenant, r, 5)
	a.copied(tenant, b, 0)
	key, err := nkeys.CreateUser()
	noError(t, err)
	seed, err := key.Seed()
	noError(t, err)
	seedFile, file := filepath.Join(t.TempDir(), "seed"), filepath.Join(t.TempDir(), "proof.json")
	noError(t, os.WriteFile(seedFile, seed, 0o600))
	out, _ := ran(t, 0, a.path(tenant), b.path(tenant), "--json", "--report", file, "--sign-seed", seedFile)
	body, err := os.ReadFile(file)
	noError(t, err)
	if string(body) != out {
		t.Errorf("the report in the file is not the one that is printed:\n%s\n%s", body, out)
	}
	raw, err := os.ReadFile(file + ".sig")
	noError(t, err)
	var signature struct{ Algorithm, Key, Signature string }
	noError(t, json.Unmarshal(raw, &signature))
	made, err := base64.StdEncoding.DecodeString(signature.Signature)
	noError(t, err)
	public, err := nkeys.FromPublicKey(signature.Key)
	noError(t, err)
	if err := public.Verify(body, made); err != nil || signature.Algorithm != "ed25519" {
		t.Errorf("%v %s", err, raw)
	}
	var read report
	noError(t, json.Unmarshal(body, &read))
	if !read.Same || read.Source.Slots != 5 || read.Agreed != 5 || len(read.Tables) < 4 {
		t.Errorf("%+v", read)
	}
}

func TestWrongUseEndsWithTwo(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "other.db")
	noError(t, os.WriteFile(other, []byte("not a database, but long enough to have a header of one ........................................................"), 0o600))
	for want, all := range map[int][][]string{
		2: {{}, {"a.db"}, {"a.db", "b.db"}, {other, other, "--until", "0"}, {other, other, "--sign-seed", "x"}, {"--nothing"}},
		1: {{other, other}},
	} {
		for _, args := range all {
			if _, errs := ran(t, want, args...); errs == "" {
				t.Errorf("%q says nothing", args)
			}
		}
	}
}
