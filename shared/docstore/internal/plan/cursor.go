package plan

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/dyocense/dyocense/shared/docstore"
)

// cursor is the place of the last document of a page.
type cursor struct {
	Index  string `json:"i"`
	Desc   bool   `json:"d,omitempty"`
	Values []any  `json:"v,omitempty"` // of the fields that Query.Equal leaves free
	ID     string `json:"k"`
}

// maxCursor leaves room for six indexed values far longer than sensible ones.
const maxCursor = 1 << 20

// Free are the index fields whose values NextAfter wants.
func (p Plan) Free() []string { return p.Index.Fields[p.equal:] }

// NextAfter is Page.Next for a page that ends with id, whose free fields have
// these values (int64, string or bool).
func (p Plan) NextAfter(id string, values []any) (string, error) {
	raw, err := json.Marshal(cursor{Index: p.Index.Name, Desc: p.Desc, Values: values, ID: id})
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

func (p Plan) readCursor(s string) (cursor, error) {
	foreign := docstore.ErrInvalid.Saying("The page mark does not belong to this query; start at the first page.")
	var c cursor
	if len(s) > maxCursor {
		return c, foreign
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return c, foreign.Because(err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&c); err != nil {
		return c, foreign.Because(err)
	}
	if c.Index != p.Index.Name || c.Desc != p.Desc || len(c.Values) != len(p.Free()) || docstore.CheckID(c.ID) != nil {
		return c, foreign
	}
	for i, v := range c.Values {
		if n, ok := v.(json.Number); ok {
			if c.Values[i], err = n.Int64(); err != nil {
				return c, foreign.Because(err)
			}
			continue
		}
		if c.Values[i], err = normal(v); err != nil {
			return c, foreign
		}
	}
	return c, nil
}
