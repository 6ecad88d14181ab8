package worker

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate gives the child its own process group, and its death with us.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// limitMemory is the backstop behind the engine's own exact limit: growing the
// engine's memory copies it, and the runtime around it needs room as well, so it
// is generous. It counts what the process uses already, and writable memory rather
// than reserved addresses; where the kernel refuses, the engine's limit stands alone.
func limitMemory(mib int) {
	bytes := dataInUse() + uint64(6*mib+1024)<<20
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: bytes, Max: bytes})
}

// dataInUse is what counts towards the limit now, in bytes; 0 when unknown.
func dataInUse() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text)) // the sixth is data and stack, in pages
	if len(fields) < 6 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[5], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
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
