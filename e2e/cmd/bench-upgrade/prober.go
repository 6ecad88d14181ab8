package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

// proberMark, when set, makes this program a prober: a process of its own that
// writes through the public address, so that nothing which happens in the bench
// disturbs its clock.
const proberMark = "BENCH_UPGRADE_PROBER"

// orders tell the prober what to do; each is one line.
type orders struct {
	Site    string   `json:"site"`
	Senders []sender `json:"senders"` // from now on, instead of those before
	Take    bool     `json:"take"`    // instead: wait for the answers that are due, and tell all
}

// sender writes for one customer, at a rate that does not depend on the answers.
type sender struct {
	Name   string  `json:"name"`
	Cookie string  `json:"cookie"`
	Rate   float64 `json:"rate"` // a second
}

// sample is one write. Times are of the wall clock, in nanoseconds.
type sample struct {
	Sender string `json:"s"`
	Due    int64  `json:"d"` // when it was to be sent
	Done   int64  `json:"e"` // when its answer was read
	Failed string `json:"f,omitempty"`
}

func (s sample) took() time.Duration { return time.Duration(s.Done - s.Due) }

// goal is the cheapest thing a customer can write.
var goal = []byte(`{"title":"A probe","text":"","template":"inventory_replenishment","goal":{}}`)

// answerWithin is how long a client waits before it calls a write failed.
const answerWithin = 10 * time.Second

// probe is the prober's side.
func probe(in io.Reader, out io.Writer) error {
	p := &prober{client: &http.Client{Timeout: answerWithin, Transport: &http.Transport{MaxIdleConnsPerHost: 1000, IdleConnTimeout: 20 * time.Second}}}
	answers := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	stop := func() {}
	defer func() { stop() }()
	for lines.Scan() {
		var o orders
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		stop()
		if o.Take {
			p.flying.Wait()
			if err := answers.Encode(p.take()); err != nil {
				return err
			}
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		stop = cancel
		for _, s := range o.Senders {
			p.flying.Go(func() { p.send(ctx, o.Site, s) })
		}
	}
	return lines.Err()
}

type prober struct {
	client *http.Client
	flying sync.WaitGroup

	mu      sync.Mutex
	samples []sample
}

func (p *prober) take() []sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.samples
	p.samples = nil
	return all
}

// send writes when it is due, until ctx ends. What is due while the machine is
// busy is sent as soon as it can be, and its time counts from when it was due.
func (p *prober) send(ctx context.Context, site string, s sender) {
	every := time.Duration(float64(time.Second) / s.Rate)
	for due := time.Now(); ; due = due.Add(every) {
		if wait := time.Until(due); wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		} else if ctx.Err() != nil {
			return
		}
		p.flying.Go(func() {
			one := sample{Sender: s.Name, Due: due.UnixNano()}
			if err := p.write(site, s.Cookie); err != nil {
				one.Failed = err.Error()
			}
			one.Done = time.Now().UnixNano()
			p.mu.Lock()
			defer p.mu.Unlock()
			p.samples = append(p.samples, one)
		})
	}
}

func (p *prober) write(site, cookie string) error {
	r, err := http.NewRequest(http.MethodPost, site+"/v1/goals", bytes.NewReader(goal))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Cookie", cookie)
	answer, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %.300s", answer.StatusCode, body)
	}
	return err
}

// probing is the bench's side of a prober.
type probing struct {
	site string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func startProber(ctx context.Context, site string) (*probing, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &probing{site: site, cmd: exec.CommandContext(ctx, self)}
	p.cmd.Env = append(os.Environ(), proberMark+"=1")
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

func (p *probing) order(o orders) error {
	o.Site = p.site
	return json.NewEncoder(p.in).Encode(o)
}

// run lets these write from now on.
func (p *probing) run(senders ...sender) error { return p.order(orders{Senders: senders}) }

// take ends the writing and gives everything that was written since the last time.
func (p *probing) take() ([]sample, error) {
	if err := p.order(orders{Take: true}); err != nil {
		return nil, err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the prober has ended: %w", err)
	}
	var all []sample
	return all, json.Unmarshal(line, &all)
}

func (p *probing) stop() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// senderOf writes as the customer.
func senderOf(c *product.Customer, rate float64) sender {
	return sender{Name: c.Email, Cookie: c.Cookie(), Rate: rate}
}

// gap is the longest time between two writes of a sender that succeeded one after
// the other, both within the window.
func gap(all []sample, of string, from, to time.Time) time.Duration {
	var done []int64
	for _, s := range all {
		if s.Sender == of && s.Failed == "" && s.Done >= from.UnixNano() && s.Done <= to.UnixNano() {
			done = append(done, s.Done)
		}
	}
	slices.Sort(done)
	var longest int64
	for i := 1; i < len(done); i++ {
		longest = max(longest, done[i]-done[i-1])
	}
	return time.Duration(longest)
}

// times are how long the writes of a sender took that were due within the window;
// failed are the reasons of all that failed, of whatever sender.
func times(all []sample, is func(sender string) bool, from, to time.Time) (took []time.Duration, failed []string) {
	for _, s := range all {
		if s.Failed != "" {
			failed = append(failed, s.Sender+": "+s.Failed)
		}
		if is(s.Sender) && s.Due >= from.UnixNano() && s.Due <= to.UnixNano() {
			took = append(took, s.took())
		}
	}
	return took, failed
}
