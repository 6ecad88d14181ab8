// Package agenttest runs the part of an agent that keeps and moves tenants in the
// test process: the real stores on files, the real endpoints of a move, the real
// decisions with a solver that is never asked, and what carries out the desired
// state. There is no session: a test hands requests over by itself.
//
// It owns dying. An agent that is killed stops in the middle of a write, what it
// still does reaches nothing, and the next one opens the same files.
package agenttest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/dyocense/dyocense/agent/internal/app"
	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/agent/internal/transfer"
	"github.com/dyocense/dyocense/agent/kernel/replenish"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// The words of a tenant's store that tests need.
type (
	// Tx is what a command sees and does.
	Tx = tenantstore.Tx
	// Store is a tenant's store.
	Store = tenantstore.Store
	// Command names a change.
	Command = tenantstore.Command
	// Receipt says where it took effect.
	Receipt = tenantstore.Receipt
	// Blob refers to content.
	Blob = tenantstore.Blob
	// Place is a position in a journal.
	Place = tenantstore.Place
	// MovedError says where the tenant is.
	MovedError = tenantstore.MovedError
	// Report is what a verification found.
	Report = tenantstore.Report
)

// The faults that a test looks for.
var (
	ErrStandby        = tenantstore.ErrStandby
	ErrNoTenant       = tenantstore.ErrNoTenant
	ErrBusy           = tenantstore.ErrBusy
	ErrUnknownOutcome = tenantstore.ErrUnknownOutcome
	// ErrDown is what an agent that does not run answers.
	ErrDown = fault.New(fault.Unavailable, "agenttest.down", "The agent does not run.")
)

// The collections that are there for tests, beside those of the product.
const (
	Notes = "notes"
	Lists = "lists"
)

// Agent is a place for an agent: its files, and the one that runs there.
type Agent struct {
	Env id.Environment

	dir string
	log *slog.Logger
	// Full, when set, may fail a write of so many bytes of bodies, as a full disk
	// does.
	Full func(bytes int) error

	mu     sync.Mutex
	life   *life
	deaths sync.WaitGroup // lives that were killed and still end
}

// New makes a place in dir. Start starts the agent.
func New(env id.Environment, dir string, log *slog.Logger) *Agent {
	return &Agent{Env: env, dir: dir, log: log}
}

// File is where a tenant's documents lie.
func (a *Agent) File(t id.Tenant) string { return filepath.Join(a.dir, "tenants", string(t)+".db") }

// life is one run of the agent.
type life struct {
	agent  *Agent
	shelf  *tenantstore.Shelf
	moves  *transfer.Handler
	wanted *app.Tenants
	runs   *runs.Service
	ctx    context.Context //nolint:containedctx // lives as long as the agent
	stop   context.CancelFunc
	work   sync.WaitGroup
	calls  sync.WaitGroup

	mortal *storetest.Life
	killed chan struct{} // closed by a kill

	mu   sync.Mutex
	docs map[*documents]bool
}

// Start starts the agent on its files. It does nothing while it runs.
func (a *Agent) Start(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life != nil {
		return nil
	}
	l := &life{agent: a, docs: map[*documents]bool{}, killed: make(chan struct{})}
	l.mortal = storetest.NewLife(func() { a.bury(l) })
	collections := append(app.Collections(), docstore.Collection{Name: Notes}, docstore.Collection{Name: Lists})
	files, err := tenantstore.NewSQLiteFactory(a.dir, collections)
	if err != nil {
		return err
	}
	l.shelf = tenantstore.NewShelf(&factory{files, l}, 8)
	l.shelf.Belong(a.Env)
	l.ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.runs = runs.New(runs.Config{Shelf: l.shelf, Decider: nobody{}, Slots: 1, Log: a.log, Self: l.shelf.Self})
	if err := l.runs.Recover(l.ctx); err != nil {
		l.stop()
		return errors.Join(err, l.shelf.Close())
	}
	already, err := l.shelf.Tenants(l.ctx)
	if err != nil {
		l.stop()
		return errors.Join(err, l.shelf.Close())
	}
	l.wanted = app.NewTenants(already, l.shelf, l.runs, a.log)
	l.moves = transfer.New(transfer.Config{
		Shelf: l.shelf, Promoted: l.wanted.Promoted, Left: l.wanted.Left, Runs: l.runs, Rehearse: l.runs.Rehearse, Log: a.log,
	})
	l.work.Go(func() { _ = l.runs.Work(l.ctx) })
	a.life = l
	return nil
}

