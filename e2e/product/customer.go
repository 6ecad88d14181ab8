package product

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Customer is one person with a browser's cookies.
type Customer struct {
	Email string
	base  string
	http  *http.Client
}

// Password of every customer.
const Password = "a long enough password"

// NewCustomer has not signed up yet.
func (p *Product) NewCustomer(email string) *Customer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // never without options
	}
	return &Customer{Email: email, base: p.URL, http: &http.Client{Jar: jar}}
}

// Moved is the customer after the product came back at another address.
func (c *Customer) Moved(p *Product) *Customer {
	from, _ := url.Parse(c.base)
	to, _ := url.Parse(p.URL)
	next := p.NewCustomer(c.Email)
	next.http.Jar.SetCookies(to, c.http.Jar.Cookies(from))
	return next
}

// Refused is an answer other than 2xx.
type Refused struct {
	Status int
	Body   string
}

// Error implements error.
func (r *Refused) Error() string { return fmt.Sprintf("%d: %s", r.Status, r.Body) }

// Call sends in as JSON (nothing when nil; bytes as they are) and decodes the
// answer into out unless that is nil.
func (c *Customer) Call(ctx context.Context, method, path string, in, out any, header ...string) error {
	body, err := c.Bytes(ctx, method, path, in, header...)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(body, out)
}

// Bytes is Call with the answer as it came.
func (c *Customer) Bytes(ctx context.Context, method, path string, in any, header ...string) ([]byte, error) {
	var body io.Reader
	contentType := ""
	switch v := in.(type) {
	case nil:
	case []byte:
		body, contentType = bytes.NewReader(v), "application/octet-stream"
	default:
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body, contentType = bytes.NewReader(raw), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, &Refused{resp.StatusCode, string(answer)}
	}
	return answer, nil
}

var verifyLink = regexp.MustCompile(`/verify#token=([A-Za-z0-9_-]+)`)

// SignUp signs up and confirms the address with the mail in the outbox.
func (c *Customer) SignUp(ctx context.Context, company string) error {
	if err := c.Call(ctx, http.MethodPost, "/v1/signup", map[string]string{"email": c.Email, "password": Password, "company": company}, nil); err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	token, err := c.mailedToken(ctx)
	if err != nil {
		return err
	}
	if err := c.Call(ctx, http.MethodPost, "/v1/signup/verify", map[string]string{"token": token}, nil); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}

func (c *Customer) mailedToken(ctx context.Context) (token string, err error) {
	err = Until(ctx, 10*time.Second, func() (bool, string) {
		var box struct {
			Mails []struct{ To, Text string }
		}
		if err := c.Call(ctx, http.MethodGet, "/v1/outbox", nil, &box); err != nil {
			return false, err.Error()
		}
		for _, m := range box.Mails {
			if m.To == c.Email {
				if found := verifyLink.FindStringSubmatch(m.Text); found != nil {
					token = found[1]
					return true, ""
				}
			}
		}
		return false, "no mail with a link for " + c.Email
	})
	return token, err
}

// The sandbox's cards.
const (
	GoodCard     = "4242 4242 4242 4242"
	DeclinedCard = "4000 0000 0000 0002"
)

// Checkout opens a checkout and gives the address of its hosted page.
func (c *Customer) Checkout(ctx context.Context, plan string) (string, error) {
	var answer struct{ URL string }
	err := c.Call(ctx, http.MethodPost, "/v1/billing/checkout", map[string]string{"plan": plan, "interval": "month"}, &answer)
	return answer.URL, err
}

