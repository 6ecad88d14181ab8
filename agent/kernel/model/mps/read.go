// Package mps reads and writes linear and mixed-integer models as MPS text, the
// exchange format every solver knows.
//
// It owns the format: fixed and free form, RANGES, all bound types, integer
// markers, the sense and the constant of the objective, compressed files. It
// does not own sections beyond linear models (SOS, quadratic, indicators), which
// are refused by name, and it never solves anything.
//
// Where the format leaves room, the reading is the common one: the first N row
// is the objective and other N rows are dropped; a number on the objective in
// RHS is the negative of the constant; a negative upper bound without a lower
// bound opens the lower bound; an integer column without any bound is binary;
// a bound of 1e20 or more is none.
package mps

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dyocense/dyocense/agent/kernel/model"
	"github.com/dyocense/dyocense/shared/fault"
)

// MaxBytes is the longest text that is read, after decompression.
const MaxBytes = 512 << 20

// The faults of this package. ErrSyntax has the line in its details.
var (
	ErrSyntax   = fault.New(fault.Invalid, "mps.syntax", "The MPS file cannot be read.")
	ErrTooLarge = fault.New(fault.TooLarge, "mps.too_large", "The MPS file is larger than 512 MiB.")
	ErrName     = fault.New(fault.Invalid, "mps.name", "A name cannot be written as MPS.")
)

// ReadFile reads a file; one whose name ends in .gz is decompressed.
func ReadFile(path string) (*model.Model, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the model: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if !strings.HasSuffix(strings.ToLower(path), ".gz") {
		return Read(file)
	}
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, ErrSyntax.Saying("The file is not gzip data, though its name ends in .gz.").Because(err)
	}
	defer func() { _ = plain.Close() }()
	return Read(plain)
}

// Read reads one model. Text is tried in free form first and then in fixed form,
// where names may contain blanks; the error is that of the free form.
func Read(r io.Reader) (*model.Model, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, ErrSyntax.Saying("The file ends in the middle: %v.", err).Because(err)
	}
	if len(text) > MaxBytes {
		return nil, ErrTooLarge
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, ErrSyntax.Saying("The file is not text.")
	}
	m, free := parse(string(text), strings.Fields)
	if free == nil {
		return m, nil
	}
	if m, fixed := parse(string(text), fixedFields); fixed == nil {
		return m, nil
	}
	return nil, free
}

// fixedFields cuts a line at the columns of the fixed form and leaves out empty
// fields.
func fixedFields(line string) []string {
	columns := [...][2]int{{1, 3}, {4, 12}, {14, 22}, {24, 36}, {39, 47}, {49, 61}}
	fields := make([]string, 0, len(columns))
	for _, c := range columns {
		if c[0] >= len(line) {
			break
		}
		if field := strings.TrimSpace(line[c[0]:min(c[1], len(line))]); field != "" {
			fields = append(fields, field)
		}
	}
	return fields
}
