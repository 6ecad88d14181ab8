package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/gateway"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

const (
	oldPlace = id.Environment("env_old")
	newPlace = id.Environment("env_new")
	foreign  = id.Environment("env_foreign")
)

// world is a placement and the agents of its environments. An agent whose state is
// "" serves, any other state is what it says in contract.MovedHeader.
type world struct {
	mu      sync.Mutex
	route   gateway.Route
	state   map[id.Environment]string
	empty   map[id.Environment]bool // no agent lives there
	after   func(w *world, asked int)
	asked   []id.Environment
	bodies  []string
	changes chan struct{}
}

func newWorld(moving id.Environment) *world {
	return &world{
		route: gateway.Route{Environment: oldPlace, Moving: moving}, changes: make(chan struct{}, 1),
		state: map[id.Environment]string{oldPlace: string(newPlace), newPlace: ""}, empty: map[id.Environment]bool{},
	}
}

func (w *world) gateway() *gateway.Gateway { return gateway.New(w, w, w.locate) }

func (w *world) Route(context.Context, id.Tenant) (gateway.Route, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.route, nil
}

func (w *world) Changes(context.Context) <-chan struct{} { return w.changes }

func (w *world) locate(_ context.Context, _ id.Tenant, env id.Environment) (tunnel.Target, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.empty[env] {
		return tunnel.Target{}, gateway.ErrNobody
	}
	return tunnel.Target{Account: string(env)}, nil
}

// Do implements gateway.Tunnel.
func (w *world) Do(_ context.Context, t tunnel.Target, _ contract.Principal, r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	env := id.Environment(t.Account)
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, tunnel.ErrBody.Because(err)
		}
		body = string(b)
	}
	w.asked, w.bodies = append(w.asked, env), append(w.bodies, body)
	says := w.state[env]
	if w.after != nil {
		w.after(w, len(w.asked))
	}
	if says == "" {
		return answer("from "+string(env)+": "+body, http.Header{}), nil
	}
	return &http.Response{
		StatusCode: http.StatusServiceUnavailable, Header: http.Header{contract.MovedHeader: {says}},
		Body: io.NopCloser(strings.NewReader("moved")),
	}, nil
}

