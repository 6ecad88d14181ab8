// Package id gives each kind of thing an identifier type of its own, so that a
// tenant can never be passed where a run is meant.
//
// It owns how identifiers look and how they are read at the door. It does not
// know what they name.
//
// An identifier is a prefix, an underscore and 26 characters of lower-case
// Crockford base 32: 48 bits of Unix milliseconds and 80 random bits. It sorts
// by time of creation, cannot be guessed, and is safe in paths, subjects and
// file names.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/fault"
)

// Each kind of thing has its own type of identifier. Convert to string only at a
// border.
type (
	// Tenant names a customer's space.
	Tenant string
	// Person names a human who signs in.
	Person string
	// Session names one signed-in browser.
	Session string
	// Environment names a place where tenants live: the pool, or a dedicated one.
	Environment string
	// Agent names a data-plane process.
	Agent string
	// Run names one decision in the making.
	Run string
	// Goal names what a customer wants decided.
	Goal string
	// Upload names a file on its way to becoming a table.
	Upload string
	// Event names something that happened, announced once.
	Event string
	// Mail names one message to a person.
	Mail string
	// Move names one migration of a tenant between environments.
	Move string
	// Key names one API key.
	Key string
	// Family names the refresh tokens of one signed-in program.
	Family string
	// Invitation names the wish that somebody joins a tenant.
	Invitation string
)

// ErrMalformed is returned for text that is no identifier of the wanted kind.
var ErrMalformed = fault.New(fault.NotFound, "id.malformed", "There is no such thing.")

const (
	tenantPrefix      = "ten"
	personPrefix      = "per"
	sessionPrefix     = "ses"
	environmentPrefix = "env"
	agentPrefix       = "agt"
	runPrefix         = "run"
	goalPrefix        = "goal"
	uploadPrefix      = "upl"
	eventPrefix       = "evt"
	mailPrefix        = "mail"
	movePrefix        = "mov"
	keyPrefix         = "key"
	familyPrefix      = "fam"
	invitationPrefix  = "inv"
)

// NewTenant makes a fresh identifier.
func NewTenant() Tenant { return Tenant(fresh(tenantPrefix)) }

// NewPerson makes a fresh identifier.
func NewPerson() Person { return Person(fresh(personPrefix)) }

// NewSession makes a fresh identifier.
func NewSession() Session { return Session(fresh(sessionPrefix)) }

// NewEnvironment makes a fresh identifier.
func NewEnvironment() Environment { return Environment(fresh(environmentPrefix)) }

// NewAgent makes a fresh identifier.
func NewAgent() Agent { return Agent(fresh(agentPrefix)) }

// NewRun makes a fresh identifier.
func NewRun() Run { return Run(fresh(runPrefix)) }

// NewGoal makes a fresh identifier.
func NewGoal() Goal { return Goal(fresh(goalPrefix)) }

// NewUpload makes a fresh identifier.
func NewUpload() Upload { return Upload(fresh(uploadPrefix)) }

// NewEvent makes a fresh identifier.
func NewEvent() Event { return Event(fresh(eventPrefix)) }

// NewMail makes a fresh identifier.
func NewMail() Mail { return Mail(fresh(mailPrefix)) }

// NewMove makes a fresh identifier.
func NewMove() Move { return Move(fresh(movePrefix)) }

// NewKey makes a fresh identifier.
func NewKey() Key { return Key(fresh(keyPrefix)) }

// NewFamily makes a fresh identifier.
func NewFamily() Family { return Family(fresh(familyPrefix)) }

// ParseKey reads s, or fails with ErrMalformed.
func ParseKey(s string) (Key, error) { return parse[Key](keyPrefix, s) }

// ParseFamily reads s, or fails with ErrMalformed.
func ParseFamily(s string) (Family, error) { return parse[Family](familyPrefix, s) }

// NewInvitation makes a fresh identifier.
func NewInvitation() Invitation { return Invitation(fresh(invitationPrefix)) }

// ParseInvitation reads s, or fails with ErrMalformed.
func ParseInvitation(s string) (Invitation, error) { return parse[Invitation](invitationPrefix, s) }

// ParseMove reads s, or fails with ErrMalformed.
func ParseMove(s string) (Move, error) { return parse[Move](movePrefix, s) }

// ParseTenant reads s, or fails with ErrMalformed.
func ParseTenant(s string) (Tenant, error) { return parse[Tenant](tenantPrefix, s) }

// ParsePerson reads s, or fails with ErrMalformed.
func ParsePerson(s string) (Person, error) { return parse[Person](personPrefix, s) }

// ParseSession reads s, or fails with ErrMalformed.
func ParseSession(s string) (Session, error) { return parse[Session](sessionPrefix, s) }

// ParseEnvironment reads s, or fails with ErrMalformed.
func ParseEnvironment(s string) (Environment, error) {
	return parse[Environment](environmentPrefix, s)
}

// ParseAgent reads s, or fails with ErrMalformed.
func ParseAgent(s string) (Agent, error) { return parse[Agent](agentPrefix, s) }

// ParseRun reads s, or fails with ErrMalformed.
func ParseRun(s string) (Run, error) { return parse[Run](runPrefix, s) }

// ParseGoal reads s, or fails with ErrMalformed.
func ParseGoal(s string) (Goal, error) { return parse[Goal](goalPrefix, s) }

// ParseUpload reads s, or fails with ErrMalformed.
func ParseUpload(s string) (Upload, error) { return parse[Upload](uploadPrefix, s) }

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// encoding needs no padding character: 16 bytes become exactly 26 digits.
var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

func fresh(prefix string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // crypto/rand never fails since Go 1.24; it ends the program instead
	return prefix + "_" + encoding.EncodeToString(b[:])
}

func parse[T ~string](prefix, s string) (T, error) {
	body, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(body) != 26 || strings.Trim(body, alphabet) != "" {
		return "", ErrMalformed
	}
	return T(s), nil
}
