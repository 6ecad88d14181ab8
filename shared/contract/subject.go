package contract

import (
	"strings"

	"github.com/dyocense/dyocense/shared/id"
)

// Verb is what an agent asks of the control plane.
type Verb string

// The verbs. Each is one conversation in the table of the package comment.
const (
	VerbDesired Verb = "desired"
	VerbReport  Verb = "report"
	VerbBeat    Verb = "beat"
	VerbRenew   Verb = "renew"
)

// What the environment's account imports from the control plane's, and under
// which local name. The token that a star stands for is the account's public
// key: the server puts it there (AccountTokenPosition), no client can.
const (
	exportRequests = "cp.rpc.*.>"
	exportCommands = "cp.cmd.*.>"
	localRequests  = "cp.>"
	localCommands  = "cmd.>"

	// AccountTokenPosition is the place of the account key in both exports,
	// counted from 1.
	AccountTokenPosition = 3
)

// Crossing is a set of subjects that the control plane's account exports and
// every environment's account imports under a local name.
type Crossing struct {
	Export string // in the control plane's account, a star for the account key
	Import string // the same with the importing account's key
	Local  string // in the environment's account
}

// Requests is the crossing from agents to the control plane (a NATS service).
func Requests(account string) Crossing {
	return Crossing{exportRequests, strings.Replace(exportRequests, "*", account, 1), localRequests}
}

// Commands is the crossing from the control plane to agents (a NATS stream).
func Commands(account string) Crossing {
	return Crossing{exportCommands, strings.Replace(exportCommands, "*", account, 1), localCommands}
}

// Ask is the subject on which agent a makes its request, in its own account.
func Ask(a id.Agent, v Verb) string { return "cp." + string(a) + "." + string(v) }

// Asked is the subject on which the control plane hears the requests of all
// agents of all environments.
func Asked(v Verb) string { return "cp.rpc.*.*." + string(v) }

// Up is the subject on which agent a sends tunnel frames to a gateway.
func Up(a id.Agent, gateway string) string { return "cp." + string(a) + ".up." + gateway }

// UpOf is the subject on which a gateway hears the frames meant for it.
func UpOf(gateway string) string { return "cp.rpc.*.*.up." + gateway }

// ChangedOf is the subject on which agent a hears that its desired state moved.
func ChangedOf(a id.Agent) string { return "cmd." + string(a) + ".changed" }

// ToChanged is the subject on which the control plane nudges an agent.
func ToChanged(account string, a id.Agent) string {
	return "cp.cmd." + account + "." + string(a) + ".changed"
}

// DownOf is the subject on which agent a hears tunnel frames.
func DownOf(a id.Agent) string { return "cmd." + string(a) + ".down" }

// ToDown is the subject on which a gateway sends tunnel frames to an agent.
func ToDown(account string, a id.Agent) string {
	return "cp.cmd." + account + "." + string(a) + ".down"
}

// InboxPrefix is where answers to agent a arrive; no other agent may listen there.
func InboxPrefix(a id.Agent) string { return "_INBOX_" + string(a) }

// Speaker says who sent a message that arrived on an Asked or UpOf subject. The
// account is the server's word; the agent's name is enforced by its permissions.
// ok is false for any other subject.
func Speaker(subject string) (account string, agent id.Agent, ok bool) {
	rest, ok := strings.CutPrefix(subject, "cp.rpc.")
	if !ok {
		return "", "", false
	}
	account, rest, ok = strings.Cut(rest, ".")
	if !ok || account == "" {
		return "", "", false
	}
	name, rest, ok := strings.Cut(rest, ".")
	if !ok || rest == "" {
		return "", "", false
	}
	return account, id.Agent(name), name != ""
}
