// Package api is the HTTP API of a tenant, as the agent serves it.
//
// It owns paths, request and response shapes, who may call what, deadlines and
// limits of bodies, the form of errors, and the OpenAPI document. It does not own
// what the operations do (tables, runs, kernel) or how requests arrive (tunnel).
//
// Who asks comes from tunnel.PrincipalFrom and from nowhere else: no path, query
// or body names a tenant, and every operation opens the store of exactly the
// tenant in the principal. Every error, huma's own included, is a fault.Problem.
//
// A request makes at most one journaled command. So when the tenant was handed
// over to another environment, which refuses that command, nothing of the request
// has happened; the answer says so in contract.MovedHeader, and the gateway sends
// the request again to the new owner. An operation that needs two changes makes
// them in one command.
package api
