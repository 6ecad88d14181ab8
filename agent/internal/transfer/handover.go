package transfer

import (
	"context"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/failpoint"
	"github.com/dyocense/dyocense/shared/id"
)

func (c call) begin(ctx context.Context, q contract.TransferBegin) (contract.Message, []docstore.Document, error) {
	if q.Move == "" || q.Claim < 1 || q.From == "" || q.To == "" || q.From == q.To {
		return nil, nil, ErrAsked
	}
	return c.reach(ctx, func(s *tenantstore.Store) (tenantstore.Place, error) {
		return s.BeginMove(ctx, q.Move, q.Claim, q.From, q.To)
	})
}

func (c call) end(ctx context.Context, q contract.TransferEnd) (contract.Message, []docstore.Document, error) {
	return c.reach(ctx, func(s *tenantstore.Store) (tenantstore.Place, error) { return s.EndMove(ctx, q.Move) })
}

func (c call) reach(ctx context.Context, do func(*tenantstore.Store) (tenantstore.Place, error)) (contract.Message, []docstore.Document, error) {
	store, release, err := c.config.Shelf.Open(ctx, c.tenant)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	at, err := do(store)
	if err != nil {
		return nil, nil, err
	}
	failpoint.Here("agent.after-reach")
	return contract.TransferReached{V: contract.Version, Place: place(at)}, nil, nil
}

// cut pauses the tenant's writes and gives the entries that the copy lacks. A
// pause that is open already, of a worker that has gone, ends first.
func (c call) cut(ctx context.Context, q contract.TransferCut) (contract.Message, []docstore.Document, error) {
	budget := min(time.Duration(q.BudgetMillis)*time.Millisecond, maxBudget)
	if budget <= 0 || q.Most < 0 || q.Most > maxDocuments {
		return nil, nil, ErrAsked
	}
	store, release, err := c.config.Shelf.Open(ctx, c.tenant)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	raw, is, giveBack, err := c.config.Shelf.Look(ctx, c.tenant)
	if err != nil {
		return nil, nil, err
	}
	defer giveBack()
	if is.Applied.Slot-q.Have.Slot > int64(q.Most) {
		return nil, nil, ErrTooFar
	}
	c.forget(c.tenant, nil)
	began := time.Now()
	opened, err := store.Cut(ctx, budget)
	if err != nil {
		return nil, nil, err
	}
	w := &window{Window: opened, move: q.Move, claim: q.Claim}
	entries, err := raw.Entries(ctx, placed(q.Have), q.Most+1, pageBytes)
	if err == nil && (len(entries) > q.Most || time.Since(began) > budget) {
		err = ErrTooFar
	}
	if err != nil {
		opened.Release()
		return nil, nil, err
	}
	c.mu.Lock()
	c.windows[c.tenant] = w
	c.mu.Unlock()
	failpoint.Here("agent.after-cut")
	docs, blobs := packed(entries)
	return contract.TransferWindow{V: contract.Version, Tail: place(opened.Tail), Blobs: blobs}, docs, nil
}

// forget releases the tenant's window, if it is w or w is nil.
func (h *Handler) forget(t id.Tenant, w *window) {
	h.mu.Lock()
	open := h.windows[t]
	if open == nil || w != nil && open != w {
		h.mu.Unlock()
		return
	}
	delete(h.windows, t)
	h.mu.Unlock()
	open.Release()
}

func (c call) release(q contract.TransferRelease) (contract.Message, []docstore.Document, error) {
	if w := c.window(q.Move); w != nil {
		c.forget(c.tenant, w)
	}
	return contract.Ack{V: contract.Version}, nil, nil
}

// window is the tenant's open one, if it is the move's.
func (c call) window(move string) *window {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.windows[c.tenant]; w != nil && w.move == move {
		return w
	}
	return nil
}

func (c call) commit(ctx context.Context, q contract.TransferCommit) (contract.Message, []docstore.Document, error) {
	w := c.window(q.Move)
	if w == nil || w.claim != q.Claim {
		return nil, nil, ErrNoWindow
	}
	failpoint.Here("agent.before-commit")
	e, err := w.HandOver(ctx, c.config.Shelf.Self(), q.Move, q.Claim, placed(q.Reached))
	c.forget(c.tenant, w)
	if err != nil {
		return nil, nil, err
	}
	failpoint.Here("agent.after-commit")
	if c.config.Left != nil {
		c.config.Left(c.tenant)
	}
	docs, _ := packed([]tenantstore.Entry{e})
	return contract.TransferReached{V: contract.Version, Place: place(e.At)}, docs, nil
}

func (c call) open(ctx context.Context, q contract.TransferOpen, docs []docstore.Document) (contract.Message, []docstore.Document, error) {
	entries, err := read(docs)
	if err != nil {
		return nil, nil, err
	}
	if len(entries) != 1 {
		return nil, nil, ErrAsked
	}
	c.stopRehearsal(c.tenant)
	is, err := c.promote(ctx, q, entries[0])
	if err != nil {
		return nil, nil, err
	}
	failpoint.Here("agent.after-open")
	if c.config.Promoted != nil {
		if err := c.config.Promoted(ctx, c.tenant); err != nil {
			return nil, nil, err
		}
	}
	return stand(is), nil, nil
}

// promote takes the hand-over in. When that was done before, by a caller who did
// not hear of it, it says so again.
func (c call) promote(ctx context.Context, q contract.TransferOpen, e tenantstore.Entry) (tenantstore.Standing, error) {
	copied, release, err := c.config.Shelf.Follow(ctx, c.tenant)
	if err == nil {
		defer release()
		failpoint.Here("agent.before-open")
		return copied.Promote(ctx, q.Move, q.Claim, e)
	}
	_, is, giveBack, lookErr := c.config.Shelf.Look(ctx, c.tenant)
	if lookErr != nil {
		return is, lookErr
	}
	defer giveBack()
	if is.Role == tenantstore.RoleOwner && is.Last != nil && is.LastAt == e.At.Slot && *is.Last == *e.HandOver {
		return is, nil
	}
	return is, err
}
