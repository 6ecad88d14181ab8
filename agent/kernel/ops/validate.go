package ops

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"github.com/dyocense/dyocense/shared/fault"
)

// mostDetails bounds the report; a document with more mistakes is hopeless anyway.
const mostDetails = 200

// scope is what the names of a document stand for.
type scope struct {
	sets       map[string]*index
	parameters map[string]*Parameter
	variables  map[string]*Variable
}

// index is a set with its members' places.
type index struct {
	members []string
	place   map[string]int
}

// checker collects mistakes.
type checker struct {
	scope
	details []fault.Detail
}

func (c *checker) wrong(at, format string, args ...any) {
	if len(c.details) < mostDetails {
		c.details = append(c.details, fault.Detail{Location: at, Message: fmt.Sprintf(format, args...)})
	}
}

// Validate reports everything that is wrong with the document in one ErrInvalid.
func (s *Spec) Validate() error {
	c := s.check()
	if len(c.details) == 0 {
		return nil
	}
	first := c.details[0]
	return ErrInvalid.Saying("The problem spec has %d mistakes; the first, at %s: %s.", len(c.details), first.Location, first.Message).
		With(c.details...)
}

func (s *Spec) check() *checker {
	c := &checker{scope: scope{map[string]*index{}, map[string]*Parameter{}, map[string]*Variable{}}}
	if s.OPS != FormatVersion {
		c.wrong("ops", "the version is %d; this program reads %d", s.OPS, FormatVersion)
	}
	if len(s.Sets) > maxNames || len(s.Parameters) > maxNames || len(s.Variables) > maxNames || len(s.Constraints) > maxNames {
		c.wrong("", "there are more than %d sets, parameters, variables or constraints", maxNames)
		return c
	}
	for k := range s.Sets {
		c.set(fmt.Sprintf("sets[%d]", k), &s.Sets[k])
	}
	for k := range s.Parameters {
		c.parameter(fmt.Sprintf("parameters[%d]", k), &s.Parameters[k])
	}
	if len(s.Variables) == 0 {
		c.wrong("variables", "there is nothing to decide")
	}
	for k := range s.Variables {
		c.variable(fmt.Sprintf("variables[%d]", k), &s.Variables[k])
	}
	c.constraints(s.Constraints)
	c.objective(s.Objective)
	for k, kpi := range s.KPIs {
		at := fmt.Sprintf("kpis[%d]", k)
		if kpi.ID == "" {
			c.wrong(at+".id", "a key figure needs an id")
		}
		c.expr(at+".expression", kpi.Expression, nil, 0)
	}
	return c
}

// fresh checks a name and that nothing else has it.
func (c *checker) fresh(at, name string) bool {
	valid := name != "" && name != "sum" && name != "in"
	for k, r := range name {
		valid = valid && (unicode.IsLetter(r) || r == '_' || k > 0 && unicode.IsDigit(r))
	}
	if !valid {
		c.wrong(at, "%q is not a name: letters, digits and _ are, and not sum or in", name)
		return false
	}
	_, set := c.sets[name]
	_, parameter := c.parameters[name]
	_, variable := c.variables[name]
	if set || parameter || variable {
		c.wrong(at, "the name %s is used twice", name)
		return false
	}
	return true
}

func (c *checker) set(at string, s *Set) {
	if !c.fresh(at+".name", s.Name) {
		return
	}
	x := &index{place: map[string]int{}}
	c.sets[s.Name] = x
	switch {
	case s.From != nil && s.To != nil && len(s.Members) == 0:
		if *s.From > *s.To || *s.To-*s.From >= maxMembers {
			c.wrong(at, "from %d to %d is not 1 to %d members", *s.From, *s.To, maxMembers)
			return
		}
		for n := *s.From; n <= *s.To; n++ {
			x.place[strconv.Itoa(n)] = len(x.members)
			x.members = append(x.members, strconv.Itoa(n))
		}
	case s.From != nil || s.To != nil:
		c.wrong(at, "a set has members, or from and to")
	case len(s.Members) == 0 || len(s.Members) > maxMembers:
		c.wrong(at+".members", "a set has 1 to %d members, not %d", maxMembers, len(s.Members))
	default:
		for k, m := range s.Members {
			where := fmt.Sprintf("%s.members[%d]", at, k)
			if m == "" || strings.Contains(m, ",") {
				c.wrong(where, "%q is not a member: it is empty or has a comma", m)
			}
			if _, twice := x.place[m]; twice {
				c.wrong(where, "the member %q stands twice", m)
			}
			x.place[m] = len(x.members)
			x.members = append(x.members, m)
		}
	}
}

