package mongostore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"

	"github.com/dyocense/dyocense/shared/docstore"
)

// decode reads a stored document back, byte for byte what Go's JSON encoder made
// of it.
func (s *Store) decode(raw bson.Raw) (docstore.Document, error) {
	var d docstore.Document
	id, ok := raw.Lookup(fieldID).StringValueOK()
	if !ok {
		return d, fmt.Errorf("a document of %s has no text as _id", s.db.Name())
	}
	id, err := s.given(id)
	if err != nil {
		return d, err
	}
	d.ID = id
	if d.Rev, ok = raw.Lookup(fieldRev).AsInt64OK(); !ok {
		return d, fmt.Errorf("document %q has no revision", id)
	}
	if text, ok := raw.Lookup(fieldText).StringValueOK(); ok {
		d.Body = json.RawMessage(text)
		return d, nil
	}
	body := raw.Lookup(fieldBody)
	d.Body, err = appendJSON(make([]byte, 0, len(body.Value)+len(body.Value)/4), bsoncore.Value{Type: body.Type, Data: body.Value})
	if err != nil {
		return d, fmt.Errorf("decode body of %q: %w", id, err)
	}
	return d, nil
}

// appendJSON appends v as Go's JSON encoder would.
func appendJSON(out []byte, v bsoncore.Value) ([]byte, error) {
	switch v.Type {
	case bson.TypeNull:
		return append(out, "null"...), nil
	case bson.TypeBoolean:
		return strconv.AppendBool(out, v.Boolean()), nil
	case bson.TypeInt32:
		return strconv.AppendInt(out, int64(v.Int32()), 10), nil
	case bson.TypeInt64:
		return strconv.AppendInt(out, v.Int64(), 10), nil
	case bson.TypeDouble:
		number, err := json.Marshal(v.Double())
		return append(out, number...), err
	case bson.TypeString:
		return appendText(out, v.StringValue())
	case bson.TypeArray:
		return appendElements(out, bsoncore.Document(v.Data), '[', ']')
	case bson.TypeEmbeddedDocument:
		return appendElements(out, bsoncore.Document(v.Data), '{', '}')
	default:
		return nil, fmt.Errorf("a value of type %s was not written by this store", v.Type)
	}
}

func appendElements(out []byte, doc bsoncore.Document, opening, closing byte) ([]byte, error) {
	elements, err := doc.Elements()
	if err != nil {
		return nil, err
	}
	out = append(out, opening)
	for i, e := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		if opening == '{' {
			if out, err = appendText(out, unescapeKey(e.Key())); err != nil {
				return nil, err
			}
			out = append(out, ':')
		}
		if out, err = appendJSON(out, e.Value()); err != nil {
			return nil, err
		}
	}
	return append(out, closing), nil
}

// appendText takes the short way for text that needs no escape.
func appendText(out []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			return append(out, quoted...), err
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"'), nil
}

func unescapeKey(key string) string {
	if strings.IndexByte(key, '~') < 0 {
		return key
	}
	return unescapes.Replace(key)
}
