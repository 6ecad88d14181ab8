package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/agenttest"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// op is one command of a customer. It says the same to a store and to the model.
type op struct {
	id    string // "<customer>-<number>"
	kind  string
	key   string
	other string
	blob  []byte
	ref   *agenttest.Blob
}

// documents is what a command sees; a Tx is one, and so is the model.
type documents interface {
	Get(collection, id string, into any) error
	Put(collection, id string, v any) error
	Delete(collection, id string) error
}

type note struct {
	By   string          `json:"by"`
	Of   string          `json:"of,omitempty"`
	Text string          `json:"text,omitempty"`
	File *agenttest.Blob `json:"file,omitempty"`
}

type list struct {
	Items []string `json:"items"`
}

// do carries o out.
func (o op) do(d documents) error {
	switch o.kind {
	case "put":
		return d.Put(agenttest.Notes, o.key, note{By: o.id, Text: strings.Repeat(o.id+" ", 1+len(o.id)%7)})
	case "delete":
		return d.Delete(agenttest.Notes, o.key)
	case "append":
		var l list
		if err := d.Get(agenttest.Lists, o.key, &l); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
		l.Items = append(l.Items, o.id)
		return d.Put(agenttest.Lists, o.key, l)
	case "copy":
		var n note
		if err := d.Get(agenttest.Notes, o.key, &n); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
		return d.Put(agenttest.Notes, o.other, note{By: o.id, Of: n.By, Text: n.Text})
	case "swap":
		var a, b note
		if err := d.Get(agenttest.Notes, o.key, &a); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
		if err := d.Get(agenttest.Notes, o.other, &b); err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
		a.Of, b.Of = o.id, o.id
		if err := d.Put(agenttest.Notes, o.key, b); err != nil {
			return err
		}
		return d.Put(agenttest.Notes, o.other, a)
	case "file":
		return d.Put(agenttest.Notes, o.key, note{By: o.id, File: o.ref})
	}
	return fmt.Errorf("no such command: %s", o.kind)
}

// model is what the documents have to be, by collection and id.
type model map[string]json.RawMessage

// Get implements documents.
func (m model) Get(collection, id string, into any) error {
	body, ok := m[collection+"/"+id]
	if !ok {
		return docstore.ErrNotFound
	}
	return json.Unmarshal(body, into)
}

// Put implements documents.
func (m model) Put(collection, id string, v any) error {
	body, err := json.Marshal(v)
	m[collection+"/"+id] = body
	return err
}

// Delete implements documents.
func (m model) Delete(collection, id string) error {
	delete(m, collection+"/"+id)
	return nil
}

// memory is what all customers have done and been told.
type memory struct {
	mu       sync.Mutex
	ops      map[string]op
	acked    map[string]int64 // command id -> slot
	appended map[string][]string
	failures []string
	blobs    map[agenttest.Blob][]byte
}

func newMemory() *memory {
	return &memory{ops: map[string]op{}, acked: map[string]int64{}, appended: map[string][]string{}, blobs: map[agenttest.Blob][]byte{}}
}

func (m *memory) wrong(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures = append(m.failures, fmt.Sprintf(format, args...))
}

// customer sends one command after the other, each until it is told how it came
// out, and looks at what it wrote.
type customer struct {
	*rng
	w      *world
	name   string
	memory *memory
	rest   time.Duration // about, between two commands
	most   int           // commands; 0 is no bound
	leave  chan struct{}
}

const keys = 12

func (c *customer) run() {
	for i := 1; c.most == 0 || i <= c.most; i++ {
		select {
		case <-c.leave:
			return
		case <-time.After(time.Duration(c.n(int(2*c.rest/time.Microsecond)+1)) * time.Microsecond):
		}
		if c.in(4) {
			c.look()
			continue
		}
		c.send(c.think(i))
	}
}

func (c *customer) think(i int) op {
	o := op{id: fmt.Sprintf("%s-%d", c.name, i), key: fmt.Sprint("k", c.n(keys)), other: fmt.Sprint("k", c.n(keys))}
	switch c.n(10) {
	case 0, 1:
		o.kind = "put"
	case 2, 3:
		o.kind = "delete"
	case 4, 5, 6:
		o.kind = "append"
	case 7:
		o.kind = "copy"
	case 8:
		o.kind = "swap"
		if o.key == o.other {
			o.kind = "put"
		}
	case 9:
		o.kind = "file"
		if c.in(3) {
			o.blob = []byte(fmt.Sprint("shared content ", c.n(3)))
		} else {
			o.blob = []byte("content of " + o.id)
		}
	}
	return o
}

