package contract

import "github.com/dyocense/dyocense/shared/id"

// MaxPayload is the largest message of either system, in bytes. Everything that
// can be larger is cut into frames (tunnel) or pages (Desired).
const MaxPayload = 1 << 20

// Permissions say what a role may do in its account. They are the template of a
// scoped signing key: the user's own token cannot widen them.
type Permissions struct {
	Publish       []string // subjects, with {{name()}} for the user's name
	Subscribe     []string
	Subscriptions int64 // at most this many at a time
	Payload       int64 // bytes of one message
}

// RoleAgent is the name of the scoped signing key that mints agents.
const RoleAgent = "agent"

// AgentPermissions is the template of an agent: its own requests, its own
// commands and its own inbox. The user's name is the agent's id.
func AgentPermissions() Permissions {
	const self id.Agent = "{{name()}}"
	return Permissions{
		Publish:       []string{"cp." + string(self) + ".>"},
		Subscribe:     []string{"cmd." + string(self) + ".>", InboxPrefix(self) + ".>"},
		Subscriptions: 20,
		Payload:       MaxPayload,
	}
}

// AccountLimits bound what all agents of one environment together may hold open
// on the edge.
type AccountLimits struct {
	Connections   int64
	Subscriptions int64
	Payload       int64
	Imports       int64
}

// EnvironmentLimits are the limits of an environment's account: room for every
// agent twice, because a restarted one may come back before the server has seen
// the old connection end.
func EnvironmentLimits() AccountLimits {
	return AccountLimits{Connections: 128, Subscriptions: 4096, Payload: MaxPayload, Imports: 8}
}
