package runs

import "github.com/dyocense/dyocense/shared/state"

// State of a run.
type State string

// The states.
const (
	Queued    State = "queued"
	Running   State = "running"
	Canceling State = "canceling" // asked to stop; a plan found so far is kept
	Done      State = "done"      // there is a result; its status says which
	Failed    State = "failed"    // there is a reason
	Cancelled State = "cancelled" // stopped before anything was found
)

type event string

const (
	start     event = "start"
	interrupt event = "interrupt" // the agent stopped or died
	cancel    event = "cancel"
	finish    event = "finish"
	fail      event = "fail"
	stop      event = "stop" // cancelling came to its end without a plan
)

var lifecycle = state.New(Queued, state.Table[State, event]{
	Queued:    {start: Running, cancel: Cancelled, fail: Failed},
	Running:   {finish: Done, fail: Failed, cancel: Canceling, interrupt: Queued, stop: Cancelled},
	Canceling: {finish: Done, fail: Failed, stop: Cancelled, interrupt: Cancelled, cancel: Canceling},
	Done:      {},
	Failed:    {},
	Cancelled: {},
})

// Final says whether nothing follows s.
func (s State) Final() bool { return lifecycle.Final(s) }
