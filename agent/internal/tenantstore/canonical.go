package tenantstore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/dyocense/dyocense/shared/docstore"
)

// canonical is v in JSON, in the one form that every store gives back byte for
// byte and over which hashes can therefore be taken: what Go's encoder makes of
// it, with numbers and texts that the value brought along (RawMessage,
// Marshaler) written Go's way too. Fields keep their order.
func canonical(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, docstore.ErrInvalid.Saying("The value cannot be stored.").Because(err)
	}
	if plain(raw) {
		return raw, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	out, err := rewrite(make([]byte, 0, len(raw)), dec)
	if err != nil {
		return nil, fmt.Errorf("rewrite value: %w", err)
	}
	return out, nil
}

// plain says that raw has nothing that could be written in another way: no
// escape, and no number but short whole ones.
func plain(raw []byte) bool {
	if bytes.IndexByte(raw, '\\') >= 0 {
		return false
	}
	inText, digits := false, 0
	for i, c := range raw {
		switch {
		case c == '"':
			inText = !inText
		case inText:
		case c == '.', c == 'E':
			return false
		case c == 'e' && i > 0 && '0' <= raw[i-1] && raw[i-1] <= '9': // not of "true"
			return false
		case c == '-' && i+1 < len(raw) && raw[i+1] == '0':
			return false
		case '0' <= c && c <= '9':
			if digits++; digits > 18 {
				return false
			}
			continue
		}
		digits = 0
	}
	return true
}

func rewrite(out []byte, dec *json.Decoder) ([]byte, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := t.(type) {
	case json.Delim:
		return rewriteInside(append(out, byte(v)), dec, v == '{')
	case json.Number:
		return appendNumber(out, v.String())
	default:
		text, err := json.Marshal(v)
		return append(out, text...), err
	}
}

// rewriteInside goes on behind the opening of an object or an array.
func rewriteInside(out []byte, dec *json.Decoder, object bool) ([]byte, error) {
	var err error
	for n := 0; dec.More(); n++ {
		if n > 0 {
			out = append(out, ',')
		}
		if object {
			if out, err = rewrite(out, dec); err != nil {
				return nil, err
			}
			out = append(out, ':')
		}
		if out, err = rewrite(out, dec); err != nil {
			return nil, err
		}
	}
	closing, err := dec.Token()
	if err != nil {
		return nil, err
	}
	return append(out, byte(closing.(json.Delim))), nil // More said that it closes here
}

func appendNumber(out []byte, token string) ([]byte, error) {
	if !strings.ContainsAny(token, ".eE") && token != "-0" {
		if n, err := strconv.ParseInt(token, 10, 64); err == nil {
			return strconv.AppendInt(out, n, 10), nil
		}
	}
	f, err := strconv.ParseFloat(token, 64)
	if err != nil {
		return nil, docstore.ErrInvalid.Saying("The number %.40s is outside the range of a 64-bit float.", token)
	}
	text, err := json.Marshal(f)
	return append(out, text...), err
}