// nobody decides nothing: tests of moves begin no decision.
type nobody struct{}

// Decide implements runs.Decider.
func (nobody) Decide(context.Context, replenish.Data, replenish.Goal, replenish.Observe) (replenish.Result, error) {
	return replenish.Result{}, errors.New("nobody decides here")
}

// Stop ends the agent as a shutdown does: what is in work is finished.
func (a *Agent) Stop() error {
	a.mu.Lock()
	l := a.life
	a.life = nil
	a.mu.Unlock()
	var err error
	if l != nil {
		err = l.end()
	}
	a.deaths.Wait()
	return err
}

// end finishes what is in work.
func (l *life) end() error {
	l.stop()
	l.moves.Close()
	l.calls.Wait()
	l.work.Wait()
	return l.shelf.Close()
}

// Kill ends the agent at once. What it was doing reaches nothing any more.
func (a *Agent) Kill() {
	a.mu.Lock()
	l := a.life
	a.mu.Unlock()
	if l != nil {
		l.mortal.Kill()
	}
}

// bury closes what a killed agent has left. What it still does fails at once.
func (a *Agent) bury(l *life) {
	l.mu.Lock()
	var open []*documents
	for d := range l.docs {
		open = append(open, d)
	}
	l.mu.Unlock()
	for _, d := range open { // frees the files for the next agent
		_ = d.file.Close()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life == l {
		a.life = nil
	}
	close(l.killed)
	a.deaths.Go(func() { _ = l.end() })
}

// KillAfter kills the agent in its nth write from now.
func (a *Agent) KillAfter(n int, how storetest.Death) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life != nil {
		a.life.mortal.KillAfter(n, how)
	}
}

// Runs says whether the agent runs.
func (a *Agent) Runs() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.life != nil
}

// Killed is closed when the agent that runs now is killed; nil when none runs.
func (a *Agent) Killed() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life == nil {
		return nil
	}
	return a.life.killed
}

// enter is the life that takes a call, and leave ends it.
func (a *Agent) enter() (l *life, leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.life == nil {
		return nil, nil, ErrDown
	}
	l = a.life
	l.calls.Add(1)
	return l, l.calls.Done, nil
}

