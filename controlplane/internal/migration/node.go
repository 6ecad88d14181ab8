package migration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/parcel"
)

// Carry sends a request to an agent of the environment, as the tenant's control
// plane, and returns its answer; the caller closes the body. It fails with a
// retryable fault when no agent of the environment can be asked.
type Carry func(ctx context.Context, t id.Tenant, env id.Environment, r *http.Request) (*http.Response, error)

// node is a tenant's agent in one environment.
type node struct {
	carry  Carry
	tenant id.Tenant
	env    id.Environment
}

// callWithin bounds a call that waits for nothing on purpose.
const callWithin = 30 * time.Second

// ask sends a message with documents to an address of the agent, and reads the
// answer. A fault of the agent comes back as one of ours; what the agent keeps to
// itself is retryable, because it may be starting.
func ask[A contract.Message](ctx context.Context, n node, path string, q contract.Message, docs ...docstore.Document) (A, []docstore.Document, error) {
	var none A
	body, err := parcel.Pack(q, docs)
	if err != nil {
		return none, nil, err
	}
	ctx, done := context.WithTimeout(ctx, callWithin)
	defer done()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, contract.TransferPrefix+path, bytes.NewReader(body))
	if err != nil {
		return none, nil, err
	}
	response, err := n.carry(ctx, n.tenant, n.env, r)
	if err != nil {
		return none, nil, fmt.Errorf("ask %s for %s: %w", n.env, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // the status says enough
		return none, nil, fmt.Errorf("ask %s for %s: %w", n.env, path, contract.DecodeFault(answer))
	}
	a, out, err := parcel.Read[A](response.Body)
	if err != nil {
		return none, nil, fmt.Errorf("read answer of %s to %s: %w", n.env, path, err)
	}
	return a, out, nil
}

func (n node) status(ctx context.Context, q contract.TransferStatus) (contract.TransferStand, error) {
	q.V = contract.Version
	s, _, err := ask[contract.TransferStand](ctx, n, "status", q)
	return s, err
}

// read reads documents, in order.
func (n node) read(ctx context.Context, q contract.TransferRead) (docs []docstore.Document, more bool, err error) {
	q.V = contract.Version
	p, docs, err := ask[contract.TransferPage](ctx, n, "read", q)
	return docs, p.More, err
}

// has says whether err is the agent's fault with that code.
func has(err error, code string) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code == code
}

// The agents' faults that a worker acts on.
const (
	codeMoved   = "tenantstore.moved"
	codeStandby = "tenantstore.standby"
	codeClaim   = "tenantstore.claim"
	codeOwner   = "tenantstore.owner"
	codeCopy    = "tenantstore.copy"
	codeDamaged = "tenantstore.damaged"
)

// final says whether trying again cannot help.
func final(err error) bool {
	if errors.Is(err, ErrDiffers) || errors.Is(err, ErrParity) || errors.Is(err, ErrCopyLost) {
		return true
	}
	for _, code := range []string{codeCopy, codeDamaged} {
		if has(err, code) {
			return true
		}
	}
	return false
}

// fields names where two bodies differ, as dotted paths, at most a few.
func fields(a, b []byte) []string {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return []string{"(not readable)"}
	}
	var out []string
	differ("", x, y, &out)
	if len(out) == 0 {
		return []string{"(bytes)"}
	}
	return out
}

const maxFields = 5

func differ(path string, a, b any, out *[]string) {
	if len(*out) >= maxFields {
		return
	}
	x, isMap := a.(map[string]any)
	y, alsoMap := b.(map[string]any)
	if isMap && alsoMap {
		for k := range x {
			differ(join(path, k), x[k], y[k], out)
		}
		for k := range y {
			if _, both := x[k]; !both {
				differ(join(path, k), nil, y[k], out)
			}
		}
		return
	}
	l, isList := a.([]any)
	m, alsoList := b.([]any)
	if isList && alsoList && len(l) == len(m) {
		for i := range l {
			differ(join(path, itoa(i)), l[i], m[i], out)
		}
		return
	}
	one, _ := json.Marshal(a)
	other, _ := json.Marshal(b)
	if !bytes.Equal(one, other) {
		*out = append(*out, path)
	}
}

func join(path, k string) string {
	if path == "" {
		return k
	}
	return path + "." + k
}
