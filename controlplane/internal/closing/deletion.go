package closing

import (
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/state"
)

// State is how far a deletion is.
type State string

// The states of a deletion.
const (
	Data    State = "data"    // the workspace is being deleted where it lives
	Records State = "records" // what the slices keep is being deleted
	People  State = "people"  // members, and accounts that belong nowhere else
	Proven  State = "proven"  // nothing is left but the proof
)

// Event is what happens to a deletion.
type Event string

// The events of a deletion.
const (
	DataGone    Event = "data gone"
	RecordsGone Event = "records gone"
	PeopleGone  Event = "people gone"
)

// Lifecycle of a deletion.
var Lifecycle = state.New(Data, state.Table[State, Event]{
	Data:    {DataGone: Records},
	Records: {RecordsGone: People},
	People:  {PeopleGone: Proven},
	Proven:  {},
})

// EventDeleted is announced once a tenant is deleted, with the statement of its proof.
const EventDeleted = "tenancy.deleted"

// Kept is what an environment holds of a tenant.
type Kept struct {
	Environment id.Environment `json:"environment,omitempty"` // "" when there never was one
	Documents   int64          `json:"documents"`
	Entries     int64          `json:"entries"`         // of the journal
	Chain       string         `json:"chain,omitempty"` // hash of its last entry
}

// Statement is what a proof says.
type Statement struct {
	V         int            `json:"v"`
	Tenant    id.Tenant      `json:"tenant"`
	ClosedAt  time.Time      `json:"closedAt"`
	DeletedAt time.Time      `json:"deletedAt"`
	Workspace Kept           `json:"workspace"` // before it was deleted
	Records   map[string]int `json:"records"`   // documents of the control plane before, by keeper
	Members   int            `json:"members"`
	Accounts  int            `json:"accounts"` // of people who belonged nowhere else
}

// Proof is a statement with its signature.
type Proof struct {
	Statement string `json:"statement"` // the bytes that are signed: a Statement in JSON
	Key       string `json:"key"`       // Ed25519 public key, base64
	Signature string `json:"signature"` // base64
}

// deletion is the document of a tenant that is being deleted, or was; its id is the
// tenant's.
type deletion struct {
	State     State          `json:"state"`
	Underway  string         `json:"underway,omitempty"` // the state until the end, for the index
	ClosedAt  time.Time      `json:"closedAt"`
	Company   string         `json:"company,omitempty"` // gone at the end
	Owners    []string       `json:"owners,omitempty"`  // addresses that get the proof; gone at the end
	People    []id.Person    `json:"people,omitempty"`  // whose account is deleted; gone at the end
	Emails    []string       `json:"emails,omitempty"`  // theirs; gone at the end
	Looked    bool           `json:"looked,omitempty"`  // Workspace is known
	Told      bool           `json:"told,omitempty"`    // the environment was told
	Workspace Kept           `json:"workspace"`
	Counted   bool           `json:"counted,omitempty"` // Records are known
	Records   map[string]int `json:"records,omitempty"`
	Listed    bool           `json:"listed,omitempty"` // People and Members are known
	Members   int            `json:"members"`
	Accounts  int            `json:"accounts"`
	Proof     *Proof         `json:"proof,omitempty"`
	outbox.Box
}

func (d *deletion) move(e Event) error {
	next, err := Lifecycle.Next(d.State, e)
	if err != nil {
		return err
	}
	d.State, d.Underway = next, string(next)
	if Lifecycle.Final(next) {
		d.Underway, d.Company, d.Owners, d.People, d.Emails = "", "", nil, nil, nil
	}
	return nil
}

func (d *deletion) statement(t id.Tenant, now time.Time) Statement {
	return Statement{
		V: 1, Tenant: t, ClosedAt: d.ClosedAt, DeletedAt: now.UTC(), Workspace: d.Workspace,
		Records: d.Records, Members: d.Members, Accounts: d.Accounts,
	}
}
