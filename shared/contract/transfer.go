package contract

import (
	"github.com/dyocense/dyocense/shared/id"
)

// TransferPrefix begins the paths under which an agent lets the control plane
// move a tenant. They are HTTP through the tunnel, each a POST whose principal
// has RoleControlPlane and names the tenant; the gateway carries no customer's
// request there. A body is a parcel (package parcel) whose head is the message
// named here; so is the answer.
//
//	path     head            documents  answer          documents  at
//	status   TransferStatus  -          TransferStand   -          both
//	begin    TransferBegin   -          TransferReached -          owner
//	end      TransferEnd     -          TransferReached -          owner
//	prepare  TransferPrepare -          TransferStand   -          copy
//	refuse   TransferRefuse  -          Ack             -          copy
//	read     TransferRead    -          TransferPage    documents  both
//	put      TransferPut     documents  TransferCopied  -          copy
//	entries  TransferEntries -          TransferPage    entries    owner
//	apply    TransferApply   entries    TransferReached -          copy
//	range    TransferRead    -          TransferRange   -          both
//	rows     TransferRead    -          TransferRows    -          both
//	cut      TransferCut     -          TransferWindow  entries    owner
//	release  TransferRelease -          Ack             -          owner
//	commit   TransferCommit  -          TransferReached entry      owner
//	open     TransferOpen    entry      TransferStand   -          copy
//	rehearse TransferRehearse -         TransferParity  -          copy
//	carried  TransferCarried -          CarriedRuns     -          former owner
//	settle   CarriedAnswers  -          Ack             -          former owner
//	deliver  CarriedRuns     -          CarriedAnswers  -          owner
//
// A fault is answered as application/problem+json with its status.
const TransferPrefix = "/transfer/v1/"

// RoleControlPlane is the role of the control plane's own requests to an agent.
// No member has it.
const RoleControlPlane Role = "control-plane"

// Place is a position in a tenant's journal.
type Place struct {
	Generation int64  `json:"generation"` // of the next entry
	Slot       int64  `json:"slot"`
	Chain      string `json:"chain"`
}

// TransferStatus asks what the agent holds of the tenant. With Claim it also
// makes a worker the one that may write to the copy.
type TransferStatus struct {
	V     int    `json:"v"`
	Move  string `json:"move"`
	Claim int64  `json:"claim,omitempty"`
	Count bool   `json:"count,omitempty"` // the documents of each collection
}

// TransferStand is what an agent holds of a tenant.
type TransferStand struct {
	V           int                  `json:"v"`
	Role        string               `json:"role"` // none, owner, standby, moved
	Applied     Place                `json:"applied"`
	Move        string               `json:"move,omitempty"` // of the copy
	Claim       int64                `json:"claim,omitempty"`
	Base        Place                `json:"base"`                 // of the copy: where it began
	HandedMove  string               `json:"handedMove,omitempty"` // of the last hand-over
	HandedTo    id.Environment       `json:"handedTo,omitempty"`
	HandedAt    int64                `json:"handedAt,omitempty"` // its slot
	Collections []TransferCollection `json:"collections,omitempty"`
}

// TransferCollection is a collection that a copy has to hold.
type TransferCollection struct {
	Name      string `json:"name"`
	Documents int64  `json:"documents"`
	Bytes     int64  `json:"bytes,omitempty"`   // as its store keeps them
	Journal   bool   `json:"journal,omitempty"` // copied only up to where the copy begins
}

// TransferBegin lets a move hand the tenant over.
type TransferBegin struct {
	V     int            `json:"v"`
	Move  string         `json:"move"`
	Claim int64          `json:"claim"`
	From  id.Environment `json:"from"`
	To    id.Environment `json:"to"`
}

// TransferEnd forbids a move to hand the tenant over.
type TransferEnd struct {
	V    int    `json:"v"`
	Move string `json:"move"`
}

// TransferReached says where a journal is.
type TransferReached struct {
	V     int   `json:"v"`
	Place Place `json:"place"`
}

// TransferPrepare makes an empty copy that begins at Base, in the place of the
// copy of the move that Replaces names; "" means that there is none.
type TransferPrepare struct {
	V        int    `json:"v"`
	Move     string `json:"move"`
	Claim    int64  `json:"claim"`
	Base     Place  `json:"base"`
	Replaces string `json:"replaces,omitempty"`
}

// TransferRefuse forbids moves to begin a copy, whoever still tries.
type TransferRefuse struct {
	V     int      `json:"v"`
	Moves []string `json:"moves"`
}

// TransferRead asks for documents of a collection in the order of ids: behind
// After and before To, or those with the IDs.
type TransferRead struct {
	V          int      `json:"v"`
	Collection string   `json:"collection"`
	After      string   `json:"after,omitempty"` // "" begins
	To         string   `json:"to,omitempty"`    // "" is open
	Limit      int      `json:"limit,omitempty"` // documents; at most 5,000
	Bytes      int      `json:"bytes,omitempty"` // of bodies, after which the answer ends early
	IDs        []string `json:"ids,omitempty"`   // at most 5,000
	Until      *Place   `json:"until,omitempty"` // of the journal: only entries up to here
}

// TransferBlobs is the collection that holds the content of files. The documents
// of one are those behind its hash and before its hash and "0".
const TransferBlobs = "blobs"

// Blob names a file of a tenant by its content.
type Blob struct {
	Hash string `json:"hash"` // SHA-256 in hex
	Size int64  `json:"size"` // bytes
}

