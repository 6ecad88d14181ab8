package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/dyocense/dyocense/controlplane/internal/edge"
	"github.com/dyocense/dyocense/shared/fault"
)

type whoKey struct{}

// serve runs a server with a few routes and gives its address.
func serve(t *testing.T, more ...func(*edge.Server)) string {
	t.Helper()
	s := edge.New(edge.Config{
		Version: "test", Cookie: "dyocense", Log: slog.New(slog.DiscardHandler),
		Arrive: func(ctx context.Context, _ string) context.Context { return ctx },
		SignIn: func(ctx context.Context, token string) (context.Context, error) {
			if token != "good" {
				return nil, fault.New(fault.Unauthenticated, "test.signed_out", "Sign in first.")
			}
			return context.WithValue(ctx, whoKey{}, "ada"), nil
		},
	})
	type greeting struct {
		Body struct {
			Name     string `json:"name" minLength:"2"`
			Password string `json:"password" maxLength:"8"`
		}
	}
	type greeted struct {
		Body struct {
			Hello string `json:"hello"`
		}
	}
	edge.Handle(s, edge.Route{Method: http.MethodPost, Path: "/v1/greet", ID: "greet"}, func(_ context.Context, r *greeting) (*greeted, error) {
		out := &greeted{}
		out.Body.Hello = r.Body.Name
		return out, nil
	})
	edge.Handle(s, edge.Route{Method: http.MethodGet, Path: "/v1/me", ID: "me", Who: edge.SignedIn}, func(ctx context.Context, _ *struct{}) (*greeted, error) {
		out := &greeted{}
		out.Body.Hello, _ = ctx.Value(whoKey{}).(string)
		return out, nil
	})
	edge.Handle(s, edge.Route{Method: http.MethodGet, Path: "/v1/broken", ID: "broken"}, func(context.Context, *struct{}) (*greeted, error) {
		return nil, errors.New("the secret cause")
	})
	edge.Handle(s, edge.Route{Method: http.MethodGet, Path: "/v1/slow", ID: "slow", Timeout: time.Millisecond}, func(ctx context.Context, _ *struct{}) (*greeted, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	for _, add := range more {
		add(s)
	}
	s.Portal(fstest.MapFS{
		"index.html":          {Data: []byte("<title>portal</title>")},
		"assets/app-1234.js":  {Data: []byte("let a")},
		"assets/app-1234.css": {Data: []byte("a{}")},
	})
	return "http://" + run(t, s)
}

// run serves on a free port until the test ends, and gives its address.
func run(t *testing.T, s *edge.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return l.Addr().String()
}

func call(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func problem(t *testing.T, resp *http.Response, body string) fault.Problem {
	t.Helper()
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	var p fault.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("body %q is no problem document: %v", body, err)
	}
	if p.Status != resp.StatusCode {
		t.Errorf("problem says %d, the status is %d", p.Status, resp.StatusCode)
	}
	return p
}

func TestOperation(t *testing.T) {
	t.Parallel()
	base := serve(t)

	t.Run("answers with what it returns", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodPost, base+"/v1/greet", `{"name":"Ada","password":"x"}`)
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, `"hello":"Ada"`) {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
	t.Run("names the wrong field and never repeats its value", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodPost, base+"/v1/greet", `{"name":"Ada","password":"correct horse battery"}`)
		p := problem(t, resp, body)
		if p.Code != "http.invalid" || len(p.Errors) != 1 || p.Errors[0].Location != "body.password" {
			t.Errorf("problem = %+v", p)
		}
		if strings.Contains(body, "horse") {
			t.Errorf("the answer repeats a password: %s", body)
		}
	})
	t.Run("tells nothing of an internal failure", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodGet, base+"/v1/broken", "")
		if p := problem(t, resp, body); p.Kind != fault.Internal || strings.Contains(body, "secret cause") {
			t.Errorf("answer = %s", body)
		}
	})
	t.Run("ends at its deadline", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodGet, base+"/v1/slow", "")
		if p := problem(t, resp, body); p.Code != "http.too_slow" {
			t.Errorf("problem = %+v", p)
		}
	})
	t.Run("refuses a body over its limit", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodPost, base+"/v1/greet", `{"name":"`+strings.Repeat("a", 300<<10)+`"}`)
		if p := problem(t, resp, body); p.Kind != fault.TooLarge {
			t.Errorf("problem = %+v", p)
		}
	})
	t.Run("is for signed-in people when its route says so", func(t *testing.T) {
		t.Parallel()
		for cookie, want := range map[string]int{"": http.StatusUnauthorized, "dyocense=forged": http.StatusUnauthorized, "dyocense=good": http.StatusOK} {
			resp, body := call(t, http.MethodGet, base+"/v1/me", "", "Cookie", cookie)
			if resp.StatusCode != want {
				t.Errorf("cookie %q: %d %s, want %d", cookie, resp.StatusCode, body, want)
			}
			if want == http.StatusOK && !strings.Contains(body, "ada") {
				t.Errorf("the operation does not learn who asks: %s", body)
			}
		}
	})
}

