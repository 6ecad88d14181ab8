package tunnel_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/tunnel"
)

var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = io.Copy(w, r.Body)
})

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// unsized hides the length of a body, so that it has to be streamed.
type unsized struct{ io.Reader }

func TestEcho(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.serve(t, echo, tunnel.Limits{})
	for _, size := range []int{0, 1, tunnel.MaxChunk - 1, tunnel.MaxChunk, tunnel.MaxChunk + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 10 << 20} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"known":   func(r io.Reader) io.Reader { return r },
			"unknown": func(r io.Reader) io.Reader { return unsized{r} },
		} {
			t.Run(fmt.Sprintf("gives back %d bytes of %s length", size, name), func(t *testing.T) {
				t.Parallel()
				sent := noise(size)
				response := r.must(t, s, http.MethodPost, "/", wrap(bytes.NewReader(sent)))
				got, err := io.ReadAll(response.Body)
				if err != nil || !bytes.Equal(got, sent) {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
			})
		}
	}
}

func TestParallelStreams(t *testing.T) {
	t.Parallel()
	t.Run("keeps a hundred at once apart", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.serve(t, echo, tunnel.Limits{})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				sent := bytes.Repeat([]byte{byte(i)}, 300_000+i)
				request := httptest.NewRequest(http.MethodPost, "/", unsized{bytes.NewReader(sent)})
				response, err := r.client.Do(within(t), s.Target, who, request)
				if err != nil {
					t.Errorf("stream %d: %v", i, err)
					return
				}
				got, err := io.ReadAll(response.Body)
				if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
					t.Errorf("stream %d: %d bytes, %v", i, len(got), err)
				}
			})
		}
		all.Wait()
		if n := r.client.Open(); n != 0 {
			t.Errorf("%d exchanges are left over", n)
		}
	})
}

func TestRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)

	t.Run("arrives with path, query, principal and deadline, and only with headers that may pass", func(t *testing.T) {
		t.Parallel()
		type seen struct {
			Method, Target, Host string
			Header               http.Header
			Principal            contract.Principal
			Deadline             bool
		}
		got := make(chan seen, 1)
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			p, _ := tunnel.PrincipalFrom(q.Context())
			_, has := q.Context().Deadline()
			got <- seen{q.Method, q.RequestURI, q.Host, q.Header, p, has}
			w.Header().Set("Etag", `"1"`)
			w.Header().Set("Set-Cookie", "stolen=1")
			w.Header().Set(contract.MovedHeader, contract.MovedStandby)
			w.Header().Set("Connection", "Etag")
			w.Header().Set("Transfer-Encoding", "chunked")
			w.Header().Set("Content-Security-Policy", "default-src *")
			w.WriteHeader(http.StatusTeapot)
		}), tunnel.Limits{})
		request := httptest.NewRequest(http.MethodPut, "http://shop.example/v1/runs/%C3%A4%2F?a=1&b=%20", nil)
		for name, value := range map[string]string{
			"Accept": "text/csv", "Idempotency-Key": "7", "Cookie": "dyocense=secret", "Authorization": "Bearer secret",
			"Connection": "Accept", "Keep-Alive": "1", "Upgrade": "h2c", "Te": "trailers", "X-Forwarded-For": "1.2.3.4", "Proxy-Authorization": "x",
		} {
			request.Header.Set(name, value)
		}
		response, err := r.client.Do(within(t), s.Target, who, request)
		if err != nil {
			t.Fatal(err)
		}
		want := seen{http.MethodPut, "/v1/runs/%C3%A4%2F?a=1&b=%20", "shop.example", http.Header{"Accept": {"text/csv"}, "Idempotency-Key": {"7"}}, who, true}
		if diff := cmp.Diff(want, receive(t, got, "the request")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(http.Header{"Etag": {`"1"`}, contract.MovedHeader: {contract.MovedStandby}}, response.Header); diff != "" || response.StatusCode != http.StatusTeapot {
			t.Errorf("status %d (-want +got):\n%s", response.StatusCode, diff)
		}
	})

	t.Run("is one message each way when it is small", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		s := r.serve(t, echo, tunnel.Limits{})
		before := s.nc.Stats()
		if got := text(t, r.must(t, s, http.MethodPost, "/", strings.NewReader("hello"))); got != "hello" {
			t.Errorf("got %q", got)
		}
		after := s.nc.Stats()
		if in, out := after.InMsgs-before.InMsgs, after.OutMsgs-before.OutMsgs; in != 1 || out != 1 {
			t.Errorf("%d messages in, %d out", in, out)
		}
	})

	t.Run("with a head that is too large is refused before it is sent", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, echo, tunnel.Limits{})
		for name, change := range map[string]func(*http.Request){
			"address":      func(q *http.Request) { q.URL.RawQuery = "q=" + strings.Repeat("x", 70_000) },
			"header value": func(q *http.Request) { q.Header.Set("Accept", strings.Repeat("x", 70_000)) },
			"header lines": func(q *http.Request) {
				for range 101 {
					q.Header.Add("Accept", "x")
				}
			},
		} {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			change(request)
			if _, err := r.client.Do(within(t), s.Target, who, request); !errors.Is(err, tunnel.ErrHeadSize) || fault.KindOf(err) != fault.TooLarge {
				t.Errorf("large %s: %v", name, err)
			}
		}
	})

	t.Run("with an odd method is refused", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, echo, tunnel.Limits{})
		if _, err := r.do(t, s, "BREW", "/", nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
	})

	t.Run("whose body breaks off ends at the agent too", func(t *testing.T) {
		t.Parallel()
		read := make(chan error, 1)
		s := r.serve(t, http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			_, err := io.Copy(io.Discard, q.Body)
			read <- err
		}), tunnel.Limits{})
		body := io.MultiReader(bytes.NewReader(noise(200_000)), broken{})
		if _, err := r.do(t, s, http.MethodPost, "/", unsized{body}); !errors.Is(err, tunnel.ErrBody) {
			t.Errorf("the caller got %v", err)
		}
		if err := receive(t, read, "the end of the body"); !errors.Is(err, context.Canceled) {
			t.Errorf("the agent read to %v", err)
		}
	})

	t.Run("answered before its body is read ends cleanly", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}), tunnel.Limits{})
		if got := r.must(t, s, http.MethodPost, "/", bytes.NewReader(noise(3<<20))); got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", got.StatusCode)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestResponse(t *testing.T) {
	t.Parallel()
	r := newRig(t)

	t.Run("shows its first event before its last exists", func(t *testing.T) {
		t.Parallel()
		next := make(chan struct{})
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				w.(http.Flusher).Flush()
				select {
				case <-next:
				case <-q.Context().Done():
					return
				}
			}
		}), tunnel.Limits{})
		response := r.must(t, s, http.MethodGet, "/", nil)
		for i := range 3 {
			b := make([]byte, len("data: 0\n\n"))
			if _, err := io.ReadFull(response.Body, b); err != nil || string(b) != fmt.Sprintf("data: %d\n\n", i) {
				t.Fatalf("event %d: %q %v", i, b, err)
			}
			next <- struct{}{}
		}
		if rest := text(t, response); rest != "" {
			t.Errorf("then came %q", rest)
		}
	})

	t.Run("waits for a slow reader instead of filling memory", func(t *testing.T) {
		t.Parallel()
		const size = 8 << 20
		var mu sync.Mutex
		written := 0
		stuck := make(chan struct{}, 1)
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			rc := http.NewResponseController(w)
			part := noise(64 << 10)
			for written < size {
				// A write that cannot go on says so, and is then tried without limit.
				_ = rc.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
				n, err := w.Write(part)
				mu.Lock()
				written += n
				mu.Unlock()
				if err != nil {
					select {
					case stuck <- struct{}{}:
					default:
					}
					return
				}
			}
		}), tunnel.Limits{})
		response := r.must(t, s, http.MethodGet, "/", nil)
		receive(t, stuck, "the writer waiting for its reader")
		mu.Lock()
		defer mu.Unlock()
		if written > tunnel.Window+2*tunnel.MaxChunk {
			t.Errorf("%d bytes were taken although nobody reads", written)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	})

	t.Run("reaches a slow reader complete", func(t *testing.T) {
		t.Parallel()
		sent := noise(3 << 20)
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(sent) }), tunnel.Limits{})
		response := r.must(t, s, http.MethodGet, "/", nil)
		var got bytes.Buffer
		for b := make([]byte, 1000); ; {
			n, err := response.Body.Read(b)
			got.Write(b[:n])
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got.Bytes(), sent) {
			t.Errorf("got %d bytes, not the ones sent", got.Len())
		}
	})

	t.Run("of many tiny pieces stays within the window", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range 5000 {
				_, _ = w.Write([]byte("x"))
				w.(http.Flusher).Flush()
			}
		}), tunnel.Limits{})
		if got := text(t, r.must(t, s, http.MethodGet, "/", nil)); len(got) != 5000 {
			t.Errorf("got %d bytes", len(got))
		}
	})

	t.Run("has no body where HTTP has none", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/none" {
				w.WriteHeader(http.StatusNoContent)
			}
			_, _ = w.Write([]byte("body"))
		}), tunnel.Limits{})
		if got := text(t, r.must(t, s, http.MethodHead, "/", nil)); got != "" {
			t.Errorf("HEAD gave %q", got)
		}
		if got := text(t, r.must(t, s, http.MethodGet, "/none", nil)); got != "" {
			t.Errorf("204 gave %q", got)
		}
	})

	t.Run("with a head that is too large becomes a fault", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", strings.Repeat("x", 70_000))
		}), tunnel.Limits{})
		if _, err := r.do(t, s, http.MethodGet, "/", nil); !errors.Is(err, tunnel.ErrAnswerHead) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("of a handler that panics is a fault, and the agent lives on", func(t *testing.T) {
		t.Parallel()
		s := r.serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			switch q.URL.Path {
			case "/early":
				panic("early")
			case "/late":
				_, _ = w.Write([]byte("half"))
				w.(http.Flusher).Flush()
				panic("late")
			}
		}), tunnel.Limits{})
		if _, err := r.do(t, s, http.MethodGet, "/early", nil); !errors.Is(err, tunnel.ErrPanic) || fault.KindOf(err) != fault.Internal {
			t.Errorf("early: %v", err)
		}
		if _, err := io.ReadAll(r.must(t, s, http.MethodGet, "/late", nil).Body); !errors.Is(err, tunnel.ErrPanic) {
			t.Errorf("late: %v", err)
		}
		if got := r.must(t, s, http.MethodGet, "/", nil); got.StatusCode != http.StatusOK {
			t.Errorf("afterwards: status %d", got.StatusCode)
		}
	})
}
