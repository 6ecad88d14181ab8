package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/app"
)

// client is a browser, or a program when it has a token.
type client struct {
	t     *testing.T
	base  string
	token string
	http  *http.Client
}

func newClient(t *testing.T, base, token string) *client {
	t.Helper()
	c := &client{t: t, base: base, token: token, http: &http.Client{}}
	if token == "" {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c.http.Jar = jar
	}
	return c
}

// do sends in as a form when it is one, or as JSON, and decodes the answer into out.
func (c *client) do(method, path string, in, out any) (int, http.Header) {
	c.t.Helper()
	var body io.Reader
	kind := "application/json"
	switch v := in.(type) {
	case nil:
	case url.Values:
		body, kind = strings.NewReader(v.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	if !strings.HasPrefix(path, "http") {
		path = c.base + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if out == nil {
		return resp.StatusCode, resp.Header
	}
	if text, ok := out.(*string); ok {
		*text = string(raw)
	} else if err := json.Unmarshal(raw, out); err != nil {
		c.t.Fatalf("%s %s: %d %s: %v", method, path, resp.StatusCode, raw, err)
	}
	return resp.StatusCode, resp.Header
}

// must is do with a status that the test needs to go on.
func (c *client) must(want int, method, path string, in, out any) {
	c.t.Helper()
	var text string
	status, _ := c.do(method, path, in, &text)
	if status != want {
		c.t.Fatalf("%s %s: %d %s; want %d", method, path, status, text, want)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(text), out); err != nil {
			c.t.Fatal(err)
		}
	}
}

// customer signs up, confirms the address and pays for a plan.
func customer(t *testing.T, base, email, plan string) *client {
	t.Helper()
	c := newClient(t, base, "")
	c.must(http.StatusAccepted, http.MethodPost, "/v1/signup", map[string]string{"email": email, "password": "seven green herons on a lake", "company": "Herons Ltd"}, nil)
	var box struct {
		Mails []struct{ To, Text string }
	}
	c.must(http.StatusOK, http.MethodGet, "/v1/outbox", nil, &box)
	for _, m := range box.Mails {
		if found := regexp.MustCompile(`/verify#token=([A-Za-z0-9_-]+)`).FindStringSubmatch(m.Text); m.To == email && found != nil {
			c.must(http.StatusOK, http.MethodPost, "/v1/signup/verify", map[string]string{"token": found[1]}, nil)
		}
	}
	var checkout struct{ URL string }
	c.must(http.StatusOK, http.MethodPost, "/v1/billing/checkout", map[string]string{"plan": plan, "interval": "month"}, &checkout)
	var page string
	c.do(http.MethodGet, checkout.URL, nil, &page)
	form := url.Values{"number": {"4242 4242 4242 4242"}, "expiry": {"12 / 34"}, "cvc": {"123"}}
	for _, hidden := range regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		form.Set(hidden[1], hidden[2])
	}
	c.do(http.MethodPost, checkout.URL, form, nil)
	// The notice of the payment comes by itself; nothing tells this test that it did.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); ; {
		var bought struct{ Access string }
		c.must(http.StatusOK, http.MethodGet, "/v1/billing", nil, &bought)
		if bought.Access == "active" {
			return c
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("access is %q after paying", bought.Access)
		}
	}
}

