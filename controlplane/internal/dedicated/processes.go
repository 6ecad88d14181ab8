package dedicated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/agentprocess"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/secret"
)

// tokenTTL is how long a join token lives: a child uses it at once.
const tokenTTL = 5 * time.Minute

// Tokens makes join tokens; fleet does.
type Tokens interface {
	NewJoinToken(ctx context.Context, env id.Environment, ttl time.Duration) (secret.Text, error)
}

// ProcessConfig is what Processes needs.
type ProcessConfig struct {
	Dir          string                 // of all environments, made if missing; each has a directory in it
	Slots        int                    // environments at most
	Program      func() (string, error) // path of dyocense-agent, or why there is none
	ControlPlane string                 // base URL that agents enrol at
	Tokens       Tokens
	Env          []string // what a child may know of our environment: NAME=value
	Strict       bool     // STRICT_MODE of the agents
	// EraseDatabase deletes an environment's database on MongoDB, with everything
	// whose name begins with it. nil means that tenants lie in files.
	EraseDatabase func(ctx context.Context, name string) error
	Output        io.Writer // receives the children's logs
	Log           *slog.Logger
}

// Processes is the provisioner that runs each environment's agent as a child
// process of the control plane, on a directory of its own.
type Processes struct {
	c    ProcessConfig
	home string

	mu       sync.Mutex
	closed   bool
	children map[id.Environment]*child
}

// child is one agent that is kept running until stop is called.
type child struct {
	stop  context.CancelFunc
	ended chan struct{}
}

func (c *child) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

var _ Provisioner = (*Processes)(nil)

// NewProcesses provisions in c.Dir. Nothing runs before Start.
func NewProcesses(c ProcessConfig) (*Processes, error) {
	home, err := homeOf(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("prepare the directory of dedicated environments: %w", err)
	}
	return &Processes{c: c, home: home, children: map[id.Environment]*child{}}, nil
}

// Home implements Provisioner.
func (p *Processes) Home() string { return p.home }

// Room implements Provisioner.
func (p *Processes) Room() (int, error) {
	_, err := p.c.Program()
	return p.c.Slots, err
}

// Start implements Provisioner. There is at most one child an environment; one
// that an earlier control plane left behind holds the lock of its directory until
// it has ended.
func (p *Processes) Start(_ context.Context, env id.Environment) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("the control plane is stopping")
	}
	if c, ok := p.children[env]; ok && !c.over() {
		return nil
	}
	program, err := p.c.Program()
	if err != nil {
		return ErrUnable.Because(err)
	}
	own := p.settings(env)
	if err := writeSettings(p.place(env), own); err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	agent := agentprocess.New(agentprocess.Spec{
		Program: program, Data: p.place(env).agent(), ControlPlane: p.c.ControlPlane, Name: "dedicated",
		Token:  func(ctx context.Context) (secret.Text, error) { return p.c.Tokens.NewJoinToken(ctx, env, tokenTTL) },
		Env:    append(without(p.c.Env, own), "ENV_FILE="+p.place(env).settings()),
		Output: p.c.Output, Log: p.c.Log.With("environment", env),
	})
	life, stop := context.WithCancel(context.Background()) // ends with Stop or Close
	c := &child{stop: stop, ended: make(chan struct{})}
	p.children[env] = c
	go func() {
		defer close(c.ended)
		if err := agent.Run(life); err != nil {
			p.c.Log.Warn("the agent of a dedicated environment cannot be run", "environment", env, "err", err)
		}
	}()
	return nil
}

// Running implements Provisioner.
func (p *Processes) Running() []id.Environment {
	p.mu.Lock()
	defer p.mu.Unlock()
	var running []id.Environment
	for env, c := range p.children {
		if !c.over() {
			running = append(running, env)
		}
	}
	slices.Sort(running)
	return running
}

// Stop implements Provisioner.
func (p *Processes) Stop(ctx context.Context, env id.Environment) error {
	p.mu.Lock()
	c, ok := p.children[env]
	p.mu.Unlock()
	if !ok {
		return nil
	}
	c.stop()
	select {
	case <-c.ended:
	case <-ctx.Done():
		return ErrInUse.Because(ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.children[env] == c {
		delete(p.children, env)
	}
	return nil
}

// Erase implements Provisioner.
func (p *Processes) Erase(ctx context.Context, env id.Environment) error {
	if err := p.place(env).erase(); err != nil {
		return err
	}
	if p.c.EraseDatabase == nil {
		return nil
	}
	if err := p.c.EraseDatabase(ctx, database(env)); err != nil {
		return fmt.Errorf("erase the database: %w", err)
	}
	return nil
}

// Close implements Provisioner: all children are told at once, and waited for.
func (p *Processes) Close() {
	p.mu.Lock()
	p.closed = true
	children := p.children
	p.children = map[id.Environment]*child{}
	p.mu.Unlock()
	for _, c := range children {
		c.stop()
	}
	for _, c := range children {
		<-c.ended
	}
}

func (p *Processes) place(env id.Environment) place {
	return place{dir: p.c.Dir, env: env}
}

// setting is one line of a settings file.
type setting struct{ name, value string }

// settings are what makes an agent a dedicated one; .env.platform says the same of
// a control plane. They hold no secret: the address of MongoDB comes with the
// child's environment.
func (p *Processes) settings(env id.Environment) []setting {
	all := []setting{
		{"DEPLOYMENT_MODE", "platform"},
		{"STRICT_MODE", strconv.FormatBool(p.c.Strict)},
		{"ENABLE_EVIDENCE_GRAPH", "true"},
		{"ENABLE_VECTOR_SEARCH", "true"},
		{"USE_KEYCLOAK", "true"},
		{"ENABLE_SOLVER_CHOICE", "true"},
		{"ENABLE_TRANSACTIONS", "true"},
	}
	if p.c.EraseDatabase != nil {
		all = append(all, setting{"MONGODB_DATABASE", database(env)})
	}
	return all
}

// database is the environment's own on a shared MongoDB deployment. An agent adds
// a tenant's id to it, and MongoDB allows 63 bytes in all; the last 16 digits are
// random, so that no two environments share them.
func database(env id.Environment) string {
	return "dyo_" + string(env)[len(env)-16:]
}

// without is env without the names that own sets: a child's environment wins over
// its settings file, and ours is that of another mode.
func without(env []string, own []setting) []string {
	kept := make([]string, 0, len(env)+1)
	for _, line := range env {
		name, _, _ := strings.Cut(line, "=")
		if name != "ENV_FILE" && !slices.ContainsFunc(own, func(s setting) bool { return s.name == name }) {
			kept = append(kept, line)
		}
	}
	return kept
}
