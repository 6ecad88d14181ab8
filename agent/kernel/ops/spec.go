package ops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/dyocense/dyocense/shared/fault"
)

// FormatVersion is the value of "ops" in a document this package reads.
const FormatVersion = 1

// Limits of a document.
const (
	MaxBytes   = 64 << 20
	maxMembers = 1_000_000 // of one set
	maxNames   = 10_000    // sets, parameters, variables, constraints: each
	maxText    = 64 << 10  // of one expression
	maxDepth   = 64        // of one expression
)

// ErrInvalid has one detail for everything that is wrong, with its place as a path
// into the document ("constraints[2].must").
var ErrInvalid = fault.New(fault.Invalid, "ops.invalid", "The problem spec has mistakes.")

// Spec is one document.
type Spec struct {
	OPS         int          `json:"ops"`
	Name        string       `json:"name"`
	Sets        []Set        `json:"sets,omitempty"`
	Parameters  []Parameter  `json:"parameters,omitempty"`
	Variables   []Variable   `json:"variables"`
	Constraints []Constraint `json:"constraints,omitempty"`
	Objective   Objective    `json:"objective"`
	KPIs        []KPI        `json:"kpis,omitempty"`
}

// Set is an ordered list of members: given one by one, or as whole numbers.
type Set struct {
	Name    string   `json:"name"`
	Members []string `json:"members,omitempty"`
	From    *int     `json:"from,omitempty"`
	To      *int     `json:"to,omitempty"` // included
}

// Parameter is a known number, or one for each combination of members.
type Parameter struct {
	Name    string             `json:"name"`
	Unit    string             `json:"unit,omitempty"`
	Over    []string           `json:"over,omitempty"`    // names of sets
	Value   *float64           `json:"value,omitempty"`   // without Over
	Values  map[string]float64 `json:"values,omitempty"`  // with Over; keys are members joined by ","
	Default *float64           `json:"default,omitempty"` // for combinations without a value
}

// Variable is a number to be decided, or one for each combination of members.
type Variable struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit,omitempty"`
	Over  []string `json:"over,omitempty"`
	Type  string   `json:"type,omitempty"`  // continuous (when empty), integer, binary
	Lower *float64 `json:"lower,omitempty"` // 0 when missing
	Upper *float64 `json:"upper,omitempty"` // none when missing
	Free  bool     `json:"free,omitempty"`  // no lower bound
}

// Constraint is a relation that must hold, once for each combination in ForAll.
type Constraint struct {
	ID         string      `json:"id"`
	Rule       string      `json:"rule"` // business rule it belongs to, e.g. "budget"
	ForAll     Ranges      `json:"forAll,omitempty"`
	Must       Relation    `json:"must"`
	Severity   string      `json:"severity,omitempty"` // hard (when empty) or soft
	Penalty    float64     `json:"penalty,omitempty"`  // of a soft one, a unit of violation, in units of the objective
	Provenance *Provenance `json:"provenance,omitempty"`
}

// Provenance says where a constraint comes from.
type Provenance struct {
	Table  string `json:"table,omitempty"`
	Row    int    `json:"row,omitempty"`
	Column string `json:"column,omitempty"`
	Note   string `json:"note,omitempty"`
}

// Objective is the sum of its terms.
type Objective struct {
	Sense string `json:"sense"` // minimize or maximize
	Terms []Term `json:"terms"`
}

// Term is one part of the objective; the plan tells what each is worth.
type Term struct {
	ID         string   `json:"id"`
	Expression Expr     `json:"expression"`
	Weight     *float64 `json:"weight,omitempty"` // 1 when missing
	Unit       string   `json:"unit,omitempty"`
}

// KPI is a figure of interest that is not optimised.
type KPI struct {
	ID         string `json:"id"`
	Expression Expr   `json:"expression"`
	Unit       string `json:"unit,omitempty"`
}

// Range binds an index to the members of a set, one after the other.
type Range struct {
	Index string
	Set   string
}

// Ranges are several; later ones change faster. In JSON they are text: "i in SKU,
// t in PERIOD".
type Ranges []Range

// Read reads and validates one document. Unknown fields are mistakes.
func Read(r io.Reader) (*Spec, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the problem spec: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, ErrInvalid.Saying("The problem spec is larger than %d MiB.", MaxBytes>>20)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var s Spec
	if err := decoder.Decode(&s); err != nil {
		line := 1 + bytes.Count(text[:min(int(decoder.InputOffset()), len(text))], []byte("\n"))
		return nil, ErrInvalid.Saying("The problem spec cannot be read: %v.", err).
			With(fault.Detail{Location: fmt.Sprintf("near line %d", line), Message: err.Error(), Line: line})
	}
	if decoder.More() {
		return nil, ErrInvalid.Saying("The problem spec is followed by more text.")
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return &s, nil
}
