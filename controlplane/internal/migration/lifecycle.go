package migration

import "github.com/dyocense/dyocense/shared/state"

// State of a move.
type State string

// The states.
const (
	Requested    State = "requested"
	Provisioning State = "provisioning" // the target environment is being made
	Copying      State = "copying"      // documents are copied, new entries follow
	Verifying    State = "verifying"    // the copy is compared row by row
	Rehearsing   State = "rehearsing"   // the last decisions are made again on the copy
	ReadyToGo    State = "ready"        // the copy follows; the switch may come any moment
	Charging     State = "charging"     // the new plan is being paid
	Cutting      State = "cutting"      // the switch is being tried
	Switched     State = "switched"     // the target owns the tenant; the source follows
	Accepted     State = "accepted"     // the customer keeps it; the old copy waits for its end
	Cleaned      State = "cleaned"      // the old copy is gone
	Aborting     State = "aborting"
	Aborted      State = "aborted" // given up before the switch; nothing is left of it
	Failed       State = "failed"  // the copy is not good; the source is untouched
	RollingBack  State = "rolling_back"
	Discarding   State = "discarding" // back at the source; the target's copy is being deleted
	RolledBack   State = "rolled_back"
)

// Event moves a move.
type Event string

// The events.
const (
	TargetWanted    Event = "target_wanted"
	TargetReady     Event = "target_ready"
	Copied          Event = "copied"
	Verified        Event = "verified"
	Rehearsed       Event = "rehearsed"
	SwitchBegun     Event = "switch_begun"
	Charged         Event = "charged"
	PaymentFailed   Event = "payment_failed"
	SwitchPutOff    Event = "switch_put_off"
	HandedOver      Event = "handed_over"
	AcceptAsked     Event = "accept_asked"
	OldCopyGone     Event = "old_copy_gone"
	AbortAsked      Event = "abort_asked"
	GivenUp         Event = "given_up"
	StepFailed      Event = "step_failed"
	RetryAsked      Event = "retry_asked"
	RollBackAsked   Event = "roll_back_asked"
	RollBackPutOff  Event = "roll_back_put_off"
	HandedBack      Event = "handed_back"
	TargetDiscarded Event = "target_discarded"
)

// Lifecycle of a move.
var Lifecycle = state.New(Requested, state.Table[State, Event]{
	Requested:    {TargetWanted: Provisioning, AbortAsked: Aborting, StepFailed: Failed},
	Provisioning: {TargetReady: Copying, AbortAsked: Aborting, StepFailed: Failed},
	Copying:      {Copied: Verifying, AbortAsked: Aborting, StepFailed: Failed},
	Verifying:    {Verified: Rehearsing, AbortAsked: Aborting, StepFailed: Failed},
	Rehearsing:   {Rehearsed: ReadyToGo, AbortAsked: Aborting, StepFailed: Failed},
	ReadyToGo:    {SwitchBegun: Charging, AbortAsked: Aborting, StepFailed: Failed},
	Charging:     {Charged: Cutting, PaymentFailed: ReadyToGo, StepFailed: Failed},
	Cutting:      {HandedOver: Switched, SwitchPutOff: ReadyToGo, StepFailed: Failed},
	Switched:     {AcceptAsked: Accepted, RollBackAsked: RollingBack},
	RollingBack:  {HandedBack: Discarding, RollBackPutOff: Switched},
	Discarding:   {TargetDiscarded: RolledBack},
	Accepted:     {OldCopyGone: Cleaned},
	Failed:       {RetryAsked: Requested, AbortAsked: Aborting},
	Aborting:     {GivenUp: Aborted},
	Cleaned:      {},
	Aborted:      {},
	RolledBack:   {},
})
