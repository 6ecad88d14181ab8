// Package mongotest gives tests a MongoDB to talk to.
//
// With MONGODB_URI set it is that deployment, each test in a fresh database that
// is dropped afterwards. Otherwise it is a server of the test's own, installed
// once by deploy/servers/mongo.sh and started on a free loopback port.
//
// It owns the server's life and the honesty about it: Named says which server a
// result was got on and what that does not prove. A machine that cannot have the
// server skips by name and reason; with DYOCENSE_REQUIRE_SERVERS=1 it fails.
package mongotest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dyocense/dyocense/shared/docstore/mongostore"
)

const (
	// installTime bounds the first installation from the package index.
	installTime = 5 * time.Minute
	// startTime bounds a start; a loaded machine needs several seconds.
	startTime = 60 * time.Second
)

// Server is a MongoDB deployment for tests.
type Server struct {
	URI  string
	Name string // for reports: which server, and what it does not prove

	program string // "" when it is not ours to start and kill
	dir     string
	port    int
	cmd     *exec.Cmd
	ended   chan struct{}
	out     *tail
}

// Shared is one server for all tests of a package. The zero value starts it at
// the first Get; Stop belongs into TestMain after the tests.
type Shared struct {
	once   sync.Once
	server *Server
	err    error
	dir    string
}

// Get starts the server if need be; the first call logs which one it is.
func (s *Shared) Get(t testing.TB) *Server {
	t.Helper()
	s.once.Do(func() {
		s.dir, s.err = os.MkdirTemp("", "mongotest-") //nolint:usetesting // it serves other tests after this one
		if s.err == nil {
			s.server, s.err = Launch(s.dir)
		}
		if s.err == nil {
			t.Logf("server of this package's tests: %s", s.server.Name)
		}
	})
	if s.err != nil {
		unavailable(t, s.err)
	}
	return s.server
}

// Stop kills the server and deletes its data.
func (s *Shared) Stop() {
	if s.server != nil {
		s.server.Kill()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // a folder of ours below the temporary one
	}
}

// StartOwn starts a server that the test may kill. With MONGODB_URI set it skips:
// that server is not ours to kill.
func StartOwn(t testing.TB) *Server {
	t.Helper()
	if os.Getenv("MONGODB_URI") != "" {
		t.Skip("kill test of the MongoDB server: MONGODB_URI names a server that is not ours to kill")
	}
	s, err := Launch(t.TempDir())
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(s.Kill)
	t.Logf("server: %s", s.Name)
	return s
}

// unavailable ends the test: a skip with the reason, or a failure where servers
// are required.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("DYOCENSE_REQUIRE_SERVERS") == "1" {
		t.Fatalf("MongoDB-speaking server: %v", err)
	}
	t.Skipf("MongoDB-speaking server: %v (set MONGODB_URI to use another one)", err)
}

// Database is a name no other test uses; what is in it goes with the test.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTime)
		defer cancel()
		c, err := mongostore.Connect(ctx, s.URI)
		if err != nil {
			t.Errorf("connect to drop %s: %v", name, err)
			return
		}
		if err := errors.Join(c.Drop(ctx, name), c.Close()); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return name
}

// Launch is a server for a program that is no test, with its data in dir, which
// the caller deletes after Kill. The databases of the deployment that MONGODB_URI
// names are the caller's to drop.
func Launch(dir string) (*Server, error) {
	if uri := os.Getenv("MONGODB_URI"); uri != "" {
		return &Server{URI: uri, Name: "the deployment that MONGODB_URI names"}, nil
	}
	program, err := install()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{
		URI:     "mongodb://127.0.0.1:" + strconv.Itoa(port) + "/?directConnection=true&serverSelectionTimeoutMS=60000",
		Name:    "SecantusDB 0.7.0b3 (a beta that speaks MongoDB's protocol on WiredTiger; one node: proves nothing about elections, failover or mongod itself)",
		program: program, dir: dir, port: port,
	}
	return s, s.Start()
}

// install runs the installer, which is idempotent and prints where the program is.
func install() (string, error) {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("the place of this source file is unknown")
	}
	script := filepath.Join(filepath.Dir(here), "..", "..", "..", "deploy", "servers", "mongo.sh")
	ctx, cancel := context.WithTimeout(context.Background(), installTime)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", script)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("install it: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	return lines[len(lines)-1], nil
}

// freePort is a loopback port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// Start starts a server that was killed, on the same data and port, and waits
// until it answers.
func (s *Server) Start() error {
	s.out = &tail{}
	s.cmd = exec.Command(s.program, "--host", "127.0.0.1", "--port", strconv.Itoa(s.port),
		"--storage-path", filepath.Join(s.dir, "data"), "--cache-size", "256M", "--log-level", "WARNING")
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.Dir = s.dir // it looks for a settings file where it starts
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.program, err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { // ends with the process, for which Kill waits
		_ = cmd.Wait() // it is killed in the end
		close(ended)
	}(s.cmd, s.ended)
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		c, err := mongostore.Connect(ctx, s.URI) // waits for the port by itself
		if err == nil {
			return c.Close()
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended at once: %s", s.out)
		default:
		}
		if ctx.Err() != nil {
			s.Kill()
			return fmt.Errorf("the server did not answer within %s: %w: %s", startTime, err, s.out)
		}
	}
}

// Kill ends the server as a power cut would, and waits until it is gone.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it may be gone already
	<-s.ended
}

// tail keeps the last words of a server.
type tail struct {
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if over := len(t.last) - 4096; over > 0 {
		t.last = t.last[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}
