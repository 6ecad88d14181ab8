package billingsandbox

import (
	"encoding/json"
	"fmt"
	"strings"
)

// expandMax is how deep an expansion may reach.
const expandMax = 4

// expand encodes an object with the references on each path, as
// "data.latest_invoice.payment_intent", replaced by what they refer to.
func expand(t *tx, o any, paths []string) ([]byte, error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	if len(paths) == 0 {
		return raw, nil
	}
	var whole any
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	for _, path := range paths {
		steps := strings.Split(path, ".")
		if len(steps) > expandMax {
			return nil, invalid("", "expand", "You cannot expand more than %d levels of a property. Property: %s", expandMax, path)
		}
		if whole, err = expanded(t, whole, steps, path); err != nil {
			return nil, err
		}
	}
	return json.Marshal(whole)
}

func expanded(t *tx, v any, steps []string, path string) (any, error) {
	if id, ok := v.(string); ok {
		var err error
		if v, err = lookUp(t, id, path); err != nil {
			return nil, err
		}
	}
	if len(steps) == 0 {
		return v, nil
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		for i := range v {
			one, err := expanded(t, v[i], steps, path)
			if err != nil {
				return nil, err
			}
			v[i] = one
		}
		return v, nil
	case map[string]any:
		inner, ok := v[steps[0]]
		if !ok {
			return nil, invalid("", "expand", "This property cannot be expanded (%s). You may want to try expanding 'data.%s' if you are listing objects.", path, path)
		}
		one, err := expanded(t, inner, steps[1:], path)
		if err != nil {
			return nil, err
		}
		v[steps[0]] = one
		return v, nil
	}
	return nil, invalid("", "expand", "This property cannot be expanded (%s).", path)
}

// lookUp is the object with this id, as the API shows it.
func lookUp(t *tx, id, path string) (any, error) {
	var raw []byte
	if h, ok := t.held[id]; ok {
		var err error
		if raw, err = json.Marshal(h.object); err != nil {
			return nil, fmt.Errorf("encode %s: %w", id, err)
		}
	} else {
		row, err := t.b.objects.Get(t.ctx, id)
		if err != nil {
			return nil, invalid("", "expand", "This property cannot be expanded (%s).", path)
		}
		raw = row.Value.Object
	}
	var v any
	err := json.Unmarshal(raw, &v)
	return v, err
}
