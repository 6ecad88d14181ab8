// Package features says what this deployment is and has: the deployment mode,
// the flags, and the state of each component.
//
// It owns DEPLOYMENT_MODE, the feature flags, and the words ready, degraded and
// off. It does not own the components: whoever opens one reports on it.
//
// One Features value is read at start and handed down. Nothing else reads these
// environment variables.
package features

// Mode is where and how this deployment runs.
type Mode string

// The modes.
const (
	SMB      Mode = "smb"      // shared pool, many tenants on one agent
	Platform Mode = "platform" // dedicated infrastructure of one tenant
)

// State of a component.
type State string

// The states. There is no fourth: a component is never silently replaced.
const (
	Ready    State = "ready"
	Degraded State = "degraded" // works, but not as configured; Reason says how
	Off      State = "off"      // this mode does not have it
)

// Component is one line of /health.
type Component struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"` // required unless ready
}
