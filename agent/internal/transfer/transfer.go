package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/failpoint"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/parcel"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// The faults of this package.
var (
	ErrNotControlPlane = fault.New(fault.Forbidden, "transfer.forbidden", "Only the control plane moves a workspace.")
	ErrNoAddress       = fault.New(fault.NotFound, "transfer.no_address", "There is no such address; this agent may be older than the control plane.")
	ErrAsked           = fault.New(fault.Invalid, "transfer.invalid", "This request for moving a workspace is malformed.")
	ErrNoWindow        = fault.New(fault.Conflict, "transfer.no_window", "Writes are not paused.")
	ErrTooFar          = fault.New(fault.Conflict, "transfer.too_far", "The copy is too far behind for a write pause.")
)

const (
	maxDocuments = 5000
	pageBytes    = 8 << 20 // of bodies in an answer, unless less is asked for
	maxWait      = 20 * time.Second
	maxBudget    = 2 * time.Second
	// openWithin bounds calls that carry something out, so that a caller who has
	// gone cannot keep a tenant busy.
	openWithin = 2 * time.Minute
)

// Config of a Handler.
type Config struct {
	Shelf *tenantstore.Shelf
	// Promoted is told when this agent has become the owner of a tenant, before
	// anybody else hears of it.
	Promoted func(ctx context.Context, t id.Tenant) error
	// Left is told when it no longer is.
	Left func(t id.Tenant)
	// Runs are the decisions that are carried across.
	Runs Runs
	// Rehearse makes the last decisions of a tenant again and tells each outcome.
	Rehearse func(ctx context.Context, store *tenantstore.Store, last int, tell func(contract.ParityResult)) error
	Log      *slog.Logger
}

// Runs are the decisions that are carried across; *runs.Service has them.
type Runs interface {
	Carried(ctx context.Context, t id.Tenant, after int64, wait time.Duration) ([]contract.CarriedRun, int64, error)
	Carrying(t id.Tenant) bool
	CarriedAnswers(t id.Tenant, answers []contract.CarriedAnswer)
	Deliver(ctx context.Context, t id.Tenant, news []contract.CarriedRun) ([]contract.CarriedAnswer, error)
}

// Handler answers the control plane. It is safe for many goroutines.
type Handler struct {
	config Config

	mu         sync.Mutex
	windows    map[id.Tenant]*window
	rehearsals map[id.Tenant]*rehearsal
}

// window is an open pause and whose it is.
type window struct {
	*tenantstore.Window
	move  string
	claim int64
}

