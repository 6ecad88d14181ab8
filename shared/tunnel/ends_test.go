package tunnel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

func TestCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t)

	t.Run("that gives up ends the agent's work", func(t *testing.T) {
		t.Parallel()
		began, ended := make(chan struct{}, 1), make(chan error, 1)
		s := r.serve(t, http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			began <- struct{}{}
			<-q.Context().Done()
			ended <- context.Cause(q.Context())
		}), tunnel.Limits{})
		ctx, cancel := context.WithCancel(within(t))
		go func() {
			<-began
			cancel()
		}()
		if _, err := r.client.Do(ctx, s.Target, who, httptest.NewRequest(http.MethodGet, "/", nil)); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller got %v", err)
		}
		if err := receive(t, ended, "the end of the work"); !errors.Is(err, context.Canceled) {
			t.Errorf("the agent got %v", err)
		}
	})

	t.Run("that closes a stream ends the agent's work", func(t *testing.T) {
		t.Parallel()
		ended := make(chan struct{})
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.(http.Flusher).Flush()
			<-q.Context().Done()
			close(ended)
		}), tunnel.Limits{})
		response := r.must(t, s, http.MethodGet, "/", nil)
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		receive(t, ended, "the end of the work")
	})

	t.Run("whose time is up ends the agent's work", func(t *testing.T) {
		t.Parallel()
		ended := make(chan struct{})
		s := r.serve(t, http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			<-q.Context().Done()
			close(ended)
		}), tunnel.Limits{})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := r.client.Do(ctx, s.Target, who, httptest.NewRequest(http.MethodGet, "/", nil)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller got %v", err)
		}
		receive(t, ended, "the end of the work")
	})
}

// slowStart is a context that takes its time where an exchange is known to the
// client and its head has not left.
type slowStart struct {
	context.Context
	wait <-chan time.Time
}

// AfterFunc is what context.AfterFunc calls.
func (s slowStart) AfterFunc(f func()) func() bool {
	<-s.wait
	return context.AfterFunc(s.Context, f)
}

// Value hides the wrapped context, which context.AfterFunc would use directly.
func (slowStart) Value(any) any { return nil }

