package dedicated_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/controlplane/fleettest"
	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// bench is a control plane's fleet, and dedicated environments on it.
type bench struct {
	*fleettest.Plane
	dir   string
	slots int
	env   []string // of the children
	erase func(context.Context, string) error
	log   *slog.Logger
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		Plane: fleettest.New(t), dir: filepath.Join(t.TempDir(), "dedicated"), slots: 2,
		env: []string{varFake + "=1", "DEPLOYMENT_MODE=smb", "MONGODB_URI=mongodb://given", "PATH=" + os.Getenv("PATH")},
		log: slog.New(slog.DiscardHandler),
	}
	must(t, b.Store().Ensure(t.Context(), dedicated.Collections()...))
	return b
}

// processes is the provisioner of this machine, as one control plane has it.
func (b *bench) processes(t *testing.T) *dedicated.Processes {
	t.Helper()
	p, err := dedicated.NewProcesses(dedicated.ProcessConfig{
		Dir: b.dir, Slots: b.slots, Program: os.Executable, ControlPlane: b.URL, Tokens: b.Fleet(),
		Env: b.env, EraseDatabase: b.erase, Output: t.Output(), Log: b.log,
	})
	must(t, err)
	t.Cleanup(p.Close)
	return p
}

// service is one control plane's.
func (b *bench) service(t *testing.T, store docstore.Store, p dedicated.Provisioner) *dedicated.Service {
	t.Helper()
	return dedicated.New(store, b.Fleet(), p, b.log)
}

// run runs a control plane's dedicated environments until stop is called.
func (b *bench) run(t *testing.T) (s *dedicated.Service, stop func()) {
	t.Helper()
	s = b.service(t, b.Store(), b.processes(t))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until polls with a deadline: what is waited for happens in another process and
// has no channel.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(60 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so in time: %s", what)
		}
	}
}

func awaitReady(t *testing.T, s *dedicated.Service, env id.Environment) {
	t.Helper()
	until(t, "the environment is ready", func() bool {
		ready, err := s.Ready(t.Context(), env)
		must(t, err)
		return ready
	})
}

func request(t *testing.T, s *dedicated.Service, tenant id.Tenant, key string) id.Environment {
	t.Helper()
	env, err := s.Request(t.Context(), tenant, key)
	must(t, err)
	return env
}

func view(t *testing.T, s *dedicated.Service, env id.Environment) dedicated.View {
	t.Helper()
	v, err := s.Of(t.Context(), env)
	must(t, err)
	return v
}

// agent is what the environment's agent told of itself when it started.
func (b *bench) agent(t *testing.T, env id.Environment) life {
	t.Helper()
	var l life
	told, err := os.ReadFile(filepath.Join(b.dir, string(env), "agent", "life.json"))
	must(t, err)
	must(t, json.Unmarshal(told, &l))
	return l
}

