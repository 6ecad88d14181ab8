package docstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	collectionName = regexp.MustCompile(`^[a-z][a-z_]{0,47}$`)
	indexName      = regexp.MustCompile(`^[a-z_]{1,48}$`)
	fieldPath      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,7}$`)
)

// Check fails with ErrDeclaration when c cannot be declared.
func (c Collection) Check() error {
	if !collectionName.MatchString(c.Name) {
		return ErrDeclaration.Saying("The collection name %q is not of the form [a-z][a-z_]*.", c.Name)
	}
	seen := map[string]bool{}
	for _, ix := range c.Indexes {
		if !indexName.MatchString(ix.Name) || seen[ix.Name] {
			return ErrDeclaration.Saying("The index name %q of %s is repeated or not of the form [a-z_]+.", ix.Name, c.Name)
		}
		seen[ix.Name] = true
		if len(ix.Fields) == 0 || len(ix.Fields) > 6 {
			return ErrDeclaration.Saying("The index %s of %s needs one to six fields.", ix.Name, c.Name)
		}
		for _, f := range ix.Fields {
			if !fieldPath.MatchString(f) {
				return ErrDeclaration.Saying("The field %q of index %s of %s is not a dotted path.", f, ix.Name, c.Name)
			}
		}
	}
	return nil
}

// CheckID fails with ErrInvalid when no document can have this id.
func CheckID(id string) error {
	switch {
	case id == "":
		return ErrInvalid.Saying("A document needs an id.")
	case len(id) > MaxID:
		return ErrInvalid.Saying("The id has %d bytes; at most %d are allowed.", len(id), MaxID)
	case !utf8.ValidString(id) || strings.IndexByte(id, 0) >= 0:
		return ErrInvalid.Saying("The id is not plain UTF-8 text.")
	}
	return nil
}

// CheckBody fails with ErrInvalid when body cannot be stored, and exactly so, by
// every store: one JSON object of valid UTF-8, at most MaxBody bytes and MaxDepth
// levels, whose whole numbers fit 64 bits or are what Go prints of a float64.
func CheckBody(body json.RawMessage) error { return CheckNested(body, 0) }

// CheckNested is CheckBody for an object that will lie in a body, so many levels
// below its top.
func CheckNested(body json.RawMessage, levels int) error {
	if len(body) > MaxBody {
		return ErrInvalid.Saying("The document has %d bytes; at most %d are allowed.", len(body), MaxBody)
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return ErrInvalid.Saying("The document is not a JSON object.")
	}
	if !json.Valid(body) || !utf8.Valid(body) {
		return ErrInvalid.Saying("The document is not valid JSON in UTF-8.")
	}
	return checkTokens(body, levels)
}

// checkTokens walks valid JSON, which lies depth levels deep already, for what the
// grammar does not limit.
func checkTokens(body []byte, depth int) error {
	for i := 0; i < len(body); {
		switch c := body[i]; {
		case c == '"':
			i = endOfString(body, i)
			continue
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return ErrInvalid.Saying("The document is nested deeper than %d levels.", MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			end := i + 1
			for end < len(body) && strings.IndexByte("0123456789+-.eE", body[end]) >= 0 {
				end++
			}
			// Up to 18 digits without an exponent always fit; the rest is rare
			// enough to parse.
			if end-i > 18 || bytes.ContainsAny(body[i:end], "eE") {
				if err := checkNumber(string(body[i:end])); err != nil {
					return err
				}
			}
			i = end
			continue
		}
		i++
	}
	return nil
}

// endOfString is the position after the string that opens at i.
func endOfString(body []byte, i int) int {
	for i++; body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// checkNumber refuses what would lose digits on its way through a store that
// knows 64-bit integers and doubles only.
func checkNumber(token string) error {
	f, err := strconv.ParseFloat(token, 64)
	if err != nil {
		return ErrInvalid.Saying("The number %.40s is outside the range of a 64-bit float.", token)
	}
	if strings.ContainsAny(token, ".eE") {
		return nil
	}
	if _, err := strconv.ParseInt(token, 10, 64); err == nil {
		return nil
	}
	if printed, err := json.Marshal(f); err != nil || string(printed) != token {
		return ErrInvalid.Saying("The whole number %.40s does not fit 64 bits; send it as text.", token)
	}
	return nil
}

// CheckBatch fails with ErrInvalid when no store takes these steps. Stores check
// before the first step, so it is no *BatchError: nothing of it has happened.
func CheckBatch(ops []Op) error {
	if len(ops) > MaxBatch {
		return ErrInvalid.Saying("The batch has %d steps; at most %d are allowed.", len(ops), MaxBatch)
	}
	bytes := 0
	for i, op := range ops {
		bytes += len(op.Doc.Body)
		if err := op.check(); err != nil {
			return fmt.Errorf("step %d of batch: %w", i, err)
		}
	}
	if bytes > MaxBytes {
		return ErrInvalid.Saying("The batch has %d bytes; at most %d are allowed.", bytes, MaxBytes)
	}
	return nil
}

func (op Op) check() error {
	switch op.Kind {
	case OpInsert, OpPut:
		if op.Doc.Rev < 1 {
			return ErrInvalid.Saying("The revision %d is below 1.", op.Doc.Rev)
		}
		if err := CheckBody(op.Doc.Body); err != nil {
			return err
		}
	case OpRemove:
	default:
		return ErrInvalid.Saying("The batch has a step of unknown kind %d.", op.Kind)
	}
	return CheckID(op.Doc.ID)
}