// over checks a list of sets and gives how many combinations there are.
func (c *checker) over(at string, sets []string) (combinations int, ok bool) {
	combinations, ok = 1, true
	for k, name := range sets {
		x, known := c.sets[name]
		if !known {
			c.wrong(fmt.Sprintf("%s.over[%d]", at, k), "there is no set %s", name)
			ok = false
			continue
		}
		combinations *= max(1, len(x.members))
		if combinations > 5*maxMembers {
			c.wrong(at+".over", "there are more than %d combinations", 5*maxMembers)
			return 0, false
		}
	}
	return combinations, ok
}

func (c *checker) parameter(at string, p *Parameter) {
	if !c.fresh(at+".name", p.Name) {
		return
	}
	c.parameters[p.Name] = p
	combinations, ok := c.over(at, p.Over)
	c.finite(at+".value", p.Value)
	c.finite(at+".default", p.Default)
	switch {
	case len(p.Over) == 0 && (p.Value == nil || len(p.Values) > 0):
		c.wrong(at+".value", "a parameter without sets has one value")
	case len(p.Over) > 0 && p.Value != nil:
		c.wrong(at+".value", "a parameter over sets has values, not one value")
	case ok && len(p.Over) > 0 && p.Default == nil && len(p.Values) < combinations:
		c.wrong(at+".values", "%d of %d values are missing and there is no default", combinations-len(p.Values), combinations)
	}
	if !ok {
		return
	}
	keys := make([]string, 0, len(p.Values))
	for key := range p.Values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		value := p.Values[key]
		c.finite(at+".values."+key, &value)
		parts := strings.Split(key, ",")
		if len(parts) != len(p.Over) {
			c.wrong(at+".values."+key, "the key has %d members for %d sets", len(parts), len(p.Over))
			continue
		}
		for k, part := range parts {
			if _, known := c.sets[p.Over[k]].place[part]; !known {
				c.wrong(at+".values."+key, "%q is not a member of %s", part, p.Over[k])
			}
		}
	}
}

func (c *checker) finite(at string, v *float64) {
	if v != nil && (math.IsNaN(*v) || math.Abs(*v) > 1e15) {
		c.wrong(at, "%v is not a number up to 1e15", *v)
	}
}

func (c *checker) variable(at string, v *Variable) {
	if !c.fresh(at+".name", v.Name) {
		return
	}
	c.variables[v.Name] = v
	c.over(at, v.Over)
	c.finite(at+".lower", v.Lower)
	c.finite(at+".upper", v.Upper)
	switch v.Type {
	case "", "continuous", "integer":
	case "binary":
		if v.Lower != nil || v.Upper != nil || v.Free {
			c.wrong(at, "a binary variable has no other bounds")
		}
	default:
		c.wrong(at+".type", "%q is not continuous, integer or binary", v.Type)
	}
	if v.Free && v.Lower != nil {
		c.wrong(at+".free", "a free variable has no lower bound")
	}
	if v.Upper != nil && !v.Free {
		lower := 0.0
		if v.Lower != nil {
			lower = *v.Lower
		}
		if lower > *v.Upper {
			c.wrong(at+".upper", "the upper bound %v is below the lower bound %v", *v.Upper, lower)
		}
	}
}

func (c *checker) constraints(all []Constraint) {
	seen := map[string]bool{}
	for k, one := range all {
		at := fmt.Sprintf("constraints[%d]", k)
		if one.ID == "" || seen[one.ID] {
			c.wrong(at+".id", "a constraint needs an id of its own, not %q", one.ID)
		}
		seen[one.ID] = true
		if one.Rule == "" {
			c.wrong(at+".rule", "a constraint belongs to a business rule, e.g. \"budget\"")
		}
		switch one.Severity {
		case "", "hard":
			if one.Penalty != 0 {
				c.wrong(at+".penalty", "a hard constraint has no penalty")
			}
		case "soft":
			if !(one.Penalty > 0) || one.Penalty > 1e12 {
				c.wrong(at+".penalty", "a soft constraint has a penalty above 0, at most 1e12")
			}
		default:
			c.wrong(at+".severity", "%q is neither hard nor soft", one.Severity)
		}
		bound := c.ranges(at+".forAll", one.ForAll, nil)
		left := c.expr(at+".must", one.Must.Left, bound, 0)
		right := c.expr(at+".must", one.Must.Right, bound, 0)
		if s := one.Must.Sense; s != "<=" && s != "=" && s != ">=" {
			c.wrong(at+".must", "the sense %q is not <=, = or >=", s)
		}
		if left == 0 && right == 0 {
			c.wrong(at+".must", "no variable is in it, so no plan can change whether it holds")
		}
	}
}

