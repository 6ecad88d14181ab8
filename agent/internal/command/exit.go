// Package command holds what the commands of dyocense-agent share: how they end.
//
// It owns exit codes. Each command is a package below.
package command

import "errors"

// Exit ends the program with a code. Without Err there is nothing more to print:
// the command has said all on its own.
type Exit struct {
	Code int
	Err  error
}

// Error is the message of Err.
func (e Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap gives Err.
func (e Exit) Unwrap() error { return e.Err }

// CodeOf is the program's exit code for what a command returned: 0 for nil, the
// code of an Exit, and 1 for every other error.
func CodeOf(err error) int {
	if err == nil {
		return 0
	}
	var exit Exit
	if errors.As(err, &exit) {
		return exit.Code
	}
	return 1
}
