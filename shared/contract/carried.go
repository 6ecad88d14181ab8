package contract

import (
	"encoding/json"

	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// MaxCarried bounds CarriedRuns in bytes. They come as the body of an answer over
// HTTP, so the limit of NATS does not bind them; there is room for the largest
// result that a tenant's store takes, written as text.
const MaxCarried = 96 << 20

// CarriedRuns are what the former owner of a tenant still works on for it. A run
// that was in work when the tenant was handed over goes on there, and its
// progress and its end are carried to the new owner.
type CarriedRuns struct {
	V    int          `json:"v"`
	Next int64        `json:"next"` // ask for what changed after it
	Runs []CarriedRun `json:"runs"`
	More bool         `json:"more"` // something is carried still: ask again
}

// CarriedRun is one attempt as it is this moment. A later one replaces all before
// it.
type CarriedRun struct {
	Run     id.Run          `json:"run"`
	Attempt int             `json:"attempt"` // names the attempt among all of the run
	Version int64           `json:"version"` // grows with each change of the attempt
	Live    json.RawMessage `json:"live"`    // stages and progress, in the words of the agents
	Ended   *CarriedEnd     `json:"ended,omitempty"`
}

// CarriedEnd is how an attempt came out.
type CarriedEnd struct {
	How      string         `json:"how"`                // an event of a run's lifecycle: finish, fail, stop or interrupt
	Status   string         `json:"status,omitempty"`   // of the result
	Headline string         `json:"headline,omitempty"` // of the result
	Problem  *fault.Problem `json:"problem,omitempty"`  // why it failed
	Result   []byte         `json:"result,omitempty"`   // the whole of it, as it is stored
}

// CarriedAnswers are the new owner's answers to CarriedRuns.
type CarriedAnswers struct {
	V       int             `json:"v"`
	Answers []CarriedAnswer `json:"answers"`
}

// CarriedAnswer tells the former owner what to do with an attempt.
type CarriedAnswer struct {
	Run     id.Run `json:"run"`
	Attempt int    `json:"attempt"`
	Settled bool   `json:"settled"` // nothing of it is needed any more: forget it
	Cancel  bool   `json:"cancel"`  // the customer asked to stop it: keep the plan found so far
}