// nothingLeft checks that a removed environment has no file and no agent that is
// let in.
func (b *bench) nothingLeft(t *testing.T, env id.Environment) {
	t.Helper()
	if left := b.left(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if alive := b.Fleet().Alive(env); len(alive) != 0 {
		t.Errorf("alive: %v", alive)
	}
	agents, err := b.Fleet().Agents(t.Context(), env)
	must(t, err)
	for _, a := range agents {
		if a.State != "revoked" {
			t.Errorf("agent %s is %s", a.ID, a.State)
		}
	}
}

// left are the directories of environments.
func (b *bench) left(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(b.dir)
	must(t, err)
	var left []string
	for _, e := range entries {
		if e.Name() != "home" {
			left = append(left, e.Name())
		}
	}
	return left
}

func TestADedicatedEnvironment(t *testing.T) {
	t.Parallel()

	t.Run("runs an agent of its own, set to platform mode by the control plane", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		b.erase = func(context.Context, string) error { return nil }
		s, _ := b.run(t)
		tenant := id.NewTenant()
		env := request(t, s, tenant, "move-1")
		awaitReady(t, s, env)
		v := view(t, s, env)
		want := dedicated.View{Environment: env, Tenant: tenant, Key: "move-1", State: dedicated.Running, Since: v.Since, Alive: true}
		if diff := cmp.Diff(want, v); diff != "" || v.Since.IsZero() {
			t.Error(diff)
		}
		place, err := b.Fleet().Environment(t.Context(), env)
		must(t, err)
		if place.Mode != features.Platform || place.Name != "dedicated/"+string(tenant)+"/move-1" {
			t.Errorf("%+v", place)
		}
		agents, err := b.Fleet().Agents(t.Context(), env)
		must(t, err)
		if len(agents) != 1 || agents[0].Mode != features.Platform || agents[0].Beat.Mode != features.Platform {
			t.Errorf("%+v", agents)
		}
		settings := filepath.Join(b.dir, string(env), "agent.env")
		info, err := os.Stat(settings)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the settings have mode %s", info.Mode())
		}
		values, err := features.File(settings)
		must(t, err)
		database := values["MONGODB_DATABASE"]
		if values["DEPLOYMENT_MODE"] != "platform" || len(database) > 25 || database != "dyo_"+string(env)[14:] {
			t.Errorf("settings: %v", values)
		}
		l := b.agent(t, env)
		if !slices.Contains(l.Env, "ENV_FILE="+settings) || !slices.Contains(l.Env, "MONGODB_URI=mongodb://given") ||
			slices.ContainsFunc(l.Env, func(line string) bool { return strings.HasPrefix(line, "DEPLOYMENT_MODE=") }) {
			t.Errorf("the agent's environment is %v", l.Env)
		}
		written, err := os.ReadFile(settings)
		must(t, err)
		if all := strings.Join(append(append(l.Args, l.Env...), string(written)), "\n"); strings.Contains(all, "join_") {
			t.Errorf("the join token is shown:\n%s", all)
		}
		if c := s.Health(t.Context()); c.State != features.Ready || c.Reason != "1 running" {
			t.Errorf("health: %+v", c)
		}
	})

	t.Run("is one for a tenant and key, however many ask at once", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		p := b.processes(t)
		tenant := id.NewTenant()
		got := make([]id.Environment, 6)
		var all sync.WaitGroup
		for i := range got {
			s := b.service(t, b.Store(), p)
			all.Go(func() {
				var err error
				if got[i], err = s.Request(t.Context(), tenant, "m"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if slices.Sort(got); got[0] == "" || got[0] != got[len(got)-1] {
			t.Errorf("got %v", got)
		}
		if other := request(t, b.service(t, b.Store(), p), tenant, "n"); other == got[0] {
			t.Error("another key got the same environment")
		}
	})

	t.Run("is refused beyond the room of the machine, which a removal gives back", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s := b.service(t, b.Store(), b.processes(t))
		var mu sync.Mutex
		var made []id.Environment
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				env, err := s.Request(t.Context(), id.NewTenant(), "m")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made = append(made, env)
				case !errors.Is(err, dedicated.ErrFull) || fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "2 of 2"):
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if len(made) != 2 {
			t.Fatalf("%d were made, want 2", len(made))
		}
		must(t, s.Remove(t.Context(), made[0]))
		request(t, s, id.NewTenant(), "m")
	})

	t.Run("is refused where no agent program is, and says why", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		p, err := dedicated.NewProcesses(dedicated.ProcessConfig{
			Dir: b.dir, Slots: 2, Program: func() (string, error) { return "", fs.ErrNotExist }, Tokens: b.Fleet(), Log: b.log,
		})
		must(t, err)
		s := b.service(t, b.Store(), p)
		if _, err := s.Request(t.Context(), id.NewTenant(), "m"); !errors.Is(err, dedicated.ErrUnable) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
		if c := s.Health(t.Context()); c.State != features.Degraded || !strings.Contains(c.Reason, fs.ErrNotExist.Error()) {
			t.Errorf("health: %+v", c)
		}
	})

	t.Run("needs a tenant and a key", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s := b.service(t, b.Store(), b.processes(t))
		for tenant, key := range map[id.Tenant]string{"somebody": "m", id.NewTenant(): "", id.NewTenant(): "../m", id.NewTenant(): strings.Repeat("m", 101)} {
			if _, err := s.Request(t.Context(), tenant, key); !errors.Is(err, dedicated.ErrWish) {
				t.Errorf("%s %q: %v", tenant, key, err)
			}
		}
	})

	t.Run("runs again, as the same agent, after a restart of the control plane", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s, stop := b.run(t)
		env := request(t, s, id.NewTenant(), "m")
		awaitReady(t, s, env)
		before, agent := b.agent(t, env), b.Fleet().Alive(env)
		settings := filepath.Join(b.dir, string(env), "agent.env")
		must(t, os.WriteFile(settings, []byte("DEPLOYMENT_MODE=smb\n"), 0o600)) // by hand
		stop()
		if err := syscall.Kill(before.PID, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the agent outlives the control plane: %v", err)
		}
		b.Stop(t)
		b.Start(t)
		must(t, b.Store().Ensure(t.Context(), dedicated.Collections()...))
		s, _ = b.run(t)
		if c := s.Health(t.Context()); c.State != features.Degraded {
			t.Errorf("health before the agent is back: %+v", c)
		}
		awaitReady(t, s, env)
		if after := b.agent(t, env); after.PID == before.PID {
			t.Error("the agent was not started again")
		}
		if diff := cmp.Diff(agent, b.Fleet().Alive(env)); diff != "" {
			t.Error(diff)
		}
		if values, err := features.File(settings); err != nil || values["DEPLOYMENT_MODE"] != "platform" {
			t.Errorf("an edit by hand stayed: %v, %v", values, err)
		}
	})

	t.Run("is started again when its agent is killed", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s, _ := b.run(t)
		env := request(t, s, id.NewTenant(), "m")
		awaitReady(t, s, env)
		before := b.agent(t, env).PID
		must(t, syscall.Kill(before, syscall.SIGKILL))
		until(t, "another agent runs", func() bool { return b.agent(t, env).PID != before })
		awaitReady(t, s, env)
	})

	t.Run("belongs to the data directory it was made in", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s, _ := b.run(t)
		env := request(t, s, id.NewTenant(), "m")
		awaitReady(t, s, env)
		elsewhere := *b
		elsewhere.dir = filepath.Join(t.TempDir(), "dedicated")
		p := elsewhere.processes(t)
		other := b.service(t, b.Store(), p)
		if again, err := other.Step(t.Context(), env); again || err != nil || len(p.Running()) != 0 {
			t.Errorf("another replica takes it: %v, %v, %v", again, err, p.Running())
		}
		if ready, err := other.Ready(t.Context(), env); !ready || err != nil {
			t.Errorf("another replica does not see it: %v", err)
		}
		if err := other.Remove(t.Context(), env); !errors.Is(err, dedicated.ErrRemoving) {
			t.Errorf("removed from elsewhere: %v", err)
		}
		until(t, "its own replica removes it", func() bool { return other.Remove(t.Context(), env) == nil })
		b.nothingLeft(t, env)
	})

	t.Run("fails when its agent is not of platform mode, and can be asked for again", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		p := b.processes(t)
		b.env = append(b.env, varMode+"=smb")
		wrong := b.service(t, b.Store(), b.processes(t))
		tenant := id.NewTenant()
		env := request(t, wrong, tenant, "m")
		until(t, "the environment fails", func() bool {
			_, err := wrong.Step(t.Context(), env)
			must(t, err)
			return view(t, wrong, env).State == dedicated.Failed
		})
		if _, err := wrong.Ready(t.Context(), env); !errors.Is(err, dedicated.ErrFailed) || !strings.Contains(fault.ProblemOf(err).Detail, "smb mode") {
			t.Errorf("Ready = %v", err)
		}
		if err := syscall.Kill(b.agent(t, env).PID, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("its agent still runs: %v", err)
		}
		if c := wrong.Health(t.Context()); c.State != features.Degraded {
			t.Errorf("health: %+v", c)
		}
		right := b.service(t, b.Store(), p)
		if again := request(t, right, tenant, "m"); again != env {
			t.Errorf("got %s, want %s", again, env)
		}
		until(t, "the environment runs", func() bool {
			_, err := right.Step(t.Context(), env)
			must(t, err)
			return view(t, right, env).State == dedicated.Running
		})
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()

	t.Run("leaves no directory, no live agent and no database, and may be repeated", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		var erased atomic.Value
		b.erase = func(_ context.Context, name string) error { erased.Store(name); return nil }
		s, _ := b.run(t)
		tenant := id.NewTenant()
		env := request(t, s, tenant, "m")
		awaitReady(t, s, env)
		pid := b.agent(t, env).PID
		for range 2 {
			must(t, s.Remove(t.Context(), env))
			b.nothingLeft(t, env)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the agent still runs: %v", err)
		}
		if erased.Load() != "dyo_"+string(env)[14:] {
			t.Errorf("erased database %v", erased.Load())
		}
		if v := view(t, s, env); v.State != dedicated.Removed || v.Alive {
			t.Errorf("%+v", v)
		}
		if _, err := s.Ready(t.Context(), env); !errors.Is(err, dedicated.ErrRemoved) {
			t.Errorf("Ready = %v", err)
		}
		if _, err := s.Request(t.Context(), tenant, "m"); !errors.Is(err, dedicated.ErrRemoved) {
			t.Errorf("asked for again with the key of a removed one: %v", err)
		}
	})

	t.Run("refuses what is not in the table, and the pool above all", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s := b.service(t, b.Store(), b.processes(t))
		for _, env := range []id.Environment{b.Pool, id.NewEnvironment(), "", "..", "home"} {
			if err := s.Remove(t.Context(), env); !errors.Is(err, dedicated.ErrNone) || fault.KindOf(err) != fault.NotFound {
				t.Errorf("%q: %v", env, err)
			}
			if _, err := s.Of(t.Context(), env); !errors.Is(err, dedicated.ErrNone) {
				t.Errorf("%q: %v", env, err)
			}
		}
	})

	t.Run("waits for an agent that an earlier control plane has left behind", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s := b.service(t, b.Store(), b.processes(t))
		env := request(t, s, id.NewTenant(), "m")
		dir := filepath.Join(b.dir, string(env), "agent")
		must(t, os.MkdirAll(dir, 0o700))
		lock, err := os.Create(filepath.Join(dir, "agent.lock"))
		must(t, err)
		must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
		if err := s.Remove(t.Context(), env); !errors.Is(err, dedicated.ErrRemoving) || !errors.Is(err, dedicated.ErrInUse) {
			t.Errorf("while it runs: %v", err)
		}
		if len(b.left(t)) != 1 {
			t.Error("the directory of a running agent is gone")
		}
		must(t, lock.Close())
		must(t, s.Remove(t.Context(), env))
		b.nothingLeft(t, env)
	})

	t.Run("finishes what a crash has left between renaming and deleting", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		s := b.service(t, b.Store(), b.processes(t))
		env := request(t, s, id.NewTenant(), "m")
		for _, dir := range []string{string(env), ".removed-" + string(env)} { // as if it was even made once more
			must(t, os.MkdirAll(filepath.Join(b.dir, dir, "agent", "deep"), 0o700))
		}
		must(t, s.Remove(t.Context(), env))
		b.nothingLeft(t, env)
	})
}

