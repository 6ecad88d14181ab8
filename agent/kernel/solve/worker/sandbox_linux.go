package worker

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate gives the child its own process group, and its death with us.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// limitMemory is the backstop behind the engine's own exact limit: growing the
// engine's memory copies it, and the runtime around it needs room as well. It
// counts written memory, not reserved addresses; where the kernel refuses, the
// engine's limit stands alone.
func limitMemory(mib int) {
	bytes := uint64(4*mib+512) << 20
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes})
}

// ClaimStdout takes standard output for the protocol: whatever else prints there
// from now on goes to standard error.
func ClaimStdout() (*os.File, error) {
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("keeping standard output for the protocol: %w", err)
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("sending stray output to standard error: %w", err)
	}
	return os.NewFile(uintptr(fd), "protocol"), nil
}