func TestCrossSiteRequests(t *testing.T) {
	t.Parallel()
	base := serve(t)
	for name, c := range map[string]struct {
		header []string
		passes bool
	}{
		"the portal itself":                {[]string{"Sec-Fetch-Site", "same-origin"}, true},
		"an address typed by hand":         {[]string{"Sec-Fetch-Site", "none"}, true},
		"another site":                     {[]string{"Sec-Fetch-Site", "cross-site"}, false},
		"a neighbour subdomain":            {[]string{"Sec-Fetch-Site", "same-site"}, false},
		"an old browser on our pages":      {[]string{"Origin", base}, true},
		"an old browser on another site":   {[]string{"Origin", "https://evil.example"}, false},
		"an old browser in a sealed frame": {[]string{"Origin", "null"}, false},
		"a program":                        {nil, true},
	} {
		t.Run("from "+name, func(t *testing.T) {
			t.Parallel()
			resp, body := call(t, http.MethodPost, base+"/v1/greet", `{"name":"Ada","password":"x"}`, c.header...)
			if passed := resp.StatusCode == http.StatusOK; passed != c.passes {
				t.Errorf("passed = %t, want %t: %s", passed, c.passes, body)
			}
		})
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	type beat struct {
		N int `json:"n"`
	}
	gone := make(chan struct{})
	base := serve(t, func(s *edge.Server) {
		edge.Stream(s, edge.Route{Method: http.MethodGet, Path: "/v1/beats", ID: "beats"}, "beat", func(ctx context.Context, _ *struct{}) (<-chan beat, error) {
			values := make(chan beat)
			go func() {
				defer close(gone)
				defer close(values)
				for n := 1; ; n++ {
					select {
					case values <- beat{n}:
					case <-ctx.Done():
						return
					}
				}
			}()
			return values, nil
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/beats", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	var seen []string
	for len(seen) < 4 && lines.Scan() {
		if lines.Text() != "" {
			seen = append(seen, lines.Text())
		}
	}
	if got := strings.Join(seen, "|"); got != `event: beat|data: {"n":1}|event: beat|data: {"n":2}` {
		t.Errorf("stream = %s", got)
	}
	cancel()
	_ = resp.Body.Close()
	<-gone // the operation learns that the client has left
}

func TestWhatIsNoRequestIsToldWhy(t *testing.T) {
	t.Parallel()
	s := edge.New(edge.Config{
		Version: "test", Cookie: "dyocense", Log: slog.New(slog.DiscardHandler), ReadTimeout: 50 * time.Millisecond,
		Arrive: func(ctx context.Context, _ string) context.Context { return ctx },
	})
	address := run(t, s)
	for name, c := range map[string]struct {
		sent   string
		status int
		code   string
	}{
		"a connection that is never used": {"", http.StatusRequestTimeout, "http.no_request"},
		"half a head":                     {"GET / HTTP/1.1\r\nHost: te", http.StatusRequestTimeout, "http.no_request"},
		"a head without end":              {"GET / HTTP/1.1\r\nHost: test\r\nCookie: " + strings.Repeat("x", 20<<10), http.StatusRequestHeaderFieldsTooLarge, "http.long_head"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, c.sent); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if errors.Is(err, io.ErrUnexpectedEOF) && c.sent == "" {
				return // closed without a word, which is as good
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			var p struct {
				Code string `json:"code"`
			}
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || resp.StatusCode != c.status || p.Code != c.code {
				t.Errorf("it answers %d %s, %v", resp.StatusCode, p.Code, err)
			}
		})
	}
}

// The library writes to os.Stderr what it meets; that is swapped, so no other test may
// run beside this one.
func TestAStreamWhoseReaderHasLeftIsNotComplainedAbout(t *testing.T) {
	said, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stderr
	os.Stderr = said
	t.Cleanup(func() { os.Stderr = was })
	type beat struct {
		N int `json:"n"`
	}
	left, gone := make(chan struct{}), make(chan struct{})
	base := serve(t, func(s *edge.Server) {
		edge.Stream(s, edge.Route{Method: http.MethodGet, Path: "/v1/beats", ID: "beats"}, "beat", func(ctx context.Context, _ *struct{}) (<-chan beat, error) {
			values := make(chan beat)
			go func() {
				defer close(gone)
				defer close(values)
				values <- beat{1}
				<-left
				for n := 2; ; n++ {
					select {
					case values <- beat{n}:
					case <-ctx.Done():
						return
					}
				}
			}()
			return values, nil
		})
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /v1/beats HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	close(left)
	<-gone
	text, err := os.ReadFile(said.Name())
	if err != nil || len(text) > 0 {
		t.Errorf("it says %q, %v", text, err)
	}
}

// The deadline of the stream's last event is shortened from seconds, so that the
// test need not wait for it.
func TestAConnectionServesOnAfterAStream(t *testing.T) {
	within := sse.WriteTimeout
	sse.WriteTimeout = 20 * time.Millisecond
	t.Cleanup(func() { sse.WriteTimeout = within })
	type beat struct {
		N int `json:"n"`
	}
	base := serve(t, func(s *edge.Server) {
		edge.Stream(s, edge.Route{Method: http.MethodGet, Path: "/v1/beats", ID: "beats"}, "beat", func(context.Context, *struct{}) (<-chan beat, error) {
			values := make(chan beat, 1)
			values <- beat{1}
			close(values)
			return values, nil
		})
		edge.Handle(s, edge.Route{Method: http.MethodPost, Path: "/v1/late", ID: "late"}, func(context.Context, *struct{}) (*struct{}, error) {
			<-time.After(2 * sse.WriteTimeout) // the deadline passes: it is what is tested
			return &struct{}{}, nil
		})
	})
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for _, ask := range []struct{ method, path string }{{http.MethodGet, "/v1/beats"}, {http.MethodPost, "/v1/late"}} { // a POST is not repeated by the client
		req, err := http.NewRequestWithContext(t.Context(), ask.method, base+ask.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Errorf("%s: %v", ask.path, err)
		}
		_ = resp.Body.Close()
	}
}

func TestAConnectionServesOnAfterABodyThatWasRead(t *testing.T) {
	t.Parallel()
	base := serve(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := range 2 {
		reused := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/greet", strings.NewReader(`{"name":"Ada","password":"p"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%d %s %v", resp.StatusCode, body, err)
		}
		_ = resp.Body.Close()
		if reused != (n == 1) {
			t.Errorf("request %d: the connection is an old one: %t", n, reused)
		}
	}
}

func TestForward(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte("0123456789abcdef"), 200<<10) // 3.2 MB
	base := serve(t, func(s *edge.Server) {
		s.Forward([]string{"/v1/runs"}, func(ctx context.Context, r *http.Request) (*http.Response, error) {
			if ctx.Value(whoKey{}) != "ada" {
				t.Error("carry does not learn who asks")
			}
			if r.Header.Get("Cookie") != "" {
				t.Error("the session cookie went on to the agent")
			}
			switch r.URL.Path {
			case "/v1/runs/none":
				return nil, fault.New(fault.Unavailable, "gateway.away", "The agent is away.").After(1500 * time.Millisecond)
			case "/v1/runs/big":
				return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(big))}, nil
			default:
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				answer := r.Method + " " + r.URL.RequestURI() + " " + string(body)
				return &http.Response{
					StatusCode: http.StatusAccepted, ContentLength: int64(len(answer)),
					Header: http.Header{"X-From": {"agent"}}, Body: io.NopCloser(strings.NewReader(answer)),
				}, nil
			}
		})
	})
	t.Run("carries method, address and body, and brings status, headers and body back", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodPost, base+"/v1/runs/x?a=b%20c", `{"q":1}`, "Cookie", "dyocense=good")
		if resp.StatusCode != http.StatusAccepted || resp.Header.Get("X-From") != "agent" || body != `POST /v1/runs/x?a=b%20c {"q":1}` {
			t.Errorf("%d %v %q", resp.StatusCode, resp.Header, body)
		}
	})
	t.Run("streams what is large", func(t *testing.T) {
		t.Parallel()
		if _, body := call(t, http.MethodGet, base+"/v1/runs/big", "", "Cookie", "dyocense=good"); body != string(big) {
			t.Errorf("%d bytes came back changed, want %d", len(body), len(big))
		}
	})
	t.Run("turns a fault into a problem", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodGet, base+"/v1/runs/none", "", "Cookie", "dyocense=good")
		if p := problem(t, resp, body); p.Code != "gateway.away" || !p.Retryable {
			t.Errorf("problem = %+v", p)
		}
		if got := resp.Header.Get("Retry-After"); got != "2" {
			t.Errorf("Retry-After = %q, want whole seconds, rounded up", got)
		}
	})
	t.Run("carries nothing for strangers", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodGet, base+"/v1/runs", "")
		if p := problem(t, resp, body); p.Status != http.StatusUnauthorized {
			t.Errorf("problem = %+v", p)
		}
	})
}

