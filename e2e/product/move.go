package product

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// FailsLaterCard pays at the checkout and is declined at the next payment.
const FailsLaterCard = "4000 0000 0000 0341"

// Preflight is what a move to another plan would be.
type Preflight struct {
	Hash      string
	Direction string
	FromPlan  string
	ToPlan    string
	Price     struct {
		DueTodayCents int64
	}
	Moves struct {
		Documents int64
		Decisions int64
		Files     int64
	}
	Blockers []struct{ Code, Text string }
}

// Preflight asks what a move to the plan would be.
func (c *Customer) Preflight(ctx context.Context, plan string) (Preflight, error) {
	var p Preflight
	err := c.Call(ctx, http.MethodPost, "/v1/moves/preflight", map[string]string{"plan": plan, "interval": "month"}, &p)
	return p, err
}

// Move is a tenant on its way from one environment to another.
type Move struct {
	ID       string
	State    string
	Over     bool
	Headline string
	Progress struct {
		Percent         int
		DocumentsTotal  int64
		DocumentsCopied int64
		LagEntries      int64
		EtaSeconds      *float64
		WaitingFor      string
	}
	Pause *struct {
		Millis   float64
		Attempts int
	}
	Stages []struct {
		Name      string
		State     string
		StartedAt *time.Time
		Millis    float64
	}
	Parity  []struct{ Same bool }
	Actions []struct{ Name string }
	Events  []struct {
		N    int64
		At   time.Time
		Text string
	}
	Error *struct{ Code, Detail string }
	Proof *struct{ Environment string }
}

// Offers says whether the move can be asked for the action now.
func (m Move) Offers(action string) bool {
	for _, a := range m.Actions {
		if a.Name == action {
			return true
		}
	}
	return false
}

// String says where the move is, and why it waits.
func (m Move) String() string {
	s := m.State
	if m.Progress.WaitingFor != "" {
		s += ", waiting for " + m.Progress.WaitingFor
	}
	if m.Error != nil {
		s += ", " + m.Error.Code + ": " + m.Error.Detail
	}
	return s
}

// StartMove looks at a move to the plan and confirms what it shows. The switch
// comes when is says: ready or asked.
func (c *Customer) StartMove(ctx context.Context, plan, when string) (Move, error) {
	p, err := c.Preflight(ctx, plan)
	if err != nil {
		return Move{}, fmt.Errorf("pre-flight: %w", err)
	}
	if len(p.Blockers) > 0 {
		return Move{}, fmt.Errorf("the move to %s is blocked: %+v", plan, p.Blockers)
	}
	var m Move
	err = c.Call(ctx, http.MethodPost, "/v1/moves", map[string]string{"plan": plan, "interval": "month", "confirm": p.Hash, "when": when}, &m)
	return m, err
}

// Act asks the move for something that it offers.
func (c *Customer) Act(ctx context.Context, move, action string) error {
	return c.Call(ctx, http.MethodPost, "/v1/moves/"+move+"/actions", map[string]string{"action": action}, nil)
}

// Move is the present or last one.
func (c *Customer) Move(ctx context.Context) (Move, error) {
	var m Move
	err := c.Call(ctx, http.MethodGet, "/v1/moves/current", nil, &m)
	return m, err
}

