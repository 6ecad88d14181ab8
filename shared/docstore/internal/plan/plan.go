package plan

import (
	"strings"
	"unicode/utf8"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Kind is the type of an indexed value. Kinds are declared in index order.
type Kind int

// The kinds, in the order of every index.
const (
	Int Kind = iota + 1
	Text
	Bool
)

// allKinds is what an indexed field may be, in order.
var allKinds = []Kind{Int, Text, Bool}

// KindOf is the kind of a value that Of let through.
func KindOf(v any) Kind {
	switch v.(type) {
	case int64:
		return Int
	case string:
		return Text
	default:
		return Bool
	}
}

// Bound limits a key on one side.
type Bound struct {
	Value any // int64, string or bool; nil is no limit
	Open  bool
}

// Range is one contiguous stretch of an index. The key that Low, High and Kinds
// speak of is the field after Equal, or the ID when Equal names all fields.
type Range struct {
	Equal     []any // int64, string or bool
	Low, High Bound
	Kinds     []Kind // kinds the key may have; of an ID it is Text
}

// Plan is a query that can be run: walk Ranges in order until Limit documents
// are found.
type Plan struct {
	Index  docstore.Index // Name "" and no fields: by id
	Desc   bool
	Limit  int
	Ranges []Range
	equal  int // how many fields q.Equal fixes
}

// Of reads q for c. It fails with docstore.ErrUndeclared for an unknown index
// and docstore.ErrInvalid for anything else that cannot be answered.
func Of(c docstore.Collection, q docstore.Query) (Plan, error) {
	p := Plan{Desc: q.Desc, Limit: q.Limit, equal: len(q.Equal)}
	switch {
	case q.Limit < 0 || q.Limit > docstore.MaxLimit:
		return p, docstore.ErrInvalid.Saying("The limit %d is not between 1 and %d.", q.Limit, docstore.MaxLimit)
	case q.Limit == 0:
		p.Limit = docstore.DefaultLimit
	}
	if q.Index != "" {
		found := false
		for _, ix := range c.Indexes {
			if ix.Name == q.Index {
				p.Index, found = ix, true
			}
		}
		if !found {
			return p, docstore.ErrUndeclared.Saying("The collection %s has no index %q.", c.Name, q.Index)
		}
	}
	if len(q.Equal) > len(p.Index.Fields) {
		return p, docstore.ErrInvalid.Saying("The query fixes %d fields; the index %q of %s has %d.", len(q.Equal), q.Index, c.Name, len(p.Index.Fields))
	}
	first, err := firstRange(p.Index, q)
	if err != nil {
		return p, err
	}
	if q.After == "" {
		p.Ranges = []Range{first}
		return p, nil
	}
	p.Ranges, err = p.rangesAfter(first, q.After)
	return p, err
}

// firstRange is q without its cursor.
func firstRange(ix docstore.Index, q docstore.Query) (Range, error) {
	var r Range
	for _, v := range q.Equal {
		n, err := normal(v)
		if err != nil {
			return r, err
		}
		r.Equal = append(r.Equal, n)
	}
	bounded := q.From != nil || q.To != nil
	if bounded && ix.Name != "" && len(q.Equal) == len(ix.Fields) {
		return r, docstore.ErrInvalid.Saying("The query fixes every field of index %s and leaves none to bound.", ix.Name)
	}
	var err error
	if q.From != nil {
		if r.Low.Value, err = normal(q.From); err != nil {
			return r, err
		}
		r.Kinds = []Kind{KindOf(r.Low.Value)}
	}
	if q.To != nil {
		if r.High.Value, err = normal(q.To); err != nil {
			return r, err
		}
		if r.Low.Value != nil && KindOf(r.High.Value) != r.Kinds[0] {
			return r, docstore.ErrInvalid.Saying("The bounds of the query have two types.")
		}
		r.Kinds, r.High.Open = []Kind{KindOf(r.High.Value)}, true
	}
	if len(r.Equal) == len(ix.Fields) {
		if bounded && r.Kinds[0] != Text {
			return r, docstore.ErrInvalid.Saying("An id is bounded by text.")
		}
		r.Kinds = []Kind{Text}
	} else if !bounded {
		r.Kinds = allKinds
	}
	return r, nil
}

// rangesAfter is what of first lies behind the cursor: behind its id among equal
// values, then behind its last value among equal ones before it, and so on
// outwards. Each is contiguous in the index, so each costs what it returns.
func (p Plan) rangesAfter(first Range, after string) ([]Range, error) {
	at, err := p.readCursor(after)
	if err != nil {
		return nil, err
	}
	var out []Range
	for n := len(at.Values); n >= 0; n-- {
		r := Range{Equal: append(append([]any(nil), first.Equal...), at.Values[:n]...)}
		var behind any = at.ID
		if n < len(at.Values) {
			behind = at.Values[n]
		}
		kind := KindOf(behind)
		r.Kinds = []Kind{kind}
		bounded := false
		if n == 0 { // the key that first bounds
			r.Low, r.High = first.Low, first.High
			bounded = first.Low.Value != nil || first.High.Value != nil
		}
		if p.Desc {
			r.High = Bound{Value: behind, Open: true}
		} else {
			r.Low = Bound{Value: behind, Open: true}
		}
		out = append(out, r)
		if n < len(at.Values) && !bounded {
			if kinds := p.kindsBehind(kind); len(kinds) > 0 {
				out = append(out, Range{Equal: r.Equal, Kinds: kinds})
			}
		}
	}
	return out, nil
}

// kindsBehind are the kinds that come after kind in the direction of p.
func (p Plan) kindsBehind(kind Kind) []Kind {
	var out []Kind
	for _, k := range allKinds {
		if !p.Desc && k > kind || p.Desc && k < kind {
			out = append(out, k)
		}
	}
	return out
}

// normal is v as int64, string or bool.
func normal(v any) (any, error) {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
			return nil, docstore.ErrInvalid.Saying("A value of the query is not plain UTF-8 text.")
		}
		return v, nil
	case int:
		return int64(v), nil
	case int64, bool:
		return v, nil
	default:
		return nil, docstore.ErrInvalid.Saying("A value of the query is a %T; only text, whole numbers and booleans can be asked for.", v)
	}
}
