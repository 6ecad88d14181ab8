package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/embedded"
	"github.com/dyocense/dyocense/shared/id"
)

// raw does what provisioning one tenant takes, and nothing of what decides it:
// the writes of the control plane, the message to the agent and its request, the
// tenant's own new store with its first write, the report, and a first request
// through to it. No state machine, no outbox, no HTTP.
type raw struct {
	dir     string
	control docstore.Store
	edge    *embedded.Edge
	plane   *nats.Conn
	agent   *nats.Conn
	account string
	id      id.Agent
	n       int
}

const rawCollection = "placements"

func newRaw(dir string) (*raw, error) {
	control, err := sqlitestore.Open(filepath.Join(dir, "control.db"), sqlitestore.Options{})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if err := control.Ensure(ctx, docstore.Collection{Name: rawCollection}); err != nil {
		return nil, err
	}
	r := &raw{dir: dir, control: control, id: id.NewAgent()}
	return r, r.connect(ctx)
}

// connect makes an edge with one environment and one agent, as in the product.
func (r *raw) connect(ctx context.Context) (err error) {
	if r.edge, err = embedded.StartEdge(ctx, embedded.EdgeConfig{Dir: filepath.Join(r.dir, "edge"), Listen: "127.0.0.1:0"}); err != nil {
		return err
	}
	if r.plane, err = r.edge.Connect("bench plane"); err != nil {
		return err
	}
	env := id.NewEnvironment()
	if r.account, err = r.edge.Authority().EnsureAccount(ctx, env); err != nil {
		return err
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	public, err := key.PublicKey()
	if err != nil {
		return err
	}
	token, _, err := r.edge.Authority().MintUser(ctx, env, r.id, public, time.Hour)
	if err != nil {
		return err
	}
	r.agent, err = nats.Connect(r.edge.URLs()[0], nats.CustomInboxPrefix(contract.InboxPrefix(r.id)),
		nats.UserJWT(func() (string, error) { return token, nil }, key.Sign))
	return err
}

func (r *raw) close() {
	r.agent.Close()
	r.plane.Close()
	r.edge.Stop()
	_ = r.control.Close()
}

// provision does it once and says how long it took.
func (r *raw) provision(ctx context.Context) (time.Duration, error) {
	r.n++
	name := fmt.Sprintf("tenant%06d", r.n)
	body := json.RawMessage(`{"tenant":"` + name + `","state":"moving","plan":"growth","name":"A company with a name"}`)
	answered := make(chan error, 1)
	// The agent: told of a change, it asks for it, makes the store, reports.
	told, err := r.agent.Subscribe(contract.ChangedOf(r.id), func(*nats.Msg) {
		_, err := r.agent.Request(contract.Ask(r.id, contract.VerbDesired), body, time.Second)
		if err == nil {
			err = r.tenantStore(ctx, name, body)
		}
		if err == nil {
			_, err = r.agent.Request(contract.Ask(r.id, contract.VerbReport), body, time.Second)
		}
		answered <- err
	})
	if err != nil {
		return 0, err
	}
	// The control plane: answers the question at once, the report after its write.
	desired, err := r.plane.Subscribe(contract.Asked(contract.VerbDesired), func(m *nats.Msg) { _ = m.Respond(body) })
	if err != nil {
		return 0, err
	}
	report, err := r.plane.Subscribe(contract.Asked(contract.VerbReport), func(m *nats.Msg) {
		if _, err := r.control.Replace(ctx, rawCollection, docstore.Document{ID: name, Rev: 3, Body: body}); err == nil {
			_ = m.Respond(body)
		}
	})
	if err != nil {
		return 0, err
	}
	probe, err := r.agent.Subscribe(contract.DownOf(r.id), func(*nats.Msg) {
		answered <- r.agent.Publish(contract.Up(r.id, "raw"), body)
	})
	if err != nil {
		return 0, err
	}
	back := make(chan struct{}, 1)
	up, err := r.plane.Subscribe(contract.UpOf("raw"), func(*nats.Msg) { back <- struct{}{} })
	if err != nil {
		return 0, err
	}
	if err := errors.Join(r.agent.Flush(), r.plane.Flush()); err != nil {
		return 0, err
	}
	defer func() {
		for _, s := range []*nats.Subscription{told, desired, report, probe, up} {
			_ = s.Unsubscribe()
		}
	}()

	began := time.Now()
	if err := r.control.Insert(ctx, rawCollection, docstore.Document{ID: name, Body: body}); err != nil { // requested
		return 0, err
	}
	if _, err := r.control.Replace(ctx, rawCollection, docstore.Document{ID: name, Rev: 1, Body: body}); err != nil { // placed
		return 0, err
	}
	if err := r.control.Insert(ctx, rawCollection, docstore.Document{ID: "wanted/" + name, Body: body}); err != nil { // desired state
		return 0, err
	}
	if _, err := r.control.Replace(ctx, rawCollection, docstore.Document{ID: name, Rev: 2, Body: body}); err != nil { // creating
		return 0, err
	}
	if err := r.plane.Publish(contract.ToChanged(r.account, r.id), body); err != nil {
		return 0, err
	}
	if err := <-answered; err != nil { // reported and written: verifying
		return 0, err
	}
	if err := r.plane.Publish(contract.ToDown(r.account, r.id), body); err != nil {
		return 0, err
	}
	if err := <-answered; err != nil {
		return 0, err
	}
	<-back
	if _, err := r.control.Replace(ctx, rawCollection, docstore.Document{ID: name, Rev: 4, Body: body}); err != nil { // ready
		return 0, err
	}
	return time.Since(began), nil
}

// tenantStore makes a tenant's file and writes into it once.
func (r *raw) tenantStore(ctx context.Context, name string, body json.RawMessage) error {
	s, err := sqlitestore.Open(filepath.Join(r.dir, "tenants", name+".db"), sqlitestore.Options{})
	if err != nil {
		return err
	}
	if err := s.Ensure(ctx, docstore.Collection{Name: "journal"}, docstore.Collection{Name: "documents"}); err != nil {
		return err
	}
	return errors.Join(s.Insert(ctx, "journal", docstore.Document{ID: "000000/000000000001", Body: body}), s.Close())
}
