// Package product starts the built programs and uses them as people do: over
// HTTP, through the public address.
//
// It owns the way from a binary to a signed-in customer with a decision, which
// end-to-end tests and benchmarks share. It knows no internal package.
package product

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Product is a running control plane with its pool agent.
type Product struct {
	URL     string
	Data    string
	Started time.Duration // from exec to the line that says it listens

	cmd    *exec.Cmd
	exited chan struct{}
	err    error
	log    *os.File
}

// Options of Start. The zero value takes any port.
type Options struct {
	Program string   // path of dyocense-controlplane
	Data    string   // directory
	Listen  string   // "" means 127.0.0.1:0
	Env     []string // NAME=value, beside a minimal environment
	Log     string   // file for the programs' logs; "" means <Data>.log
}

// Start runs the product and returns when it says that it listens.
func Start(ctx context.Context, o Options) (*Product, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Log == "" {
		o.Log = o.Data + ".log"
	}
	log, err := os.OpenFile(o.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	p := &Product{Data: o.Data, log: log, exited: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, o.Program, "--data", o.Data, "--listen", o.Listen)
	p.cmd.Env = append([]string{"HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH"), "XDG_CACHE_HOME=" + os.Getenv("XDG_CACHE_HOME")}, o.Env...)
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open standard output: %w", err)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Program, err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	p.Started = time.Since(began)
	go func() { // reads on, so that the program never blocks on its output, and then waits for its end
		_, _ = io.Copy(log, lines)
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	url, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	if err != nil || !ok {
		_ = p.Kill()
		said, _ := os.ReadFile(o.Log)
		return nil, fmt.Errorf("the first line was %q, not where it listens; the log says:\n%s", first, said)
	}
	p.URL = url
	return p, nil
}

// PID of the control plane.
func (p *Product) PID() int { return p.cmd.Process.Pid }

// Stop asks it to drain and waits; an exit status other than 0 is an error.
func (p *Product) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		_ = p.log.Close()
		return p.err
	case <-time.After(30 * time.Second):
		_ = p.Kill()
		return errors.New("it did not stop within 30 s")
	}
}

// Kill ends it without warning and waits until it is gone.
func (p *Product) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.exited
	return err
}

// AgentPID is the process id of the pool agent, found among the control plane's
// children.
func (p *Product) AgentPID() (int, error) {
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.PID()))
	if err != nil {
		return 0, err
	}
	for _, path := range children {
		list, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(list)) {
			name, err := os.ReadFile("/proc/" + field + "/cmdline")
			if err == nil && strings.Contains(string(name), "dyocense-agent") {
				var pid int
				if _, err := fmt.Sscan(field, &pid); err == nil {
					return pid, nil
				}
			}
		}
	}
	return 0, errors.New("the control plane has no agent as a child")
}

// Health is the answer of /health.
type Health struct {
	Status     string `json:"status"`
	Mode       string `json:"mode"`
	Version    string `json:"version"`
	Components []struct {
		Name   string `json:"name"`
		State  string `json:"state"`
		Reason string `json:"reason"`
	} `json:"components"`
}

// Health asks for it.
func (p *Product) Health(ctx context.Context) (Health, error) {
	var h Health
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/health", nil)
	if err != nil {
		return h, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return h, err
	}
	defer func() { _ = resp.Body.Close() }()
	return h, json.NewDecoder(resp.Body).Decode(&h)
}

// Until calls is every few milliseconds until it is true, or fails after limit
// with what it last said.
func Until(ctx context.Context, limit time.Duration, is func() (bool, string)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, said := is()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %s", limit, said)
		case <-tick.C:
		}
	}
}