// brittle is a store whose writes to documents fail from the n-th on, as if the
// process had been killed there.
type brittle struct {
	docstore.Store
	left atomic.Int64
}

var errKilled = errors.New("killed")

func (b *brittle) Insert(ctx context.Context, c string, d docstore.Document) error {
	if c == dedicated.Collection && b.left.Add(-1) < 0 {
		return errKilled
	}
	return b.Store.Insert(ctx, c, d)
}

func (b *brittle) Replace(ctx context.Context, c string, d docstore.Document) (int64, error) {
	if c == dedicated.Collection && b.left.Add(-1) < 0 {
		return 0, errKilled
	}
	return b.Store.Replace(ctx, c, d)
}

// An environment is written to five times between the wish and its end. Killed at
// any of them, the next control plane brings it where it was going.
func TestACrashBetweenAnyTwoStepsIsRepaired(t *testing.T) {
	t.Parallel()
	for n := range 5 {
		t.Run(fmt.Sprintf("after %d writes", n), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			tenant := id.NewTenant()
			weak := &brittle{Store: b.Store()}
			weak.left.Store(int64(n))
			dying := b.processes(t)
			s := b.service(t, weak, dying)

			// The first life goes as far as it gets.
			env, err := s.Request(t.Context(), tenant, "m")
			removing := false
			for err == nil {
				if _, err = s.Step(t.Context(), env); err == nil && view(t, s, env).State == dedicated.Running {
					removing = true
					err = s.Remove(t.Context(), env)
				}
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			dying.Close() // the children end with their parent

			next, _ := b.run(t)
			if removing && n == 4 {
				until(t, "the removal is finished without being asked for", func() bool { return view(t, next, env).State == dedicated.Removed })
				b.nothingLeft(t, env)
				return
			}
			if n > 0 {
				awaitReady(t, next, env) // without being asked for
			}
			if again := request(t, next, tenant, "m"); n > 0 && again != env {
				t.Errorf("asked again it is %s, was %s", again, env)
			} else {
				env = again
			}
			awaitReady(t, next, env)
			agents, err := b.Fleet().Agents(t.Context(), env)
			must(t, err)
			if len(agents) != 1 {
				t.Errorf("%d agents are enrolled, want one", len(agents))
			}
			must(t, next.Remove(t.Context(), env))
			b.nothingLeft(t, env)
		})
	}
}
