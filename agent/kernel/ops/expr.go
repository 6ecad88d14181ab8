package ops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Op is what a node of an expression does.
type Op string

// The nodes. Reference is to a parameter or a variable.
const (
	Number    Op = "number"
	Reference Op = "ref"
	Sum       Op = "sum" // of Args[0] over Over
	Add       Op = "add"
	Subtract  Op = "subtract"
	Multiply  Op = "multiply"
	Divide    Op = "divide"
	Negate    Op = "negate"
)

// Expr is a node of an expression. In JSON it is either text, such as
// "sum(i in SKU: holding[i] * stock[i])", or the tree:
//
//	{"op": "number", "value": 2}
//	{"op": "ref", "name": "stock", "at": ["i", "t-1", "\"A\""]}
//	{"op": "sum", "over": "i in SKU", "args": [...]}
//	{"op": "add", "args": [a, b]}      also subtract, multiply, divide
//	{"op": "negate", "args": [a]}
type Expr struct {
	Op    Op      `json:"op"`
	Value float64 `json:"value,omitempty"`
	Name  string  `json:"name,omitempty"`
	At    []Index `json:"at,omitempty"`
	Over  Ranges  `json:"over,omitempty"`
	Args  []Expr  `json:"args,omitempty"`
}

// Index picks a member: the one an index stands at (moved by Shift places in the
// order of its set), or a member by name.
type Index struct {
	Name   string // of an index, or the member
	Shift  int
	Member bool // Name is a member
}

// Relation is left sense right.
type Relation struct {
	Left  Expr   `json:"left"`
	Sense string `json:"sense"` // <=, =, >=
	Right Expr   `json:"right"`
}

// binding strengths, for printing with as few brackets as needed.
const (
	looseAdd = iota + 1
	tightMultiply
	tightUnary
	atom
)

// String prints the expression as text; parsing it gives the same tree.
func (e Expr) String() string {
	var b strings.Builder
	e.print(&b, looseAdd)
	return b.String()
}

func (e Expr) strength() int {
	switch e.Op {
	case Add, Subtract:
		return looseAdd
	case Multiply, Divide:
		return tightMultiply
	case Negate:
		return tightUnary
	case Number:
		if e.Value < 0 {
			return tightUnary
		}
	}
	return atom
}

func (e Expr) print(b *strings.Builder, around int) {
	if e.strength() < around {
		b.WriteString("(")
		defer b.WriteString(")")
	}
	binary := func(sign string, left, right int) {
		e.Args[0].print(b, left)
		b.WriteString(sign)
		e.Args[1].print(b, right)
	}
	switch e.Op {
	case Number:
		b.WriteString(strconv.FormatFloat(e.Value, 'g', -1, 64))
	case Reference:
		b.WriteString(e.Name)
		if len(e.At) > 0 {
			parts := make([]string, len(e.At))
			for k, at := range e.At {
				parts[k] = at.String()
			}
			b.WriteString("[" + strings.Join(parts, ", ") + "]")
		}
	case Sum:
		b.WriteString("sum(" + e.Over.String() + ": ")
		e.Args[0].print(b, looseAdd)
		b.WriteString(")")
	case Add:
		binary(" + ", looseAdd, tightMultiply)
	case Subtract:
		binary(" - ", looseAdd, tightMultiply)
	case Multiply:
		binary(" * ", tightMultiply, tightUnary)
	case Divide:
		binary(" / ", tightMultiply, tightUnary)
	case Negate:
		b.WriteString("-")
		if e.Args[0].Op == Number { // -2 is a number; this is the negation of one
			b.WriteString("(" + e.Args[0].String() + ")")
			return
		}
		e.Args[0].print(b, atom)
	}
}

// String prints the index as in text: i, t-1, "A".
func (x Index) String() string {
	switch {
	case x.Member:
		return strconv.Quote(x.Name)
	case x.Shift != 0:
		return fmt.Sprintf("%s%+d", x.Name, x.Shift)
	}
	return x.Name
}

// String prints the ranges as in text: i in SKU, t in PERIOD.
func (r Ranges) String() string {
	parts := make([]string, len(r))
	for k, one := range r {
		parts[k] = one.Index + " in " + one.Set
	}
	return strings.Join(parts, ", ")
}

// String prints the relation as text.
func (r Relation) String() string { return r.Left.String() + " " + r.Sense + " " + r.Right.String() }

// UnmarshalJSON reads text or a tree.
func (e *Expr) UnmarshalJSON(raw []byte) error {
	if text, ok, err := asText(raw); ok || err != nil {
		if err == nil {
			*e, err = ParseExpr(text)
		}
		return err
	}
	type tree Expr // without this method
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*tree)(e))
}

// UnmarshalJSON reads text or a tree.
func (r *Relation) UnmarshalJSON(raw []byte) error {
	if text, ok, err := asText(raw); ok || err != nil {
		if err == nil {
			*r, err = ParseRelation(text)
		}
		return err
	}
	type tree Relation
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*tree)(r))
}

// MarshalText prints the index.
func (x Index) MarshalText() ([]byte, error) { return []byte(x.String()), nil }

// UnmarshalText reads an index.
func (x *Index) UnmarshalText(text []byte) error {
	p := parser{text: string(text)}
	p.advance()
	*x = p.index()
	p.expect(end, "")
	return p.failure()
}

// MarshalText prints the ranges.
func (r Ranges) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads ranges.
func (r *Ranges) UnmarshalText(text []byte) error {
	p := parser{text: string(text)}
	p.advance()
	*r = p.ranges()
	p.expect(end, "")
	return p.failure()
}

func asText(raw []byte) (text string, ok bool, err error) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false, nil
	}
	err = json.Unmarshal(raw, &text)
	return text, true, err
}
