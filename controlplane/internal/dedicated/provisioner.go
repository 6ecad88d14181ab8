package dedicated

import (
	"context"

	"github.com/dyocense/dyocense/shared/id"
)

// Provisioner makes what a dedicated environment runs on. Every method may be
// called again after it failed, or after a crash in the middle of it.
type Provisioner interface {
	// Home is where it makes environments: the same after a restart, and another
	// one wherever Start would find other data.
	Home() string
	// Room is how many environments the home holds. The error, if any, is the
	// reason why none can be made now.
	Room() (slots int, err error)
	// Start makes the environment's agent run, with the settings of a dedicated
	// one, and keeps it running; it does nothing while that is so. It does not
	// wait for the agent to connect.
	Start(ctx context.Context, env id.Environment) error
	// Running are the environments that Start keeps running, as far as this
	// process is who does it.
	Running() []id.Environment
	// Stop makes the agent end and returns when it has; Start runs it again.
	Stop(ctx context.Context, env id.Environment) error
	// Erase deletes everything that was kept for a stopped environment and
	// returns when nothing is left.
	Erase(ctx context.Context, env id.Environment) error
	// Close ends what cannot run without this process; nothing starts after it.
	Close()
}
