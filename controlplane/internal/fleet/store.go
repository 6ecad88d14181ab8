package fleet

import (
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	environmentsName = "fleet_environments"
	agentsName       = "fleet_agents"
	tokensName       = "fleet_tokens"
	desiredName      = "fleet_desired"
	secretsName      = "fleet_secrets"

	byName        = "name"
	byAccount     = "account"
	byKey         = "key"
	byEnvironment = "environment"
	byExpiry      = "expiry"
	byTenant      = "tenant"
)

// Collections of this slice.
func Collections() []docstore.Collection {
	return []docstore.Collection{
		{Name: environmentsName, Indexes: []docstore.Index{
			{Name: byName, Fields: []string{"name"}, Unique: true},
			{Name: byAccount, Fields: []string{"account"}, Unique: true},
		}},
		{Name: agentsName, Indexes: []docstore.Index{
			{Name: byKey, Fields: []string{"publicKey"}, Unique: true},
			{Name: byEnvironment, Fields: []string{"environment"}},
		}},
		{Name: tokensName, Indexes: []docstore.Index{{Name: byExpiry, Fields: []string{"expires"}}}},
		{Name: desiredName, Indexes: []docstore.Index{{Name: byTenant, Fields: []string{"wanted.tenant"}}}},
		{Name: secretsName},
	}
}

// environmentDoc has the environment's id.
type environmentDoc struct {
	Name    string        `json:"name"`
	Mode    features.Mode `json:"mode"`
	Account string        `json:"account,omitempty"` // absent until the edge knows it
	Created time.Time     `json:"created"`
}

// agentDoc has the agent's id.
type agentDoc struct {
	Environment id.Environment `json:"environment"`
	PublicKey   string         `json:"publicKey"`
	Name        string         `json:"name"`
	Program     string         `json:"program"`
	Mode        features.Mode  `json:"mode"`
	State       State          `json:"state"`
	Enrolled    time.Time      `json:"enrolled"`
}

// tokenDoc has the hash of the token as id.
type tokenDoc struct {
	Environment id.Environment `json:"environment"`
	Expires     int64          `json:"expires"`         // Unix seconds
	Key         string         `json:"key,omitempty"`   // of the agent that used it
	Agent       id.Agent       `json:"agent,omitempty"` // the id it was given
}

// lineDoc is one line of the desired state; its id is slotID.
type lineDoc struct {
	Wanted contract.WantedTenant `json:"wanted"`
	At     time.Time             `json:"at"`
}

// secretDoc is a key that replicas share.
type secretDoc struct {
	Key []byte `json:"key"`
}
