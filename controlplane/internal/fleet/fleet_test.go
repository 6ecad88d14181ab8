package fleet_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/embedded"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/secret"
)

// bench is a fleet on a real store and a real edge.
type bench struct {
	store docstore.Store
	edge  *embedded.Edge
	nc    *nats.Conn
	fleet *fleet.Service
	pool  fleet.Environment
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlitestore.Open(filepath.Join(dir, "fleet.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Ensure(t.Context(), fleet.Collections()...); err != nil {
		t.Fatal(err)
	}
	e, err := embedded.StartEdge(t.Context(), embedded.EdgeConfig{Dir: filepath.Join(dir, "edge"), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	nc, err := e.Connect("fleet")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b := &bench{store: store, edge: e, nc: nc}
	b.fleet = b.replica()
	if b.pool, err = b.fleet.EnsureEnvironment(t.Context(), "pool", features.SMB); err != nil {
		t.Fatal(err)
	}
	return b
}

// replica is another process on the same store and edge.
func (b *bench) replica() *fleet.Service {
	return fleet.New(b.store, b.edge.Authority(), b.nc, b.edge.URLs, slog.New(slog.DiscardHandler))
}

func (b *bench) listen(t *testing.T) {
	t.Helper()
	if err := b.fleet.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.fleet.Stop)
}

func (b *bench) token(t *testing.T, env id.Environment) secret.Text {
	t.Helper()
	token, err := b.fleet.NewJoinToken(t.Context(), env, fleet.TokenTTL)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// expireTokens makes every token of the store one that is over.
func (b *bench) expireTokens(t *testing.T) {
	t.Helper()
	page, err := b.store.Find(t.Context(), "fleet_tokens", docstore.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range page.Docs {
		var fields map[string]any
		if err := json.Unmarshal(d.Body, &fields); err != nil {
			t.Fatal(err)
		}
		fields["expires"] = time.Now().Unix()
		if d.Body, err = json.Marshal(fields); err != nil {
			t.Fatal(err)
		}
		if _, err := b.store.Replace(t.Context(), "fleet_tokens", d); err != nil {
			t.Fatal(err)
		}
	}
}

type holder struct {
	key    nkeys.KeyPair
	public string
}

func newHolder(t *testing.T) holder {
	t.Helper()
	k, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := k.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return holder{k, public}
}

// request is what an honest holder sends.
func (h holder) request(t *testing.T, s *fleet.Service) contract.EnrolRequest {
	t.Helper()
	c, err := s.Challenge(t.Context(), h.public)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := h.key.Sign([]byte(c.Nonce))
	if err != nil {
		t.Fatal(err)
	}
	return contract.EnrolRequest{
		V: contract.Version, PublicKey: h.public, Nonce: c.Nonce, Signature: base64.RawURLEncoding.EncodeToString(signature),
		Name: "host", Program: "1.0.0", Mode: features.SMB,
	}
}

func (b *bench) enrol(t *testing.T, env id.Environment) (holder, contract.Enrolled) {
	t.Helper()
	h := newHolder(t)
	e, err := b.fleet.Enrol(t.Context(), b.token(t, env).Reveal(), h.request(t, b.fleet))
	if err != nil {
		t.Fatal(err)
	}
	return h, e
}

func (h holder) connect(t *testing.T, e contract.Enrolled) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(strings.Join(e.Servers, ","), nats.CustomInboxPrefix(contract.InboxPrefix(e.Agent)), nats.UserJWT(
		func() (string, error) { return e.JWT, nil },
		func(nonce []byte) ([]byte, error) { return h.key.Sign(nonce) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func wanted(t id.Tenant) contract.WantedTenant {
	return contract.WantedTenant{Tenant: t, State: contract.TenantServing, Plan: "growth", Name: "Shop"}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	t.Run("is made once, by however many replicas", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		got := make([]fleet.Environment, 8)
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				e, err := b.replica().EnsureEnvironment(t.Context(), "dedicated-1", features.Platform)
				if err != nil {
					t.Error(err)
				}
				got[i] = e
			})
		}
		all.Wait()
		for _, e := range got {
			if diff := cmp.Diff(got[0], e); diff != "" || e.Account == "" || e.Mode != features.Platform {
				t.Errorf("%+v\n%s", e, diff)
			}
		}
	})
	t.Run("needs a name and a mode", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		if _, err := b.fleet.EnsureEnvironment(t.Context(), "", features.SMB); !errors.Is(err, fleet.ErrName) {
			t.Errorf("got %v", err)
		}
		if _, err := b.fleet.EnsureEnvironment(t.Context(), "x", "huge"); !errors.Is(err, fleet.ErrMode) {
			t.Errorf("got %v", err)
		}
	})
}

func TestEnrol(t *testing.T) {
	t.Parallel()

	t.Run("makes an agent that can connect", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		h, e := b.enrol(t, b.pool.ID)
		if e.Environment != b.pool.ID || time.Until(e.Expires) < 23*time.Hour {
			t.Errorf("%+v", e)
		}
		h.connect(t, e)
	})

	t.Run("keeps the id of a key, with the same token, another one or none", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		h, token := newHolder(t), b.token(t, b.pool.ID).Reveal()
		var first contract.Enrolled
		for i, with := range []string{token, token, b.token(t, b.pool.ID).Reveal(), ""} {
			e, err := b.fleet.Enrol(t.Context(), with, h.request(t, b.fleet))
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = e
			}
			if e.Agent != first.Agent {
				t.Errorf("try %d became %s, was %s", i, e.Agent, first.Agent)
			}
		}
		agents, err := b.fleet.Agents(t.Context(), b.pool.ID)
		if err != nil || len(agents) != 1 {
			t.Errorf("%d agents, %v", len(agents), err)
		}
	})

	t.Run("lets a token make one agent when many try at once", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		token := b.token(t, b.pool.ID).Reveal()
		var mu sync.Mutex
		won := 0
		var all sync.WaitGroup
		for range 10 {
			h := newHolder(t)
			r := h.request(t, b.fleet)
			all.Go(func() {
				_, err := b.fleet.Enrol(t.Context(), token, r)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, fleet.ErrToken) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if won != 1 {
			t.Errorf("%d agents joined with one token", won)
		}
	})

	t.Run("refuses tokens that are wrong, used, expired or missing", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		used := b.token(t, b.pool.ID).Reveal()
		if _, err := b.fleet.Enrol(t.Context(), used, newHolder(t).request(t, b.fleet)); err != nil {
			t.Fatal(err)
		}
		old := b.token(t, b.pool.ID)
		b.expireTokens(t)
		for name, token := range map[string]string{"used": used, "expired": old.Reveal(), "missing": "", "wrong": "join_" + strings.Repeat("A", 43)} {
			_, err := b.fleet.Enrol(t.Context(), token, newHolder(t).request(t, b.fleet))
			if !errors.Is(err, fleet.ErrToken) || fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("%s: %v", name, err)
			}
			if err != nil && token != "" && strings.Contains(err.Error(), token) {
				t.Errorf("%s: the error shows the token", name)
			}
		}
	})

	t.Run("keeps no token that could be used", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		token := b.token(t, b.pool.ID).Reveal()
		page, err := b.store.Find(t.Context(), "fleet_tokens", docstore.Query{})
		if err != nil || len(page.Docs) != 1 {
			t.Fatalf("%d, %v", len(page.Docs), err)
		}
		if d := page.Docs[0]; strings.Contains(d.ID+string(d.Body), token) {
			t.Error("the token is stored")
		}
	})

	t.Run("wants proof of the key", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		h, thief := newHolder(t), newHolder(t)
		good := h.request(t, b.fleet)
		foreign := thief.request(t, b.fleet)
		for name, change := range map[string]func(*contract.EnrolRequest){
			"no signature":           func(r *contract.EnrolRequest) { r.Signature = "" },
			"somebody's signature":   func(r *contract.EnrolRequest) { r.Signature = foreign.Signature },
			"somebody's nonce":       func(r *contract.EnrolRequest) { r.Nonce, r.Signature = foreign.Nonce, foreign.Signature },
			"a nonce of its own":     func(r *contract.EnrolRequest) { r.Nonce = base64.RawURLEncoding.EncodeToString(make([]byte, 56)) },
			"text that is no base64": func(r *contract.EnrolRequest) { r.Nonce = "?" },
		} {
			r := good
			change(&r)
			if _, err := b.fleet.Enrol(t.Context(), b.token(t, b.pool.ID).Reveal(), r); !errors.Is(err, fleet.ErrProof) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})

	t.Run("refuses malformed requests", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		h := newHolder(t)
		for want, change := range map[error]func(*contract.EnrolRequest){
			contract.ErrMalformed: func(r *contract.EnrolRequest) { r.V = 0 },
			contract.ErrNewer:     func(r *contract.EnrolRequest) { r.V = 2 },
			fleet.ErrKey:          func(r *contract.EnrolRequest) { r.PublicKey = "AKEY" },
			fleet.ErrName:         func(r *contract.EnrolRequest) { r.Name = strings.Repeat("x", 201) },
			fleet.ErrMode:         func(r *contract.EnrolRequest) { r.Mode = "x" },
		} {
			r := h.request(t, b.fleet)
			change(&r)
			if _, err := b.fleet.Enrol(t.Context(), "", r); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
	})

	t.Run("keeps a revoked agent out for good", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		h, e := b.enrol(t, b.pool.ID)
		closed := make(chan struct{})
		nc := h.connect(t, e)
		nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
		if err := b.fleet.Revoke(t.Context(), e.Agent); err != nil {
			t.Fatal(err)
		}
		if err := b.fleet.Revoke(t.Context(), e.Agent); err != nil {
			t.Errorf("a second time: %v", err)
		}
		select {
		case <-closed:
		case <-time.After(10 * time.Second):
			t.Error("it is still connected")
		}
		for _, token := range []string{"", b.token(t, b.pool.ID).Reveal()} {
			if _, err := b.fleet.Enrol(t.Context(), token, h.request(t, b.fleet)); !errors.Is(err, fleet.ErrRevoked) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestDesiredState(t *testing.T) {
	t.Parallel()

	t.Run("is dense whoever appends", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		var mu sync.Mutex
		got := map[int64]bool{}
		var all sync.WaitGroup
		for range 4 {
			s := b.replica()
			for range 2 {
				all.Go(func() {
					for range 10 {
						r, err := s.Want(t.Context(), b.pool.ID, wanted(id.NewTenant()))
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						if got[r] {
							t.Errorf("revision %d was given twice", r)
						}
						got[r] = true
						mu.Unlock()
					}
				})
			}
		}
		all.Wait()
		for r := range int64(80) {
			if !got[r+1] {
				t.Errorf("revision %d is missing", r+1)
			}
		}
	})

	t.Run("nudges the agent and is answered by pages", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.listen(t)
		h, e := b.enrol(t, b.pool.ID)
		nc := h.connect(t, e)
		nudged := make(chan struct{}, 1000)
		if _, err := nc.Subscribe(contract.ChangedOf(e.Agent), func(*nats.Msg) { nudged <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		const n = 260
		tenants := make([]id.Tenant, n)
		for i := range tenants {
			tenants[i] = id.NewTenant()
			if _, err := b.fleet.Want(t.Context(), b.pool.ID, wanted(tenants[i])); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-nudged:
		case <-time.After(10 * time.Second):
			t.Error("nobody was nudged")
		}
		var read []id.Tenant
		for have, more := int64(0), true; more; {
			d, err := bus.Ask[contract.Desired](t.Context(), nc, contract.Ask(e.Agent, contract.VerbDesired), contract.DesiredRequest{V: contract.Version, Have: have})
			if err != nil || d.Revision != n {
				t.Fatalf("%d, %v", d.Revision, err)
			}
			for _, w := range d.Tenants {
				have++
				if w.Revision != have {
					t.Fatalf("revision %d after %d", w.Revision, have-1)
				}
				read = append(read, w.Tenant)
			}
			more = d.More
		}
		if diff := cmp.Diff(tenants, read); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("of one environment is not told to another", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.listen(t)
		other, err := b.fleet.EnsureEnvironment(t.Context(), "other", features.Platform)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.fleet.Want(t.Context(), b.pool.ID, wanted(id.NewTenant())); err != nil {
			t.Fatal(err)
		}
		h, e := b.enrol(t, other.ID)
		d, err := bus.Ask[contract.Desired](t.Context(), h.connect(t, e), contract.Ask(e.Agent, contract.VerbDesired), contract.DesiredRequest{V: contract.Version})
		if err != nil || len(d.Tenants) != 0 || d.Revision != 0 {
			t.Errorf("%+v, %v", d, err)
		}
	})

	t.Run("refuses nonsense", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		for _, w := range []contract.WantedTenant{{}, {Tenant: "ten_x", State: contract.TenantServing, Plan: "x"}, {Tenant: id.NewTenant(), State: "odd", Plan: "x"}} {
			if _, err := b.fleet.Want(t.Context(), b.pool.ID, w); !errors.Is(err, fleet.ErrWish) {
				t.Errorf("%+v: %v", w, err)
			}
		}
		if _, err := b.fleet.Want(t.Context(), id.NewEnvironment(), wanted(id.NewTenant())); !errors.Is(err, fleet.ErrNoneSuch) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOperations(t *testing.T) {
	t.Parallel()
	t.Run("take the token from the header", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		ops := fleet.NewOperations(b.fleet)
		h := newHolder(t)
		var q fleet.ChallengeRequest
		q.Body = contract.ChallengeRequest{V: contract.Version, PublicKey: h.public}
		c, err := ops.Challenge(t.Context(), &q)
		if err != nil || c.CacheControl != "no-store" {
			t.Fatalf("%+v, %v", c, err)
		}
		signature, err := h.key.Sign([]byte(c.Body.Nonce))
		if err != nil {
			t.Fatal(err)
		}
		r := fleet.EnrolRequest{Authorization: "Bearer " + b.token(t, b.pool.ID).Reveal(), Body: h.request(t, b.fleet)}
		r.Body.Nonce, r.Body.Signature = c.Body.Nonce, base64.RawURLEncoding.EncodeToString(signature)
		e, err := ops.Enrol(t.Context(), &r)
		if err != nil || e.CacheControl != "no-store" || e.Body.Agent == "" {
			t.Errorf("%+v, %v", e, err)
		}
	})
}
