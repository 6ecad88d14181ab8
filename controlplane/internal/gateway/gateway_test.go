package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// way answers like a tunnel would; the real one has its own tests and the
// journey in e2e.
type way func(ctx context.Context, t tunnel.Target, p contract.Principal, r *http.Request) (*http.Response, error)

func (w way) Do(ctx context.Context, t tunnel.Target, p contract.Principal, r *http.Request) (*http.Response, error) {
	return w(ctx, t, p, r)
}

// bubble gives a test a clock of its own, on which waiting takes no time.
func bubble(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	}
}

func answer(body string, header http.Header) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func here(context.Context, id.Tenant, id.Environment) (tunnel.Target, error) {
	return tunnel.Target{Account: "A", Agent: "agt_1"}, nil
}

// staying is the route of tenants that do not move.
type staying id.Environment

func (s staying) Route(context.Context, id.Tenant) (gateway.Route, error) {
	return gateway.Route{Environment: id.Environment(s)}, nil
}

func (staying) Changes(context.Context) <-chan struct{} { return nil }

var who = contract.Principal{Tenant: "ten_1", Role: contract.RoleOwner}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func TestForward(t *testing.T) {
	t.Parallel()

	t.Run("sends the principal to the tenant's agent and guards what comes back", func(t *testing.T) {
		t.Parallel()
		g := gateway.New(way(func(_ context.Context, target tunnel.Target, p contract.Principal, _ *http.Request) (*http.Response, error) {
			if target.Agent != "agt_1" || p != who {
				t.Errorf("%+v as %+v", target, p)
			}
			return answer("<script>", http.Header{"Content-Type": {"text/html"}}), nil
		}), staying("env_1"), here)
		r, err := g.Forward(t.Context(), who, get("/v1/runs/1"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close() //nolint:errcheck // a reader of a string
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q", name, got)
			}
		}
	})

	t.Run("carries the tenant API and nothing else", func(t *testing.T) {
		t.Parallel()
		g := gateway.New(way(func(context.Context, tunnel.Target, contract.Principal, *http.Request) (*http.Response, error) {
			return answer("", http.Header{}), nil
		}), staying("env_1"), here)
		for path, want := range map[string]bool{
			"/v1/runs": true, "/v1/runs/1/events": true, "/v1/uploads": true, "/v1/tables/demand/rows": true, "/v1/samples": true, "/v1/goals": true, "/v1/templates": true,
			"/v1/runsx": false, "/v1/session": false, "/": false, "/agent/v1/enrol": false, "/v1/billing": false,
		} {
			_, err := g.Forward(t.Context(), who, get(path))
			if got := err == nil; got != want || !want && !errors.Is(err, gateway.ErrNotHere) {
				t.Errorf("%s: %v", path, err)
			}
		}
	})

	t.Run("refuses bodies that are too large, of known and unknown length", func(t *testing.T) {
		t.Parallel()
		g := gateway.New(way(func(_ context.Context, _ tunnel.Target, _ contract.Principal, r *http.Request) (*http.Response, error) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return nil, tunnel.ErrBody.Because(err)
			}
			return answer("", http.Header{}), nil
		}), staying("env_1"), here)
		for _, size := range []int64{-1, gateway.MaxBody + 1} {
			r := httptest.NewRequest(http.MethodPost, "/v1/uploads", io.LimitReader(zeros{}, gateway.MaxBody+1))
			r.ContentLength = size
			if _, err := g.Forward(t.Context(), who, r); !errors.Is(err, gateway.ErrTooLarge) || fault.KindOf(err) != fault.TooLarge {
				t.Errorf("length %d: %v", size, err)
			}
		}
		r := httptest.NewRequest(http.MethodPost, "/v1/uploads", io.LimitReader(zeros{}, gateway.MaxBody))
		if _, err := g.Forward(t.Context(), who, r); err != nil {
			t.Errorf("the largest: %v", err)
		}
	})

	t.Run("holds one tenant to its share and leaves the others alone", bubble(func(t *testing.T) {
		g := gateway.New(way(func(context.Context, tunnel.Target, contract.Principal, *http.Request) (*http.Response, error) {
			return answer("", http.Header{}), nil
		}), staying("env_1"), here)
		var open []*http.Response
		for {
			r, err := g.Forward(t.Context(), who, get("/v1/runs"))
			if errors.Is(err, gateway.ErrTooMany) {
				break
			}
			if err != nil || len(open) > 1000 {
				t.Fatalf("after %d: %v", len(open), err)
			}
			open = append(open, r)
		}
		other := who
		other.Tenant = "ten_2"
		if _, err := g.Forward(t.Context(), other, get("/v1/runs")); err != nil {
			t.Errorf("another tenant: %v", err)
		}
		if err := open[0].Body.Close(); err != nil {
			t.Fatal(err)
		}
		_ = open[0].Body.Close() // closing twice gives one place back, not two
		if _, err := g.Forward(t.Context(), who, get("/v1/runs")); err != nil {
			t.Errorf("after one was closed: %v", err)
		}
		if _, err := g.Forward(t.Context(), who, get("/v1/runs")); !errors.Is(err, gateway.ErrTooMany) {
			t.Errorf("after one was closed twice: %v", err)
		}
	}))

	t.Run("lets those wait who are too many for a moment", bubble(func(t *testing.T) {
		g := gateway.New(way(func(context.Context, tunnel.Target, contract.Principal, *http.Request) (*http.Response, error) {
			return answer("", http.Header{}), nil
		}), staying("env_1"), here)
		var open []*http.Response
		for {
			r, err := g.Forward(t.Context(), who, get("/v1/runs"))
			if errors.Is(err, gateway.ErrTooMany) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, r)
		}
		var waiting sync.WaitGroup
		var served atomic.Int64
		for range 3 * len(open) {
			waiting.Go(func() {
				r, err := g.Forward(t.Context(), who, get("/v1/runs"))
				if err != nil {
					t.Error(err)
					return
				}
				served.Add(1)
				_ = r.Body.Close()
			})
		}
		synctest.Wait() // the line is full now
		began := time.Now()
		if _, err := g.Forward(t.Context(), who, get("/v1/runs")); !errors.Is(err, gateway.ErrTooMany) || time.Since(began) > 0 {
			t.Errorf("one too many for the line: %v after %s", err, time.Since(began))
		}
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.Forward(impatient, who, get("/v1/runs")); err == nil {
			t.Error("one who has gone was served")
		}
		for _, r := range open {
			_ = r.Body.Close()
		}
		waiting.Wait()
		if served.Load() != int64(3*len(open)) {
			t.Errorf("%d of %d who waited were served", served.Load(), 3*len(open))
		}
		if r, err := g.Forward(t.Context(), who, get("/v1/runs")); err != nil {
			t.Errorf("when all have left: %v", err)
		} else {
			_ = r.Body.Close()
		}
	}))

	t.Run("says why there is no agent", func(t *testing.T) {
		t.Parallel()
		why := fault.New(fault.Unavailable, "provisioning.not_ready", "Still being built.")
		g := gateway.New(nil, staying("env_1"), func(context.Context, id.Tenant, id.Environment) (tunnel.Target, error) { return tunnel.Target{}, why })
		if _, err := g.Forward(t.Context(), who, get("/v1/runs")); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("tells in its health that an agent does not answer, until one does", func(t *testing.T) {
		t.Parallel()
		var fails error
		g := gateway.New(way(func(context.Context, tunnel.Target, contract.Principal, *http.Request) (*http.Response, error) {
			return answer("", http.Header{}), fails
		}), staying("env_1"), here)
		for _, step := range []struct {
			err  error
			want features.State
		}{
			{nil, features.Ready},
			{tunnel.ErrNoAnswer, features.Degraded},
			{fault.New(fault.Invalid, "runs.odd", "Odd."), features.Degraded}, // says nothing of the way
			{nil, features.Ready},
		} {
			fails = step.err
			_, _ = g.Forward(t.Context(), who, get("/v1/runs"))
			if got := g.Health(); got.State != step.want || (got.State == features.Degraded) != (got.Reason != "") {
				t.Errorf("after %v: %+v", step.err, got)
			}
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestChoose(t *testing.T) {
	t.Parallel()
	agents := []id.Agent{"agt_a", "agt_b", "agt_c", "agt_d"}

	t.Run("gives every replica the same answer, whatever the order", func(t *testing.T) {
		t.Parallel()
		for range 100 {
			tenant := id.NewTenant()
			a, _ := gateway.Choose(tenant, agents)
			b, _ := gateway.Choose(tenant, []id.Agent{"agt_d", "agt_b", "agt_a", "agt_c"})
			if a != b {
				t.Errorf("%s: %s and %s", tenant, a, b)
			}
		}
	})

	t.Run("moves only the tenants of an agent that goes", func(t *testing.T) {
		t.Parallel()
		count := map[id.Agent]int{}
		for range 4000 {
			tenant := id.NewTenant()
			before, _ := gateway.Choose(tenant, agents)
			after, _ := gateway.Choose(tenant, agents[:3])
			count[before]++
			if before != "agt_d" && before != after {
				t.Fatalf("%s moved from %s to %s", tenant, before, after)
			}
		}
		for _, a := range agents {
			if n := count[a]; n < 800 || n > 1200 {
				t.Errorf("%s serves %d of 4000", a, n)
			}
		}
	})

	t.Run("finds none among none", func(t *testing.T) {
		t.Parallel()
		if a, ok := gateway.Choose("ten_1", nil); ok {
			t.Errorf("got %s", a)
		}
	})
}
