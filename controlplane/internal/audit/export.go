package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// pageSize is how many entries are read at a time.
const pageSize = 500

// Export writes the whole log as it is now, in the form that CheckFile reads. By is
// who asked for it.
func (l *Log) Export(ctx context.Context, t id.Tenant, by string, to io.Writer) error {
	out := lines{bufio.NewWriterSize(to, 32<<10)}
	// The heads first: what is noted meanwhile can then have none that is read here.
	heads, err := l.heads(ctx, t)
	if err != nil {
		return err
	}
	o := opening{
		Kind: kindFile, Format: fileFormat, Tenant: t, Exported: l.now().UTC(), By: by, Heads: []int64{}, Keys: l.signer.public,
	}
	for _, h := range heads {
		slot, err := slotOf(t, h.ID)
		if err != nil {
			return err
		}
		o.Heads = append(o.Heads, slot)
	}
	first, err := l.signer.sign(&o.Key, &o.Signature, &o)
	if err != nil {
		return err
	}
	if err := out.write(first); err != nil {
		return err
	}
	e := end{Kind: kindEnd, Tenant: t, Hash: genesis, Opening: digest([]byte(first)), At: l.now().UTC()}
	err = l.walk(ctx, t, heads, func(line string, filed *docstore.Row[row]) error {
		if filed != nil {
			if entry, err := openEntry(line); err == nil { // a damaged one is for the check to tell
				e.Entries, e.Hash = entry.Slot, entry.Hash
			}
		}
		return out.write(line)
	})
	if err != nil {
		return err
	}
	closing, err := l.signer.sign(&e.Key, &e.Signature, &e)
	if err != nil {
		return err
	}
	if err := out.write(closing); err != nil {
		return err
	}
	return out.out.Flush()
}

// walk gives every stored line in the order of a file: the entries with how they are
// filed, and behind each the head that signs it.
func (l *Log) walk(ctx context.Context, t id.Tenant, heads []docstore.Row[signedRow], visit func(line string, filed *docstore.Row[row]) error) error {
	from, to := ofTenant(t)
	signedBefore := func(slot string) error {
		for len(heads) > 0 && (slot == "" || heads[0].ID < slot) {
			if err := visit(heads[0].Value.Line, nil); err != nil {
				return err
			}
			heads = heads[1:]
		}
		return nil
	}
	q := docstore.Query{From: from, To: to, Limit: pageSize}
	for {
		rows, next, err := l.store.entries.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", t, err)
		}
		for i := range rows {
			if err := signedBefore(rows[i].ID); err != nil {
				return err
			}
			if err := visit(rows[i].Value.Line, &rows[i]); err != nil {
				return err
			}
		}
		if next == "" {
			return signedBefore("")
		}
		q.After = next
	}
}

// heads are all heads of a tenant, in their order.
func (l *Log) heads(ctx context.Context, t id.Tenant) ([]docstore.Row[signedRow], error) {
	from, to := ofTenant(t)
	heads, err := l.store.heads.All(ctx, docstore.Query{From: from, To: to, Limit: pageSize})
	if err != nil {
		return nil, fmt.Errorf("read the heads of %s: %w", t, err)
	}
	return heads, nil
}

// LogFinding is the result of a check of a stored log.
type LogFinding struct {
	Report
	OK bool `json:"ok"`
	// Slot and Why tell of the first entry that is not as it was written.
	Slot int64        `json:"slot,omitempty"`
	Why  string       `json:"why,omitempty"`
	Keys []SigningKey `json:"keys" doc:"what the heads are signed with; keep them elsewhere to check files with"`
}

// damageError ends a walk at the first thing that is wrong.
type damageError struct {
	slot int64
	why  error
}

func (d *damageError) Error() string { return d.why.Error() }

// Check checks the stored log: every hash, the chain, the signatures, and that every
// entry is found where filters look for it.
func (l *Log) Check(ctx context.Context, t id.Tenant) (LogFinding, error) {
	c := newChain(t, l.signer.known)
	heads, err := l.heads(ctx, t)
	if err != nil {
		return LogFinding{}, err
	}
	err = l.walk(ctx, t, heads, func(line string, filed *docstore.Row[row]) error {
		if filed == nil {
			if err := c.takeHead(line); err != nil {
				return &damageError{c.report.Entries, err}
			}
			return nil
		}
		at := c.report.Entries + 1
		e, err := c.entry(line)
		if err == nil && (filed.ID != slotID(t, e.Slot) || filed.Value != rowOf(e, line)) {
			err = errors.New("it is filed under something else than what it says")
		}
		if err != nil {
			return &damageError{at, err}
		}
		return nil
	})
	f := LogFinding{Report: c.report, OK: err == nil, Keys: l.signer.public}
	if damage := (*damageError)(nil); errors.As(err, &damage) {
		f.Slot, f.Why = damage.slot, damage.why.Error()
		return f, nil
	}
	return f, err
}
