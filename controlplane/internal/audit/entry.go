package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
)

// Result is how something ended.
type Result string

// The results.
const (
	Done    Result = "done"
	Refused Result = "refused" // it was not allowed
	Failed  Result = "failed"
)

// kindEntry marks the line of an entry in an exported file.
const kindEntry = "entry"

// Entry is one thing that happened. Its fields stay in this order: the hash is
// taken over the encoded bytes.
type Entry struct {
	Kind   string    `json:"kind"`
	Tenant id.Tenant `json:"tenant"`
	Slot   int64     `json:"slot"`  // 1, 2, 3 and so on, as they arrived
	Event  string    `json:"event"` // names what happened; no two entries share it
	At     time.Time `json:"at"`    // when it happened
	Noted  time.Time `json:"noted"` // when the entry was made
	// Actor is who did it; nil when the product did by itself.
	Actor  *contract.Actor `json:"actor,omitempty"`
	Action string          `json:"action"` // the type of the event
	Target string          `json:"target,omitempty"`
	Result Result          `json:"result"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
	// Previous is the hash of the entry before; genesis for the first.
	Previous string `json:"previous"`
	// Hash is SHA-256 over the line without this field.
	Hash string `json:"hash,omitempty"`
}

// genesis is what the first entry follows.
var genesis = strings.Repeat("0", 2*sha256.Size)

const (
	hashBefore = `,"hash":"`
	hashAfter  = `"}`
	hashTail   = len(hashBefore) + 2*sha256.Size + len(hashAfter)
)

// seal sets the hash of e and gives its line.
func (e *Entry) seal() (string, error) {
	e.Hash = ""
	bare, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("encode entry %d: %w", e.Slot, err)
	}
	e.Hash = digest(bare)
	return string(bare[:len(bare)-1]) + hashBefore + e.Hash + hashAfter, nil
}

// openEntry reads a line that seal made. It fails when the hash does not fit the
// bytes before it.
func openEntry(line string) (Entry, error) {
	cut := len(line) - hashTail
	if cut <= 0 || line[cut:cut+len(hashBefore)] != hashBefore || !strings.HasSuffix(line, hashAfter) {
		return Entry{}, fmt.Errorf("it does not end with a hash")
	}
	bare := line[:cut] + "}"
	said := line[cut+len(hashBefore) : len(line)-len(hashAfter)]
	if digest([]byte(bare)) != said {
		return Entry{}, fmt.Errorf("it was altered: its hash is another")
	}
	var e Entry
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return Entry{}, fmt.Errorf("it cannot be read: %w", err)
	}
	return e, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// slotID is where a slot is kept. Ids sort like slots.
func slotID(t id.Tenant, slot int64) string { return fmt.Sprintf("%s/%012d", t, slot) }

// slotOf reads what slotID made.
func slotOf(t id.Tenant, name string) (int64, error) {
	slot, err := strconv.ParseInt(strings.TrimPrefix(name, string(t)+"/"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read slot of %s: %w", name, err)
	}
	return slot, nil
}

// ofTenant are the bounds of all ids of a tenant: '0' comes after '/'.
func ofTenant(t id.Tenant) (from, to string) { return string(t) + "/", string(t) + "0" }

// product stands in a filter for the actor of what nobody did.
const product = "product"

// who is by whom an entry is found.
func (e Entry) who() string {
	if e.Actor == nil {
		return product
	}
	return strings.ToLower(e.Actor.Email)
}
