//go:build !failpoints

package failpoint

// Here is where a test may kill the program.
func Here(string) {}

// Environment is what a child has to know to be killed too: nothing.
func Environment() []string { return nil }
