package ops

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseExpr reads an expression. The error names the place as a character position
// from 1.
//
//	expression = product { ("+" | "-") product }
//	product    = unary { ("*" | "/") unary }
//	unary      = "-" unary | atom
//	atom       = number | name [ "[" index { "," index } "]" ]
//	           | "sum" "(" ranges ":" expression ")" | "(" expression ")"
//	index      = name [ ("+" | "-") whole number ] | quoted member
//	ranges     = name "in" name { "," name "in" name }
func ParseExpr(text string) (Expr, error) {
	p := parser{text: text}
	p.advance()
	e := p.expression()
	p.expect(end, "")
	return e, p.failure()
}

// ParseRelation reads expression ("<=" | ">=" | "=" | "==") expression.
func ParseRelation(text string) (Relation, error) {
	p := parser{text: text}
	p.advance()
	r := Relation{Left: p.expression(), Sense: p.token}
	switch r.Sense {
	case "<=", ">=", "=":
		p.advance()
	case "==":
		r.Sense = "="
		p.advance()
	default:
		p.fail("<=, = or >= is wanted, not %s", p.seen())
	}
	r.Right = p.expression()
	p.expect(end, "")
	return r, p.failure()
}

type class int

const (
	end class = iota
	name
	number
	member
	sign
)

// parser reads one token ahead. After the first mistake everything it gives is
// meaningless and the mistake stays.
type parser struct {
	text  string
	at    int // of the rest
	begin int // of the token
	class class
	token string
	depth int
	err   error
}

func (p *parser) failure() error { return p.err }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		position := utf8.RuneCountInString(p.text[:min(p.begin, len(p.text))]) + 1
		p.err = fmt.Errorf("at character %d of %q: "+format, append([]any{position, short(p.text)}, args...)...)
	}
	p.class, p.token, p.at = end, "", len(p.text)
}

func short(s string) string {
	if len(s) <= 120 {
		return s
	}
	return strings.ToValidUTF8(s[:120], "") + "..."
}

func (p *parser) seen() string {
	if p.class == end {
		return "the end"
	}
	return strconv.Quote(p.token)
}

func (p *parser) expect(c class, token string) {
	if p.class != c || token != "" && p.token != token {
		want := map[class]string{end: "the end", name: "a name", number: "a number", member: "a member", sign: token}[c]
		p.fail("%s is wanted, not %s", want, p.seen())
		return
	}
	p.advance()
}

// advance reads the next token.
func (p *parser) advance() {
	if p.err != nil {
		return
	}
	if len(p.text) > maxText {
		p.fail("the text is longer than %d characters", maxText)
		return
	}
	p.at += len(p.text[p.at:]) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
	p.begin = p.at
	rest := p.text[p.at:]
	if rest == "" {
		p.class, p.token = end, ""
		return
	}
	first, _ := utf8.DecodeRuneInString(rest)
	switch {
	case first == '"':
		p.quoted(rest)
	case unicode.IsLetter(first) || first == '_':
		p.take(name, len(rest)-len(strings.TrimLeftFunc(rest, func(r rune) bool {
			return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_'
		})))
	case first >= '0' && first <= '9' || first == '.':
		p.take(number, numberLength(rest))
	case strings.HasPrefix(rest, "<=") || strings.HasPrefix(rest, ">=") || strings.HasPrefix(rest, "=="):
		p.take(sign, 2)
	case strings.ContainsRune("+-*/()[],:=", first):
		p.take(sign, 1)
	default:
		p.fail("%q has no meaning here", first)
	}
}

func (p *parser) take(c class, n int) {
	p.class, p.token = c, p.text[p.at:p.at+n]
	p.at += n
}

func (p *parser) quoted(rest string) {
	prefix, err := strconv.QuotedPrefix(rest)
	if err != nil {
		p.fail("the quotation mark is not closed")
		return
	}
	p.class, p.at = member, p.at+len(prefix)
	p.token, _ = strconv.Unquote(prefix)
}

// numberLength is how much of s is a decimal number with an optional exponent.
func numberLength(s string) int {
	digits := func(k int) int {
		for k < len(s) && s[k] >= '0' && s[k] <= '9' {
			k++
		}
		return k
	}
	k := digits(0)
	if k < len(s) && s[k] == '.' {
		k = digits(k + 1)
	}
	if k < len(s) && (s[k] == 'e' || s[k] == 'E') {
		exponent := k + 1
		if exponent < len(s) && (s[exponent] == '+' || s[exponent] == '-') {
			exponent++
		}
		if after := digits(exponent); after > exponent {
			k = after
		}
	}
	return k
}

func (p *parser) sign(tokens string) bool {
	return p.class == sign && strings.Contains(tokens, p.token)
}

func (p *parser) expression() Expr {
	left := p.product()
	for p.sign("+-") {
		op := Add
		if p.token == "-" {
			op = Subtract
		}
		p.advance()
		left = Expr{Op: op, Args: []Expr{left, p.product()}}
	}
	return left
}

func (p *parser) product() Expr {
	left := p.unary()
	for p.sign("*/") {
		op := Multiply
		if p.token == "/" {
			op = Divide
		}
		p.advance()
		left = Expr{Op: op, Args: []Expr{left, p.unary()}}
	}
	return left
}

func (p *parser) unary() Expr {
	if p.depth++; p.depth > maxDepth {
		p.fail("the expression is nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	if !p.sign("-") {
		return p.atom()
	}
	p.advance()
	if p.class == number { // a negative number is a number
		e := p.atom()
		e.Value = -e.Value
		return e
	}
	return Expr{Op: Negate, Args: []Expr{p.unary()}}
}

func (p *parser) atom() Expr {
	switch {
	case p.class == number:
		value, err := strconv.ParseFloat(p.token, 64)
		if err != nil {
			p.fail("%q is not a number", p.token)
		}
		p.advance()
		return Expr{Op: Number, Value: value}
	case p.class == name && p.token == "sum":
		p.advance()
		p.expect(sign, "(")
		e := Expr{Op: Sum, Over: p.ranges()}
		p.expect(sign, ":")
		e.Args = []Expr{p.expression()}
		p.expect(sign, ")")
		return e
	case p.class == name:
		e := Expr{Op: Reference, Name: p.token}
		p.advance()
		if p.sign("[") {
			p.advance()
			e.At = append(e.At, p.index())
			for p.sign(",") {
				p.advance()
				e.At = append(e.At, p.index())
			}
			p.expect(sign, "]")
		}
		return e
	case p.sign("("):
		p.advance()
		e := p.expression()
		p.expect(sign, ")")
		return e
	}
	p.fail("a number, a name, sum or a bracket is wanted, not %s", p.seen())
	return Expr{}
}

func (p *parser) index() Index {
	x := Index{Name: p.token, Member: p.class == member}
	if x.Member {
		p.advance()
		return x
	}
	p.expect(name, "")
	if p.sign("+-") {
		factor := 1
		if p.token == "-" {
			factor = -1
		}
		p.advance()
		places, err := strconv.Atoi(p.token)
		if p.class == number && (err != nil || places > maxMembers) {
			p.fail("an index moves by a whole number of places, not %s", p.token)
		}
		p.expect(number, "")
		x.Shift = factor * places
	}
	return x
}

func (p *parser) ranges() Ranges {
	var all Ranges
	for {
		r := Range{Index: p.token}
		p.expect(name, "")
		p.expect(name, "in")
		r.Set = p.token
		p.expect(name, "")
		all = append(all, r)
		if !p.sign(",") {
			return all
		}
		p.advance()
	}
}
