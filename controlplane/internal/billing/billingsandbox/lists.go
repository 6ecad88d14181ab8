package billingsandbox

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dyocense/dyocense/shared/docstore"
)

// The sizes of a page.
const (
	pageDefault = 10
	pageMax     = 100
)

// paged adds what every list takes.
func paged(params ...string) []string {
	return append(params, "limit", "starting_after", "ending_before")
}

// created is the filter that most lists take.
var created = []string{"created", "created[gte]", "created[gt]", "created[lt]", "created[lte]"}

// page answers a list, newest first, of the objects that keep lets through.
func page[T any, P stored[T]](t *tx, c call, q docstore.Query, keep func(P) bool) (any, error) {
	limit, err := c.form.number("limit", pageDefault)
	if err != nil {
		return nil, err
	}
	after, before := c.form.text("starting_after"), c.form.text("ending_before")
	switch {
	case limit < 1 || limit > pageMax:
		return nil, invalid("parameter_invalid_integer", "limit", "limit must be between 1 and %d", pageMax)
	case after != "" && before != "":
		return nil, invalid("", "starting_after", "You may not use both starting_after and ending_before.")
	}
	answer := listOf[json.RawMessage](c.path)
	answer.Data = []json.RawMessage{}
	// Backwards is the same walk from the oldest, turned round at the end.
	cursor, started := after, after == ""
	q.Desc, q.Limit = true, pageMax
	if before != "" {
		cursor, started, q.Desc = before, false, false
	}
	for {
		rows, next, err := t.b.objects.Find(t.ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", c.path, err)
		}
		for _, row := range rows {
			if !started {
				started = row.ID == cursor
				continue
			}
			p := P(new(T))
			if err := json.Unmarshal(row.Value.Object, p); err != nil {
				return nil, fmt.Errorf("decode %s: %w", row.ID, err)
			}
			*p.remembers() = row.Value.memo
			if keep != nil && !keep(p) {
				continue
			}
			if int64(len(answer.Data)) == limit {
				answer.HasMore, next = true, ""
				break
			}
			answer.Data = append(answer.Data, row.Value.Object)
		}
		if next == "" {
			break
		}
		q.After = next
	}
	if !started {
		name := "starting_after"
		if before != "" {
			name = "ending_before"
		}
		return nil, invalid("resource_missing", name, "No such object: '%s'", cursor)
	}
	if before != "" {
		slices.Reverse(answer.Data)
	}
	return answer, nil
}

func ofKind(k kind) docstore.Query {
	return docstore.Query{Index: byKind, Equal: []any{string(k)}}
}

func ofCustomer(k kind, customer string) docstore.Query {
	return docstore.Query{Index: byCustomer, Equal: []any{string(k), customer}}
}

// listed answers with all objects of a kind that carry what the filters ask; each
// says what an object has under a parameter.
func listed[T any, P stored[T]](filters map[string]func(P) string, made func(P) int64) operation {
	return func(t *tx, c call) (any, error) {
		var none T
		k := P(&none).found().kind
		q := ofKind(k)
		if of := c.form.text("customer"); of != "" && k != kindCustomer {
			q = ofCustomer(k, of)
		}
		inside, err := c.form.created()
		if err != nil {
			return nil, err
		}
		return page(t, c, q, func(p P) bool {
			for name, has := range filters {
				if want := c.form.text(name); want != "" && want != has(p) {
					return false
				}
			}
			return made == nil || inside(made(p))
		})
	}
}