func TestProgramsAskInAPersonsName(t *testing.T) {
	t.Parallel()
	base := run(t)
	ada := customer(t, base, "ada@example.com", "growth")

	t.Run("with an API key, within its scopes", func(t *testing.T) {
		var made struct {
			Text string
			Key  struct{ ID string }
		}
		ada.must(http.StatusCreated, http.MethodPost, "/v1/keys", map[string]any{"name": "export", "scopes": []string{"data:read", "billing:read"}, "days": 30}, &made)
		key := newClient(t, base, made.Text)
		for _, c := range []struct {
			method, path string
			in           any
			status       int
			code         string
		}{
			{http.MethodGet, "/v1/billing", nil, http.StatusOK, ""},
			{http.MethodGet, "/v1/session", nil, http.StatusOK, ""},
			{http.MethodGet, "/v1/permissions", nil, http.StatusOK, ""},
			{http.MethodGet, "/v1/moves", nil, http.StatusForbidden, "tenancy.scope"},
			{http.MethodPost, "/v1/billing/checkout", map[string]string{"plan": "business", "interval": "month"}, http.StatusForbidden, "tenancy.scope"},
			{http.MethodGet, "/v1/runs", nil, http.StatusForbidden, "tenancy.scope"},
			{http.MethodPost, "/v1/uploads", nil, http.StatusForbidden, "tenancy.scope"},
			{http.MethodGet, "/v1/keys", nil, http.StatusForbidden, "tenancy.scope"},
			{http.MethodPost, "/v1/keys", map[string]any{"name": "more", "scopes": []string{"data:read"}}, http.StatusForbidden, "http.browser_only"},
			{http.MethodGet, "/v1/programs", nil, http.StatusForbidden, "http.browser_only"},
			{http.MethodGet, "/v1/provisioning", nil, http.StatusForbidden, "identity.key"},
		} {
			var p struct{ Code string }
			if status, _ := key.do(c.method, c.path, c.in, &p); status != c.status || p.Code != c.code {
				t.Errorf("%s %s: %d %q; want %d %q", c.method, c.path, status, p.Code, c.status, c.code)
			}
		}
		var p struct{ Code string }
		// Data may be read, so the request goes on to where the tenant lives, which in
		// this test is nowhere yet.
		if status, header := key.do(http.MethodGet, "/v1/tables", nil, &p); status == http.StatusForbidden || status == http.StatusUnauthorized || header.Get("RateLimit") == "" {
			t.Errorf("/v1/tables: %d %q, RateLimit %q", status, p.Code, header.Get("RateLimit"))
		}
		ada.must(http.StatusNoContent, http.MethodDelete, "/v1/keys/"+made.Key.ID, nil, nil)
		if status, header := key.do(http.MethodGet, "/v1/billing", nil, &p); status != http.StatusUnauthorized || p.Code != "tokens.token" || header.Get("WWW-Authenticate") == "" {
			t.Errorf("after it was revoked: %d %q", status, p.Code)
		}
	})

	t.Run("signed in by the device flow of RFC 8628", func(t *testing.T) {
		program := newClient(t, base, "")
		var device struct {
			DeviceCode string `json:"device_code"`
			UserCode   string `json:"user_code"`
			URI        string `json:"verification_uri"`
			Interval   int
		}
		program.must(http.StatusOK, http.MethodPost, "/v1/device/authorize", url.Values{"client_id": {"dyocense-cli"}}, &device)
		if device.URI != base+"/device" || device.Interval != 5 {
			t.Errorf("device = %+v", device)
		}
		type answer struct {
			Error   string
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
			Type    string `json:"token_type"`
		}
		token := func(form url.Values) (answer, int) {
			var a answer
			status, _ := program.do(http.MethodPost, "/v1/device/token", form, &a)
			return a, status
		}
		exchange := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device.DeviceCode}, "client_id": {"dyocense-cli"}}
		if a, status := token(exchange); status != http.StatusBadRequest || a.Error != "authorization_pending" {
			t.Errorf("before the answer: %d %+v", status, a)
		}
		ada.must(http.StatusNoContent, http.MethodPost, "/v1/device/answer", map[string]any{"code": device.UserCode, "allow": true}, nil)
		first, status := token(exchange)
		if status != http.StatusOK || first.Type != "Bearer" {
			t.Fatalf("after a yes: %d %+v", status, first.Error)
		}
		signed := newClient(t, base, first.Access)
		signed.must(http.StatusOK, http.MethodGet, "/v1/session", nil, nil)
		signed.must(http.StatusForbidden, http.MethodPost, "/v1/keys", map[string]any{"name": "x", "scopes": []string{"data:read"}}, nil)
		second, status := token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}})
		if status != http.StatusOK || second.Refresh == first.Refresh {
			t.Fatalf("refresh: %d %+v", status, second.Error)
		}
		for want, form := range map[string]url.Values{
			"invalid_grant":          {"grant_type": {"refresh_token"}, "refresh_token": {"dyr_x"}},
			"unsupported_grant_type": {"grant_type": {"password"}},
			"invalid_request":        {"grant_type": {"refresh_token", "refresh_token"}},
		} {
			if a, status := token(form); status != http.StatusBadRequest || a.Error != want {
				t.Errorf("%v: %d %q; want %q", form, status, a.Error, want)
			}
		}
		program.must(http.StatusOK, http.MethodPost, "/v1/device/revoke", url.Values{"token": {second.Refresh}}, nil)
		signed.must(http.StatusUnauthorized, http.MethodGet, "/v1/session", nil, nil)
	})

	t.Run("and anybody can verify their tokens", func(t *testing.T) {
		var set struct {
			Keys []struct{ Kty, Crv, Kid, X, Use, Alg string }
		}
		status, header := newClient(t, base, "").do(http.MethodGet, "/.well-known/jwks.json", nil, &set)
		if status != http.StatusOK || len(set.Keys) != 2 || set.Keys[0].Alg != "EdDSA" || header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("%d %+v, Cache-Control %q", status, set, header.Get("Cache-Control"))
		}
	})

	t.Run("but not where the plan has no API", func(t *testing.T) {
		eve := customer(t, base, "eve@example.com", "starter")
		var p struct{ Code, Detail string }
		if status, _ := eve.do(http.MethodPost, "/v1/keys", map[string]any{"name": "x", "scopes": []string{"data:read"}}, &p); status != http.StatusForbidden || p.Code != "tokens.plan" || !strings.Contains(p.Detail, "requires the Growth tier") {
			t.Errorf("%d %+v", status, p)
		}
		var list struct{ API bool }
		eve.must(http.StatusOK, http.MethodGet, "/v1/keys", nil, &list)
		if list.API {
			t.Error("the list says that the plan has the API")
		}
	})
}

