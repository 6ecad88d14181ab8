// Command filtergen writes common.txt and breached.bloom, the lists that the
// password rules ship with. It reads a list of leaked passwords, the most frequent
// first, one a line; what follows a blank on a line is ignored. The list in use is
// data/passwords.txt of the Go module github.com/trustelem/zxcvbn v1.0.1 (MIT): 47,023
// passwords from public leaks.
package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dyocense/dyocense/controlplane/internal/identity/bloom"
)

const (
	// shortest is the shortest password that any rule allows.
	shortest = 8
	// commonCount is how many of the most frequent ones are kept as words, so that
	// variants of them are found too.
	commonCount = 4000
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "filtergen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: filtergen LEAKED.txt COMMON.txt BREACHED.bloom, not %q", args)
	}
	leaked, err := words(args[0])
	if err != nil {
		return err
	}
	common, err := words(args[1])
	if err != nil {
		return err
	}
	long := leaked[:0:0]
	for _, w := range leaked {
		if utf8.RuneCountInString(w) >= shortest {
			long = append(long, w)
		}
	}
	common = append(common, long[:min(commonCount, len(long))]...)
	slices.Sort(common)
	common = slices.Compact(common)
	filter := bloom.New(len(long))
	for _, w := range long {
		filter.Add(w)
	}
	if err := os.WriteFile(args[1], []byte(strings.Join(common, "\n")+"\n"), 0o644); err != nil { //nolint:gosec // a source file
		return fmt.Errorf("write common words: %w", err)
	}
	if err := os.WriteFile(args[2], filter.Bytes(), 0o644); err != nil { //nolint:gosec // a source file
		return fmt.Errorf("write filter: %w", err)
	}
	fmt.Printf("%d words, %d passwords in a filter of %d bytes\n", len(common), len(long), len(filter.Bytes()))
	return nil
}

// words reads the first word of each line, in lower case.
func words(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	defer func() { _ = f.Close() }()
	var all []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if word, _, _ := strings.Cut(strings.TrimSpace(lines.Text()), " "); word != "" {
			all = append(all, strings.ToLower(word))
		}
	}
	return all, nil
}
