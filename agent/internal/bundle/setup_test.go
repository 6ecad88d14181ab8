package bundle

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

func TestMain(m *testing.M) {
	// Each check restores several times, with all its syncs; more of them, by the
	// command line, find nothing else.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func notes() []docstore.Collection {
	return []docstore.Collection{
		{Name: "notes", Indexes: []docstore.Index{{Name: "by_n", Fields: []string{"n"}}}},
		{Name: "others"},
	}
}

type note struct {
	Text string            `json:"text"`
	N    int               `json:"n"`
	File *tenantstore.Blob `json:"file,omitempty"`
}

// place is one agent's data.
type place struct {
	t       testing.TB
	dir     string
	factory tenantstore.Factory
	shelf   *tenantstore.Shelf
	key     nkeys.KeyPair
	public  string
	env     id.Environment
}

func newPlace(t testing.TB, env id.Environment) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), env: env}
	var err error
	if p.factory, err = tenantstore.NewSQLiteFactory(p.dir, notes()); err != nil {
		t.Fatal(err)
	}
	p.shelf = tenantstore.NewShelf(p.factory, 8)
	p.shelf.Belong(env)
	t.Cleanup(func() { noError(t, p.shelf.Close()) })
	if p.key, err = nkeys.CreateUser(); err != nil {
		t.Fatal(err)
	}
	if p.public, err = p.key.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return p
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func (p *place) tenant() id.Tenant {
	p.t.Helper()
	tenant := id.NewTenant()
	if err := p.shelf.Create(context.Background(), tenant); err != nil {
		p.t.Fatal(err)
	}
	return tenant
}

func (p *place) use(tenant id.Tenant, f func(*tenantstore.Store)) {
	p.t.Helper()
	s, release, err := p.shelf.Open(context.Background(), tenant)
	if err != nil {
		p.t.Fatal(err)
	}
	defer release()
	f(s)
}

func do(t testing.TB, s *tenantstore.Store, id string, change func(*tenantstore.Tx) error) tenantstore.Receipt {
	t.Helper()
	r, err := s.Do(context.Background(), tenantstore.Command{ID: id, Kind: "test", Actor: "tester"}, change)
	if err != nil {
		t.Fatalf("do %q: %v", id, err)
	}
	return r
}

// write puts, deletes and refers to blobs: commands from..to.
func (p *place) write(tenant id.Tenant, from, to int) {
	p.t.Helper()
	p.use(tenant, func(s *tenantstore.Store) {
		for i := from; i <= to; i++ {
			n := note{Text: fmt.Sprintf("<note %d> of \u00fc", i), N: i}
			if i%3 == 0 {
				b, err := s.PutBlob(context.Background(), fmt.Appendf(nil, "the content of file %d", i/3))
				noError(p.t, err)
				n.File = &b
			}
			do(p.t, s, fmt.Sprintf("c%d", i), func(tx *tenantstore.Tx) error {
				if err := tx.Return(i); err != nil {
					return err
				}
				if i%5 == 0 {
					if err := tx.Delete("notes", fmt.Sprintf("n%d", (i-1)%7)); err != nil {
						return err
					}
				}
				return errors.Join(tx.Put("notes", fmt.Sprintf("n%d", i%7), n), tx.Put("others", "last", map[string]any{"i": i, "part": 0.25}))
			})
		}
	})
}

func (p *place) raw(tenant id.Tenant, f func(*tenantstore.Raw)) {
	p.t.Helper()
	raw, closing, err := tenantstore.ReadTenant(context.Background(), p.factory, tenant)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { noError(p.t, closing()) }()
	f(raw)
}

func (p *place) making(tenant id.Tenant) Making {
	return Making{Tenant: tenant, Environment: p.env, Signer: p.key, Program: "test", Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), TempDir: p.t.TempDir()}
}

// backup writes a bundle of the tenant and gives its path.
func (p *place) backup(tenant id.Tenant) (path string, m Manifest) {
	p.t.Helper()
	return p.written(tenant, WriteBackup)
}

func (p *place) written(tenant id.Tenant, write func(context.Context, *tenantstore.Raw, Making, io.Writer) (Manifest, error)) (path string, m Manifest) {
	p.t.Helper()
	path = filepath.Join(p.t.TempDir(), "b"+Suffix)
	p.raw(tenant, func(raw *tenantstore.Raw) {
		err := WriteFile(path, func(w io.Writer) (err error) {
			m, err = write(context.Background(), raw, p.making(tenant), w)
			return err
		})
		if err != nil {
			p.t.Fatal(err)
		}
	})
	return path, m
}

func (p *place) restore(path string, o Restoring) (Restored, error) {
	p.t.Helper()
	o.Self = p.env
	return Restore(context.Background(), p.shelf, notes(), path, o)
}

// stored are all documents of a tenant as they are stored, by collection and id.
func (p *place) stored(tenant id.Tenant) map[string]string {
	p.t.Helper()
	all := map[string]string{}
	p.raw(tenant, func(raw *tenantstore.Raw) {
		for _, c := range raw.Collections() {
			docs, more, err := raw.Page(context.Background(), c, "", "", 10_000, 1<<30)
			if err != nil || more {
				p.t.Fatal(err, more)
			}
			for _, d := range docs {
				all[c+" "+d.ID] = fmt.Sprintf("%d %s", d.Rev, d.Body)
			}
		}
	})
	return all
}

// living are the tenant's own documents that are not deleted, without slots.
func (p *place) living(tenant id.Tenant) map[string]string {
	p.t.Helper()
	all := map[string]string{}
	p.raw(tenant, func(raw *tenantstore.Raw) {
		for _, c := range raw.Own() {
			noError(p.t, raw.Living(context.Background(), c, func(d docstore.Document) error {
				all[c+" "+d.ID] = string(d.Body)
				return nil
			}))
		}
	})
	return all
}

func (p *place) verified(tenant id.Tenant) tenantstore.Report {
	p.t.Helper()
	var r tenantstore.Report
	p.use(tenant, func(s *tenantstore.Store) {
		var err error
		if r, err = s.Verify(context.Background()); err != nil || !r.OK() {
			p.t.Errorf("verify: %v %q", err, r.Problems)
		}
	})
	return r
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func changed(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "changed"+Suffix)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// quota is a disk with little space.
type quota struct {
	to   io.Writer
	left int
}

var errFull = errors.New("no space left on device")

func (q *quota) Write(p []byte) (int, error) {
	if len(p) > q.left {
		n, _ := q.to.Write(p[:q.left])
		q.left = 0
		return n, errFull
	}
	q.left -= len(p)
	return q.to.Write(p)
}
