package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// The faults of the authority.
var (
	ErrNoAccount = fault.New(fault.NotFound, "embedded.no_account", "This environment has no account on the edge yet.")
	ErrBadKey    = fault.New(fault.Invalid, "embedded.bad_key", "This is no public user key; send the one that begins with U.")
	ErrRefused   = fault.New(fault.Unavailable, "embedded.refused", "The messaging servers did not take the change; it will be tried again.")
)

// Authority decides who may connect to the edge. Its methods may be called from
// many goroutines.
type Authority struct {
	operator operator
	claims   Claims
	system   *nats.Conn
	servers  int // how many servers have to answer an update

	mu sync.Mutex // one change of claims at a time
}

// EnsureAccount makes the account of env exist, durably and on the server, and
// returns its public key. It is idempotent.
func (a *Authority) EnsureAccount(ctx context.Context, env id.Environment) (account string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	token, err := a.claims.Load(ctx, string(env))
	if err != nil {
		return "", err
	}
	if token != "" {
		if account, err = a.operator.account(ctx, string(env)); err != nil {
			return "", err
		}
		// A crash between Save and push leaves a server that has not heard; telling
		// it twice costs a millisecond.
		return account, a.push(ctx, account, token)
	}
	c, err := a.operator.environment(ctx, env)
	if err != nil {
		return "", err
	}
	return c.Subject, a.publish(ctx, string(env), c)
}

// MintUser gives agent a token over the public key that it made itself. The
// token carries no rights of its own, only the name that the role's template is
// filled with. The account has to exist (EnsureAccount).
func (a *Authority) MintUser(ctx context.Context, env id.Environment, agent id.Agent, publicKey string, ttl time.Duration) (token string, expires time.Time, err error) {
	if !nkeys.IsValidPublicUserKey(publicKey) {
		return "", time.Time{}, ErrBadKey
	}
	if ttl <= 0 {
		return "", time.Time{}, fmt.Errorf("mint user %s: a life of %v is none", agent, ttl)
	}
	known, err := a.claims.Load(ctx, string(env))
	if err != nil {
		return "", time.Time{}, err
	}
	if known == "" {
		return "", time.Time{}, ErrNoAccount
	}
	expires = time.Now().Add(ttl).Truncate(time.Second)
	token, err = a.operator.agent(ctx, env, agent, publicKey, expires)
	return token, expires, err
}

// Revoke ends every connection of that key and refuses the tokens it has. A
// token minted in a later second is good again, so the registry has to refuse
// the key too.
func (a *Authority) Revoke(ctx context.Context, env id.Environment, publicKey string) error {
	if !nkeys.IsValidPublicUserKey(publicKey) {
		return ErrBadKey
	}
	return a.change(ctx, env, func(c *jwt.AccountClaims) {
		forgotten := time.Now().Add(-2 * contract.UserTTL).Unix()
		for key, at := range c.Revocations {
			if at < forgotten { // every token it could name has expired
				delete(c.Revocations, key)
			}
		}
		c.RevokeAt(publicKey, time.Now())
	})
}

// Suspend closes every connection in the account of env and refuses new ones,
// until it is called with false.
func (a *Authority) Suspend(ctx context.Context, env id.Environment, suspended bool) error {
	return a.change(ctx, env, func(c *jwt.AccountClaims) {
		c.Limits.Conn = contract.EnvironmentLimits().Connections
		if suspended {
			c.Limits.Conn = 0
		}
	})
}

func (a *Authority) change(ctx context.Context, env id.Environment, change func(*jwt.AccountClaims)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	token, err := a.claims.Load(ctx, string(env))
	if err != nil {
		return err
	}
	if token == "" {
		return ErrNoAccount
	}
	c, err := jwt.DecodeAccountClaims(token)
	if err != nil {
		return fmt.Errorf("claims of %s: %w", env, err)
	}
	change(c)
	return a.publish(ctx, string(env), c)
}

// publish keeps c and then tells the servers, in this order: what a server
// knows can always be sent again from what is kept.
func (a *Authority) publish(ctx context.Context, name string, c *jwt.AccountClaims) error {
	token, err := a.operator.sign(ctx, c)
	if err != nil {
		return err
	}
	if err := a.claims.Save(ctx, name, token); err != nil {
		return err
	}
	return a.push(ctx, c.Subject, token)
}

// pushTimeout bounds one update of all servers.
const pushTimeout = 5 * time.Second

// push sends the claims and waits until every server has said yes. A server
// answers an update that it cannot use with an error in the body.
func (a *Authority) push(ctx context.Context, account, token string) error {
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	inbox := a.system.NewRespInbox()
	answers, err := a.system.SubscribeSync(inbox)
	if err != nil {
		return ErrRefused.Because(err)
	}
	defer answers.Unsubscribe() //nolint:errcheck // the connection ends with the edge
	if err := a.system.PublishRequest("$SYS.REQ.CLAIMS.UPDATE", inbox, []byte(token)); err != nil {
		return ErrRefused.Because(err)
	}
	agreed := map[string]bool{}
	for len(agreed) < a.servers {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return ErrRefused.Because(fmt.Errorf("push account %s, %d of %d servers agreed: %w", account, len(agreed), a.servers, err))
		}
		var answer struct {
			Server struct {
				ID string `json:"id"`
			} `json:"server"`
			Error *struct {
				Description string `json:"description"`
			} `json:"error"`
		}
		if err := json.Unmarshal(m.Data, &answer); err != nil {
			return ErrRefused.Because(err)
		}
		if answer.Error != nil {
			return ErrRefused.Because(errors.New(answer.Error.Description))
		}
		agreed[answer.Server.ID] = true
	}
	return nil
}

// announce tells servers outside of the process of one of our own accounts and
// of every environment they may not have heard of.
func (a *Authority) announce(ctx context.Context, own *jwt.AccountClaims) error {
	token, err := a.operator.sign(ctx, own)
	if err != nil {
		return err
	}
	if err := a.push(ctx, own.Subject, token); err != nil {
		return err
	}
	kept, err := a.claims.All(ctx)
	if err != nil {
		return err
	}
	for _, token := range kept {
		c, err := jwt.DecodeAccountClaims(token)
		if err != nil {
			return fmt.Errorf("kept claims: %w", err)
		}
		if err := a.push(ctx, c.Subject, token); err != nil {
			return err
		}
	}
	return nil
}
