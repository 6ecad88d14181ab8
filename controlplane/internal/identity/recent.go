package identity

import "container/list"

// recent is a map that keeps the most recently used entries, at most limit of
// them. It is not safe for concurrent use.
type recent[V any] struct {
	limit   int
	order   *list.List // of *entry[V], most recently used first
	entries map[string]*list.Element
}

type entry[V any] struct {
	key   string
	value V
}

func newRecent[V any](limit int) *recent[V] {
	return &recent[V]{limit: limit, order: list.New(), entries: map[string]*list.Element{}}
}

func (r *recent[V]) get(key string) (v V, ok bool) {
	e, ok := r.entries[key]
	if !ok {
		return v, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*entry[V]).value, true
}

func (r *recent[V]) put(key string, v V) {
	if e, ok := r.entries[key]; ok {
		e.Value.(*entry[V]).value = v
		r.order.MoveToFront(e)
		return
	}
	r.entries[key] = r.order.PushFront(&entry[V]{key: key, value: v})
	if r.order.Len() > r.limit {
		oldest := r.order.Back()
		r.order.Remove(oldest)
		delete(r.entries, oldest.Value.(*entry[V]).key)
	}
}

func (r *recent[V]) drop(key string) {
	if e, ok := r.entries[key]; ok {
		r.order.Remove(e)
		delete(r.entries, key)
	}
}

// dropIf drops the entries whose value is one of those.
func (r *recent[V]) dropIf(one func(V) bool) {
	for key, e := range r.entries {
		if one(e.Value.(*entry[V]).value) {
			r.order.Remove(e)
			delete(r.entries, key)
		}
	}
}
