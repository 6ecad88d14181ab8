//go:build failpoints

package failpoint

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Variable names the environment variable with a file. The file holds names, one
// a line; a program that comes to one of them takes the line out and kills itself.
// A line "!name" freezes the program instead (SIGSTOP).
const Variable = "DYOCENSE_FAILPOINTS"

// Reached follows the file's name in that of a second one, which says who came
// where: a process id and a name in each line.
const Reached = ".reached"

// Environment is what a child has to know to be killed too: NAME=value.
func Environment() []string {
	path := os.Getenv(Variable)
	if path == "" {
		return nil
	}
	return []string{Variable + "=" + path}
}

var mu sync.Mutex

// Here kills this program without warning if the file names the place.
func Here(name string) {
	path := os.Getenv(Variable)
	if path == "" {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	b, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var names []string
	for lines := bufio.NewScanner(strings.NewReader(string(b))); lines.Scan(); {
		names = append(names, strings.TrimSpace(lines.Text()))
	}
	signal := syscall.SIGKILL
	at := slices.Index(names, name)
	if at < 0 {
		if at = slices.Index(names, "!"+name); at < 0 {
			return
		}
		signal = syscall.SIGSTOP
	}
	left := strings.Join(slices.Delete(names, at, at+1), "\n")
	if err := os.WriteFile(path, []byte(left), 0o600); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "failpoint", name, err)
		return
	}
	_, _ = fmt.Fprintln(os.Stderr, "failpoint", name, "reached")
	if said, err := os.OpenFile(path+Reached, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		_, _ = fmt.Fprintf(said, "%d %s\n", os.Getpid(), name)
		_ = said.Close()
	}
	_ = syscall.Kill(os.Getpid(), signal)
	if signal == syscall.SIGKILL {
		select {} // it takes a moment to arrive
	}
}
