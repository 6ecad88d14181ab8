package session

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/secret"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// The faults of a configuration.
var (
	ErrAddress = fault.New(fault.Invalid, "session.address",
		"The control plane's address must be an https:// URL; http:// is for this machine only, because the join token would be readable on the way.")
	ErrNoToken = fault.New(fault.Invalid, "session.no_token",
		"This agent is not enrolled and has no join token. Make one in the portal, put it into a file and name the file in DYOCENSE_JOIN_TOKEN_FILE, or give it as the first line of standard input with --join-token-stdin.")
)

// Config is what a session needs.
type Config struct {
	ControlPlane string // base URL; https, or http on this machine
	Dir          string // of the identity; made if missing
	Name         string // of the host, for people
	Program      string // version of this program
	Mode         features.Mode
	// JoinToken is asked only when the control plane does not know this agent
	// yet; nil means that there is none.
	JoinToken func(context.Context) (secret.Text, error)
	Load      func() Load // for beats; nil means nothing to tell
	// Belong is told this agent's environment before each connection, so before
	// any request; nil means that nobody asks.
	Belong     func(id.Environment)
	Tunnel     tunnel.Limits
	HTTPClient *http.Client // nil means one of its own
}

// Load is what an agent tells of itself in a beat.
type Load struct {
	Tenants    int
	Runs       int
	Components []features.Component
}

// Handler carries out what is wanted. One call runs at a time.
type Handler interface {
	// Apply brings a tenant into the wanted state; it does nothing when it is
	// there already. The report says how it came out and in which steps; its V,
	// Tenant, Revision and State are filled in by the caller. An error of a
	// retryable kind is tried again a few times; what is left of it is reported
	// to the control plane with the fault's sentence.
	Apply(ctx context.Context, w contract.WantedTenant) (contract.Report, error)
}

func (c Config) endpoint(path string) (string, error) {
	u, err := url.Parse(c.ControlPlane)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", ErrAddress
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname())) {
		return "", ErrAddress
	}
	return u.JoinPath(path).String(), nil
}

func onThisMachine(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