var hiddenField = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`)

// Pay fills in the hosted page and says where it leads; an address equal to page
// means that the card was declined.
func (c *Customer) Pay(ctx context.Context, page, card string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	html, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("open checkout page: %d %w", resp.StatusCode, err)
	}
	form := url.Values{"number": {card}, "expiry": {"12 / 34"}, "cvc": {"123"}}
	for _, hidden := range hiddenField.FindAllStringSubmatch(string(html), -1) {
		form.Set(hidden[1], hidden[2])
	}
	req, err = http.NewRequestWithContext(ctx, http.MethodPost, page, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	once := *c.http
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err = once.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusSeeOther || resp.StatusCode == http.StatusFound {
		return resp.Header.Get("Location"), nil
	}
	return page, nil
}

// Provisioning is how far the tenant is.
type Provisioning struct {
	State       string
	TotalMillis float64
	Steps       []struct {
		Name   string
		State  string
		Millis float64
	}
}

// AwaitReady watches the stream until the tenant can be used.
func (c *Customer) AwaitReady(ctx context.Context) (Provisioning, error) {
	var last Provisioning
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := c.Events(ctx, "/v1/provisioning/events", func(event string, data []byte) (bool, error) {
		if event != "provisioning" {
			return false, fmt.Errorf("event %s: %s", event, data)
		}
		if err := json.Unmarshal(data, &last); err != nil {
			return false, err
		}
		return last.State == "ready", nil
	})
	return last, err
}

// Events reads a stream of server-sent events until done says so.
func (c *Customer) Events(ctx context.Context, path string, done func(event string, data []byte) (bool, error)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		return &Refused{resp.StatusCode, string(b)}
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 64<<10), 8<<20)
	event := ""
	for lines.Scan() {
		switch key, value, _ := strings.Cut(lines.Text(), ": "); key {
		case "event":
			event = value
		case "data":
			ended, err := done(event, []byte(value))
			if ended || err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the stream ended early")
}

// Become signs up, pays for the plan and waits until the space is ready.
func (c *Customer) Become(ctx context.Context, company, plan string) (Provisioning, error) {
	if err := c.SignUp(ctx, company); err != nil {
		return Provisioning{}, err
	}
	page, err := c.Checkout(ctx, plan)
	if err != nil {
		return Provisioning{}, fmt.Errorf("checkout: %w", err)
	}
	to, err := c.Pay(ctx, page, GoodCard)
	if err != nil {
		return Provisioning{}, err
	}
	if to == page {
		return Provisioning{}, errors.New("the good card was declined")
	}
	return c.AwaitReady(ctx)
}

// Sample is a sample business.
type Sample struct {
	ID            string
	Items         int
	Periods       int
	SuggestedGoal json.RawMessage
}

// Samples lists them.
func (c *Customer) Samples(ctx context.Context) ([]Sample, error) {
	var answer struct{ Samples []Sample }
	err := c.Call(ctx, http.MethodGet, "/v1/samples", nil, &answer)
	return answer.Samples, err
}

// LoadSample makes the sample's tables the tenant's own.
func (c *Customer) LoadSample(ctx context.Context, sample string) error {
	return c.Call(ctx, http.MethodPost, "/v1/samples/"+sample+"/load", nil, nil)
}

// Run is a decision in the making.
type Run struct {
	ID       string
	State    string
	Status   string
	Headline string
	Attempts int
	Error    json.RawMessage
}

// StartRun saves the goal and starts a run for it.
func (c *Customer) StartRun(ctx context.Context, title string, goal json.RawMessage) (Run, error) {
	var saved struct{ ID string }
	err := c.Call(ctx, http.MethodPost, "/v1/goals", map[string]any{
		"title": title, "text": "", "template": "inventory_replenishment", "goal": goal,
	}, &saved)
	if err != nil {
		return Run{}, fmt.Errorf("save goal: %w", err)
	}
	var run Run
	if err := c.Call(ctx, http.MethodPost, "/v1/runs", map[string]string{"goalId": saved.ID}, &run); err != nil {
		return Run{}, fmt.Errorf("start run: %w", err)
	}
	return run, nil
}

// AwaitRun watches a run until it has ended.
func (c *Customer) AwaitRun(ctx context.Context, id string) (Run, error) {
	var last Run
	err := c.Events(ctx, "/v1/runs/"+id+"/events", func(_ string, data []byte) (bool, error) {
		if err := json.Unmarshal(data, &last); err != nil {
			return false, err
		}
		return last.State == "done" || last.State == "failed" || last.State == "cancelled", nil
	})
	return last, err
}

// Cookie is the header with which another program acts as this customer.
func (c *Customer) Cookie() string {
	site, err := url.Parse(c.base)
	if err != nil {
		panic(err) // the product said that it listens there
	}
	var pairs []string
	for _, one := range c.http.Jar.Cookies(site) {
		pairs = append(pairs, one.Name+"="+one.Value)
	}
	return strings.Join(pairs, "; ")
}
