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

// form is what a request asks for: "line_items[0][price]" and the like.
type form map[string][]string

// place is the number of a list element, or the empty brackets that some clients
// send instead.
var place = regexp.MustCompile(`\[\d*\]`)

// readForm reads the query, and the body of a POST, and refuses every parameter
// that is not among the allowed. In those, "[]" stands for any place in a list and
// "[*]" at the end for any key.
func readForm(r *http.Request, allowed []string) (form, error) {
	raw := r.URL.RawQuery
	if r.Method != http.MethodGet {
		body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax+1))
		if err != nil {
			return nil, invalid("", "", "The request could not be read.")
		}
		if len(body) > bodyMax {
			return nil, invalid("", "", "The request is too large.")
		}
		if raw != "" {
			return nil, invalid("", "", "A %s takes its parameters in the body.", r.Method)
		}
		raw = string(body)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, invalid("", "", "The parameters are not form-encoded.")
	}
	for key, v := range values {
		if !slices.ContainsFunc(allowed, func(a string) bool { return matches(a, key) }) {
			return nil, unknownParameter(key)
		}
		if len(v) > 1 && !strings.HasSuffix(key, "[]") {
			return nil, invalid("", key, "The parameter %s was given twice.", key)
		}
	}
	return form(values), nil
}

func matches(allowed, key string) bool {
	if prefix, ok := strings.CutSuffix(allowed, "[*]"); ok {
		inner, ok := strings.CutPrefix(key, prefix+"[")
		return ok && len(inner) > 1 && strings.HasSuffix(inner, "]") && !strings.ContainsAny(inner[:len(inner)-1], "[]")
	}
	return place.ReplaceAllString(key, "[]") == allowed
}

// text is one value, "" when absent.
func (f form) text(key string) string {
	if v := f[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// need is one value that must be there.
func (f form) need(key string) (string, error) {
	if v := f.text(key); v != "" {
		return v, nil
	}
	return "", missingParameter(key)
}

// number is an integer, or fallback when absent.
func (f form) number(key string, fallback int64) (int64, error) {
	v := f.text(key)
	if v == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, invalid("parameter_invalid_integer", key, "Invalid integer: %s", v)
	}
	return n, nil
}

// list holds the values of "key[0]", "key[1]" ... and of "key[]".
func (f form) list(key string) []string {
	values := slices.Clone(f[key+"[]"])
	for i := 0; ; i++ {
		v, ok := f[key+"["+strconv.Itoa(i)+"]"]
		if !ok {
			return values
		}
		values = append(values, v...)
	}
}

// The limits of metadata.
const (
	metadataKeysMax  = 50
	metadataKeyMax   = 40
	metadataValueMax = 500
)

// metadata reads "prefix[key]".
func (f form) metadata(prefix string) (map[string]string, error) {
	m := map[string]string{}
	for k, v := range f {
		if !matches(prefix+"[*]", k) {
			continue
		}
		key := k[len(prefix)+1 : len(k)-1]
		if len(key) > metadataKeyMax || len(v[0]) > metadataValueMax || len(m) >= metadataKeysMax {
			return nil, invalid("", k, "Metadata has at most %d keys of %d characters with values of %d.", metadataKeysMax, metadataKeyMax, metadataValueMax)
		}
		m[key] = v[0]
	}
	return m, nil
}