// TransferPage goes with documents.
type TransferPage struct {
	V     int    `json:"v"`
	More  bool   `json:"more,omitempty"`
	Tail  Place  `json:"tail"`            // of entries: the last one there is, as of the answer
	Blobs []Blob `json:"blobs,omitempty"` // of entries: what they refer to
}

// TransferPut goes with documents that a copy takes in.
type TransferPut struct {
	V          int    `json:"v"`
	Move       string `json:"move"`
	Claim      int64  `json:"claim"`
	Collection string `json:"collection"`
}

// TransferCopied says what came of TransferPut: every document was read back.
type TransferCopied struct {
	V          int   `json:"v"`
	Written    int   `json:"written"`
	Superseded int   `json:"superseded"` // a later version was there already
	Bytes      int64 `json:"bytes"`
}

// TransferEntries asks for the journal behind a place, and waits for it to grow
// when there is nothing.
type TransferEntries struct {
	V          int   `json:"v"`
	After      Place `json:"after"`
	Limit      int   `json:"limit,omitempty"`
	Bytes      int   `json:"bytes,omitempty"`
	WaitMillis int   `json:"waitMillis,omitempty"` // at most 20,000
}

// TransferApply goes with entries that a copy takes in.
type TransferApply struct {
	V     int    `json:"v"`
	Move  string `json:"move"`
	Claim int64  `json:"claim"`
}

// TransferRange is a stretch of a collection as one hash.
type TransferRange struct {
	V     int    `json:"v"`
	Count int64  `json:"count"`
	Last  string `json:"last"`
	Hash  string `json:"hash"` // SHA-256 over id, revision and SHA-256 of the body of each
	More  bool   `json:"more"`
	Tail  Place  `json:"tail"` // up to where the documents are, read before them
}

// TransferRows lists documents by revision and digest.
type TransferRows struct {
	V    int           `json:"v"`
	Rows []TransferRow `json:"rows"`
	More bool          `json:"more"`
	Tail Place         `json:"tail"` // read before the rows
}

// TransferRow is one of them.
type TransferRow struct {
	ID     string `json:"id"`
	Rev    int64  `json:"rev"`
	Digest string `json:"digest"` // SHA-256 of the body in hex
}

// TransferCut opens a pause of all writes of the tenant.
type TransferCut struct {
	V            int    `json:"v"`
	Move         string `json:"move"`
	Claim        int64  `json:"claim"`
	BudgetMillis int    `json:"budgetMillis"` // after which writes go on by themselves
	Have         Place  `json:"have"`         // what the copy holds: the entries behind it come along
	Most         int    `json:"most"`         // of them; with more behind, nothing is paused
}

// TransferWindow says that writes are paused.
type TransferWindow struct {
	V     int    `json:"v"`
	Tail  Place  `json:"tail"`
	Blobs []Blob `json:"blobs,omitempty"` // that the entries refer to
}

// TransferRelease lets writes go on.
type TransferRelease struct {
	V    int    `json:"v"`
	Move string `json:"move"`
}

// TransferCommit hands the tenant over in an open pause.
type TransferCommit struct {
	V       int    `json:"v"`
	Move    string `json:"move"`
	Claim   int64  `json:"claim"`
	Reached Place  `json:"reached"` // what the copy holds
}

// TransferOpen goes with the entry that hands the tenant over to this agent's
// environment.
type TransferOpen struct {
	V     int    `json:"v"`
	Move  string `json:"move"`
	Claim int64  `json:"claim"`
}

// TransferRehearse asks the copy to make the last decisions again, and waits for
// how far that is.
type TransferRehearse struct {
	V          int    `json:"v"`
	Move       string `json:"move"`
	Claim      int64  `json:"claim"`
	Last       int    `json:"last"` // how many; at most 20
	WaitMillis int    `json:"waitMillis,omitempty"`
}

// TransferParity says how decisions came out that were made again.
type TransferParity struct {
	V         int            `json:"v"`
	Done      bool           `json:"done"`
	Decisions []ParityResult `json:"decisions"`
}

// ParityResult is one of them.
type ParityResult struct {
	Run    id.Run `json:"run"`
	Title  string `json:"title"`
	Same   bool   `json:"same"`
	Before string `json:"before"` // the outcome in words
	After  string `json:"after"`
}

// TransferCarried asks for the decisions that are still worked on where the
// tenant was.
type TransferCarried struct {
	V          int   `json:"v"`
	After      int64 `json:"after,omitempty"` // version of the last answer
	WaitMillis int   `json:"waitMillis,omitempty"`
}

func (m TransferStatus) version() int   { return m.V }
func (m TransferStand) version() int    { return m.V }
func (m TransferBegin) version() int    { return m.V }
func (m TransferEnd) version() int      { return m.V }
func (m TransferReached) version() int  { return m.V }
func (m TransferPrepare) version() int  { return m.V }
func (m TransferRefuse) version() int   { return m.V }
func (m TransferRead) version() int     { return m.V }
func (m TransferPage) version() int     { return m.V }
func (m TransferPut) version() int      { return m.V }
func (m TransferCopied) version() int   { return m.V }
func (m TransferEntries) version() int  { return m.V }
func (m TransferApply) version() int    { return m.V }
func (m TransferRange) version() int    { return m.V }
func (m TransferRows) version() int     { return m.V }
func (m TransferCut) version() int      { return m.V }
func (m TransferWindow) version() int   { return m.V }
func (m TransferRelease) version() int  { return m.V }
func (m TransferCommit) version() int   { return m.V }
func (m TransferOpen) version() int     { return m.V }
func (m TransferRehearse) version() int { return m.V }
func (m TransferParity) version() int   { return m.V }
func (m TransferCarried) version() int  { return m.V }