func TestPortal(t *testing.T) {
	t.Parallel()
	base := serve(t)
	for path, want := range map[string]struct{ contentType, cache, body string }{
		"/":                   {"text/html", "no-cache", "<title>portal"},
		"/decisions/run_1":    {"text/html", "no-cache", "<title>portal"},
		"/assets/app-1234.js": {"text/javascript", "public, max-age=31536000, immutable", "let a"},
	} {
		resp, body := call(t, http.MethodGet, base+path, "")
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), want.contentType) ||
			resp.Header.Get("Cache-Control") != want.cache || !strings.HasPrefix(body, want.body) {
			t.Errorf("%s: %d %v %q", path, resp.StatusCode, resp.Header, body)
		}
		if resp.Header.Get("Content-Security-Policy") == "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: security headers are missing: %v", path, resp.Header)
		}
	}
	for _, path := range []string{"/v1/nothing", "/assets/gone.js"} {
		resp, body := call(t, http.MethodGet, base+path, "")
		if p := problem(t, resp, body); p.Status != http.StatusNotFound {
			t.Errorf("%s: %+v, want 404 and not the portal", path, p)
		}
	}
}

func TestMountedPages(t *testing.T) {
	t.Parallel()
	base := serve(t, func(s *edge.Server) {
		s.Mount("/pages", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'")
			_, _ = io.WriteString(w, r.FormValue("card"))
		}))
	})
	t.Run("take a form and set their own policy", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodPost, base+"/pages/x", "card=4242", "Content-Type", "application/x-www-form-urlencoded")
		if body != "4242" || len(resp.Header.Values("Content-Security-Policy")) != 1 || resp.Header.Get("Content-Security-Policy") != "default-src 'none'" {
			t.Errorf("%d %q %v", resp.StatusCode, body, resp.Header)
		}
	})
	t.Run("refuse what no form is", func(t *testing.T) {
		t.Parallel()
		resp, body := call(t, http.MethodPost, base+"/pages/x", strings.Repeat("a", 400<<10), "Content-Type", "application/x-www-form-urlencoded")
		if p := problem(t, resp, body); p.Kind != fault.TooLarge {
			t.Errorf("problem = %+v", p)
		}
	})
}

func TestForwardedUploads(t *testing.T) {
	t.Parallel()
	base := serve(t, func(s *edge.Server) {
		s.Forward([]string{"/v1/uploads"}, func(_ context.Context, r *http.Request) (*http.Response, error) {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				return nil, err
			}
			answer := strconv.FormatInt(n, 10)
			return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(answer)), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
		})
	})
	for name, c := range map[string]struct {
		size   int
		cookie string
		status int
	}{
		"arrive whole":                      {5 << 20, "dyocense=good", http.StatusOK},
		"are refused above the limit":       {30 << 20, "dyocense=good", http.StatusRequestEntityTooLarge},
		"are not read for somebody unknown": {5 << 20, "dyocense=forged", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := call(t, http.MethodPost, base+"/v1/uploads", strings.Repeat("x", c.size), "Cookie", c.cookie)
			if resp.StatusCode != c.status {
				t.Fatalf("%d %s, want %d", resp.StatusCode, body, c.status)
			}
			if c.status == http.StatusOK && body != strconv.Itoa(c.size) {
				t.Errorf("%s bytes arrived, want %d", body, c.size)
			}
		})
	}
}
