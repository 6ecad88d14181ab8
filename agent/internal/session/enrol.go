package session

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/secret"
)

// ErrUnreachable is the fault of a control plane that cannot be asked.
var ErrUnreachable = fault.New(fault.Unavailable, "session.unreachable", "The control plane cannot be reached.")

const (
	challengePath = "/agent/v1/challenge"
	enrolPath     = "/agent/v1/enrol"
	enrolWithin   = 15 * time.Second
	maxAnswer     = 64 << 10
)

// enroller asks the control plane, over HTTP, who this agent is.
type enroller struct {
	cfg      Config
	identity *identity
	client   *http.Client
	token    secret.Text // read once, when it is first needed
}

func newEnroller(cfg Config, i *identity) *enroller {
	client := &http.Client{}
	if cfg.HTTPClient != nil {
		*client = *cfg.HTTPClient
	}
	// What we send is for this address and no other.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &enroller{cfg: cfg, identity: i, client: client}
}

// enrol proves the key and keeps what the control plane answers. The token goes
// along only when there is no way without: an agent that is known needs none.
func (e *enroller) enrol(ctx context.Context) error {
	err := e.attempt(ctx, "")
	if fault.KindOf(err) != fault.Unauthenticated {
		return err
	}
	if e.token == "" {
		if e.cfg.JoinToken == nil {
			return ErrNoToken.Because(err)
		}
		token, err := e.cfg.JoinToken(ctx)
		if err != nil {
			return err
		}
		e.token = token
	}
	return e.attempt(ctx, e.token)
}

func (e *enroller) attempt(ctx context.Context, token secret.Text) error {
	ctx, cancel := context.WithTimeout(ctx, enrolWithin)
	defer cancel()
	var c contract.Challenge
	ask := contract.ChallengeRequest{V: contract.Version, PublicKey: e.identity.public}
	if err := e.post(ctx, challengePath, "", ask, &c); err != nil {
		return err
	}
	signature, err := e.identity.key.Sign([]byte(c.Nonce))
	if err != nil {
		return fmt.Errorf("sign challenge: %w", err)
	}
	var enrolled contract.Enrolled
	err = e.post(ctx, enrolPath, token, contract.EnrolRequest{
		V: contract.Version, PublicKey: e.identity.public, Nonce: c.Nonce,
		Signature: base64.RawURLEncoding.EncodeToString(signature),
		Name:      e.cfg.Name, Program: e.cfg.Program, Mode: e.cfg.Mode,
	}, &enrolled)
	if err != nil {
		return err
	}
	if enrolled.V != contract.Version || enrolled.Agent == "" || enrolled.JWT == "" || len(enrolled.Servers) == 0 {
		return contract.ErrMalformed
	}
	return e.identity.enrol(enrolled)
}

// post sends q and reads the answer into a. Answers of this door may have fields
// that we do not know.
func (e *enroller) post(ctx context.Context, path string, token secret.Text, q contract.Message, a any) error {
	address, err := e.cfg.endpoint(path)
	if err != nil {
		return err
	}
	body, err := contract.Encode(q)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return ErrAddress.Because(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token.Set() {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	response, err := e.client.Do(r)
	if err != nil {
		return ErrUnreachable.Because(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end or given up
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return ErrUnreachable.Because(err)
	}
	if response.StatusCode != http.StatusOK {
		f := contract.DecodeFault(answer)
		if f.Kind == fault.Internal { // a proxy's page, or a control plane in trouble: both pass
			return ErrUnreachable.Because(fmt.Errorf("%s answered %s: %w", path, response.Status, f))
		}
		return f
	}
	if err := json.Unmarshal(answer, a); err != nil {
		return ErrUnreachable.Because(fmt.Errorf("read answer of %s: %w", path, err))
	}
	return nil
}
