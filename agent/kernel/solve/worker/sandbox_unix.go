//go:build unix && !linux

package worker

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate gives the child its own process group. It ends with us because its
// input ends.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// limitMemory does nothing here: the engine's own limit stands alone.
func limitMemory(int) {}

// ClaimStdout takes standard output for the protocol; what Go code prints from
// now on goes to standard error.
func ClaimStdout() (*os.File, error) {
	out := os.Stdout
	os.Stdout = os.Stderr
	return out, nil
}