// bound is ctx that ends with l as well.
func (l *life) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(l.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// ServeHTTP answers the control plane's requests of a move, for the principal of
// the request.
func (a *Agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l, leave, err := a.enter()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer leave()
	ctx, done := l.bound(r.Context())
	defer done()
	l.moves.ServeHTTP(w, r.WithContext(ctx))
}

// Apply carries out one line of the desired state.
func (a *Agent) Apply(ctx context.Context, w contract.WantedTenant) (contract.Report, error) {
	l, leave, err := a.enter()
	if err != nil {
		return contract.Report{}, err
	}
	defer leave()
	ctx, done := l.bound(ctx)
	defer done()
	return l.wanted.Apply(ctx, w)
}

// With runs use with the tenant's store, as an API call does. A store that is not
// served here fails with a MovedError or ErrStandby.
func (a *Agent) With(ctx context.Context, t id.Tenant, use func(context.Context, *Store) error) error {
	l, leave, err := a.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, done := l.bound(ctx)
	defer done()
	store, release, err := l.shelf.Open(ctx, t)
	if err != nil {
		return err
	}
	defer release()
	return use(ctx, store)
}

// Standing is what the agent holds of a tenant.
type Standing struct {
	Role    string // "none" without the tenant
	Applied Place
	Move    string // of the mark of a copy
}

// Look reads what the agent holds of a tenant, whatever it is.
func (a *Agent) Look(ctx context.Context, t id.Tenant) (Standing, error) {
	l, leave, err := a.enter()
	if err != nil {
		return Standing{}, err
	}
	defer leave()
	_, is, release, err := l.shelf.Look(ctx, t)
	if errors.Is(err, tenantstore.ErrNoTenant) {
		return Standing{Role: "none"}, nil
	}
	if err != nil {
		return Standing{}, err
	}
	release()
	s := Standing{Role: string(is.Role), Applied: is.Applied}
	if is.Standby != nil {
		s.Move = is.Standby.Move
	}
	return s, nil
}

// All are the documents of a collection as they are stored, in order, whatever
// role they have.
func (a *Agent) All(ctx context.Context, t id.Tenant, collection string) ([]docstore.Document, error) {
	l, leave, err := a.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	raw, _, release, err := l.shelf.Look(ctx, t)
	if err != nil {
		return nil, err
	}
	defer release()
	var all []docstore.Document
	for after, more := "", true; more; {
		var docs []docstore.Document
		if docs, more, err = raw.Page(ctx, collection, after, "", 1000, 64<<20); err != nil {
			return nil, err
		}
		if len(docs) == 0 {
			break
		}
		all, after = append(all, docs...), docs[len(docs)-1].ID
	}
	return all, nil
}

// Collections are the names of all collections that a copy has to hold.
func (a *Agent) Collections(ctx context.Context, t id.Tenant) ([]string, error) {
	l, leave, err := a.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	raw, _, release, err := l.shelf.Look(ctx, t)
	if err != nil {
		return nil, err
	}
	defer release()
	return raw.Collections(), nil
}

// Tamper changes stored documents behind the agent's back.
func (a *Agent) Tamper(ctx context.Context, t id.Tenant, change func(docstore.Store) error) error {
	l, leave, err := a.enter()
	if err != nil {
		return err
	}
	defer leave()
	_, _, release, err := l.shelf.Look(ctx, t) // opens it
	if err != nil {
		return err
	}
	defer release()
	l.mu.Lock()
	var found docstore.Store
	for d := range l.docs {
		if d.tenant == t {
			found = d.file
		}
	}
	l.mu.Unlock()
	if found == nil {
		return ErrNoTenant
	}
	return change(found)
}

// Tenants are those that have files here.
func (a *Agent) Tenants(ctx context.Context) ([]id.Tenant, error) {
	l, leave, err := a.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	return l.shelf.Tenants(ctx)
}

// factory opens documents that die with the agent.
type factory struct {
	tenantstore.Factory
	life *life
}

// Create implements tenantstore.Factory.
func (f *factory) Create(ctx context.Context, t id.Tenant, first ...docstore.Op) error {
	return f.life.mortal.Write(nil, func() error { return f.Factory.Create(ctx, t, first...) })
}

// Remove implements tenantstore.Factory.
func (f *factory) Remove(ctx context.Context, t id.Tenant) error {
	return f.life.mortal.Write(nil, func() error { return f.Factory.Remove(ctx, t) })
}

// Open implements tenantstore.Factory.
func (f *factory) Open(ctx context.Context, t id.Tenant) (docstore.Store, error) {
	l := f.life
	var d *documents
	err := l.mortal.Guard(func() error {
		docs, err := f.Factory.Open(ctx, t)
		if err != nil {
			return err
		}
		d = &documents{Store: l.mortal.Mortal(docs), file: docs, life: l, tenant: t}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.docs[d] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// documents are those of a tenant as one life of the agent has them open.
type documents struct {
	docstore.Store
	file   docstore.Store
	life   *life
	tenant id.Tenant
}

// Batch implements docstore.Store.
func (d *documents) Batch(ctx context.Context, ops ...docstore.Op) error {
	if full := d.life.agent.Full; full != nil {
		size := 0
		for _, o := range ops {
			size += len(o.Doc.Body)
		}
		if err := full(size); err != nil {
			return err
		}
	}
	return d.Store.Batch(ctx, ops...)
}

// Close implements docstore.Store.
func (d *documents) Close() error {
	d.life.mu.Lock()
	delete(d.life.docs, d)
	d.life.mu.Unlock()
	return d.file.Close()
}

// Restart kills the agent and starts the next one.
func (a *Agent) Restart(ctx context.Context) error {
	a.Kill()
	return a.Start(ctx)
}

// Settle waits for lives that were killed to end.
func (a *Agent) Settle() { a.deaths.Wait() }