func TestHeadComesFirst(t *testing.T) {
	t.Parallel()
	r := newQuickRig(t)
	t.Run("also when the client looks after its exchanges before the head has left", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, echo, tunnel.Limits{})
		ctx := slowStart{within(t), time.After(500 * time.Millisecond)}
		response, err := r.client.Do(ctx, s.Target, who, httptest.NewRequest(http.MethodPost, "/", unsized{strings.NewReader("hello")}))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, response); got != "hello" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAgent(t *testing.T) {
	t.Parallel()

	t.Run("that is not there is unavailable within the time of an acknowledgement", func(t *testing.T) {
		t.Parallel()
		r := newQuickRig(t)
		s := r.connect(t, id.NewEnvironment())
		if _, err := r.do(t, s, http.MethodGet, "/", nil); !errors.Is(err, tunnel.ErrNoAnswer) || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	})

	t.Run("that works long before it answers is waited for", func(t *testing.T) {
		t.Parallel()
		r := newQuickRig(t)
		release := make(chan struct{})
		s := r.serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }), tunnel.Limits{})
		alarm := time.AfterFunc(2500*time.Millisecond, func() { close(release) }) // longer than every clock of the rig
		defer alarm.Stop()
		if got := r.must(t, s, http.MethodGet, "/", nil); got.StatusCode != http.StatusOK {
			t.Errorf("status %d", got.StatusCode)
		}
	})

	t.Run("that dies in the middle of a stream is noticed", func(t *testing.T) {
		t.Parallel()
		r := newQuickRig(t)
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			_, _ = w.Write([]byte("half"))
			w.(http.Flusher).Flush()
			<-q.Context().Done()
		}), tunnel.Limits{})
		response := r.must(t, s, http.MethodGet, "/", nil)
		s.nc.Close()
		got, err := io.ReadAll(response.Body)
		if !errors.Is(err, tunnel.ErrSilent) || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("read %q and then %v", got, err)
		}
	})

	t.Run("that has been replaced says so at once", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.(http.Flusher).Flush()
			<-q.Context().Done()
		}), tunnel.Limits{Drain: time.Millisecond})
		response := r.must(t, s, http.MethodGet, "/", nil)
		s.stop()
		if _, err := io.ReadAll(response.Body); !errors.Is(err, tunnel.ErrStopping) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("that has its hands full says so", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		began, release := make(chan struct{}), make(chan struct{})
		s := r.serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			began <- struct{}{}
			<-release
		}), tunnel.Limits{Concurrent: 1})
		first := make(chan error, 1)
		go func() {
			_, err := r.client.Do(within(t), s.Target, who, httptest.NewRequest(http.MethodGet, "/", nil))
			first <- err
		}()
		receive(t, began, "the first request")
		if _, err := r.do(t, s, http.MethodGet, "/", nil); !errors.Is(err, tunnel.ErrBusy) {
			t.Errorf("got %v", err)
		}
		close(release)
		if err := receive(t, first, "the first answer"); err != nil {
			t.Error(err)
		}
	})

	t.Run("that stops finishes what it has and takes no more", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		began, release := make(chan struct{}, 1), make(chan struct{})
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			began <- struct{}{}
			<-release
			_, _ = w.Write([]byte("finished"))
		}), tunnel.Limits{})
		answer := make(chan string, 1)
		go func() {
			response, err := r.client.Do(within(t), s.Target, who, httptest.NewRequest(http.MethodGet, "/", nil))
			if err != nil {
				answer <- err.Error()
				return
			}
			answer <- text(t, response)
		}()
		receive(t, began, "the request")
		stopped := make(chan struct{})
		go func() { s.stop(); close(stopped) }()
		for deadline := time.Now().Add(10 * time.Second); ; { // until it has heard that it stops
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err := r.client.Do(ctx, s.Target, who, httptest.NewRequest(http.MethodGet, "/", nil))
			cancel()
			if errors.Is(err, tunnel.ErrStopping) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("it still takes requests: %v", err)
			}
		}
		close(release)
		if got := receive(t, answer, "the answer"); got != "finished" {
			t.Errorf("got %q", got)
		}
		receive(t, stopped, "the end of Serve")
	})

	t.Run("of one environment can neither answer for nor hear another", func(t *testing.T) {
		t.Parallel()
		r := newQuickRig(t)
		victim := r.connect(t, id.NewEnvironment()) // connected, serves nothing
		violations := make(chan error, 16)
		rival := r.connect(t, id.NewEnvironment(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
		heads := make(chan *nats.Msg, 1)
		if _, err := victim.nc.Subscribe(contract.DownOf(victim.Agent), func(m *nats.Msg) {
			if m.Data[1] == 1 { // requests only
				heads <- m
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err := victim.nc.Flush(); err != nil {
			t.Fatal(err)
		}
		result := make(chan error, 1)
		go func() {
			_, err := r.client.Do(within(t), victim.Target, who, httptest.NewRequest(http.MethodGet, "/", nil))
			result <- err
		}()
		head := receive(t, heads, "the request")

		for _, subject := range []string{contract.DownOf(victim.Agent), "cmd.>"} {
			if _, err := rival.nc.Subscribe(subject, func(*nats.Msg) { t.Errorf("the rival heard on %s", subject) }); err != nil {
				t.Fatal(err)
			}
			if err := receive(t, violations, "refusal"); !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("subscribe to %s: %v", subject, err)
			}
		}
		// The rival knows the whole exchange and still cannot answer it: not with
		// the victim's name, and with its own name nobody believes it.
		gateway := fmt.Sprintf("%x", head.Data[8:16])
		forged := append([]byte{1, 2, 1, 0}, head.Data[4:24]...)
		forged = append(forged, 4, 200, 1, 0, 0) // a head: status 200, unknown length, no headers
		if err := rival.nc.Publish(contract.Up(victim.Agent, gateway), forged); err != nil {
			t.Fatal(err)
		}
		if err := receive(t, violations, "refusal"); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("publish as the victim: %v", err)
		}
		if err := rival.nc.Publish(contract.Up(rival.Agent, gateway), forged); err != nil {
			t.Fatal(err)
		}
		if err := receive(t, result, "the end of the exchange"); !errors.Is(err, tunnel.ErrNoAnswer) {
			t.Errorf("the caller got %v", err)
		}
		// The same bytes from the right agent would have been an answer.
		go func() {
			_, err := r.client.Do(within(t), victim.Target, who, httptest.NewRequest(http.MethodGet, "/", nil))
			result <- err
		}()
		head = receive(t, heads, "the second request")
		copy(forged[4:24], head.Data[4:24])
		if err := victim.nc.Publish(contract.Up(victim.Agent, gateway), forged); err != nil {
			t.Fatal(err)
		}
		if err := receive(t, result, "the answer"); err != nil {
			t.Errorf("the victim's own answer: %v", err)
		}
	})
}

func TestClient(t *testing.T) {
	t.Parallel()
	t.Run("that closes ends what is open", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.(http.Flusher).Flush()
			<-q.Context().Done()
		}), tunnel.Limits{})
		response := r.must(t, s, http.MethodGet, "/", nil)
		if err := r.client.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(response.Body); !errors.Is(err, tunnel.ErrStopping) {
			t.Errorf("got %v", err)
		}
		if _, err := r.do(t, s, http.MethodGet, "/", nil); !errors.Is(err, tunnel.ErrStopping) {
			t.Errorf("afterwards: %v", err)
		}
	})
}