func (c *checker) objective(o Objective) {
	if o.Sense != "minimize" && o.Sense != "maximize" {
		c.wrong("objective.sense", "%q is neither minimize nor maximize", o.Sense)
	}
	if len(o.Terms) == 0 {
		c.wrong("objective.terms", "an objective has at least one term")
	}
	for k, term := range o.Terms {
		at := fmt.Sprintf("objective.terms[%d]", k)
		if term.ID == "" {
			c.wrong(at+".id", "a term needs an id")
		}
		c.finite(at+".weight", term.Weight)
		c.expr(at+".expression", term.Expression, nil, 0)
	}
}

// ranges checks ranges and gives the indices they bind, those outside included.
func (c *checker) ranges(at string, ranges Ranges, outside map[string]string) map[string]string {
	bound := map[string]string{}
	for name, set := range outside {
		bound[name] = set
	}
	for _, r := range ranges {
		if _, known := c.sets[r.Set]; !known {
			c.wrong(at, "there is no set %s", r.Set)
		}
		if _, twice := bound[r.Index]; twice {
			c.wrong(at, "the index %s is bound twice", r.Index)
		}
		bound[r.Index] = r.Set
	}
	return bound
}

// expr checks an expression and gives its degree: 0 without variables, 1 with.
func (c *checker) expr(at string, e Expr, bound map[string]string, depth int) int {
	if depth > maxDepth {
		c.wrong(at, "the expression is nested deeper than %d", maxDepth)
		return 0
	}
	arity, known := map[Op]int{Number: 0, Reference: 0, Sum: 1, Add: 2, Subtract: 2, Multiply: 2, Divide: 2, Negate: 1}[e.Op]
	if !known || len(e.Args) != arity {
		c.wrong(at, "%q with %d arguments is not an expression", e.Op, len(e.Args))
		return 0
	}
	switch e.Op {
	case Number:
		c.finite(at, &e.Value)
		return 0
	case Reference:
		return c.reference(at, e, bound)
	case Sum:
		if len(e.Over) == 0 {
			c.wrong(at, "a sum needs something to run over")
		}
		bound = c.ranges(at, e.Over, bound)
	}
	degree, last := 0, 0
	for _, arg := range e.Args {
		last = c.expr(at, arg, bound, depth+1)
		if e.Op == Multiply && degree+last > 1 {
			c.wrong(at, "%s multiplies variables; only linear problems can be solved", e)
		}
		degree = max(degree, last)
	}
	if e.Op == Divide && last > 0 {
		c.wrong(at, "%s divides by a variable; only linear problems can be solved", e)
	}
	return degree
}

func (c *checker) reference(at string, e Expr, bound map[string]string) int {
	var over []string
	degree := 0
	if p, known := c.parameters[e.Name]; known {
		over = p.Over
	} else if v, known := c.variables[e.Name]; known {
		over, degree = v.Over, 1
	} else {
		c.wrong(at, "there is no parameter or variable %s", e.Name)
		return 0
	}
	if len(e.At) != len(over) {
		c.wrong(at, "%s is over %d sets and has %d indices here", e.Name, len(over), len(e.At))
		return degree
	}
	for k, x := range e.At {
		set := c.sets[over[k]]
		switch {
		case set == nil: // reported where the name is declared
		case x.Member:
			if _, known := set.place[x.Name]; !known {
				c.wrong(at, "%q is not a member of %s", x.Name, over[k])
			}
		case bound[x.Name] == "":
			c.wrong(at, "the index %s of %s is bound by no sum and no forAll", x.Name, e.Name)
		case bound[x.Name] != over[k]:
			c.wrong(at, "the index %s runs over %s and %s wants %s", x.Name, bound[x.Name], e.Name, over[k])
		}
	}
	return degree
}
