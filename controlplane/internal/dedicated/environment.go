package dedicated

import (
	"regexp"
	"time"

	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// State of a dedicated environment. Whether its agent is alive right now is not a
// state: nobody decides it.
type State string

// The states.
const (
	Requested State = "requested"
	Starting  State = "starting"
	Running   State = "running"
	Stopping  State = "stopping"
	Removed   State = "removed"
	Failed    State = "failed"
)

// Event moves a dedicated environment.
type Event string

// The events.
const (
	ProvisionerTold Event = "provisioner_told"
	AgentCame       Event = "agent_came"
	StepFailed      Event = "step_failed"
	RetryAsked      Event = "retry_asked"
	RemovalAsked    Event = "removal_asked"
	AllErased       Event = "all_erased"
)

// Lifecycle of a dedicated environment.
var Lifecycle = state.New(Requested, state.Table[State, Event]{
	Requested: {ProvisionerTold: Starting, StepFailed: Failed, RemovalAsked: Stopping},
	Starting:  {AgentCame: Running, StepFailed: Failed, RemovalAsked: Stopping},
	Running:   {RemovalAsked: Stopping},
	Failed:    {RetryAsked: Requested, RemovalAsked: Stopping},
	Stopping:  {AllErased: Removed},
	Removed:   {},
})

// wanted says whether something shall run in this state.
func (s State) wanted() bool { return s == Requested || s == Starting || s == Running }

// keyForm is what a caller's key looks like; it becomes part of a name.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// environment is the document of one dedicated environment; its id is fleet's.
type environment struct {
	Tenant  id.Tenant           `json:"tenant"`
	Key     string              `json:"key"` // chosen by whoever asked
	Home    string              `json:"home"`
	Slot    int                 `json:"slot,omitempty"` // from 1; absent when it takes no room any more
	State   State               `json:"state"`
	Entered map[State]time.Time `json:"entered"`         // when each state was entered last
	Error   string              `json:"error,omitempty"` // safe to show
}

// move takes the environment one state on.
func (e *environment) move(event Event) error {
	next, err := Lifecycle.Next(e.State, event)
	if err != nil {
		return err
	}
	e.State = next
	e.Entered[next] = time.Now().UTC()
	switch next {
	case Requested, Stopping:
		e.Error = ""
	case Removed:
		e.Slot = 0
	case Starting, Running, Failed:
	}
	return nil
}

// View is what others see of a dedicated environment.
type View struct {
	Environment id.Environment
	Tenant      id.Tenant
	Key         string
	State       State
	Since       time.Time // in this state
	Alive       bool      // an agent of it is connected, as this process has heard
	Reason      string    // why nobody can use it, in words; empty when somebody can
}

func viewOf(env id.Environment, e environment, alive bool) View {
	v := View{Environment: env, Tenant: e.Tenant, Key: e.Key, State: e.State, Since: e.Entered[e.State], Alive: alive}
	switch e.State {
	case Requested:
		v.Reason = "it is being prepared"
	case Starting:
		v.Reason = "its agent has not come yet"
	case Running:
		if !alive {
			v.Reason = "its agent is not connected"
		}
	case Stopping:
		v.Reason = "it is being removed"
	case Removed:
		v.Reason = "it has been removed"
	case Failed:
		v.Reason = e.Error
	}
	return v
}
