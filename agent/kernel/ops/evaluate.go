package ops

import (
	"math"
	"strings"
)

// env is where the indices stand, by place in their sets.
type env struct {
	name  string
	place int
	outer *env
}

// find is the place of an index; the validation made sure that it is bound.
func (e env) find(name string) int {
	for at := &e; at != nil; at = at.outer {
		if at.name == name {
			return at.place
		}
	}
	return 0
}

// members are the names at which the ranges' indices stand.
func (e env) members(s scope, ranges Ranges) []string {
	names := make([]string, 0, len(ranges))
	for _, r := range ranges {
		names = append(names, s.sets[r.Set].members[e.find(r.Index)])
	}
	return names
}

// each runs visit for every combination, the last range fastest.
func (s scope) each(ranges Ranges, at env, visit func(env)) {
	if len(ranges) == 0 {
		visit(at)
		return
	}
	for place := range s.sets[ranges[0].Set].members {
		s.each(ranges[1:], env{ranges[0].Index, place, &at}, visit)
	}
}

func (s scope) size(over []string) int {
	n := 1
	for _, set := range over {
		n *= len(s.sets[set].members)
	}
	return n
}

// combinations runs visit for every combination of members, the last set fastest.
func (s scope) combinations(over []string, visit func([]string)) {
	ranges := make(Ranges, len(over))
	for k, set := range over {
		ranges[k] = Range{Index: string(rune('a' + k)), Set: set}
	}
	s.each(ranges, env{}, func(e env) { visit(e.members(s, ranges)) })
}

// offset is the place of a combination among all; false when an index moved beyond
// an end of its set.
func (s scope) offset(over []string, indices []Index, at env) (int, bool) {
	offset := 0
	for k, x := range indices {
		set := s.sets[over[k]]
		place := 0
		if x.Member {
			place = set.place[x.Name]
		} else {
			place = at.find(x.Name) + x.Shift
		}
		if place < 0 || place >= len(set.members) {
			return 0, false
		}
		offset = offset*len(set.members) + place
	}
	return offset, true
}

// known is a parameter's number; 0 beyond the ends of a set.
func (s scope) known(e Expr, at env) float64 {
	p := s.parameters[e.Name]
	if len(p.Over) == 0 {
		return *p.Value
	}
	parts := make([]string, len(e.At))
	for k, x := range e.At {
		if x.Member {
			parts[k] = x.Name
			continue
		}
		place := at.find(x.Name) + x.Shift
		set := s.sets[p.Over[k]]
		if place < 0 || place >= len(set.members) {
			return 0
		}
		parts[k] = set.members[place]
	}
	if value, given := p.Values[strings.Join(parts, ",")]; given {
		return value
	}
	return *p.Default
}

// decides says whether a variable is in the expression.
func (s scope) decides(e Expr) bool {
	if e.Op == Reference {
		_, variable := s.variables[e.Name]
		return variable
	}
	for _, arg := range e.Args {
		if s.decides(arg) {
			return true
		}
	}
	return false
}

// value computes an expression; decided gives the variables' numbers.
func (s scope) value(e Expr, at env, decided func(Expr, env) float64) float64 {
	switch e.Op {
	case Number:
		return e.Value
	case Reference:
		if _, variable := s.variables[e.Name]; variable {
			return decided(e, at)
		}
		return s.known(e, at)
	case Negate:
		return -s.value(e.Args[0], at, decided)
	case Sum:
		total := 0.0
		s.each(e.Over, at, func(inner env) { total += s.value(e.Args[0], inner, decided) })
		return total
	}
	a, b := s.value(e.Args[0], at, decided), s.value(e.Args[1], at, decided)
	switch e.Op {
	case Add:
		return a + b
	case Subtract:
		return a - b
	case Multiply:
		return a * b
	default:
		return a / b
	}
}

// Figure is one number of a plan.
type Figure struct {
	ID    string  `json:"id"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// Broken is one constraint that a plan does not keep.
type Broken struct {
	Constraint string   `json:"constraint"`
	Rule       string   `json:"rule"`
	At         []string `json:"at,omitempty"` // members of the forAll
	Soft       bool     `json:"soft,omitempty"`
	Amount     float64  `json:"amount"` // in units of the constraint
}

// Evaluation is what a plan is worth by the document.
type Evaluation struct {
	Objective float64  `json:"objective"` // penalties of soft constraints included
	Terms     []Figure `json:"terms"`
	KPIs      []Figure `json:"kpis,omitempty"`
	Broken    []Broken `json:"broken,omitempty"`
}

// Holds says whether no hard constraint is broken.
func (e Evaluation) Holds() bool {
	for _, b := range e.Broken {
		if !b.Soft {
			return false
		}
	}
	return true
}

// Evaluate computes a plan (columns as in Model) from the document alone: it does
// not look at the model's rows, so it can judge them. A constraint is broken when
// it is missed by more than 1e-6 plus 1e-9 of the larger side.
func (in *Instance) Evaluate(x []float64) Evaluation {
	decided := func(e Expr, at env) float64 {
		col, inside := in.column(e, at)
		if !inside {
			return 0
		}
		return x[col]
	}
	var out Evaluation
	for _, term := range in.Spec.Objective.Terms {
		value := term.weight() * in.scope.value(term.Expression, env{}, decided)
		out.Terms = append(out.Terms, Figure{term.ID, value, term.Unit})
		out.Objective += value
	}
	for _, kpi := range in.Spec.KPIs {
		out.KPIs = append(out.KPIs, Figure{kpi.ID, in.scope.value(kpi.Expression, env{}, decided), kpi.Unit})
	}
	price := 1.0
	if in.Spec.Objective.Sense == "maximize" {
		price = -1
	}
	for _, c := range in.Spec.Constraints {
		in.scope.each(c.ForAll, env{}, func(at env) {
			left, right := in.scope.value(c.Must.Left, at, decided), in.scope.value(c.Must.Right, at, decided)
			miss := math.Abs(left - right)
			if c.Must.Sense == "<=" {
				miss = left - right
			} else if c.Must.Sense == ">=" {
				miss = right - left
			}
			if c.Severity == "soft" {
				out.Objective += price * c.Penalty * math.Max(0, miss)
			}
			if miss > 1e-6+1e-9*math.Max(math.Abs(left), math.Abs(right)) || math.IsNaN(miss) {
				out.Broken = append(out.Broken, Broken{c.ID, c.Rule, at.members(in.scope, c.ForAll), c.Severity == "soft", miss})
			}
		})
	}
	return out
}
