//go:build !failpoints

package failpoint

// Here is where a test may kill the program.
func Here(string) {}
