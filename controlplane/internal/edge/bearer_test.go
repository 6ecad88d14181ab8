package edge_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/edge"
	"github.com/dyocense/dyocense/shared/fault"
)

// gate is a server that knows the tokens "key-..." and one session.
type gate struct {
	base string
	mu   sync.Mutex
	now  time.Time
}

func (g *gate) move(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func openGate(t *testing.T, rates edge.Rates) *gate {
	t.Helper()
	g := &gate{now: time.Unix(1_800_000_000, 0)}
	errToken := fault.New(fault.Unauthenticated, "test.token", "This token is not valid.")
	s := edge.New(edge.Config{
		Version: "test", Cookie: "dyocense", Log: slog.New(slog.DiscardHandler), Rates: rates,
		Now: func() time.Time {
			g.mu.Lock()
			defer g.mu.Unlock()
			return g.now
		},
		Arrive: func(ctx context.Context, _ string) context.Context { return ctx },
		SignIn: func(ctx context.Context, token string) (context.Context, error) {
			if token != "good" {
				return nil, fault.New(fault.Unauthenticated, "test.signed_out", "Sign in first.")
			}
			return context.WithValue(ctx, whoKey{}, "ada"), nil
		},
		Bearer: func(ctx context.Context, token, address string) (context.Context, string, error) {
			if !strings.HasPrefix(token, "key-") {
				return nil, "", errToken
			}
			return context.WithValue(ctx, whoKey{}, token+" from "+address), token, nil
		},
	})
	type hello struct {
		Body struct {
			Hello string `json:"hello"`
		}
	}
	me := func(ctx context.Context, _ *struct{}) (*hello, error) {
		out := &hello{}
		out.Body.Hello, _ = ctx.Value(whoKey{}).(string)
		return out, nil
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		edge.Handle(s, edge.Route{Method: method, Path: "/v1/me", ID: method + "-me", Who: edge.SignedIn}, me)
		edge.Handle(s, edge.Route{Method: method, Path: "/v1/secret", ID: method + "-secret", Who: edge.InBrowser}, me)
		edge.Handle(s, edge.Route{Method: method, Path: "/v1/open", ID: method + "-open"}, me)
	}
	s.Forward([]string{"/v1/runs"}, func(ctx context.Context, r *http.Request) (*http.Response, error) {
		body := fmt.Sprint(ctx.Value(whoKey{}), " ", r.Header.Get("Authorization"), r.Header.Get("Cookie"))
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}, nil
	})
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
	g.base = "http://" + l.Addr().String()
	return g
}

func TestATokenIsTakenInsteadOfACookie(t *testing.T) {
	t.Parallel()
	g := openGate(t, edge.PublicRates())
	for _, path := range []string{"/v1/me", "/v1/runs", "/v1/runs/x"} {
		resp, body := call(t, http.MethodGet, g.base+path, "", "Authorization", "Bearer key-1")
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, "key-1 from 127.0.0.1") || strings.Contains(body, "Bearer") {
			t.Errorf("%s with a token: %d %s", path, resp.StatusCode, body)
		}
		resp, body = call(t, http.MethodGet, g.base+path, "", "Cookie", "dyocense=good")
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, "ada") || resp.Header.Get("RateLimit") != "" {
			t.Errorf("%s with a cookie: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestARequestWithACookieAndATokenIsRefused(t *testing.T) {
	t.Parallel()
	g := openGate(t, edge.PublicRates())
	for _, path := range []string{"/v1/me", "/v1/runs", "/v1/open", "/v1/secret"} {
		resp, body := call(t, http.MethodGet, g.base+path, "", "Authorization", "Bearer key-1", "Cookie", "dyocense=good")
		if p := problem(t, resp, body); resp.StatusCode != http.StatusBadRequest || p.Code != "http.two_credentials" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestATokenNeedsNoWordOfTheBrowserAndOpensNoBackDoorToIt(t *testing.T) {
	t.Parallel()
	g := openGate(t, edge.PublicRates())
	elsewhere := []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}
	if resp, body := call(t, http.MethodPost, g.base+"/v1/me", "", append(elsewhere, "Authorization", "Bearer key-1")...); resp.StatusCode != http.StatusOK {
		t.Errorf("a program that says where it runs: %d %s", resp.StatusCode, body)
	}
	if resp, body := call(t, http.MethodPost, g.base+"/v1/me", "", append(elsewhere, "Cookie", "dyocense=good")...); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a cookie from another site: %d %s", resp.StatusCode, body)
	}
	resp, body := call(t, http.MethodPost, g.base+"/v1/me", "", append(elsewhere, "Cookie", "dyocense=good", "Authorization", "x")...)
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a cookie from another site with a header that is no token: %d %s", resp.StatusCode, body)
	}
}

func TestWhatIsForBrowsersOnlyTakesNoToken(t *testing.T) {
	t.Parallel()
	g := openGate(t, edge.PublicRates())
	resp, body := call(t, http.MethodPost, g.base+"/v1/secret", "", "Authorization", "Bearer key-1")
	if p := problem(t, resp, body); resp.StatusCode != http.StatusForbidden || p.Code != "http.browser_only" {
		t.Errorf("with a token: %d %s", resp.StatusCode, body)
	}
	if resp, body := call(t, http.MethodPost, g.base+"/v1/secret", "", "Cookie", "dyocense=good"); resp.StatusCode != http.StatusOK {
		t.Errorf("with a cookie: %d %s", resp.StatusCode, body)
	}
}

