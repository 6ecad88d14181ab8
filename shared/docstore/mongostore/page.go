package mongostore

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/bson"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/internal/plan"
)

// builder fills a page until a document too many shows that there is more.
type builder struct {
	store *Store
	plan  plan.Plan
	page  docstore.Page
	last  []any // free index values of the last document
	bytes int
	full  bool
}

// take adds one document of r, unless the query does not mean it.
func (b *builder) take(raw bson.Raw, r plan.Range) error {
	values, ok := indexed(raw, b.plan.Index.Fields)
	if !ok || !slices.Equal(values[:len(r.Equal)], r.Equal) {
		return nil
	}
	d, err := b.store.decode(raw)
	if err != nil {
		return err
	}
	if len(b.page.Docs) == b.plan.Limit || len(b.page.Docs) > 0 && b.bytes+len(d.Body) > docstore.MaxPage {
		b.full = true
		b.page.Next, err = b.plan.NextAfter(b.page.Docs[len(b.page.Docs)-1].ID, b.last)
		return err
	}
	b.page.Docs = append(b.page.Docs, d)
	b.last = values[len(values)-len(b.plan.Free()):]
	b.bytes += len(d.Body)
	return nil
}

// indexed are the values of the fields, each an integer, a text or a boolean.
func indexed(raw bson.Raw, fields []string) ([]any, bool) {
	values := make([]any, 0, len(fields))
	for _, f := range fields {
		v, err := raw.LookupErr(append([]string{fieldBody}, strings.Split(f, ".")...)...)
		if err != nil {
			return nil, false
		}
		switch v.Type {
		case bson.TypeInt64:
			values = append(values, v.Int64())
		case bson.TypeString:
			values = append(values, v.StringValue())
		case bson.TypeBoolean:
			values = append(values, v.Boolean())
		default:
			return nil, false
		}
	}
	return values, true
}