// change alters the world as another goroutine would.
func (w *world) change(f func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

// times is how often env was asked.
func (w *world) times(env id.Environment) int {
	n := 0
	for _, a := range w.asked {
		if a == env {
			n++
		}
	}
	return n
}

// post has a body that can be read once.
func post(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/v1/runs", strings.NewReader(body))
}

// read is the whole answer, which must show no trace of a move.
func read(t *testing.T, r *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // a reader of a string
	if _, leaked := r.Header[contract.MovedHeader]; leaked {
		t.Error("the header of a move reached the client")
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// late checks that err asks the client to try again and says when.
func late(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, gateway.ErrMovingOn) || !fault.KindOf(err).Retryable() || fault.RetryAfter(err) <= 0 {
		t.Errorf("got %v, try again in %s", err, fault.RetryAfter(err))
	}
}

func TestForwardAcrossAMove(t *testing.T) {
	t.Parallel()

	t.Run("sends a request with its body again at the other end, once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(newPlace)
		r, err := w.gateway().Forward(t.Context(), who, post("order 7"))
		if got := read(t, r, err); got != "from env_new: order 7" {
			t.Errorf("got %q", got)
		}
		if !slices.Equal(w.asked, []id.Environment{oldPlace, newPlace}) {
			t.Errorf("asked %v", w.asked)
		}
	})

	t.Run("follows the placement when the switch is noted before the answer is there", func(t *testing.T) {
		t.Parallel()
		for name, moved := range map[string]gateway.Route{
			"and can switch back": {Environment: newPlace, Moving: oldPlace},
			"and is over":         {Environment: newPlace},
		} {
			w := newWorld(newPlace)
			w.after = func(w *world, _ int) { w.route = moved }
			r, err := w.gateway().Forward(t.Context(), who, post("x"))
			if got := read(t, r, err); got != "from env_new: x" || len(w.asked) != 2 {
				t.Errorf("%s: %q after %v", name, got, w.asked)
			}
		}
	})

	t.Run("waits for a copy that is not opened yet", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(newPlace)
			w.state[newPlace] = contract.MovedStandby
			w.after = func(w *world, asked int) {
				if asked == 8 {
					w.state[newPlace] = ""
				}
			}
			began := time.Now()
			r, err := w.gateway().Forward(t.Context(), who, post("x"))
			if got := read(t, r, err); got != "from env_new: x" || w.times(oldPlace) != 1 {
				t.Errorf("%q after %v", got, w.asked)
			}
			if took := time.Since(began); took > 8*25*time.Millisecond {
				t.Errorf("took %s", took)
			}
		})
	})

	t.Run("is woken by the placement while nobody lives at the new place", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(newPlace)
			w.empty[newPlace] = true
			got := make(chan string)
			go func() {
				r, err := w.gateway().Forward(t.Context(), who, post("x"))
				got <- read(t, r, err)
			}()
			synctest.Wait()
			began := time.Now()
			w.change(func(w *world) { w.empty[newPlace] = false })
			w.changes <- struct{}{}
			if g := <-got; g != "from env_new: x" || time.Since(began) != 0 {
				t.Errorf("%q after %s", g, time.Since(began))
			}
		})
	})

	t.Run("waits when the old place has died and the placement is about to switch", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(newPlace)
			w.empty[oldPlace] = true
			time.AfterFunc(time.Second, func() {
				w.change(func(w *world) { w.route = gateway.Route{Environment: newPlace, Moving: oldPlace} })
			})
			r, err := w.gateway().Forward(t.Context(), who, post("x"))
			if got := read(t, r, err); got != "from env_new: x" {
				t.Errorf("got %q", got)
			}
		})
	})

	t.Run("comes back when the move is given up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(newPlace)
			w.state[newPlace] = contract.MovedStandby
			time.AfterFunc(time.Second, func() {
				w.change(func(w *world) { w.route.Moving, w.state[oldPlace] = "", "" })
			})
			r, err := w.gateway().Forward(t.Context(), who, post("x"))
			if got := read(t, r, err); got != "from env_old: x" {
				t.Errorf("got %q", got)
			}
		})
	})

	t.Run("gives up after five seconds and says when to try again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(newPlace)
			w.state[newPlace] = contract.MovedStandby
			began := time.Now()
			_, err := w.gateway().Forward(t.Context(), who, post("x"))
			late(t, err)
			if took := time.Since(began); took != 5*time.Second {
				t.Errorf("took %s", took)
			}
			if n := w.times(newPlace); n < 100 || n > 210 {
				t.Errorf("asked %d times", n)
			}
		})
	})

	t.Run("ends with its client", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(newPlace)
			w.state[newPlace] = contract.MovedStandby
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			if _, err := w.gateway().Forward(ctx, who, post("x")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		})
	})

	t.Run("never follows a hint to a place that the placement does not name", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, hint := range []id.Environment{foreign, "env_old", " ", "../env_new"} {
				for _, moving := range []id.Environment{"", newPlace} {
					w := newWorld(moving)
					w.state[oldPlace] = string(hint)
					w.state[foreign] = ""
					_, err := w.gateway().Forward(t.Context(), who, get("/v1/runs"))
					late(t, err)
					if w.times(oldPlace) != len(w.asked) || len(w.asked) > 210 {
						t.Errorf("hint %q, moving %q: asked %v", hint, moving, w.asked)
					}
				}
			}
		})
	})

	t.Run("does not run in circles between two that send it to each other", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(newPlace)
			w.state[newPlace] = string(oldPlace)
			_, err := w.gateway().Forward(t.Context(), who, post("x"))
			late(t, err)
			if len(w.asked) > 420 {
				t.Errorf("asked %d times", len(w.asked))
			}
		})
	})

	t.Run("with a route that was read before the move", func(t *testing.T) {
		t.Parallel()
		begins := func(w *world, _ int) { w.route.Moving = newPlace }
		t.Run("is sent again without a body", func(t *testing.T) {
			t.Parallel()
			w := newWorld("")
			w.after = begins
			r, err := w.gateway().Forward(t.Context(), who, get("/v1/runs"))
			if got := read(t, r, err); got != "from env_new: " {
				t.Errorf("got %q", got)
			}
		})
		t.Run("is sent again with a body that can be read again", func(t *testing.T) {
			t.Parallel()
			w := newWorld("")
			w.after = begins
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/runs", strings.NewReader("order 7"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := w.gateway().Forward(t.Context(), who, q)
			if got := read(t, r, err); got != "from env_new: order 7" {
				t.Errorf("got %q", got)
			}
		})
		t.Run("is given back to its client when its body is gone", func(t *testing.T) {
			t.Parallel()
			w := newWorld("")
			w.after = begins
			_, err := w.gateway().Forward(t.Context(), who, post("order 7"))
			late(t, err)
			if len(w.asked) != 1 {
				t.Errorf("asked %v", w.asked)
			}
		})
	})

	t.Run("sends nothing again when the tunnel breaks or the answer is an ordinary one", func(t *testing.T) {
		t.Parallel()
		for name, end := range map[string]func() (*http.Response, error){
			"broken": func() (*http.Response, error) { return nil, tunnel.ErrBroken },
			"silent": func() (*http.Response, error) { return nil, tunnel.ErrSilent },
			"503": func() (*http.Response, error) {
				r := answer("{}", http.Header{})
				r.StatusCode = http.StatusServiceUnavailable
				return r, nil
			},
			// An agent cannot pretend that none lives.
			"a fault of the agent": func() (*http.Response, error) { return nil, gateway.ErrNobody },
		} {
			w, asked := newWorld(newPlace), 0
			g := gateway.New(way(func(context.Context, tunnel.Target, contract.Principal, *http.Request) (*http.Response, error) {
				asked++
				return end()
			}), w, w.locate)
			_, want := end()
			if _, err := g.Forward(t.Context(), who, post("x")); asked != 1 || !errors.Is(err, want) {
				t.Errorf("%s: asked %d times, %v", name, asked, err)
			}
		}
	})

	t.Run("says at once that nobody lives where no move is", func(t *testing.T) {
		t.Parallel()
		w := newWorld("")
		w.empty[oldPlace] = true
		if _, err := w.gateway().Forward(t.Context(), who, get("/v1/runs")); !errors.Is(err, gateway.ErrNobody) {
			t.Errorf("got %v", err)
		}
	})
}