func TestAProgramThatIsNotLetInIsToldHowToAsk(t *testing.T) {
	t.Parallel()
	g := openGate(t, edge.PublicRates())
	for _, path := range []string{"/v1/me", "/v1/runs"} {
		resp, body := call(t, http.MethodGet, g.base+path, "")
		if problem(t, resp, body); resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") != `Bearer realm="dyocense"` {
			t.Errorf("%s without anything: %d, WWW-Authenticate %q", path, resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
		}
		for _, header := range []string{"Bearer bad", "Bearer", "Bearer ", "bad", "Basic YTpi", "Bearer a b", "Bearer " + strings.Repeat("x", 5000)} {
			resp, body = call(t, http.MethodGet, g.base+path, "", "Authorization", header)
			if problem(t, resp, body); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s with %.20q: %d, WWW-Authenticate %q", path, header, resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
			}
			if strings.Contains(body+fmt.Sprint(resp.Header), "bad") {
				t.Errorf("the answer repeats the token: %s", body)
			}
		}
	}
}

func TestATokenHasAQuotaOfReadsAndOneOfWrites(t *testing.T) {
	t.Parallel()
	quota := func(n int) edge.Quota { return edge.Quota{Requests: n, Window: time.Minute} }
	g := openGate(t, edge.Rates{Read: quota(6), Write: quota(2), Address: 2, Failures: quota(2)})
	ask := func(method, path, token string) *http.Response {
		t.Helper()
		resp, _ := call(t, method, g.base+path, "", "Authorization", "Bearer "+token)
		return resp
	}
	for i := range 6 {
		path := []string{"/v1/me", "/v1/runs"}[i%2] // one quota for both ways in
		resp := ask(http.MethodGet, path, "key-1")
		if want := fmt.Sprintf(`"read";r=%d;t=%d`, 5-i, 10*(i+1)); resp.StatusCode != http.StatusOK || resp.Header.Get("RateLimit") != want || resp.Header.Get("RateLimit-Policy") != `"read";q=6;w=60` {
			t.Errorf("read %d: %d, RateLimit %q, RateLimit-Policy %q; want %q", i, resp.StatusCode, resp.Header.Get("RateLimit"), resp.Header.Get("RateLimit-Policy"), want)
		}
	}
	for _, path := range []string{"/v1/me", "/v1/runs"} {
		resp := ask(http.MethodGet, path, "key-1")
		if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "10" || resp.Header.Get("RateLimit") != `"read";r=0;t=60` {
			t.Errorf("one read too many at %s: %d, Retry-After %q, RateLimit %q", path, resp.StatusCode, resp.Header.Get("Retry-After"), resp.Header.Get("RateLimit"))
		}
	}
	if resp := ask(http.MethodPost, "/v1/me", "key-1"); resp.StatusCode != http.StatusOK || resp.Header.Get("RateLimit-Policy") != `"write";q=2;w=60` {
		t.Errorf("a write: %d, RateLimit-Policy %q", resp.StatusCode, resp.Header.Get("RateLimit-Policy"))
	}
	if resp := ask(http.MethodGet, "/v1/me", "key-2"); resp.StatusCode != http.StatusOK {
		t.Errorf("another token: %d", resp.StatusCode)
	}
	g.move(10 * time.Second)
	if resp := ask(http.MethodGet, "/v1/me", "key-1"); resp.StatusCode != http.StatusOK {
		t.Errorf("ten seconds later: %d", resp.StatusCode)
	}
	// The address has twice the quota: 6 + 2 refused + 1 + 1 of 12 are used, and two came back.
	over := 0
	for i := range 6 {
		if ask(http.MethodGet, "/v1/me", fmt.Sprint("key-1", i)).StatusCode == http.StatusTooManyRequests {
			over++
		}
	}
	if over != 2 {
		t.Errorf("%d of six fresh tokens from one address are refused; want 2", over)
	}
}

func TestWrongTokensFromOneAddressAreStopped(t *testing.T) {
	t.Parallel()
	wide := edge.Quota{Requests: 1000, Window: time.Minute}
	g := openGate(t, edge.Rates{Read: wide, Write: wide, Address: 1, Failures: edge.Quota{Requests: 3, Window: time.Minute}})
	for i := range 3 {
		if resp, _ := call(t, http.MethodGet, g.base+"/v1/me", "", "Authorization", fmt.Sprint("Bearer bad", i)); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("try %d: %d", i, resp.StatusCode)
		}
	}
	for _, token := range []string{"bad", "key-1"} { // a right guess is told nothing either
		resp, body := call(t, http.MethodGet, g.base+"/v1/runs", "", "Authorization", "Bearer "+token)
		if p := problem(t, resp, body); p.Code != "http.too_many_failures" || resp.Header.Get("Retry-After") != "20" {
			t.Errorf("after three tries with %s: %d %s, Retry-After %q", token, resp.StatusCode, body, resp.Header.Get("Retry-After"))
		}
	}
	if resp, _ := call(t, http.MethodGet, g.base+"/v1/me", "", "Cookie", "dyocense=good"); resp.StatusCode != http.StatusOK {
		t.Errorf("a browser at the same address: %d", resp.StatusCode)
	}
	g.move(20 * time.Second)
	if resp, _ := call(t, http.MethodGet, g.base+"/v1/me", "", "Authorization", "Bearer key-1"); resp.StatusCode != http.StatusOK {
		t.Errorf("twenty seconds later: %d", resp.StatusCode)
	}
}
