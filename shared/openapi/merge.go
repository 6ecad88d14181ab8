package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// document is the part of an OpenAPI document that merging looks into.
type document map[string]any

// Merge adds the paths, schemas and tags of others to base and returns the whole,
// indented, the same bytes for the same input. A path served by two documents, or
// one schema name with two meanings, is an error: one of them must give way.
func Merge(base []byte, others ...[]byte) ([]byte, error) {
	var whole document
	if err := json.Unmarshal(base, &whole); err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	for _, other := range others {
		var add document
		if err := json.Unmarshal(other, &add); err != nil {
			return nil, fmt.Errorf("read OpenAPI document: %w", err)
		}
		if err := mergeMap(child(whole, "paths"), child(add, "paths"), "path"); err != nil {
			return nil, err
		}
		if err := mergeMap(child(child(whole, "components"), "schemas"), child(child(add, "components"), "schemas"), "schema"); err != nil {
			return nil, err
		}
	}
	return json.MarshalIndent(whole, "", "  ")
}

func child(of map[string]any, name string) map[string]any {
	c, ok := of[name].(map[string]any)
	if !ok {
		c = map[string]any{}
		of[name] = c
	}
	return c
}

func mergeMap(into, from map[string]any, what string) error {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		present, taken := into[name]
		if taken && (what == "path" || !reflect.DeepEqual(present, from[name])) {
			return fmt.Errorf("two documents define the %s %s differently", what, name)
		}
		into[name] = from[name]
	}
	return nil
}
