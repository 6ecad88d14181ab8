package tokens

import "github.com/dyocense/dyocense/shared/state"

// FamilyState is where a family of refresh tokens is in its life.
type FamilyState string

// The states of a family.
const (
	FamilyActive FamilyState = "active"
	FamilyStolen FamilyState = "stolen" // an old token was used; its person is to be told
	FamilyEnded  FamilyState = "ended"
)

// FamilyEvent is what happens to a family.
type FamilyEvent string

// The events of a family.
const (
	TokenRotated FamilyEvent = "rotated"
	TokenReused  FamilyEvent = "old token used"
	PersonTold   FamilyEvent = "person told"
	FamilyClosed FamilyEvent = "signed out"
)

// FamilyLifecycle of the refresh tokens of one program.
var FamilyLifecycle = state.New(FamilyActive, state.Table[FamilyState, FamilyEvent]{
	FamilyActive: {TokenRotated: FamilyActive, TokenReused: FamilyStolen, FamilyClosed: FamilyEnded},
	FamilyStolen: {PersonTold: FamilyEnded},
	FamilyEnded:  {},
})

// GrantState is how far a device grant is.
type GrantState string

// The states of a device grant.
const (
	GrantPending  GrantState = "pending"
	GrantApproved GrantState = "approved"
	GrantDenied   GrantState = "denied"
	GrantUsed     GrantState = "used"
)

// GrantEvent is what happens to a device grant.
type GrantEvent string

// The events of a device grant.
const (
	PersonApproved GrantEvent = "approved"
	PersonDenied   GrantEvent = "denied"
	CodeExchanged  GrantEvent = "exchanged"
)

// GrantLifecycle of a program's wish to be signed in.
var GrantLifecycle = state.New(GrantPending, state.Table[GrantState, GrantEvent]{
	GrantPending:  {PersonApproved: GrantApproved, PersonDenied: GrantDenied},
	GrantApproved: {CodeExchanged: GrantUsed},
	GrantDenied:   {},
	GrantUsed:     {},
})

// KeyState is whether an API key works.
type KeyState string

// The states of an API key.
const (
	KeyLive  KeyState = "live"
	KeyEnded KeyState = "ended"
)

// KeyEvent is what happens to an API key; it is also why a key ended.
type KeyEvent string

// The events of an API key.
const (
	KeyRevoked  KeyEvent = "revoked"
	KeyExpired  KeyEvent = "expired"
	KeyOrphaned KeyEvent = "maker left"
)

// KeyLifecycle of an API key.
var KeyLifecycle = state.New(KeyLive, state.Table[KeyState, KeyEvent]{
	KeyLive:  {KeyRevoked: KeyEnded, KeyExpired: KeyEnded, KeyOrphaned: KeyEnded},
	KeyEnded: {},
})
