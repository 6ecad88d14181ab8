package tokens

import "github.com/dyocense/dyocense/shared/fault"

// The faults of this slice.
var (
	ErrToken   = fault.New(fault.Unauthenticated, "tokens.token", "This token is not valid, or not any more. Sign in again, or make a new API key.")
	ErrAddress = fault.New(fault.Forbidden, "tokens.address", "This API key may not be used from this address.")
	ErrPlan    = fault.New(fault.Forbidden, "tokens.plan", "This feature requires the Growth tier. Change the plan under Plans, or write to sales@dyocense.com.")
	ErrSigning = fault.New(fault.Unavailable, "tokens.signing", "Access tokens cannot be made at the moment. Try again in a minute.")

	ErrNoKey    = fault.New(fault.NotFound, "tokens.no_key", "There is no such API key, or it has ended.")
	ErrName     = fault.New(fault.Invalid, "tokens.name", "Give the key a name of 1 to 60 characters, so that you know it again.")
	ErrScopes   = fault.New(fault.Invalid, "tokens.scopes", "Choose what the key may do, and no more than your own role allows.")
	ErrExpiry   = fault.New(fault.Invalid, "tokens.expiry", "A key lives from 1 to 365 days.")
	ErrNetworks = fault.New(fault.Invalid, "tokens.networks", "Give networks as 203.0.113.0/24 or 2001:db8::/48, ten at most.")
	ErrKeys     = fault.New(fault.Conflict, "tokens.too_many_keys", "A company has 20 live API keys at most. Revoke one that is not used.")
	ErrSameName = fault.New(fault.Conflict, "tokens.same_name", "There are two live keys of this name already. Revoke the older one first.")

	ErrNoFamily = fault.New(fault.NotFound, "tokens.no_program", "There is no such signed-in program.")

	ErrNoCode = fault.New(fault.NotFound, "tokens.no_code", "There is no such code, or it is too old. Start again in the program.")

	// The faults of the token endpoint; their codes end in the words of RFC 6749
	// and RFC 8628.
	ErrRequest     = fault.New(fault.Invalid, "tokens.invalid_request", "The request lacks something, or has too much.")
	ErrGrantType   = fault.New(fault.Invalid, "tokens.unsupported_grant_type", "This way of getting a token is not known.")
	ErrGrant       = fault.New(fault.Invalid, "tokens.invalid_grant", "This is not valid, or not any more. Sign in again.")
	ErrPending     = fault.New(fault.Invalid, "tokens.authorization_pending", "Nobody has answered yet. Ask again.")
	ErrSlowDown    = fault.New(fault.Invalid, "tokens.slow_down", "Ask five seconds less often from now on.")
	ErrDenied      = fault.New(fault.Invalid, "tokens.access_denied", "The person said no.")
	ErrExpiredCode = fault.New(fault.Invalid, "tokens.expired_token", "The code is too old. Start again.")
)