func TestKeptBodies(t *testing.T) {
	t.Parallel()
	const fit = 12 // of the largest ones

	// held sends requests with the largest bodies, whose bytes are never made.
	held := func(ctx context.Context, g *gateway.Gateway, n int) <-chan error {
		ended := make(chan error, n)
		for range n {
			go func() {
				q := httptest.NewRequest(http.MethodPost, "/v1/uploads", strings.NewReader("x"))
				q.ContentLength = gateway.MaxBody
				q.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }
				_, err := g.Forward(ctx, who, q)
				ended <- err
			}()
		}
		return ended
	}
	holding := func(hold <-chan struct{}) *gateway.Gateway {
		w := newWorld(newPlace)
		return gateway.New(way(func(context.Context, tunnel.Target, contract.Principal, *http.Request) (*http.Response, error) {
			<-hold
			return answer("", http.Header{}), nil
		}), w, w.locate)
	}

	t.Run("beyond the gateway's memory make a request wait, and then fail with a time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			hold := make(chan struct{})
			g := holding(hold)
			first := held(t.Context(), g, fit)
			synctest.Wait()
			began := time.Now()
			err := <-held(t.Context(), g, 1)
			if !errors.Is(err, gateway.ErrNoRoom) || !fault.KindOf(err).Retryable() || fault.RetryAfter(err) <= 0 || time.Since(began) != 2*time.Second {
				t.Errorf("%v after %s", err, time.Since(began))
			}
			close(hold)
			for range fit {
				if err := <-first; err != nil {
					t.Error(err)
				}
			}
		})
	})

	t.Run("give their room to those who wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			hold := make(chan struct{})
			all := held(t.Context(), holding(hold), 2*fit)
			synctest.Wait()
			close(hold)
			for range 2 * fit {
				if err := <-all; err != nil {
					t.Error(err)
				}
			}
		})
	})

	t.Run("take the room of what they are, whatever they might have been", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			hold := make(chan struct{})
			g := holding(hold)
			ended := make(chan error, 2*fit)
			for range 2 * fit {
				go func() {
					q := post("small")
					q.ContentLength = -1
					_, err := g.Forward(t.Context(), who, q)
					ended <- err
				}()
			}
			<-time.After(3 * time.Second) // of the bubble's clock: nobody waits for room by then
			close(hold)
			for range 2 * fit {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
		})
	})

	t.Run("may be as large as any and no larger", func(t *testing.T) {
		t.Parallel()
		for _, extra := range []int64{0, 1} {
			q := httptest.NewRequest(http.MethodPost, "/v1/uploads", io.LimitReader(zeros{}, gateway.MaxBody+extra))
			q.ContentLength = -1
			w := newWorld(newPlace)
			_, err := w.gateway().Forward(t.Context(), who, q)
			if want := extra > 0; errors.Is(err, gateway.ErrTooLarge) != want || (err != nil) != want {
				t.Errorf("%d more: %v", extra, err)
			}
		}
	})
}
