package contract

import (
	"time"

	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// Version is the version of every message of this package.
const Version = 1

// TenantState is what the control plane wants of a tenant in an environment.
type TenantState string

// The wanted states.
const (
	TenantServing TenantState = "serving" // its store exists, its API answers
	TenantGone    TenantState = "gone"    // nothing of it is left here
	TenantDropped TenantState = "dropped" // no copy of it is left here; a tenant that is owned here stays
)

// WantedTenant is one line of the desired state.
type WantedTenant struct {
	Tenant   id.Tenant   `json:"tenant"`
	Revision int64       `json:"revision"` // of the desired state, dense per environment
	State    TenantState `json:"state"`
	Plan     string      `json:"plan"` // starter, growth, business, enterprise
	Name     string      `json:"name"` // of the company, for exports and explanations
	// Moves are those whose copy is to be dropped; a later one's stays. Empty means any.
	Moves []string `json:"moves,omitempty"`
}

// DesiredRequest asks for all changes after Have.
type DesiredRequest struct {
	V    int   `json:"v"`
	Have int64 `json:"have"` // highest revision the agent has carried out; 0 at the start
}

// Desired answers with at most 500 changes in order of revision. An agent that
// reads the same twice does nothing the second time.
type Desired struct {
	V        int            `json:"v"`
	Revision int64          `json:"revision"` // the newest there is
	Tenants  []WantedTenant `json:"tenants"`
	More     bool           `json:"more"` // ask again from the last revision
}

// Report says how a wanted tenant came out.
type Report struct {
	V        int         `json:"v"`
	Tenant   id.Tenant   `json:"tenant"`
	Revision int64       `json:"revision"`
	State    TenantState `json:"state"`
	OK       bool        `json:"ok"`
	Reason   string      `json:"reason,omitempty"` // why not, safe to show
	Steps    []Step      `json:"steps,omitempty"`
}

// Step is one timed piece of work of an agent.
type Step struct {
	Name   string  `json:"name"`   // "create store", "probe"
	Millis float64 `json:"millis"` // wall time
}

// Ack answers a message that needs no answer but the certainty that it is kept.
type Ack struct {
	V int `json:"v"`
}

// Beat tells that an agent lives, once every BeatEvery.
type Beat struct {
	V          int                  `json:"v"`
	Program    string               `json:"program"` // version of the agent
	Mode       features.Mode        `json:"mode"`
	Started    time.Time            `json:"started"`
	Have       int64                `json:"have"`
	Tenants    int                  `json:"tenants"`
	Runs       int                  `json:"runs"` // running now
	Components []features.Component `json:"components"`
}

// BeatEvery is the pause between beats; an agent is lost after three missed ones.
const BeatEvery = 5 * time.Second

// Renew asks for a new user JWT over the agent's nkey.
type Renew struct {
	V         int    `json:"v"`
	PublicKey string `json:"publicKey"` // nkey, U...
}

// Renewed carries it. The JWT says nothing that the signing key's template does
// not allow, and lives UserTTL.
type Renewed struct {
	V       int       `json:"v"`
	JWT     string    `json:"jwt"`
	Expires time.Time `json:"expires"`
}

// UserTTL is the life of an agent's user JWT; agents renew at half of it.
const UserTTL = 24 * time.Hour

// Changed nudges an agent to ask for its desired state. Losing it costs time only.
type Changed struct {
	V        int   `json:"v"`
	Revision int64 `json:"revision"`
}

// ChallengeRequest is the body of POST /agent/v1/challenge.
type ChallengeRequest struct {
	V         int    `json:"v"`
	PublicKey string `json:"publicKey"` // nkey, U...
}

// Challenge is what an agent signs to prove that it holds the key.
type Challenge struct {
	V       int       `json:"v"`
	Nonce   string    `json:"nonce"` // good for this key until Expires
	Expires time.Time `json:"expires"`
}

// EnrolRequest is the body of POST /agent/v1/enrol. The join token travels in
// the Authorization header, never in a URL.
type EnrolRequest struct {
	V         int           `json:"v"`
	PublicKey string        `json:"publicKey"` // nkey made by the agent, which keeps the seed
	Nonce     string        `json:"nonce"`     // from POST /agent/v1/challenge
	Signature string        `json:"signature"` // base64url of the nkey's signature over the nonce
	Name      string        `json:"name"`      // host name, for people
	Program   string        `json:"program"`
	Mode      features.Mode `json:"mode"`
}

// Enrolled tells an agent who it is and where to connect.
type Enrolled struct {
	V           int            `json:"v"`
	Agent       id.Agent       `json:"agent"`
	Environment id.Environment `json:"environment"`
	JWT         string         `json:"jwt"`
	Expires     time.Time      `json:"expires"`
	Servers     []string       `json:"servers"` // NATS or WebSocket URLs of the edge
}
