package forecastcmd

// exitBadInput is the exit code for a wrong file or a wrong flag.
const exitBadInput = 2

// inputError is the user's to correct. The program's main asks it for the code.
type inputError struct{ cause error }

func badInput(cause error) error { return &inputError{cause} }

func (e *inputError) Error() string { return e.cause.Error() }

func (e *inputError) Unwrap() error { return e.cause }

// ExitCode is the exit code that the process should end with.
func (e *inputError) ExitCode() int { return exitBadInput }
