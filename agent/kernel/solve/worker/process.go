package worker

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one child. Its reader goroutine lives until the child has ended and
// was waited for; then done is closed.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *tail
	log    *slog.Logger

	greeting chan hello    // one hello, then closed
	frames   chan frame    // what comes after it; closed at the end of the stream
	leave    chan struct{} // closed when nobody reads frames any more
	left     sync.Once
	done     chan struct{}

	broken error // after frames is closed: why, nil for a clean end
	exit   error // after done is closed: how it ended
}

// start runs the program. The caller runs it on a thread that stays (launcher).
func start(program string, args, env []string, log *slog.Logger) (*process, error) {
	p := &process{
		log: log,
		cmd: exec.Command(program, args...), stderr: &tail{},
		greeting: make(chan hello, 1), frames: make(chan frame), leave: make(chan struct{}), done: make(chan struct{}),
	}
	p.cmd.Env = append([]string{}, env...) // not nil: nothing is inherited
	p.cmd.Stderr = p.stderr
	p.cmd.WaitDelay = 2 * time.Second
	isolate(p.cmd)
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a worker: %w", err)
	}
	p.stdin = stdin
	go p.read(bufio.NewReaderSize(stdout, 64<<10))
	return p, nil
}

// read passes the child's frames on, and waits for its end.
func (p *process) read(stdout io.Reader) {
	defer close(p.done)
	p.broken = p.pump(stdout)
	if p.broken != nil {
		p.kill() // it does not speak the protocol: nothing more is expected of it
	}
	close(p.frames)
	_, _ = io.Copy(io.Discard, stdout)
	p.exit = p.cmd.Wait()
}

func (p *process) pump(stdout io.Reader) error {
	defer close(p.greeting)
	first, err := p.next(stdout)
	if err != nil {
		return fmt.Errorf("waiting for its hello: %w", err)
	}
	if first.kind != kindHello {
		return fmt.Errorf("it begins with frame %d: %w", first.kind, errFrame)
	}
	h, err := readJSON[hello](first)
	if err != nil {
		return err
	}
	if h.Protocol != protocol {
		return fmt.Errorf("it speaks version %d of the protocol, not %d: %w", h.Protocol, protocol, errFrame)
	}
	p.greeting <- h
	for {
		f, err := p.next(stdout)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case p.frames <- f:
		case <-p.leave:
		}
	}
}

// next is the next frame that is not a log line; those go to our own log.
func (p *process) next(stdout io.Reader) (frame, error) {
	for {
		f, err := readFrame(stdout)
		if err != nil || f.kind != kindLog {
			return f, err
		}
		l, err := readJSON[logLine](f)
		if err != nil {
			return f, err
		}
		p.log.Warn("a solver process says", "pid", p.cmd.Process.Pid, "line", l.Line)
	}
}

// ended says whether the child is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// signal sends to the whole process group.
func (p *process) signal(s syscall.Signal) {
	if !p.ended() {
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

func (p *process) kill() { p.signal(syscall.SIGKILL) }

// finish ends the child: politely by closing its input, by force after patience.
// It returns when the child was waited for.
func (p *process) finish(patience time.Duration) {
	p.left.Do(func() { close(p.leave) })
	_ = p.stdin.Close()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.kill()
		<-p.done
	}
}

// obituary says how the child ended, for people. Call it after done.
func (p *process) obituary() string {
	how := "the worker ended without a result"
	switch {
	case errors.Is(p.broken, errFrame) && !errors.Is(p.broken, io.ErrUnexpectedEOF):
		how = "the worker did not keep to the protocol: " + p.broken.Error() // and so we killed it
	case p.exit != nil:
		how = "the worker died: " + p.exit.Error()
	}
	if words := p.stderr.String(); words != "" {
		how += "; last words: " + words
	}
	return scrub(how)
}

// tail keeps the beginning and the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	head bytes.Buffer
	kept bytes.Buffer
}

const tailBytes = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := tailBytes - t.head.Len(); room > 0 {
		t.head.Write(b[:min(room, len(b))])
	}
	t.kept.Write(b)
	if extra := t.kept.Len() - tailBytes; extra > 0 {
		t.kept.Next(extra)
	}
	return len(b), nil
}

// String is the last words on one line. Of a Go program that crashed it is the
// line that says why: the stack after it tells a reader nothing.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.kept.String()
	for line := range strings.Lines(t.head.String() + "\n" + text) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			text = line
			break
		}
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
}

var anyPath = regexp.MustCompile(`(?:[A-Za-z]:\\|/)[^\s:;,"'()<>]*[/\\][^\s:;,"'()<>]+|/[^\s:;,"'()<>/]+`)

// scrub takes the paths of this machine out of a text for customers.
func scrub(s string) string { return anyPath.ReplaceAllString(s, "(path)") }
