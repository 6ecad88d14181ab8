package migration

import (
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// Direction says what a move is for.
type Direction string

// The directions.
const (
	Upgrade   Direction = "upgrade"
	Downgrade Direction = "downgrade"
	Rebalance Direction = "move" // the plan stays
)

// When says when the switch comes.
type When string

// The moments.
const (
	WhenReady When = "ready" // as soon as the copy is good
	WhenAsked When = "asked" // when the customer presses the button
)

// Order is what was asked for; it never changes.
type Order struct {
	ID        id.Move          `json:"id"`
	Tenant    id.Tenant        `json:"tenant"`
	Company   string           `json:"company"`
	Direction Direction        `json:"direction"`
	FromPlan  billing.PlanID   `json:"fromPlan"`
	ToPlan    billing.PlanID   `json:"toPlan"`
	Interval  billing.Interval `json:"interval"`
	From      id.Environment   `json:"from"`
	To        id.Environment   `json:"to,omitempty"` // "" means one that is made for the tenant
	Quote     *billing.Quote   `json:"quote,omitempty"`
	When      When             `json:"when"`
	Person    id.Person        `json:"person"`
	Email     string           `json:"email"`
	At        time.Time        `json:"at"`
}

// Wish is what a person asked of a move that its worker has not done yet.
type Wish string

// The wishes.
const (
	WishSwitch   Wish = "switch"
	WishAbort    Wish = "abort"
	WishRollBack Wish = "roll_back"
	WishAccept   Wish = "accept"
	WishRetry    Wish = "retry"
	WishClean    Wish = "clean"
)

// record is one line of a move's log: the whole state after what it tells.
type record struct {
	N      int64     `json:"n"`
	At     time.Time `json:"at"`
	Worker string    `json:"worker"` // who wrote it; "" a person's request
	Claim  int64     `json:"claim"`  // record with which the present worker took the move
	State  State     `json:"state"`
	Event  Event     `json:"event,omitempty"` // that led to State; "" for claims, wishes and notes
	Text   string    `json:"text"`            // for people
	Detail string    `json:"detail,omitempty"`
	Wish   Wish      `json:"wish,omitempty"`
	Paused bool      `json:"paused,omitempty"`
	Facts  facts     `json:"facts"`
	outbox.Box
}

// facts are what the steps of a move found out, as far as a later step, or
// another worker, needs it.
type facts struct {
	Attempt   int                     `json:"attempt"`            // of copying; each has a name of its own at the agents
	Target    id.Environment          `json:"target,omitempty"`   // once it is chosen
	Made      bool                    `json:"made,omitempty"`     // the target is made for this move, or about to be
	Base      *contract.Place         `json:"base,omitempty"`     // where the copy began
	Prepared  bool                    `json:"prepared,omitempty"` // the copy was begun: if it is not there, it is lost
	Done      []string                `json:"done,omitempty"`     // collections that are copied
	Totals    []total                 `json:"totals,omitempty"`
	Verified  *contract.Place         `json:"verified,omitempty"` // up to where the comparison held
	Parity    []contract.ParityResult `json:"parity,omitempty"`
	Mismatch  []Mismatch              `json:"mismatch,omitempty"`
	Quote     *billing.Quote          `json:"quote,omitempty"` // newer than the order's
	Asked     bool                    `json:"asked,omitempty"` // the switch waits to be asked for
	Charge    int                     `json:"charge,omitempty"`
	Paid      bool                    `json:"paid,omitempty"`
	Halt      *problem                `json:"halt,omitempty"`  // why there shall be no more attempts to switch
	Pause     *pause                  `json:"pause,omitempty"` // of the last switch
	PauseBack *pause                  `json:"pauseBack,omitempty"`
	SoakUntil *time.Time              `json:"soakUntil,omitempty"`
	Soaked    bool                    `json:"soaked,omitempty"` // the follower was compared after the switch
	OneWay    bool                    `json:"oneWay,omitempty"` // and it differs, or is lost: there is no way back
	Lost      bool                    `json:"lost,omitempty"`   // the old copy is not there any more
	DeleteAt  *time.Time              `json:"deleteAt,omitempty"`
	Deleting  bool                    `json:"deleting,omitempty"` // nothing is carried from the old copy any more
	Proof     *Proof                  `json:"proof,omitempty"`
	Error     *problem                `json:"error,omitempty"`
	Entered   map[State]time.Time     `json:"entered"`
	Spent     map[State]float64       `json:"spent"` // seconds
}

type problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// total is a collection's size when copying began.
type total struct {
	Name      string `json:"name"`
	Documents int64  `json:"documents"`
	Bytes     int64  `json:"bytes,omitempty"` // as their store keeps them
	Journal   bool   `json:"journal,omitempty"`
}

// pause is how long writes waited for a switch.
type pause struct {
	Millis   float64   `json:"millis"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
}

// clone is f without shared parts that a change could reach.
func (f facts) clone() facts {
	entered, spent := map[State]time.Time{}, map[State]float64{}
	for s, at := range f.Entered {
		entered[s] = at
	}
	for s, d := range f.Spent {
		spent[s] = d
	}
	f.Entered, f.Spent = entered, spent
	f.Done = append([]string(nil), f.Done...)
	return f
}

// first is the first record of a move.
func first(o Order) record {
	r := record{
		N: 1, At: o.At, State: Lifecycle.First(), Text: "Asked for",
		Facts: facts{Attempt: 1, Target: o.To, Asked: o.When == WhenAsked, Entered: map[State]time.Time{}, Spent: map[State]float64{}},
	}
	r.Facts.Entered[r.State] = r.At
	return r
}

// next is the record that follows r with an event.
func (r record) next(e Event, now time.Time) (record, error) {
	to, err := Lifecycle.Next(r.State, e)
	if err != nil {
		return r, err
	}
	n := r.note(now)
	n.Event, n.State = e, to
	n.Facts.Spent[r.State] += now.Sub(r.Facts.Entered[r.State]).Seconds()
	n.Facts.Entered[to] = now
	return n, nil
}

// note is the record that follows r and changes nothing yet.
func (r record) note(now time.Time) record {
	n := r
	n.N, n.At, n.Event, n.Text, n.Detail = r.N+1, now, "", "", ""
	n.Box = outbox.Box{}
	n.Facts = r.Facts.clone()
	return n
}

// over says whether nothing follows.
func (r record) over() bool { return Lifecycle.Final(r.State) }

// at the agents a copying attempt has a name of its own, so that nothing of an
// earlier one can be taken for it.
func (o Order) agentMove(f facts) string {
	return string(o.ID) + "." + itoa(f.Attempt)
}

// agentMoves are all attempts so far.
func (o Order) agentMoves(f facts) []string {
	var all []string
	for n := 1; n <= f.Attempt; n++ {
		all = append(all, o.agentMove(facts{Attempt: n}))
	}
	return all
}
