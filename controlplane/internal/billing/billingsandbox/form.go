package billingsandbox

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// bodyMax is the largest request that is read.
const bodyMax = 256 << 10

// form is what a request asks for: "line_items[0][price]" and the like. A part of
// it knows its place in the whole.
type form struct {
	values map[string][]string
	place  string // "" is the whole
}

// place is the number of a list element, or the empty brackets that some clients
// send instead.
var place = regexp.MustCompile(`\[\d*\]`)

// readForm reads the query, and the body of a POST, and refuses every parameter
// that is not among the allowed. In those, "[]" stands for any place in a list and
// "[*]" at the end for any key. What may be expanded is asked later.
func readForm(r *http.Request, allowed []string) (form, error) {
	raw := r.URL.RawQuery
	if r.Method != http.MethodGet {
		body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax+1))
		if err != nil {
			return form{}, invalid("", "", "The request could not be read.")
		}
		if len(body) > bodyMax {
			return form{}, invalid("", "", "The request is too large.")
		}
		if len(body) > 0 && raw != "" {
			return form{}, invalid("", "", "A %s takes its parameters in the body.", r.Method)
		}
		if len(body) > 0 {
			raw = string(body)
		}
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return form{}, invalid("", "", "The parameters are not form-encoded.")
	}
	for key, v := range values {
		if !slices.ContainsFunc(allowed, func(a string) bool { return matches(a, key) }) && !matches("expand[]", key) {
			return form{}, unknownParameter(key)
		}
		if len(v) > 1 && !strings.HasSuffix(key, "[]") {
			return form{}, invalid("", key, "The parameter %s was given twice.", key)
		}
	}
	return form{values: values}, nil
}

func matches(allowed, key string) bool {
	if prefix, ok := strings.CutSuffix(allowed, "[*]"); ok {
		before, inner, ok := cutLast(key)
		return ok && len(inner) > 0 && place.ReplaceAllString(before, "[]") == prefix || key == prefix
	}
	return place.ReplaceAllString(key, "[]") == allowed
}

// cutLast takes the last key in brackets off.
func cutLast(key string) (before, inner string, ok bool) {
	i := strings.LastIndexByte(key, '[')
	if i < 0 || !strings.HasSuffix(key, "]") {
		return "", "", false
	}
	return key[:i], key[i+1 : len(key)-1], !strings.ContainsAny(key[i+1:len(key)-1], "[]")
}

// key is the whole name of a parameter: "a[b]" in the place "x" is "x[a][b]".
func (f form) key(name string) string {
	if f.place == "" {
		return name
	}
	first, rest, nested := strings.Cut(name, "[")
	if nested {
		return f.place + "[" + first + "][" + rest
	}
	return f.place + "[" + first + "]"
}

// in is a part of the form.
func (f form) in(name string) form { return form{f.values, f.key(name)} }

// given says whether a parameter, or a part of it, is there.
func (f form) given(name string) bool {
	k := f.key(name)
	for key := range f.values {
		if key == k || strings.HasPrefix(key, k+"[") {
			return true
		}
	}
	return false
}

// elements are the parts of a list, in order.
func (f form) elements(name string) []form {
	k := f.key(name)
	var places []int
	bare := false
	for key := range f.values {
		rest, ok := strings.CutPrefix(key, k+"[")
		if !ok {
			continue
		}
		at, _, _ := strings.Cut(rest, "]")
		if at == "" {
			bare = true
			continue
		}
		if n, err := strconv.Atoi(at); err == nil && !slices.Contains(places, n) {
			places = append(places, n)
		}
	}
	slices.Sort(places)
	var out []form
	if bare {
		out = append(out, form{f.values, k + "[]"})
	}
	for _, n := range places {
		out = append(out, form{f.values, k + "[" + strconv.Itoa(n) + "]"})
	}
	return out
}

// text is one value, "" when absent.
func (f form) text(name string) string {
	if v := f.values[f.key(name)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// take changes a field when the parameter is there; "" empties it.
func (f form) take(name string, field *ref) {
	if v := f.values[f.key(name)]; len(v) > 0 {
		*field = ref(v[0])
	}
}

// need is one value that must be there.
func (f form) need(name string) (string, error) {
	if v := f.text(name); v != "" {
		return v, nil
	}
	return "", missingParameter(f.key(name))
}

// choice is one of the words, or the first when absent.
func (f form) choice(name string, words ...string) (string, error) {
	v := f.text(name)
	if v == "" {
		return words[0], nil
	}
	if !slices.Contains(words, v) {
		return "", invalid("", f.key(name), "Invalid %s: must be one of %s", f.key(name), strings.Join(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" }), ", "))
	}
	return v, nil
}

// number is an integer, or fallback when absent.
func (f form) number(name string, fallback int64) (int64, error) {
	v := f.text(name)
	if v == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, invalid("parameter_invalid_integer", f.key(name), "Invalid integer: %s", v)
	}
	return n, nil
}

// truth is true or false, or fallback when absent.
func (f form) truth(name string, fallback bool) (bool, error) {
	switch v := f.text(name); v {
	case "":
		return fallback, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, invalid("", f.key(name), "Invalid boolean: %s", v)
	}
}

// list holds the values of "key[0]", "key[1]" ... and of "key[]".
func (f form) list(name string) []string {
	var values []string
	for _, e := range f.elements(name) {
		values = append(values, f.values[e.place]...)
	}
	return values
}

// created reads "created", or "created[gte]", "created[gt]", "created[lt]" and
// "created[lte]".
func (f form) created() (inside func(int64) bool, err error) {
	const name = "created"
	inside = func(int64) bool { return true }
	for _, op := range []struct {
		key  string
		keep func(x, bound int64) bool
	}{
		{"", func(x, n int64) bool { return x == n }},
		{"gte", func(x, n int64) bool { return x >= n }},
		{"gt", func(x, n int64) bool { return x > n }},
		{"lt", func(x, n int64) bool { return x < n }},
		{"lte", func(x, n int64) bool { return x <= n }},
	} {
		from, key := f, name
		if op.key != "" {
			from, key = f.in(name), op.key
		}
		if from.text(key) == "" {
			continue
		}
		bound, err := from.number(key, 0)
		if err != nil {
			return nil, err
		}
		before := inside
		inside = func(x int64) bool { return before(x) && op.keep(x, bound) }
	}
	return inside, nil
}

// The limits of metadata.
const (
	metadataKeysMax  = 50
	metadataKeyMax   = 40
	metadataValueMax = 500
)

// metadata reads "prefix[key]".
func (f form) metadata() (map[string]string, error) {
	m := map[string]string{}
	prefix := f.key("metadata")
	for k, v := range f.values {
		before, key, ok := cutLast(k)
		if !ok || before != prefix || key == "" {
			continue
		}
		if len(key) > metadataKeyMax || len(v[0]) > metadataValueMax || len(m) >= metadataKeysMax {
			return nil, invalid("", k, "Metadata has at most %d keys of %d characters with values of %d.", metadataKeysMax, metadataKeyMax, metadataValueMax)
		}
		m[key] = v[0]
	}
	return m, nil
}

// merge changes metadata as Stripe does: "" takes a key away, and metadata= takes
// all.
func (f form) merge(old *map[string]string) error {
	with, err := f.metadata()
	if err != nil {
		return err
	}
	if v, ok := f.values[f.key("metadata")]; ok && v[0] == "" {
		*old = map[string]string{}
	}
	if *old == nil {
		*old = map[string]string{}
	}
	for key, value := range with {
		if value == "" {
			delete(*old, key)
			continue
		}
		(*old)[key] = value
	}
	return nil
}
