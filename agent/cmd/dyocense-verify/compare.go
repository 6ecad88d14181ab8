package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// compare reads both files and says how they differ.
func compare(ctx context.Context, source, target string, until int64, now time.Time) (r *report, err error) {
	r = &report{Format: 1, MadeAt: now, Until: until}
	a, err := openSide(ctx, "source", source)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	b, err := openSide(ctx, "target", target)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	c := &comparison{a: a, b: b, until: until, report: r, problems: &r.problems}
	c.reading(ctx, "", a, a.sound)
	c.reading(ctx, "", b, b.sound)
	c.reading(ctx, journalTable, a, a.follow)
	c.reading(ctx, journalTable, b, b.follow)
	r.Source, r.Target = a.head(), b.head()
	c.ends()
	for _, table := range c.tables() {
		c.table(ctx, table)
	}
	c.reading(ctx, checkpointTable, a, a.checkpoint)
	c.reading(ctx, checkpointTable, b, b.checkpoint)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.conclude()
	return r, nil
}

// comparison is a compare under way.
type comparison struct {
	a, b     *side
	until    int64 // slot up to which both must agree
	report   *report
	problems *problems
}

// reading does one step on one side; a step that cannot read on is a problem like
// another.
func (c *comparison) reading(ctx context.Context, table string, s *side, step func(context.Context, *problems) error) {
	if err := step(ctx, c.problems); err != nil {
		c.unreadable(table, s, err)
	}
}

func (c *comparison) unreadable(table string, s *side, err error) {
	c.problems.add(problem{Side: s.name, Table: table, What: "cannot be read on: " + err.Error()})
}

func (s *side) head() head {
	return head{Path: s.path, Slots: s.end, Generation: s.next, Chain: s.chain}
}

// ends settles up to where both must agree.
func (c *comparison) ends() {
	switch {
	case c.until > 0:
		for _, s := range []*side{c.a, c.b} {
			if s.end < c.until {
				c.problems.add(problem{Side: s.name, Table: journalTable, What: fmt.Sprintf("ends at slot %d; it must reach slot %d", s.end, c.until)})
			}
		}
		c.until = min(c.until, c.a.end, c.b.end)
	case c.a.end != c.b.end:
		c.problems.add(problem{Side: "target", Table: journalTable, What: fmt.Sprintf("ends at slot %d, the source at slot %d; say with --until up to where they must agree", c.b.end, c.a.end)})
		fallthrough
	default:
		c.until = min(c.a.end, c.b.end)
	}
	c.report.Agreed = c.until
	if c.until > 0 && c.a.chains[c.until] != c.b.chains[c.until] {
		c.problems.add(problem{
			Side: "both", Table: journalTable, Row: strconv.FormatInt(c.until, 10), What: "the chains differ at this slot",
			Source: c.a.chains[c.until], Found: c.b.chains[c.until],
		})
	}
}

// tables are all that either side has, or its journal writes to.
func (c *comparison) tables() []string {
	var all []string
	for _, s := range []*side{c.a, c.b} {
		all = append(all, s.tables...)
		for k := range s.want {
			all = append(all, k.table)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(t string) bool { return t == checkpointTable })
}

// table compares one table: each side with its journal, then both.
func (c *comparison) table(ctx context.Context, table string) {
	t := tableReport{Name: table}
	switch table {
	case journalTable:
	case blobsTable:
		c.blobs(ctx)
	default:
		for _, s := range []*side{c.a, c.b} {
			if err := s.check(ctx, table, c.problems); err != nil {
				c.unreadable(table, s, err)
			}
			s.missing(table, c.problems)
		}
	}
	if err := c.across(ctx, &t); err != nil {
		c.problems.add(problem{Side: "both", Table: table, What: "cannot be compared to its end: " + err.Error()})
	}
	c.report.Tables = append(c.report.Tables, t)
}

// blobs looks at the contents of both sides, and for those that are referred to
// and lie on one side only.
func (c *comparison) blobs(ctx context.Context) {
	var here [2]map[string]bool
	for i, s := range []*side{c.a, c.b} {
		var err error
		if here[i], err = s.blobs(ctx, c.problems); err != nil {
			c.unreadable(blobsTable, s, err)
		}
	}
	var all []string
	for hash, slot := range c.a.refers {
		if slot <= c.until {
			all = append(all, hash)
		}
	}
	slices.Sort(all)
	for _, hash := range all {
		for i, s := range []*side{c.a, c.b} {
			if !here[i][hash] && here[1-i][hash] {
				c.problems.add(problem{Side: s.name, Table: blobsTable, Row: hash, What: fmt.Sprintf("is missing; entry %d refers to it", c.a.refers[hash])})
			}
		}
	}
}

// across walks both sides of a table in the order of ids.
func (c *comparison) across(ctx context.Context, t *tableReport) (err error) {
	nextA, closeA, err := c.a.rows(ctx, t.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeA()) }()
	nextB, closeB, err := c.b.rows(ctx, t.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeB()) }()
	a, err := nextA()
	if err != nil {
		return err
	}
	b, err := nextB()
	if err != nil {
		return err
	}
	for a != nil || b != nil {
		order := 0
		switch {
		case a == nil:
			order = 1
		case b == nil:
			order = -1
		default:
			order = cmp.Compare(a.id, b.id)
		}
		var left, right *row
		if order <= 0 {
			left = a
			t.Source++
			if a, err = nextA(); err != nil {
				return err
			}
		}
		if order >= 0 {
			right = b
			t.Target++
			if b, err = nextB(); err != nil {
				return err
			}
		}
		c.pair(t, left, right)
	}
	return nil
}

// pair compares a row of the source with that of the target; one may be nil. What
// was named already, or was written later, is passed over.
func (c *comparison) pair(t *tableReport, a, b *row) {
	switch {
	case a != nil && c.later(t.Name, a) || b != nil && c.later(t.Name, b):
		t.Later++
		return
	case a != nil && b != nil && a.rev == b.rev && bytes.Equal(a.body, b.body):
		t.Same++
		return
	}
	one := cmp.Or(a, b)
	k := key{t.Name, one.id}
	if c.a.bad[k] || c.b.bad[k] {
		return
	}
	add := func(side, what string) { c.problems.add(problem{Side: side, Table: t.Name, Row: one.id, What: what}) }
	if t.Name == blobsTable {
		// A content that only one side has was found by blobs if anything refers to it,
		// and one that differs does not fit its hash.
		if a == nil || b == nil {
			t.Later++
		}
		return
	}
	switch {
	case b == nil:
		add("target", "is missing; the source has it")
	case a == nil:
		add("target", "is not in the source")
	case a.rev != b.rev:
		add("both", fmt.Sprintf("the source has the version of slot %d, the target that of slot %d", a.rev, b.rev))
	default:
		for _, f := range fields(a.body, b.body) {
			c.problems.add(problem{Side: "both", Table: t.Name, Row: one.id, Field: f.path, What: "differs", Source: f.a, Found: f.b})
		}
	}
}

// later says that a row was written behind the slot up to which both must agree.
func (c *comparison) later(table string, r *row) bool {
	slot := r.rev
	switch table {
	case blobsTable:
		return false
	case journalTable:
		_, digits, _ := strings.Cut(r.id, "/")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return false
		}
		slot = n
	}
	return slot > c.until
}

func short(b []byte) string {
	text := strconv.Quote(string(b[:min(len(b), 60)]))
	text = text[1 : len(text)-1]
	if len(b) > 60 {
		text += "..."
	}
	return text
}
