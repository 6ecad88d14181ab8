package tenantstore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
)

// reference is how a Blob looks in a body: its fields in their order, with no
// space between, as canonical writes them.
var reference = regexp.MustCompile(`\{"hash":"[0-9a-f]{64}","size":[0-9]{1,9}\}`)

// references are the blobs that a body refers to. What only looks like a
// reference costs whoever copies the tenant one look for a blob that is not there.
func references(body []byte) []Blob {
	if !bytes.Contains(body, []byte(`{"hash":"`)) {
		return nil
	}
	var all []Blob
	for _, found := range reference.FindAll(body, -1) {
		var b Blob
		if json.Unmarshal(found, &b) == nil && b.check() == nil {
			all = append(all, b)
		}
	}
	return all
}

// distinct sorts the blobs and drops repetitions.
func distinct(blobs []Blob) []Blob {
	slices.SortFunc(blobs, func(a, b Blob) int { return cmp.Or(cmp.Compare(a.Hash, b.Hash), cmp.Compare(a.Size, b.Size)) })
	return slices.Compact(blobs)
}