// WatchMove tells every change of the present move until done says so. It lives
// through restarts of the control plane.
func (c *Customer) WatchMove(ctx context.Context, done func(Move) bool) (Move, error) {
	var last Move
	ended := false
	for {
		err := c.Events(ctx, "/v1/moves/current/events", func(_ string, data []byte) (bool, error) {
			last = Move{}
			if err := json.Unmarshal(data, &last); err != nil {
				return false, err
			}
			ended = done(last)
			return ended || last.Over, nil
		})
		var refused *Refused
		switch {
		case ended:
			return last, nil
		case ctx.Err() != nil:
			return last, fmt.Errorf("the move stays %s: %w", last, ctx.Err())
		case err == nil:
			return last, fmt.Errorf("the move ended as %s", last)
		case errors.As(err, &refused) && refused.Status/100 == 4:
			return last, err
		}
		select { // one that is starting refuses at once
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
		if err := Until(ctx, time.Minute, func() (bool, string) { return c.reachable(), "nobody listens" }); err != nil {
			return last, err
		}
	}
}

func (c *Customer) reachable() bool {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(c.base, "http://"), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// AwaitMove watches the present move until it is in state. It fails when the move
// stops or ends elsewhere.
func (c *Customer) AwaitMove(ctx context.Context, state string) (Move, error) {
	stopped := false
	m, err := c.WatchMove(ctx, func(m Move) bool {
		stopped = m.State == "failed" && state != "failed"
		return m.State == state || stopped
	})
	if err == nil && stopped {
		err = fmt.Errorf("the move is %s", m)
	}
	return m, err
}

// AwaitOffer watches the present move until it offers the action.
func (c *Customer) AwaitOffer(ctx context.Context, action string) (Move, error) {
	return c.WatchMove(ctx, func(m Move) bool { return m.Offers(action) })
}

// Tenant is the id of the customer's company.
func (c *Customer) Tenant(ctx context.Context) (string, error) {
	var s struct{ Tenant struct{ ID string } }
	err := c.Call(ctx, http.MethodGet, "/v1/session", nil, &s)
	if err == nil && s.Tenant.ID == "" {
		err = errors.New("the session names no tenant")
	}
	return s.Tenant.ID, err
}

// PoolDir is where the pool agent keeps its data.
func (p *Product) PoolDir() string { return filepath.Join(p.Data, "pool-agent") }

// DedicatedDirs are where dedicated agents keep theirs, by environment.
func (p *Product) DedicatedDirs() map[string]string {
	dirs := map[string]string{}
	found, _ := filepath.Glob(filepath.Join(p.Data, "dedicated", "env_*", "agent"))
	for _, dir := range found {
		dirs[filepath.Base(filepath.Dir(dir))] = dir
	}
	return dirs
}

// Agents are the process ids of the agents by their directories.
func (p *Product) Agents() map[string]int {
	pids := map[string]int{}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.PID()))
	for _, path := range lists {
		list, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(list)) {
			pid, err := strconv.Atoi(field)
			line, readErr := os.ReadFile("/proc/" + field + "/cmdline")
			if err != nil || readErr != nil {
				continue
			}
			args := strings.Split(string(line), "\x00")
			for i, a := range args {
				if a == "--data" && i+1 < len(args) {
					pids[args[i+1]] = pid
				}
			}
		}
	}
	return pids
}

// AgentOf is the process id of the agent that keeps its data in dir.
func (p *Product) AgentOf(dir string) (int, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return 0, err
	}
	for at, pid := range p.Agents() {
		if other, err := filepath.Abs(at); err == nil && other == abs {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no agent runs on %s", dir)
}

// Frozen says whether a process has been stopped by a signal.
func Frozen(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(line), ") ")
	return strings.HasPrefix(after, "T")
}

// Gone says whether a process has ended.
func Gone(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(line), ") ")
	return strings.HasPrefix(after, "Z")
}

// Exited says whether the control plane has ended.
func (p *Product) Exited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Listens is the address that it listens on, for starting it again.
func (p *Product) Listens() string { return strings.TrimPrefix(p.URL, "http://") }

// Upload sends a file and gives its id.
func (c *Customer) Upload(ctx context.Context, name string, content []byte) (string, error) {
	var u struct{ ID string }
	err := c.Call(ctx, http.MethodPost, "/v1/uploads?filename="+name, content, &u)
	return u.ID, err
}

// refused says whether nothing can have come of a request that failed so.
func refused(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var answer *Refused
	if errors.As(err, &answer) {
		return answer.Status/100 == 4 || strings.Contains(answer.Body, `"gateway.nobody"`) || strings.Contains(answer.Body, `"gateway.moving_on"`)
	}
	return false
}

// Signal sends a signal to a process of the product.
func Signal(pid int, s syscall.Signal) error {
	if err := syscall.Kill(pid, s); err != nil {
		return fmt.Errorf("signal %d: %w", pid, err)
	}
	return nil
}

// Continue lets a frozen process go on.
func Continue(pid int) error { return Signal(pid, syscall.SIGCONT) }
