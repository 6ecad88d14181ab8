package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// row says who may call an operation, and how it is called without doing harm: with a
// body that passes the door and names nothing that the world of the test needs.
type row struct {
	who    string // "anyone", "signed in", "agent" or ""
	needs  tenancy.Resource
	action tenancy.Action
	body   any
	// with fills in the {parameters} of the path, and the body where a person or tenant is
	// named, from the things of a company.
	with  func(*side) (path map[string]string, body any)
	query string
	// ends says that the operation ends the session that calls it.
	ends bool
	// foreign is the code for what is another company's; "" when nothing can be named.
	foreign string
}

// matrix is the expectation for every operation of the control plane's own document. An
// operation that is not in it fails, so that nobody adds one without deciding who may call
// it. The agent's operations have theirs beside them.
var matrix = map[string]row{
	"show-health": {who: "anyone"},
	"list-plans":  {who: "anyone"},
	"list-outbox": {who: "anyone"},

	"sign-up":               {who: "anyone", body: m{"email": "x", "password": "x", "company": "x"}},
	"verify-address":        {who: "anyone", body: m{"token": "x"}, ends: true},
	"sign-in":               {who: "anyone", body: m{"email": "x", "password": "x"}, ends: true},
	"sign-out":              {who: "anyone", ends: true},
	"look-at-invitation":    {who: "anyone", body: m{"token": "x"}},
	"accept-invitation":     {who: "anyone", body: m{"token": "x"}, ends: true},
	"receive-stripe-notice": {who: "anyone", body: m{}},
	"challenge-agent":       {who: "anyone"},
	"enrol-agent":           {who: "agent", body: m{"v": 1, "publicKey": "x", "name": "x", "program": "x", "mode": "smb", "signature": "x", "nonce": "x"}},

	"show-session":     {who: "signed in"},
	"list-permissions": {who: "signed in"},
	"list-tenants":     {who: "signed in"},
	"create-tenant":    {who: "signed in", body: m{"name": " "}},
	"choose-tenant": {who: "signed in", foreign: "tenancy.not_found", with: func(s *side) (map[string]string, any) {
		return nil, m{"tenant": s.tenant}
	}},
	"show-provisioning":  {who: "signed in"},
	"watch-provisioning": {who: "signed in"},

	"list-members": {needs: tenancy.Members, action: tenancy.Read},
	"change-role": {needs: tenancy.Members, action: tenancy.Manage, foreign: "tenancy.member", with: func(s *side) (map[string]string, any) {
		return m2{"person": s.guinea}, m{"role": "viewer"}
	}},
	"give-seat": {needs: tenancy.Members, action: tenancy.Manage, foreign: "tenancy.member", with: func(s *side) (map[string]string, any) {
		return m2{"person": s.guinea}, nil
	}},
	"remove-member": {needs: tenancy.Members, action: tenancy.Manage, foreign: "tenancy.member", with: func(s *side) (map[string]string, any) {
		return m2{"person": s.owner}, nil // whom nobody but an owner reaches, and who is the last
	}},
	"list-invitations": {needs: tenancy.Members, action: tenancy.Read},
	"invite-member":    {needs: tenancy.Members, action: tenancy.Manage, body: m{"email": "x", "role": "viewer"}},
	"resend-invitation": {needs: tenancy.Members, action: tenancy.Manage, foreign: "invitations.none", with: func(s *side) (map[string]string, any) {
		return m2{"id": s.invitation}, nil
	}},
	"revoke-invitation": {needs: tenancy.Members, action: tenancy.Manage, foreign: "invitations.none", with: func(s *side) (map[string]string, any) {
		return m2{"id": s.revocable()}, nil
	}},

	"show-company":   {needs: tenancy.Company, action: tenancy.Read},
	"rename-company": {needs: tenancy.Company, action: tenancy.Manage, body: m{"name": " "}},
	"export-company": {needs: tenancy.Company, action: tenancy.Export},
	"close-company":  {needs: tenancy.Company, action: tenancy.Close, body: m{"name": "another"}},
	"reopen-company": {needs: tenancy.Company, action: tenancy.Close},

	"list-signing-keys": {who: "anyone"},
	"ask-to-sign-in":    {who: "anyone", body: url.Values{"client_id": {"test"}}},
	"get-tokens":        {who: "anyone", body: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}},
	"revoke-token":      {who: "anyone", body: url.Values{"token": {"x"}}},
	"show-device":       {who: "signed in", query: "code=BCDF-GHJK"},
	"answer-device":     {who: "signed in", body: m{"code": "BCDF-GHJK", "allow": false}},
	"list-programs":     {who: "signed in"},
	"end-program": {who: "signed in", with: func(*side) (map[string]string, any) {
		return m2{"id": string(id.NewFamily())}, nil
	}},
	"list-keys": {needs: tenancy.Keys, action: tenancy.Read},
	"make-key":  {needs: tenancy.Keys, action: tenancy.Manage, body: m{"name": "x", "scopes": []string{"none:none"}}},
	"rotate-key": {needs: tenancy.Keys, action: tenancy.Manage, foreign: "tokens.no_key", with: func(s *side) (map[string]string, any) {
		return m2{"id": s.key}, nil
	}},
	"revoke-key": {needs: tenancy.Keys, action: tenancy.Manage, foreign: "tokens.no_key", with: func(s *side) (map[string]string, any) {
		return m2{"id": string(id.NewKey())}, nil
	}},

	"list-audit":   {needs: tenancy.Audit, action: tenancy.Read},
	"export-audit": {needs: tenancy.Audit, action: tenancy.Export},
	"verify-audit": {needs: tenancy.Audit, action: tenancy.Read},

	"show-billing":        {needs: tenancy.Billing, action: tenancy.Read},
	"refresh-billing":     {needs: tenancy.Billing, action: tenancy.Read},
	"offer-change":        {needs: tenancy.Billing, action: tenancy.Manage, body: m{"plan": "none", "interval": "month"}},
	"accept-offer":        {needs: tenancy.Billing, action: tenancy.Manage, body: m{"token": "x"}},
	"withdraw-change":     {needs: tenancy.Billing, action: tenancy.Manage},
	"cancel-subscription": {needs: tenancy.Billing, action: tenancy.Manage, body: m{"when": "period_end"}},
	"resume-subscription": {needs: tenancy.Billing, action: tenancy.Manage},
	"end-trial":           {needs: tenancy.Billing, action: tenancy.Manage},
	"open-billing-portal": {needs: tenancy.Billing, action: tenancy.Manage, body: m{"purpose": "overview"}},
	"list-invoices":       {needs: tenancy.Billing, action: tenancy.Manage},
	"show-invoice": {needs: tenancy.Billing, action: tenancy.Manage, with: func(*side) (map[string]string, any) {
		return m2{"id": "in_none"}, nil
	}},
	"show-payer":   {needs: tenancy.Billing, action: tenancy.Manage},
	"change-payer": {needs: tenancy.Billing, action: tenancy.Manage, body: m{"name": "x", "email": "x@x.example", "address": m{"line1": "x", "line2": "", "city": "x", "postalCode": "1", "state": "", "country": "DE"}}},
	"add-tax-id":   {needs: tenancy.Billing, action: tenancy.Manage, body: m{"type": "eu_vat", "value": "none"}},
	"remove-tax-id": {needs: tenancy.Billing, action: tenancy.Manage, with: func(*side) (map[string]string, any) {
		return m2{"id": "txi_none"}, nil
	}},
	"start-checkout": {needs: tenancy.Billing, action: tenancy.Manage, body: m{"plan": "none", "interval": "month"}},

	"list-moves":     {needs: tenancy.Moves, action: tenancy.Read},
	"show-move":      {needs: tenancy.Moves, action: tenancy.Read},
	"watch-move":     {needs: tenancy.Moves, action: tenancy.Read},
	"preflight-move": {needs: tenancy.Moves, action: tenancy.Manage, body: m{"plan": "none", "interval": "month"}},
	// Starting one changes the plan as well; billing has not the one, an operator not the other.
	"start-move": {needs: movesAndBilling, action: tenancy.Manage, body: m{"plan": "none", "interval": "month", "confirm": strings.Repeat("0", 64), "when": "ready"}},
	"act-on-move": {needs: tenancy.Moves, action: tenancy.Manage, body: m{"action": "pause"}, with: func(*side) (map[string]string, any) {
		return m2{"id": "mov_00000000000000000000000000"}, m{"action": "pause"}
	}},
}