// New makes a Handler. Close ends what it does in the background.
func New(c Config) *Handler {
	return &Handler{config: c, windows: map[id.Tenant]*window{}, rehearsals: map[id.Tenant]*rehearsal{}}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := h.answer(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", parcel.Type)
	_, _ = w.Write(body) // a caller who has gone asks again
}

// refuse answers with the fault.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := fault.ProblemOf(err)
	if p.Kind == fault.Internal && r.Context().Err() == nil {
		h.config.Log.ErrorContext(r.Context(), "a request of the control plane failed", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// call is one request past the door.
type call struct {
	*Handler
	tenant id.Tenant
}

func (h *Handler) answer(r *http.Request) ([]byte, error) {
	who, ok := tunnel.PrincipalFrom(r.Context())
	if !ok || who.Role != contract.RoleControlPlane || who.Tenant == "" {
		return nil, ErrNotControlPlane
	}
	ctx, done := context.WithTimeout(r.Context(), openWithin)
	defer done()
	c := call{h, who.Tenant}
	switch path := r.URL.Path[len(contract.TransferPrefix):]; path {
	case "status":
		return serve(r, func(q contract.TransferStatus, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.status(ctx, q)
		})
	case "begin":
		return serve(r, func(q contract.TransferBegin, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.begin(ctx, q)
		})
	case "end":
		return serve(r, func(q contract.TransferEnd, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.end(ctx, q)
		})
	case "prepare":
		return serve(r, func(q contract.TransferPrepare, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.prepare(ctx, q)
		})
	case "refuse":
		return serve(r, func(q contract.TransferRefuse, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			for _, move := range q.Moves {
				c.config.Shelf.Refuse(c.tenant, move)
			}
			return contract.Ack{V: contract.Version}, nil, nil
		})
	case "read":
		return serve(r, func(q contract.TransferRead, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.read(ctx, q)
		})
	case "put":
		return serve(r, func(q contract.TransferPut, docs []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.put(ctx, q, docs)
		})
	case "entries":
		return serve(r, func(q contract.TransferEntries, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.entries(ctx, q)
		})
	case "apply":
		return serve(r, func(q contract.TransferApply, docs []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.apply(ctx, q, docs)
		})
	case "range":
		return serve(r, func(q contract.TransferRead, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.rangeHash(ctx, q)
		})
	case "rows":
		return serve(r, func(q contract.TransferRead, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.rows(ctx, q)
		})
	case "cut":
		return serve(r, func(q contract.TransferCut, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.cut(ctx, q)
		})
	case "release":
		return serve(r, func(q contract.TransferRelease, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.release(q)
		})
	case "commit":
		return serve(r, func(q contract.TransferCommit, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.commit(ctx, q)
		})
	case "open":
		return serve(r, func(q contract.TransferOpen, docs []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.open(ctx, q, docs)
		})
	case "rehearse":
		return serve(r, func(q contract.TransferRehearse, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.rehearse(ctx, q)
		})
	case "carried":
		return serve(r, func(q contract.TransferCarried, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			return c.carried(ctx, q)
		})
	case "settle":
		return serve(r, func(q contract.CarriedAnswers, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			c.config.Runs.CarriedAnswers(c.tenant, q.Answers)
			return contract.Ack{V: contract.Version}, nil, nil
		})
	case "deliver":
		return serve(r, func(q contract.CarriedRuns, _ []docstore.Document) (contract.Message, []docstore.Document, error) {
			answers, err := c.config.Runs.Deliver(ctx, c.tenant, q.Runs)
			return contract.CarriedAnswers{V: contract.Version, Answers: answers}, nil, err
		})
	}
	return nil, ErrNoAddress
}

func (c call) carried(ctx context.Context, q contract.TransferCarried) (contract.Message, []docstore.Document, error) {
	wait := min(time.Duration(max(q.WaitMillis, 0))*time.Millisecond, maxWait)
	runs, version, err := c.config.Runs.Carried(ctx, c.tenant, q.After, wait)
	if err != nil {
		return nil, nil, err
	}
	return contract.CarriedRuns{V: contract.Version, Next: version, Runs: runs, More: c.config.Runs.Carrying(c.tenant)}, nil, nil
}

// serve reads the request's parcel and packs the answer.
func serve[Q contract.Message](r *http.Request, handle func(Q, []docstore.Document) (contract.Message, []docstore.Document, error)) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, ErrNoAddress
	}
	q, docs, err := parcel.Read[Q](r.Body)
	if err != nil {
		return nil, err
	}
	head, out, err := handle(q, docs)
	if err != nil {
		return nil, err
	}
	return parcel.Pack(head, out)
}

func place(p tenantstore.Place) contract.Place {
	return contract.Place{Generation: p.Generation, Slot: p.Slot, Chain: p.Chain}
}

func placed(p contract.Place) tenantstore.Place {
	return tenantstore.Place{Generation: p.Generation, Slot: p.Slot, Chain: p.Chain}
}

// stand is what the control plane is told of a standing.
func stand(s tenantstore.Standing) contract.TransferStand {
	out := contract.TransferStand{V: contract.Version, Role: string(s.Role), Applied: place(s.Applied)}
	if s.Standby != nil {
		out.Move, out.Claim, out.Base = s.Standby.Move, s.Standby.Claim, place(s.Standby.Base)
	}
	if s.Last != nil {
		out.HandedMove, out.HandedTo, out.HandedAt = s.Last.Move, s.Last.To, s.LastAt
	}
	return out
}

func (c call) status(ctx context.Context, q contract.TransferStatus) (contract.Message, []docstore.Document, error) {
	raw, is, release, err := c.config.Shelf.Look(ctx, c.tenant)
	if errors.Is(err, tenantstore.ErrNoTenant) {
		return contract.TransferStand{V: contract.Version, Role: "none"}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer release()
	if q.Claim > 0 && is.Role != tenantstore.RoleOwner {
		copied, giveBack, err := c.config.Shelf.Follow(ctx, c.tenant)
		if err != nil {
			return nil, nil, err
		}
		defer giveBack()
		if is, err = copied.Claim(ctx, q.Move, q.Claim); err != nil {
			return nil, nil, err
		}
	}
	out := stand(is)
	if !q.Count {
		return out, nil, nil
	}
	for _, name := range raw.Collections() {
		size, err := raw.Size(ctx, name)
		if err != nil {
			return nil, nil, fmt.Errorf("measure %s: %w", name, err)
		}
		out.Collections = append(out.Collections, contract.TransferCollection{
			Name: name, Documents: size.Documents, Bytes: size.Bytes, Journal: tenantstore.IsJournal(name),
		})
	}
	return out, nil, nil
}

func (c call) prepare(ctx context.Context, q contract.TransferPrepare) (contract.Message, []docstore.Document, error) {
	if q.Move == "" || q.Claim < 1 {
		return nil, nil, ErrAsked
	}
	copied, release, err := c.config.Shelf.Prepare(ctx, c.tenant, tenantstore.Standby{Move: q.Move, Claim: q.Claim, Base: placed(q.Base)}, q.Replaces)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	failpoint.Here("agent.after-prepare")
	is, err := copied.Claim(ctx, q.Move, q.Claim)
	if err != nil {
		return nil, nil, err
	}
	return stand(is), nil, nil
}

func (c call) read(ctx context.Context, q contract.TransferRead) (contract.Message, []docstore.Document, error) {
	docs, more, _, err := c.documents(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	return contract.TransferPage{V: contract.Version, More: more}, docs, nil
}

// documents are what q asks for, and up to where the tenant's documents were
// before they were read.
func (c call) documents(ctx context.Context, q contract.TransferRead) (docs []docstore.Document, more bool, tail tenantstore.Place, err error) {
	raw, is, release, err := c.config.Shelf.Look(ctx, c.tenant)
	if err != nil {
		return nil, false, tail, err
	}
	defer release()
	tail = is.Applied
	if !raw.Has(q.Collection) || len(q.IDs) > maxDocuments || q.Limit < 0 || q.Limit > maxDocuments {
		return nil, false, tail, ErrAsked
	}
	if len(q.IDs) > 0 {
		docs, err = raw.Some(ctx, q.Collection, q.IDs)
		return docs, false, tail, err
	}
	bytes := pageBytes
	if q.Bytes > 0 {
		bytes = min(q.Bytes, pageBytes)
	}
	limit := q.Limit
	if limit == 0 {
		limit = maxDocuments
	}
	to := q.To
	if q.Until != nil && tenantstore.IsJournal(q.Collection) {
		if end := tenantstore.JournalEnd(placed(*q.Until)); to == "" || end < to {
			to = end
		}
	}
	docs, more, err = raw.Page(ctx, q.Collection, q.After, to, limit, bytes)
	return docs, more, tail, err
}

func (c call) put(ctx context.Context, q contract.TransferPut, docs []docstore.Document) (contract.Message, []docstore.Document, error) {
	copied, release, err := c.config.Shelf.Follow(ctx, c.tenant)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	failpoint.Here("agent.before-put")
	done, err := copied.Put(ctx, q.Move, q.Claim, q.Collection, docs)
	if err != nil {
		return nil, nil, err
	}
	failpoint.Here("agent.after-put")
	return contract.TransferCopied{V: contract.Version, Written: done.Written, Superseded: done.Superseded, Bytes: done.Bytes}, nil, nil
}

func (c call) entries(ctx context.Context, q contract.TransferEntries) (contract.Message, []docstore.Document, error) {
	raw, _, release, err := c.config.Shelf.Look(ctx, c.tenant)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	waiting, done := context.WithTimeout(ctx, min(time.Duration(max(q.WaitMillis, 0))*time.Millisecond, maxWait))
	defer done()
	changed := raw.Changed(waiting) // before the look, so that nothing falls between
	for {
		entries, err := raw.Entries(ctx, placed(q.After), bounded(q.Limit), boundedBytes(q.Bytes))
		if err != nil {
			return nil, nil, err
		}
		if len(entries) > 0 || waiting.Err() != nil {
			return c.page(ctx, entries)
		}
		select {
		case <-waiting.Done():
		case <-changed:
		}
	}
}

func bounded(limit int) int {
	if limit <= 0 {
		return maxDocuments
	}
	return min(limit, maxDocuments)
}

func boundedBytes(n int) int {
	if n <= 0 {
		return pageBytes
	}
	return min(n, pageBytes)
}

// page is an answer with entries.
func (c call) page(ctx context.Context, entries []tenantstore.Entry) (contract.Message, []docstore.Document, error) {
	_, is, release, err := c.config.Shelf.Look(ctx, c.tenant)
	if err != nil {
		return nil, nil, err
	}
	release()
	docs, blobs := packed(entries)
	return contract.TransferPage{V: contract.Version, Tail: place(is.Applied), Blobs: blobs}, docs, nil
}

// packed are entries as documents, and the blobs they refer to.
func packed(entries []tenantstore.Entry) (docs []docstore.Document, blobs []contract.Blob) {
	seen := map[contract.Blob]bool{}
	for _, e := range entries {
		docs = append(docs, docstore.Document{ID: e.ID, Rev: 1, Body: e.Body})
		for _, b := range e.Blobs {
			one := contract.Blob{Hash: b.Hash, Size: b.Size}
			if !seen[one] {
				seen[one] = true
				blobs = append(blobs, one)
			}
		}
	}
	return docs, blobs
}

func (c call) apply(ctx context.Context, q contract.TransferApply, docs []docstore.Document) (contract.Message, []docstore.Document, error) {
	copied, release, err := c.config.Shelf.Follow(ctx, c.tenant)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	entries, err := read(docs)
	if err != nil {
		return nil, nil, err
	}
	failpoint.Here("agent.before-apply")
	at, err := copied.Apply(ctx, q.Move, q.Claim, entries)
	if err != nil {
		return nil, nil, err
	}
	failpoint.Here("agent.after-apply")
	return contract.TransferReached{V: contract.Version, Place: place(at)}, nil, nil
}

func read(docs []docstore.Document) ([]tenantstore.Entry, error) {
	entries := make([]tenantstore.Entry, len(docs))
	for i, d := range docs {
		e, err := tenantstore.ReadEntry(d.ID, d.Body)
		if err != nil {
			return nil, err
		}
		entries[i] = e
	}
	return entries, nil
}

func (c call) rangeHash(ctx context.Context, q contract.TransferRead) (contract.Message, []docstore.Document, error) {
	docs, more, tail, err := c.documents(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	r := tenantstore.RangeOf(docs, more)
	return contract.TransferRange{V: contract.Version, Count: r.Count, Last: r.Last, Hash: r.Hash, More: r.More, Tail: place(tail)}, nil, nil
}

func (c call) rows(ctx context.Context, q contract.TransferRead) (contract.Message, []docstore.Document, error) {
	docs, more, tail, err := c.documents(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	out := contract.TransferRows{V: contract.Version, More: more, Tail: place(tail), Rows: make([]contract.TransferRow, 0, len(docs))}
	for _, d := range docs {
		r := tenantstore.RowOf(d)
		out.Rows = append(out.Rows, contract.TransferRow{ID: r.ID, Rev: r.Rev, Digest: r.Digest})
	}
	return out, nil, nil
}
