package mongostore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"

	"github.com/dyocense/dyocense/shared/docstore"
)

// maxDocument leaves room below MongoDB's 16 MiB for what the wire adds.
const maxDocument = 15 << 20

// The fields of a stored document.
const (
	fieldID     = "_id"
	fieldPrefix = "p"
	fieldRev    = "r"
	fieldBody   = "b"
	// fieldText holds the body as JSON text when its BSON would be too large:
	// arrays of small numbers grow sevenfold. The body then lacks its arrays,
	// which no index looks into.
	fieldText = "j"
)

// encode is d as it is stored. The body must have passed docstore.CheckBody.
func (s *Store) encode(d docstore.Document) (bson.Raw, error) {
	raw, err := s.document(d, "", true)
	if err == nil && len(raw) > maxDocument {
		raw, err = s.document(d, string(d.Body), false)
	}
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDocument {
		return nil, docstore.ErrInvalid.Saying("The document has %d bytes in MongoDB's encoding; at most %d are allowed.", len(raw), maxDocument)
	}
	return raw, nil
}

func (s *Store) document(d docstore.Document, text string, arrays bool) (bson.Raw, error) {
	at, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(d.Body)+len(d.Body)/2+128))
	out = bsoncore.AppendStringElement(out, fieldID, s.stored(d.ID))
	out = bsoncore.AppendStringElement(out, fieldPrefix, s.prefix)
	out = bsoncore.AppendInt64Element(out, fieldRev, d.Rev)
	dec := json.NewDecoder(bytes.NewReader(d.Body))
	dec.UseNumber()
	e := encoder{dec: dec, out: out, arrays: arrays}
	if err := e.value(fieldBody); err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF { //nolint:errorlint // Token returns io.EOF itself
		return nil, docstore.ErrInvalid.Saying("The document has something behind its end.")
	}
	if text != "" {
		e.out = bsoncore.AppendStringElement(e.out, fieldText, text)
	}
	return bsoncore.AppendDocumentEnd(e.out, at)
}

// encoder appends BSON for the JSON it reads, field by field in order.
type encoder struct {
	dec    *json.Decoder
	out    []byte
	arrays bool // false leaves arrays out
}

// value appends the next value under name.
func (e *encoder) value(name string) error {
	t, err := e.dec.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case nil:
		e.out = bsoncore.AppendNullElement(e.out, name)
	case bool:
		e.out = bsoncore.AppendBooleanElement(e.out, name, v)
	case string:
		e.out = bsoncore.AppendStringElement(e.out, name, v)
	case json.Number:
		return e.number(name, v.String())
	case json.Delim:
		if v == '{' {
			return e.object(name)
		}
		return e.array(name)
	}
	return nil
}

// number keeps whole numbers whole. "-0" is a float: no integer is negative zero.
func (e *encoder) number(name, token string) error {
	if !strings.ContainsAny(token, ".eE") && token != "-0" {
		if n, err := strconv.ParseInt(token, 10, 64); err == nil {
			e.out = bsoncore.AppendInt64Element(e.out, name, n)
			return nil
		}
	}
	f, err := strconv.ParseFloat(token, 64)
	if err != nil {
		return err
	}
	e.out = bsoncore.AppendDoubleElement(e.out, name, f)
	return nil
}

func (e *encoder) object(name string) error {
	e.out = bsoncore.AppendHeader(e.out, bson.TypeEmbeddedDocument, name)
	at, out := bsoncore.AppendDocumentStart(e.out)
	e.out = out
	for e.dec.More() {
		key, err := e.dec.Token()
		if err != nil {
			return err
		}
		if err := e.value(escapeKey(key.(string))); err != nil { // Token alternates keys and values
			return err
		}
	}
	return e.end(at)
}

func (e *encoder) array(name string) error {
	start := len(e.out)
	e.out = bsoncore.AppendHeader(e.out, bson.TypeArray, name)
	at, out := bsoncore.AppendArrayStart(e.out)
	e.out = out
	for i := 0; e.dec.More(); i++ {
		if err := e.value(strconv.Itoa(i)); err != nil {
			return err
		}
	}
	if err := e.end(at); err != nil {
		return err
	}
	if !e.arrays {
		e.out = e.out[:start]
	}
	return nil
}

// end closes the object or array that began at.
func (e *encoder) end(at int32) error {
	if _, err := e.dec.Token(); err != nil {
		return err
	}
	out, err := bsoncore.AppendDocumentEnd(e.out, at)
	e.out = out
	return err
}

// JSON allows keys that MongoDB does not: with a dot, a leading dollar, or NUL.
// They are kept under other names, reversibly.
var (
	escapes   = strings.NewReplacer("~", "~0", ".", "~1", "\x00", "~2")
	unescapes = strings.NewReplacer("~0", "~", "~1", ".", "~2", "\x00", "~3", "$")
)

func escapeKey(key string) string {
	if !strings.ContainsAny(key, "~.$\x00") {
		return key
	}
	key = escapes.Replace(key)
	if strings.HasPrefix(key, "$") {
		key = "~3" + key[1:]
	}
	return key
}