const movesAndBilling tenancy.Resource = "moves and billing"

type (
	m  = map[string]any
	m2 = map[string]string
)

func (r row) allows(role contract.Role) bool {
	switch {
	case r.who != "":
		return r.who != "agent"
	case r.needs == movesAndBilling:
		return tenancy.May(role, tenancy.Moves, r.action) && tenancy.May(role, tenancy.Billing, r.action)
	}
	return tenancy.May(role, r.needs, r.action)
}

// browser is somebody's browser, signed in or not.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, base: base, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do sends a request and reads the answer; of a stream the head alone.
func (b *browser) do(method, path string, body any) (status int, code string, text []byte) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	var in io.Reader
	kind := "application/json"
	switch form, isForm := body.(url.Values); {
	case isForm:
		kind, in = "application/x-www-form-urlencoded", strings.NewReader(form.Encode())
	case body != nil:
		raw, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return resp.StatusCode, "", nil
	}
	if text, err = io.ReadAll(resp.Body); err != nil {
		b.t.Fatal(err)
	}
	var p struct{ Code string }
	_ = json.Unmarshal(text, &p) // some answers are no problems
	return resp.StatusCode, p.Code, text
}

func (b *browser) ok(method, path string, body, out any) {
	b.t.Helper()
	status, _, text := b.do(method, path, body)
	if status >= 300 {
		b.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			b.t.Fatalf("%s %s: %s", method, path, text)
		}
	}
}

