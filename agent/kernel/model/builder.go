package model

// Builder makes a Model column by column and row by row. The zero value is
// ready. It is for one goroutine.
type Builder struct{ m Model }

// Col adds a variable and returns its index.
func (b *Builder) Col(name string, lower, upper, cost float64, integer bool) int32 {
	b.m.ColName = append(b.m.ColName, name)
	b.m.ColLower = append(b.m.ColLower, lower)
	b.m.ColUpper = append(b.m.ColUpper, upper)
	b.m.Cost = append(b.m.Cost, cost)
	b.m.Integer = append(b.m.Integer, integer)
	return int32(len(b.m.Cost) - 1)
}

// Term is one entry of a row.
type Term struct {
	Col  int32
	Coef float64
}

// Row adds lower <= Σ terms <= upper under a business rule. Terms of the same
// column are added up; zeros are dropped.
func (b *Builder) Row(rule, name string, lower, upper float64, terms ...Term) int32 {
	if len(b.m.Start) == 0 {
		b.m.Start = append(b.m.Start, 0)
	}
	seen := make(map[int32]int, len(terms))
	for _, t := range terms {
		if t.Coef == 0 {
			continue
		}
		if k, twice := seen[t.Col]; twice {
			b.m.Value[k] += t.Coef
			continue
		}
		seen[t.Col] = len(b.m.Index)
		b.m.Index = append(b.m.Index, t.Col)
		b.m.Value = append(b.m.Value, t.Coef)
	}
	b.m.Start = append(b.m.Start, int32(len(b.m.Index)))
	b.m.RowRule = append(b.m.RowRule, rule)
	b.m.RowName = append(b.m.RowName, name)
	b.m.RowLower = append(b.m.RowLower, lower)
	b.m.RowUpper = append(b.m.RowUpper, upper)
	return int32(len(b.m.RowLower) - 1)
}

// AddConstant adds to the objective's constant.
func (b *Builder) AddConstant(c float64) { b.m.Constant += c }

// Build hands over the model; the builder must not be used again.
func (b *Builder) Build(name string) *Model {
	if len(b.m.Start) == 0 {
		b.m.Start = append(b.m.Start, 0)
	}
	b.m.Name = name
	return &b.m
}
