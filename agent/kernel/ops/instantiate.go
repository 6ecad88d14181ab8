package ops

import (
	"fmt"
	"math"
	"strings"

	"github.com/dyocense/dyocense/agent/kernel/model"
)

// mostWork bounds the nodes visited while a document becomes a model.
const mostWork = 200_000_000

// Instance is a document with its model. It is read-only once made.
type Instance struct {
	Spec  *Spec
	Model *model.Model

	scope scope
	first map[string]int32 // first column of each variable
	vars  int              // columns of variables; slacks of soft constraints follow
}

// Instantiate validates the document and makes its model. Rows carry the rule of
// their constraint; a soft constraint gets slack columns with its penalty.
func (s *Spec) Instantiate() (*Instance, error) {
	c := s.check()
	if len(c.details) > 0 {
		return nil, s.Validate()
	}
	in := &Instance{Spec: s, scope: c.scope, first: map[string]int32{}}
	b := &instantiation{Instance: in, work: mostWork, slot: map[int32]int{}}
	b.columns()
	b.objective()
	for k := range s.Constraints {
		b.constraint(&s.Constraints[k])
		if b.work < 0 {
			return nil, ErrInvalid.Saying("The problem spec is too large: constraint %s takes more than %d steps to write out.", s.Constraints[k].ID, mostWork)
		}
	}
	in.Model = b.m.Build(s.Name)
	in.Model.Maximize = s.Objective.Sense == "maximize"
	if err := in.Model.Validate(); err != nil {
		return nil, ErrInvalid.Saying("The problem spec cannot be written out: %v.", err).Because(err)
	}
	return in, nil
}

// instantiation is the state while a model is made.
type instantiation struct {
	*Instance
	m    model.Builder
	work int

	terms    []model.Term // of the row being made
	slot     map[int32]int
	constant float64
}

func (b *instantiation) columns() {
	cost := b.costs()
	for k := range b.Spec.Variables {
		v := &b.Spec.Variables[k]
		lower, upper, whole := v.bounds()
		b.first[v.Name] = int32(b.vars)
		b.scope.combinations(v.Over, func(members []string) {
			b.m.Col(label(v.Name, members), lower, upper, cost[int32(b.vars)], whole)
			b.vars++
		})
	}
}

// costs are the objective's coefficients; they are needed before the columns are
// made, so the places of the columns are counted first.
func (b *instantiation) costs() map[int32]float64 {
	var next int32
	for _, v := range b.Spec.Variables {
		b.first[v.Name] = next
		next += int32(b.scope.size(v.Over))
	}
	cost := map[int32]float64{}
	for _, term := range b.Spec.Objective.Terms {
		b.add(term.Expression, env{}, term.weight())
	}
	for _, t := range b.terms {
		cost[t.Col] = t.Coef
	}
	return cost
}

// objective moves the constant part, gathered with the costs, to the model.
func (b *instantiation) objective() {
	b.m.AddConstant(b.constant)
	b.reset()
}

func (b *instantiation) reset() {
	b.terms, b.constant = b.terms[:0], 0
	clear(b.slot)
}

func (t Term) weight() float64 {
	if t.Weight == nil {
		return 1
	}
	return *t.Weight
}

func (v *Variable) bounds() (lower, upper float64, whole bool) {
	upper = model.Inf
	if v.Lower != nil {
		lower = *v.Lower
	}
	if v.Upper != nil {
		upper = *v.Upper
	}
	if v.Free {
		lower = -model.Inf
	}
	if v.Type == "binary" {
		return 0, 1, true
	}
	return lower, upper, v.Type == "integer"
}

// constraint makes one row for each combination of the forAll.
func (b *instantiation) constraint(c *Constraint) {
	b.scope.each(c.ForAll, env{}, func(e env) {
		if b.work < 0 {
			return
		}
		b.reset()
		b.add(c.Must.Left, e, 1)
		b.add(c.Must.Right, e, -1)
		lower, upper := -b.constant, -b.constant
		switch c.Must.Sense {
		case "<=":
			lower = -model.Inf
		case ">=":
			upper = model.Inf
		}
		name := label(c.ID, e.members(b.scope, c.ForAll))
		if c.Severity == "soft" {
			b.soften(c, name)
		}
		b.m.Row(c.Rule, name, lower, upper, b.terms...)
	})
}

// soften adds the slack a soft constraint may use, and its price.
func (b *instantiation) soften(c *Constraint, name string) {
	price := c.Penalty
	if b.Spec.Objective.Sense == "maximize" {
		price = -price
	}
	if c.Must.Sense != "<=" {
		b.terms = append(b.terms, model.Term{Col: b.m.Col("missing."+name, 0, model.Inf, price, false), Coef: 1})
	}
	if c.Must.Sense != ">=" {
		b.terms = append(b.terms, model.Term{Col: b.m.Col("excess."+name, 0, model.Inf, price, false), Coef: -1})
	}
}

// add adds scale times e to the row being made.
func (b *instantiation) add(e Expr, at env, scale float64) {
	if b.work--; b.work < 0 || scale == 0 {
		return
	}
	switch e.Op {
	case Reference:
		if _, variable := b.scope.variables[e.Name]; variable {
			if col, inside := b.column(e, at); inside {
				b.term(col, scale)
			}
			return
		}
		b.constant += scale * b.scope.known(e, at)
	case Number:
		b.constant += scale * e.Value
	case Sum:
		b.scope.each(e.Over, at, func(inner env) { b.add(e.Args[0], inner, scale) })
	case Add, Subtract:
		b.add(e.Args[0], at, scale)
		if e.Op == Subtract {
			scale = -scale
		}
		b.add(e.Args[1], at, scale)
	case Negate:
		b.add(e.Args[0], at, -scale)
	case Multiply:
		factor, other := e.Args[0], e.Args[1]
		if b.scope.decides(factor) {
			factor, other = other, factor
		}
		b.add(other, at, scale*b.scope.value(factor, at, nil))
	case Divide:
		b.add(e.Args[0], at, scale/b.scope.value(e.Args[1], at, nil))
	}
}

func (b *instantiation) term(col int32, coef float64) {
	if k, seen := b.slot[col]; seen {
		b.terms[k].Coef += coef
		return
	}
	b.slot[col] = len(b.terms)
	b.terms = append(b.terms, model.Term{Col: col, Coef: coef})
}

// column is where a variable's number stands; false beyond the ends of a set.
func (in *Instance) column(e Expr, at env) (int32, bool) {
	offset, inside := in.scope.offset(in.scope.variables[e.Name].Over, e.At, at)
	return in.first[e.Name] + int32(offset), inside
}

func label(name string, members []string) string {
	if len(members) == 0 {
		return name
	}
	return fmt.Sprintf("%s[%s]", name, strings.Join(members, ","))
}

// Value is what the plan x says about one variable; NaN when there is no such
// variable or member.
func (in *Instance) Value(x []float64, variable string, members ...string) float64 {
	v, known := in.scope.variables[variable]
	if !known || len(members) != len(v.Over) {
		return math.NaN()
	}
	at := make([]Index, len(members))
	for k, m := range members {
		if _, member := in.scope.sets[v.Over[k]].place[m]; !member {
			return math.NaN()
		}
		at[k] = Index{Name: m, Member: true}
	}
	col, inside := in.column(Expr{Op: Reference, Name: variable, At: at}, env{})
	if !inside || int(col) >= len(x) {
		return math.NaN()
	}
	return x[col]
}