// mailed is the token in the newest mail to an address.
func (b *browser) mailed(to string) string {
	b.t.Helper()
	var box struct {
		Mails []struct{ To, Text string }
	}
	b.ok(http.MethodGet, "/v1/outbox", nil, &box)
	for _, mail := range box.Mails {
		if _, token, found := strings.Cut(mail.Text, "#token="); found && mail.To == to {
			return strings.Fields(token)[0]
		}
	}
	b.t.Fatalf("no mail to %s", to)
	return ""
}

var hidden = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`)

// buy pays for a plan on the sandbox's page.
func (b *browser) buy(plan string) {
	b.t.Helper()
	var page struct{ URL string }
	b.ok(http.MethodPost, "/v1/billing/checkout", m{"plan": plan, "interval": "month"}, &page)
	_, _, html := b.do(http.MethodGet, strings.TrimPrefix(page.URL, b.base), nil)
	form := url.Values{"number": {"4242 4242 4242 4242"}, "expiry": {"12 / 34"}, "cvc": {"123"}}
	for _, field := range hidden.FindAllStringSubmatch(string(html), -1) {
		form.Set(field[1], field[2])
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, page.URL, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	// The notice of the payment is on its way; every look asks for it as well.
	for began := time.Now(); ; {
		var standing struct{ Access string }
		b.ok(http.MethodGet, "/v1/billing", nil, &standing)
		if standing.Access == "active" {
			return
		}
		if time.Since(began) > 20*time.Second {
			b.t.Fatalf("paid, and access is %s", standing.Access)
		}
	}
}

// side is a company with a member of each role.
type side struct {
	tenant, name, owner, guinea, invitation, key string

	as    map[contract.Role]*browser
	spare []string // invitations that may be revoked
}

// revocable is an invitation of the company that nobody needs any more.
func (s *side) revocable() string {
	next := s.spare[0]
	if len(s.spare) > 1 {
		s.spare = s.spare[1:]
	}
	return next
}

func settle(t *testing.T, base, name string) *side {
	t.Helper()
	const password = "seven green herons by the sea"
	s := &side{name: name, as: map[contract.Role]*browser{}}
	owner := newBrowser(t, base)
	s.as[contract.RoleOwner] = owner
	email := "owner@" + name + ".example"
	owner.ok(http.MethodPost, "/v1/signup", m{"email": email, "password": password, "company": name}, nil)
	var view struct {
		Person struct{ ID string }
		Tenant struct{ ID string }
	}
	owner.ok(http.MethodPost, "/v1/signup/verify", m{"token": owner.mailed(email)}, &view)
	s.owner, s.tenant = view.Person.ID, view.Tenant.ID
	owner.buy("business")
	invite := func(email string, role contract.Role) string {
		t.Helper()
		var made struct{ ID string }
		owner.ok(http.MethodPost, "/v1/invitations", m{"email": email, "role": role}, &made)
		return made.ID
	}
	join := func(email string, role contract.Role) string {
		t.Helper()
		b := newBrowser(t, base)
		invite(email, role)
		b.ok(http.MethodPost, "/v1/invitations/accept", m{"token": b.mailed(email), "password": password}, &view)
		if role != "" && s.as[role] == nil {
			s.as[role] = b
		}
		return view.Person.ID
	}
	for _, role := range tenancy.Roles()[1:] {
		join(string(role)+"@"+name+".example", role)
	}
	s.guinea = join("guinea@"+name+".example", contract.RoleViewer)
	var key struct{ Key struct{ ID string } }
	owner.ok(http.MethodPost, "/v1/keys", m{"name": "reader", "scopes": []string{"data:read"}}, &key)
	s.key = key.Key.ID
	s.invitation = invite("open@"+name+".example", contract.RoleViewer)
	for n := range 3 { // owner, admin, and one for the other company to try
		s.spare = append(s.spare, invite(fmt.Sprintf("spare%d@%s.example", n, name), contract.RoleViewer))
	}
	return s
}

// operation is one of the document.
type operation struct{ method, path, id string }

func (r row) request(o operation, s *side) (path string, body any) {
	path, body = o.path, r.body
	if r.with != nil {
		params, named := r.with(s)
		for name, value := range params {
			path = strings.Replace(path, "{"+name+"}", value, 1)
		}
		body = named
	}
	if r.query != "" {
		path += "?" + r.query
	}
	return path, body
}

// own are the operations of the served document that are not the agent's.
func own(t *testing.T, base string) (ops []operation) {
	t.Helper()
	read := func(raw []byte) (found []operation) {
		var document struct {
			Paths map[string]map[string]struct{ OperationID string }
		}
		if err := json.Unmarshal(raw, &document); err != nil || len(document.Paths) == 0 {
			t.Fatalf("%d paths, %v", len(document.Paths), err)
		}
		for path, methods := range document.Paths {
			for method, o := range methods {
				found = append(found, operation{strings.ToUpper(method), path, o.OperationID})
			}
		}
		return found
	}
	agents, err := os.ReadFile("agent.openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]bool{}
	for _, o := range read(agents) {
		theirs[o.id] = true
	}
	_, whole := get(t, base+"/openapi.json")
	for _, o := range read(whole) {
		if !theirs[o.id] {
			ops = append(ops, o)
		}
	}
	return ops
}

// Every operation, by every role, in the own company, for what is another company's, and
// by nobody.
func TestEveryOperationAsksWhoCalls(t *testing.T) {
	t.Parallel()
	base := run(t)
	herons, egrets := settle(t, base, "herons"), settle(t, base, "egrets")
	ops := own(t, base)
	seen := map[string]bool{}
	for _, o := range ops {
		r, known := matrix[o.id]
		if !known {
			t.Errorf("%s is not in the matrix: say who may call it", o.id)
			continue
		}
		seen[o.id] = true
		checkStranger(t, base, o, r, herons)
		if r.ends || r.who == "agent" {
			continue
		}
		for _, role := range tenancy.Roles() {
			path, body := r.request(o, herons)
			status, code, text := herons.as[role].do(o.method, path, body)
			switch allowed := r.allows(role); {
			case !allowed && (status != http.StatusForbidden || code != tenancy.ErrForbidden.Code):
				t.Errorf("%s by %s: %d %s, want 403", o.id, role, status, code)
			case allowed && (status == http.StatusUnauthorized || code == tenancy.ErrForbidden.Code || status >= 500):
				t.Errorf("%s by %s: %d %s, want it allowed", o.id, role, status, code)
			case allowed && status == http.StatusForbidden && code != tenancy.ErrAbove.Code:
				t.Errorf("%s by %s: %d %s", o.id, role, status, code)
			}
			if bytes.Contains(text, []byte(egrets.tenant)) || r.who != "anyone" && bytes.Contains(text, []byte("@egrets.")) {
				t.Errorf("%s by %s tells of another company: %s", o.id, role, text)
			}
		}
		if r.foreign != "" {
			path, body := r.request(o, egrets) // their things, by our owner
			if status, code, _ := herons.as[contract.RoleOwner].do(o.method, path, body); status != http.StatusNotFound || code != r.foreign {
				t.Errorf("%s of what is another company's: %d %s, want 404 %s", o.id, status, code, r.foreign)
			}
		}
	}
	for name := range matrix {
		if !seen[name] {
			t.Errorf("%s is in the matrix and not in the document", name)
		}
	}
	checkClosed(t, ops, herons)
	// Nothing that was tried has touched the other company.
	var team struct {
		Members []struct{ Role contract.Role }
	}
	egrets.as[contract.RoleViewer].ok(http.MethodGet, "/v1/members", nil, &team)
	if len(team.Members) != len(tenancy.Roles())+1 {
		t.Errorf("the other company has %d members", len(team.Members))
	}
}

// checkStranger calls the operation without a session.
func checkStranger(t *testing.T, base string, o operation, r row, s *side) {
	t.Helper()
	path, body := r.request(o, s)
	status, code, _ := newBrowser(t, base).do(o.method, path, body)
	switch {
	case r.who == "anyone" && (status == http.StatusForbidden || code == "identity.signed_out" || code == "http.sign_in" || status >= 500):
		t.Errorf("%s by nobody: %d %s, want it allowed", o.id, status, code)
	case r.who != "anyone" && r.who != "agent" && status != http.StatusUnauthorized:
		t.Errorf("%s by nobody: %d %s, want 401", o.id, status, code)
	case r.who == "agent" && status < 400:
		t.Errorf("%s without a join token: %d", o.id, status)
	}
}

// checkClosed closes a company and tries everything that changes something once more.
func checkClosed(t *testing.T, ops []operation, s *side) {
	t.Helper()
	owner := s.as[contract.RoleOwner]
	owner.ok(http.MethodPost, "/v1/company/close", m{"name": s.name}, nil)
	for _, o := range ops {
		r := matrix[o.id]
		if r.who != "" || r.action == tenancy.Read || r.action == tenancy.Export || o.id == "reopen-company" {
			continue
		}
		path, body := r.request(o, s)
		if status, code, _ := owner.do(o.method, path, body); status != http.StatusForbidden && o.id != "remove-member" || code != tenancy.ErrClosed.Code && o.id != "remove-member" {
			t.Errorf("%s in a closed company: %d %s", o.id, status, code)
		}
	}
	if status, code, _ := s.as[contract.RoleAdmin].do(http.MethodPost, "/v1/company/reopen", nil); status != http.StatusForbidden {
		t.Errorf("an admin opens it again: %d %s", status, code)
	}
	owner.ok(http.MethodPost, "/v1/company/reopen", nil, nil)
}
