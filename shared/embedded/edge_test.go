package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/embedded"
	"github.com/dyocense/dyocense/shared/id"
)

func startEdge(t *testing.T, dir string) *embedded.Edge {
	t.Helper()
	e, err := embedded.StartEdge(t.Context(), embedded.EdgeConfig{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

func plane(t *testing.T, e *embedded.Edge) *nats.Conn {
	t.Helper()
	nc, err := e.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// agent is an agent as the edge sees it: an id, a key and a token.
type agent struct {
	id      id.Agent
	env     id.Environment
	account string
	public  string
	key     nkeys.KeyPair
	token   string
}

func enrol(t *testing.T, e *embedded.Edge, env id.Environment, ttl time.Duration) agent {
	t.Helper()
	a := agent{id: id.NewAgent(), env: env}
	var err error
	if a.account, err = e.Authority().EnsureAccount(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if a.key, err = nkeys.CreateUser(); err != nil {
		t.Fatal(err)
	}
	if a.public, err = a.key.PublicKey(); err != nil {
		t.Fatal(err)
	}
	if a.token, _, err = e.Authority().MintUser(t.Context(), env, a.id, a.public, ttl); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a agent) dial(e *embedded.Edge, more ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(e.URLs()[0], append(more, nats.CustomInboxPrefix(contract.InboxPrefix(a.id)), nats.UserJWT(
		func() (string, error) { return a.token, nil },
		func(nonce []byte) ([]byte, error) { return a.key.Sign(nonce) }))...)
}

func (a agent) connect(t *testing.T, e *embedded.Edge, more ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := a.dial(e, more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-within(t).Done():
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}

func TestEdge(t *testing.T) {
	t.Parallel()

	t.Run("stamps the account of the speaker into the subject", func(t *testing.T) {
		t.Parallel()
		e := startEdge(t, t.TempDir())
		a := enrol(t, e, id.NewEnvironment(), time.Hour)
		nc := plane(t, e)
		heard := make(chan string, 1)
		if _, err := nc.Subscribe(contract.Asked(contract.VerbBeat), func(m *nats.Msg) {
			heard <- m.Subject
			_ = m.Respond([]byte("ok"))
		}); err != nil {
			t.Fatal(err)
		}
		answer, err := a.connect(t, e).RequestWithContext(within(t), contract.Ask(a.id, contract.VerbBeat), nil)
		if err != nil || string(answer.Data) != "ok" {
			t.Fatalf("got %v, %v", answer, err)
		}
		account, who, ok := contract.Speaker(receive(t, heard, "the beat"))
		if !ok || account != a.account || who != a.id {
			t.Errorf("heard %s of %s", who, account)
		}
	})

	t.Run("carries commands to the agent they are meant for and to no other", func(t *testing.T) {
		t.Parallel()
		e := startEdge(t, t.TempDir())
		a, b := enrol(t, e, id.NewEnvironment(), time.Hour), enrol(t, e, id.NewEnvironment(), time.Hour)
		heard := make(chan string, 4)
		for _, x := range []agent{a, b} {
			nc := x.connect(t, e)
			if _, err := nc.Subscribe("cmd."+string(x.id)+".>", func(*nats.Msg) { heard <- string(x.id) }); err != nil {
				t.Fatal(err)
			}
			if err := nc.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		nc := plane(t, e)
		// b's name in a's account reaches nobody, because b listens in its own.
		for _, subject := range []string{contract.ToChanged(a.account, b.id), contract.ToChanged(a.account, a.id)} {
			if err := nc.Publish(subject, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := receive(t, heard, "the command"); got != string(a.id) {
			t.Errorf("heard by %s", got)
		}
		if err := nc.Flush(); err != nil || len(heard) != 0 {
			t.Errorf("heard again (%d), %v", len(heard), err)
		}
	})

	t.Run("refuses what the role does not allow", func(t *testing.T) {
		t.Parallel()
		e := startEdge(t, t.TempDir())
		env := id.NewEnvironment()
		a, b := enrol(t, e, env, time.Hour), enrol(t, e, id.NewEnvironment(), time.Hour)
		violations := make(chan error, 16)
		nc := a.connect(t, e, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
		for _, subject := range []string{
			contract.Ask(b.id, contract.VerbReport),                // another agent's voice
			"cp.rpc." + b.account + "." + string(b.id) + ".report", // the control plane's subject
			contract.ToChanged(b.account, b.id),                    // a command
			"$SYS.REQ.CLAIMS.UPDATE", "$JS.API.STREAM.NAMES",
		} {
			if err := nc.Publish(subject, nil); err != nil {
				t.Fatal(err)
			}
			if err := receive(t, violations, "refusal of "+subject); !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("publish to %s: %v", subject, err)
			}
		}
		for _, subject := range []string{">", "cmd.>", contract.DownOf(b.id), contract.InboxPrefix(b.id) + ".>", "_INBOX.>", "cp.>"} {
			if _, err := nc.Subscribe(subject, func(*nats.Msg) {}); err != nil {
				t.Fatal(err)
			}
			if err := receive(t, violations, "refusal of "+subject); !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("subscribe to %s: %v", subject, err)
			}
		}
	})

	t.Run("cuts a revoked agent off at once and keeps it out", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		e := startEdge(t, dir)
		env := id.NewEnvironment()
		a, other := enrol(t, e, env, time.Hour), enrol(t, e, env, time.Hour)
		closed := make(chan struct{})
		a.connect(t, e, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
		if err := e.Authority().Revoke(t.Context(), env, a.public); err != nil {
			t.Fatal(err)
		}
		receive(t, closed, "the cut")
		if _, err := a.dial(e); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("it came back: %v", err)
		}
		other.connect(t, e)
		e.Stop()
		e = startEdge(t, dir)
		if _, err := a.dial(e); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("it came back after a restart: %v", err)
		}
	})

	t.Run("suspends an environment and takes it back", func(t *testing.T) {
		t.Parallel()
		e := startEdge(t, t.TempDir())
		a, other := enrol(t, e, id.NewEnvironment(), time.Hour), enrol(t, e, id.NewEnvironment(), time.Hour)
		closed := make(chan struct{})
		a.connect(t, e, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
		if err := e.Authority().Suspend(t.Context(), a.env, true); err != nil {
			t.Fatal(err)
		}
		receive(t, closed, "the suspension")
		if nc, err := a.dial(e, nats.NoReconnect()); err == nil && nc.FlushWithContext(within(t)) == nil {
			t.Error("a suspended environment can connect")
		}
		other.connect(t, e)
		plane(t, e)
		if err := e.Authority().Suspend(t.Context(), a.env, false); err != nil {
			t.Fatal(err)
		}
		a.connect(t, e)
	})

	t.Run("ends a connection when its token does", func(t *testing.T) {
		t.Parallel()
		e := startEdge(t, t.TempDir())
		a := enrol(t, e, id.NewEnvironment(), 2*time.Second)
		closed := make(chan struct{})
		a.connect(t, e, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
		receive(t, closed, "the end of the token")
	})

	t.Run("keeps identities and port over a restart", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		e := startEdge(t, dir)
		a := enrol(t, e, id.NewEnvironment(), time.Hour)
		before := e.URLs()[0]
		e.Stop()
		e = startEdge(t, dir)
		if e.URLs()[0] != before {
			t.Errorf("listened on %s, now on %s", before, e.URLs()[0])
		}
		account, err := e.Authority().EnsureAccount(t.Context(), a.env)
		if err != nil || account != a.account {
			t.Errorf("account %s became %s (%v)", a.account, account, err)
		}
		a.connect(t, e)
	})

	t.Run("keeps every seed to its owner", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		e := startEdge(t, dir)
		enrol(t, e, id.NewEnvironment(), time.Hour)
		e.Stop()
		seeds, err := filepath.Glob(filepath.Join(dir, "keys", "*.nk"))
		if err != nil || len(seeds) < 8 {
			t.Fatalf("%d seeds, %v", len(seeds), err)
		}
		for _, s := range seeds {
			info, err := os.Stat(s)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", s, info.Mode(), err)
			}
		}
		if err := os.Chmod(seeds[0], 0o644); err != nil {
			t.Fatal(err)
		}
		_, err = embedded.StartEdge(t.Context(), embedded.EdgeConfig{Dir: dir, Listen: "127.0.0.1:0"})
		if err == nil || !strings.Contains(err.Error(), "set its mode to 600") {
			t.Errorf("started with a seed that others can read, or does not say what to do: %v", err)
		}
	})

	t.Run("takes agents over WebSocket", func(t *testing.T) {
		t.Parallel()
		e, err := embedded.StartEdge(t.Context(), embedded.EdgeConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", WebSocket: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Stop)
		a := enrol(t, e, id.NewEnvironment(), time.Hour)
		urls := e.URLs()
		if len(urls) != 2 || !strings.HasPrefix(urls[1], "ws://") {
			t.Fatalf("listens on %q", urls)
		}
		nc, err := nats.Connect(urls[1], nats.UserJWT(func() (string, error) { return a.token, nil },
			func(nonce []byte) ([]byte, error) { return a.key.Sign(nonce) }))
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
	})

	t.Run("mints nothing for an environment without account", func(t *testing.T) {
		t.Parallel()
		e := startEdge(t, t.TempDir())
		a := enrol(t, e, id.NewEnvironment(), time.Hour)
		if _, _, err := e.Authority().MintUser(t.Context(), id.NewEnvironment(), a.id, a.public, time.Hour); !errors.Is(err, embedded.ErrNoAccount) {
			t.Errorf("got %v", err)
		}
		if _, _, err := e.Authority().MintUser(t.Context(), a.env, a.id, a.account, time.Hour); !errors.Is(err, embedded.ErrBadKey) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("says what is wrong with an address", func(t *testing.T) {
		t.Parallel()
		_, err := embedded.StartEdge(t.Context(), embedded.EdgeConfig{Dir: t.TempDir(), Listen: "4222"})
		if err == nil || !strings.Contains(err.Error(), "host:port") {
			t.Errorf("got %v", err)
		}
	})
}

func TestBothSystems(t *testing.T) {
	dir := t.TempDir()
	begin := time.Now()
	core, err := embedded.StartCore(embedded.CoreConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer core.Stop()
	e := startEdge(t, dir)
	first := time.Since(begin)
	nc, err := core.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if !nc.IsConnected() {
		t.Error("core does not serve")
	}
	plane(t, e)
	t.Logf("cold start of core and edge, keys made: %v", first)
	if first > 2*time.Second { // the bar of 40 ms is for an idle machine; bench-house measures it
		t.Errorf("cold start took %v", first)
	}
}
