// Package agentprocess runs an agent as a child process of the control plane and
// keeps it running.
//
// It owns the child: how it is started, how it is told to stop, when it is
// started again. It does not own what the agent does, nor its identity (fleet
// enrols it like any other agent).
//
// The join token goes through the child's standard input, so it is in no process
// list, environment or file. The same pipe ties the lives together: the child
// ends when it is closed, so an agent never outlives a control plane that was
// killed.
package agentprocess

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dyocense/dyocense/shared/secret"
)

const (
	stopGrace  = 8 * time.Second // between SIGTERM and SIGKILL
	pauseMin   = 100 * time.Millisecond
	pauseMax   = 10 * time.Second
	healthyFor = 30 * time.Second // after which a crash is a new one and not the same again
)

// Spec says which agent to run.
type Spec struct {
	Program      string // path of dyocense-agent
	Data         string // its directory
	ControlPlane string // base URL it enrols at
	Name         string
	// Token gives a fresh join token before each start; an agent that has an
	// identity already does not use it.
	Token  func(context.Context) (secret.Text, error)
	Env    []string  // what the child may know of our environment: NAME=value
	Output io.Writer // receives the child's log
	Log    *slog.Logger
}

// Process is one agent that is kept running.
type Process struct{ spec Spec }

// New prepares an agent; Run starts it.
func New(spec Spec) *Process { return &Process{spec: spec} }

// Run starts the agent, starts it again when it ends, sooner or later, and stops
// it when ctx ends. It fails only if the program is not there.
func (p *Process) Run(ctx context.Context) error {
	if _, err := os.Stat(p.spec.Program); err != nil {
		return fmt.Errorf("find the agent program: %w", err)
	}
	pause := pauseMin
	for {
		began := time.Now()
		ended := p.once(ctx)
		if ctx.Err() == nil {
			if time.Since(began) > healthyFor {
				pause = pauseMin
			}
			p.spec.Log.WarnContext(ctx, "agent ended; starting it again", "name", p.spec.Name, "err", ended, "in", pause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, pauseMax)
	}
}

func (p *Process) once(ctx context.Context) error {
	token, err := p.spec.Token(ctx)
	if err != nil {
		return fmt.Errorf("get a join token: %w", err)
	}
	cmd := exec.CommandContext(ctx, p.spec.Program, "run",
		"--data", p.spec.Data, "--control-plane", p.spec.ControlPlane, "--name", p.spec.Name, "--join-token-stdin")
	cmd.Env = p.spec.Env
	cmd.Stdout, cmd.Stderr = p.spec.Output, p.spec.Output
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("open the agent's standard input: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	if _, err := io.WriteString(stdin, token.Reveal()+"\n"); err != nil {
		p.spec.Log.WarnContext(ctx, "agent took no join token", "name", p.spec.Name, "err", err)
	}
	err = cmd.Wait() // closes stdin when the child is gone; until then it stays open on purpose
	return err
}

// Beside is the path of a program that lies next to the running one, where make
// build puts both.
func Beside(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the own program: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), name)
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", fmt.Errorf("%s is not at %s; build it with: make build, or name it in DYOCENSE_AGENT_PROGRAM", name, path)
	}
	return path, nil
}
