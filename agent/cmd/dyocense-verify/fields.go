package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxFields bounds how many fields of one row are named.
const maxFields = 5

// field is one place where two bodies differ.
type field struct{ path, a, b string }

// fields are the places where two bodies differ, as paths into the JSON; "" is the
// body as a whole.
func fields(a, b []byte) []field {
	left, okA := decoded(a)
	right, okB := decoded(b)
	if !okA || !okB {
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		return []field{{fmt.Sprintf("byte %d", at), short(a[min(at, len(a)):]), short(b[min(at, len(b)):])}}
	}
	d := &differ{}
	d.walk("", left, right)
	if len(d.found) == 0 {
		return []field{{"", "the same values", "written in another way"}}
	}
	return d.found
}

func decoded(body []byte) (v any, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil, false
	}
	return v, !dec.More()
}

type differ struct{ found []field }

func (d *differ) walk(path string, a, b any) {
	if len(d.found) == maxFields {
		return
	}
	switch left := a.(type) {
	case map[string]any:
		if right, ok := b.(map[string]any); ok {
			names := slices.AppendSeq(slices.Collect(maps.Keys(left)), maps.Keys(right))
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				x, inA := left[name]
				y, inB := right[name]
				d.member(strings.TrimPrefix(path+"."+name, "."), x, inA, y, inB)
			}
			return
		}
	case []any:
		if right, ok := b.([]any); ok {
			for i := range max(len(left), len(right)) {
				var x, y any
				if i < len(left) {
					x = left[i]
				}
				if i < len(right) {
					y = right[i]
				}
				d.member(fmt.Sprintf("%s[%d]", path, i), x, i < len(left), y, i < len(right))
			}
			return
		}
	}
	if a != b { // both are plain, or one is: different types are not equal
		d.add(path, text(a), text(b))
	}
}

func (d *differ) member(path string, a any, inA bool, b any, inB bool) {
	switch {
	case inA && inB:
		d.walk(path, a, b)
	case inA:
		d.add(path, text(a), "nothing")
	default:
		d.add(path, "nothing", text(b))
	}
}

func (d *differ) add(path, a, b string) {
	if len(d.found) < maxFields {
		d.found = append(d.found, field{path, a, b})
	}
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return short(raw)
}