// Every operation that needs somebody says how they may come: with a session only,
// or with a token too, and the tenant API with which scope.
func TestTheDocumentSaysWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	whole, err := app.Document()
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths      map[string]map[string]struct{ Security []map[string][]string }
		Components struct {
			SecuritySchemes map[string]struct{ Type, Scheme string }
		}
	}
	if err := json.Unmarshal(whole, &document); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"session": "apiKey", "bearer": "http", "apiKey": "http"} {
		if s := document.Components.SecuritySchemes[name]; s.Type != want {
			t.Errorf("the scheme %s is %+v", name, s)
		}
	}
	ways := func(method, path string) string {
		var names []string
		for _, s := range document.Paths[path][method].Security {
			for name, scopes := range s {
				names = append(names, strings.Join(append([]string{name}, scopes...), " "))
			}
		}
		return strings.Join(names, ", ")
	}
	for _, c := range [][3]string{
		{"get", "/v1/billing", "session, bearer, apiKey"}, {"post", "/v1/keys", "session"}, {"post", "/v1/device/answer", "session"},
		{"get", "/v1/tables", "session, bearer, apiKey data:read"}, {"post", "/v1/uploads", "session, bearer, apiKey data:write"},
		{"post", "/v1/runs", "session, bearer, apiKey decisions:run"}, {"get", "/v1/runs/{id}", "session, bearer, apiKey decisions:read"},
		{"post", "/v1/signup", ""}, {"post", "/v1/device/token", ""}, {"post", "/agent/v1/enrol", "join"},
	} {
		if got := ways(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %q; want %q", c[0], c[1], got, c[2])
		}
	}
	for path, item := range document.Paths {
		if strings.HasPrefix(path, "/v1/tables") || strings.HasPrefix(path, "/v1/runs") || strings.HasPrefix(path, "/v1/goals") {
			for method, operation := range item {
				if len(operation.Security) != 3 {
					t.Errorf("%s %s can be called with %v", method, path, operation.Security)
				}
			}
		}
	}
}
