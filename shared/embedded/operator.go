package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// The names of keys and claims.
const (
	nameSystem       = "system"
	nameControlPlane = "control-plane"
)

// operator signs accounts and users with keys that it never holds longer than a
// call.
type operator struct{ keys Keyring }

func (o operator) key(ctx context.Context, name string, kind nkeys.PrefixByte) (k nkeys.KeyPair, public string, err error) {
	k, err = o.keys.Key(ctx, name, kind)
	if err != nil {
		return nil, "", err
	}
	public, err = k.PublicKey()
	return k, public, err
}

func (o operator) account(ctx context.Context, name string) (public string, err error) {
	_, public, err = o.key(ctx, "account-"+name, nkeys.PrefixByteAccount)
	return public, err
}

// claims of the operator itself: what a server trusts.
func (o operator) claims(ctx context.Context) (*jwt.OperatorClaims, error) {
	identity, public, err := o.key(ctx, "operator", nkeys.PrefixByteOperator)
	if err != nil {
		return nil, err
	}
	_, signer, err := o.key(ctx, "operator-signing", nkeys.PrefixByteOperator)
	if err != nil {
		return nil, err
	}
	system, err := o.account(ctx, nameSystem)
	if err != nil {
		return nil, err
	}
	c := jwt.NewOperatorClaims(public)
	c.Name = "dyocense"
	c.SigningKeys.Add(signer)
	c.SystemAccount = system
	c.StrictSigningKeyUsage = true
	token, err := c.Encode(identity)
	if err != nil {
		return nil, fmt.Errorf("sign operator: %w", err)
	}
	return jwt.DecodeOperatorClaims(token)
}

// own is the claims of an account of ours: the system's or the control plane's.
func (o operator) own(ctx context.Context, name string) (*jwt.AccountClaims, error) {
	public, err := o.account(ctx, name)
	if err != nil {
		return nil, err
	}
	_, signer, err := o.key(ctx, "signing-"+name, nkeys.PrefixByteAccount)
	if err != nil {
		return nil, err
	}
	c := jwt.NewAccountClaims(public)
	c.Name = name
	c.SigningKeys.Add(signer)
	c.Limits.LeafNodeConn = 0
	if name == nameControlPlane {
		requests, commands := contract.Requests(public), contract.Commands(public)
		c.Exports.Add(
			&jwt.Export{Name: "requests", Subject: jwt.Subject(requests.Export), Type: jwt.Service, AccountTokenPosition: contract.AccountTokenPosition},
			&jwt.Export{Name: "commands", Subject: jwt.Subject(commands.Export), Type: jwt.Stream, AccountTokenPosition: contract.AccountTokenPosition},
		)
	}
	return c, nil
}

// environment is the first claims of an environment's account.
func (o operator) environment(ctx context.Context, env id.Environment) (*jwt.AccountClaims, error) {
	public, err := o.account(ctx, string(env))
	if err != nil {
		return nil, err
	}
	_, role, err := o.key(ctx, roleKey(env), nkeys.PrefixByteAccount)
	if err != nil {
		return nil, err
	}
	plane, err := o.account(ctx, nameControlPlane)
	if err != nil {
		return nil, err
	}
	c := jwt.NewAccountClaims(public)
	c.Name = string(env)
	limit := contract.EnvironmentLimits()
	c.Limits.Conn, c.Limits.Subs, c.Limits.Payload, c.Limits.Imports = limit.Connections, limit.Subscriptions, limit.Payload, limit.Imports
	c.Limits.LeafNodeConn, c.Limits.Exports = 0, 0

	may := contract.AgentPermissions()
	scope := jwt.NewUserScope()
	scope.Key, scope.Role = role, contract.RoleAgent
	scope.Template.Permissions.Pub.Allow.Add(may.Publish...)
	scope.Template.Permissions.Sub.Allow.Add(may.Subscribe...)
	scope.Template.Limits.Subs, scope.Template.Limits.Payload = may.Subscriptions, may.Payload
	scope.Template.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard, jwt.ConnectionTypeWebsocket)
	c.SigningKeys.AddScopedSigner(scope)

	requests, commands := contract.Requests(public), contract.Commands(public)
	c.Imports.Add(
		&jwt.Import{Name: "requests", Account: plane, Subject: jwt.Subject(requests.Import), LocalSubject: jwt.RenamingSubject(requests.Local), Type: jwt.Service},
		&jwt.Import{Name: "commands", Account: plane, Subject: jwt.Subject(commands.Import), LocalSubject: jwt.RenamingSubject(commands.Local), Type: jwt.Stream},
	)
	return c, nil
}

func (o operator) sign(ctx context.Context, c *jwt.AccountClaims) (string, error) {
	signer, _, err := o.key(ctx, "operator-signing", nkeys.PrefixByteOperator)
	if err != nil {
		return "", err
	}
	var report jwt.ValidationResults
	c.Validate(&report)
	if errs := report.Errors(); len(errs) > 0 {
		return "", fmt.Errorf("claims of account %s: %w", c.Name, errors.Join(errs...))
	}
	token, err := c.Encode(signer)
	if err != nil {
		return "", fmt.Errorf("sign account %s: %w", c.Name, err)
	}
	return token, nil
}

// agent mints the token of a user whose rights are the role's template.
func (o operator) agent(ctx context.Context, env id.Environment, agent id.Agent, public string, expires time.Time) (string, error) {
	role, _, err := o.key(ctx, roleKey(env), nkeys.PrefixByteAccount)
	if err != nil {
		return "", err
	}
	account, err := o.account(ctx, string(env))
	if err != nil {
		return "", err
	}
	u := jwt.NewUserClaims(public)
	u.Name = string(agent)
	u.IssuerAccount = account
	u.Expires = expires.Unix()
	u.SetScoped(true)
	return u.Encode(role)
}

// ours mints a user of one of our own accounts for a key that lives as long as
// the process.
func (o operator) ours(ctx context.Context, account, name string) (token string, k nkeys.KeyPair, err error) {
	signer, _, err := o.key(ctx, "signing-"+account, nkeys.PrefixByteAccount)
	if err != nil {
		return "", nil, err
	}
	public, err := o.account(ctx, account)
	if err != nil {
		return "", nil, err
	}
	if k, err = nkeys.CreateUser(); err != nil {
		return "", nil, err
	}
	self, err := k.PublicKey()
	if err != nil {
		return "", nil, err
	}
	u := jwt.NewUserClaims(self)
	u.Name = name
	u.IssuerAccount = public
	token, err = u.Encode(signer)
	return token, k, err
}

func roleKey(env id.Environment) string { return contract.RoleAgent + "-" + string(env) }
