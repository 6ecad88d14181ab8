package tables

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dyocense/dyocense/shared/fault"
)

// FileProblem is something wrong, or worth knowing, about one place of a file.
type FileProblem struct {
	Line    int    `json:"line"`             // 1-based line of the file on which the row began; 0 is the file as a whole
	Column  string `json:"column,omitempty"` // name in the file's header
	Value   string `json:"value,omitempty"`  // shortened, control characters escaped
	Message string `json:"message"`          // what is wrong and what would be right
}

// maxShown is how many problems of a file are told one by one; all are counted.
const maxShown = 200

// problems collects what is wrong, in the order found.
type problems struct {
	shown []FileProblem
	count int
}

func (p *problems) add(line int, column, value, format string, args ...any) {
	p.count++
	if len(p.shown) < maxShown {
		p.shown = append(p.shown, FileProblem{Line: line, Column: column, Value: shorten(value), Message: fmt.Sprintf(format, args...)})
	}
}

// sorted is what is shown, by line; problems found later in the check may lie
// on earlier lines.
func (p *problems) sorted() []FileProblem {
	sort.SliceStable(p.shown, func(i, j int) bool { return p.shown[i].Line < p.shown[j].Line })
	if p.shown == nil {
		return []FileProblem{}
	}
	return p.shown
}

// remarks collects warnings of which one a column and subject is enough: it
// keeps the first place and counts the rest.
type remarks struct {
	order []string
	at    map[string]*remark
}

type remark struct {
	FileProblem
	count int
}

func (r *remarks) add(line int, column, value, format string, args ...any) {
	if r.at == nil {
		r.at = map[string]*remark{}
	}
	message := fmt.Sprintf(format, args...)
	key := column + "\x00" + message
	if known, ok := r.at[key]; ok {
		known.count++
		return
	}
	r.order = append(r.order, key)
	r.at[key] = &remark{FileProblem{line, column, shorten(value), message}, 1}
}

func (r *remarks) list() []FileProblem {
	list := make([]FileProblem, 0, len(r.order))
	for _, key := range r.order {
		if len(list) == maxShown {
			break
		}
		m := r.at[key]
		if m.count > 1 {
			m.Message += fmt.Sprintf(" (%s rows in all; this is the first)", grouped(m.count))
			m.count = 1
		}
		list = append(list, m.FileProblem)
	}
	return list
}

// shorten makes a cell fit to be shown: at most 60 characters, nothing that
// moves a cursor or hides text.
func shorten(s string) string {
	const most = 60
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			b.WriteString("…")
			break
		}
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteRune(r)
		}
		n++
	}
	return b.String()
}

// grouped writes n with thousands separators.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// details are the problems in the form of a fault.
func details(file string, list []FileProblem) []fault.Detail {
	out := make([]fault.Detail, 0, len(list))
	for _, p := range list {
		where := file
		if p.Line > 0 {
			where += " line " + strconv.Itoa(p.Line)
		}
		if p.Column != "" {
			where += ", column " + p.Column
		}
		message := p.Message
		if p.Value != "" {
			message = "“" + p.Value + "”: " + message
		}
		out = append(out, fault.Detail{Location: where, Message: message, Line: p.Line, Column: p.Column})
	}
	return out
}