// send sends o until it is told how it came out. Requests that were lost on the
// way may still arrive.
func (c *customer) send(o op) {
	c.memory.mu.Lock()
	c.memory.ops[o.id] = o
	c.memory.mu.Unlock()
	var receipt agenttest.Receipt
	carryOut := func(ctx context.Context, s *agenttest.Store) error {
		mine := o
		if o.blob != nil {
			b, err := s.PutBlob(ctx, o.blob)
			if err != nil {
				return err
			}
			mine.ref = &b
			c.memory.mu.Lock()
			c.memory.blobs[b] = o.blob
			c.memory.ops[o.id] = mine
			c.memory.mu.Unlock()
		}
		r, err := s.Do(ctx, agenttest.Command{ID: o.id, Kind: "sim." + o.kind, Actor: c.name}, func(tx *agenttest.Tx) error {
			if err := mine.do(tx); err != nil {
				return err
			}
			return tx.Return(o.id)
		})
		if err == nil {
			receipt = r
		}
		return err
	}
	c.reach(carryOut, true)
	if string(receipt.Result) != `"`+o.id+`"` {
		c.memory.wrong("command %s was answered with %s", o.id, receipt.Result)
	}
	c.memory.mu.Lock()
	c.memory.acked[o.id] = receipt.Slot
	if o.kind == "append" {
		c.memory.appended[o.key] = append(c.memory.appended[o.key], o.id)
	}
	c.memory.mu.Unlock()
}

// look reads a list, which must hold everything that was acknowledged before.
func (c *customer) look() {
	key := fmt.Sprint("k", c.n(keys))
	var had []string
	var l list
	c.reach(func(ctx context.Context, s *agenttest.Store) error {
		c.memory.mu.Lock()
		had = append([]string(nil), c.memory.appended[key]...)
		c.memory.mu.Unlock()
		l = list{}
		err := s.Get(ctx, agenttest.Lists, key, &l)
		if errors.Is(err, docstore.ErrNotFound) {
			return nil
		}
		return err
	}, false)
	here := map[string]bool{}
	for _, item := range l.Items {
		here[item] = true
	}
	for _, item := range had {
		if !here[item] {
			c.memory.wrong("%s read list %s without %s, which was acknowledged before", c.name, key, item)
		}
	}
}

// reach does something at the tenant's owner, as the gateway finds it: it goes
// where the placement says, after hints, and again after trouble.
func (c *customer) reach(do func(context.Context, *agenttest.Store) error, repeat bool) {
	w := c.w
	var hint id.Environment
	for try := 0; ; try++ {
		err := c.once(do, hint, repeat)
		if err == nil {
			return
		}
		var moved *agenttest.MovedError
		hint = ""
		switch {
		case errors.As(err, &moved):
			hint = moved.To
		case !fault.KindOf(err).Retryable() && !errors.Is(err, context.Canceled) && !errors.Is(err, agenttest.ErrNoTenant) && !errors.Is(err, agenttest.ErrBusy):
			c.memory.wrong("%s: %v", c.name, err)
			w.say("customer %s: %v", c.name, err)
			return
		}
		if try > 3000 {
			c.memory.wrong("%s is never served: %v", c.name, err)
			return
		}
		w.pass(time.Duration(1+c.n(min(20*(try+1), 400))) * time.Millisecond)
	}
}

// once tries once; a request that seems lost may be carried out all the same.
func (c *customer) once(do func(context.Context, *agenttest.Store) error, hint id.Environment, repeat bool) error {
	w := c.w
	route, err := w.plane.Route(w.ctx)
	if err != nil {
		return err
	}
	env := route.Environment
	if hint != "" && hint == route.Moving {
		env = hint
	}
	s := w.site(env)
	if s == nil || !s.up.Load() {
		return errLost
	}
	ctx, done := context.WithTimeout(w.ctx, 20*time.Second)
	defer done()
	k := w.net.rough.Load()
	if !repeat || k == 0 || !c.in(int(k)) {
		_ = pause(ctx, w.net.latency())
		return s.With(ctx, w.plane.Tenant, do)
	}
	switch c.n(3) {
	case 0:
		_ = s.With(ctx, w.plane.Tenant, do)
		return errLost
	case 1:
		w.net.underWay.Go(func() {
			w.pass(time.Duration(c.n(5_000)) * time.Millisecond)
			_ = s.With(w.ctx, w.plane.Tenant, do)
		})
		return errLost
	}
	short, cancel := context.WithTimeout(ctx, time.Duration(c.n(4000))*time.Microsecond)
	defer cancel()
	return s.With(short, w.plane.Tenant, do)
}
