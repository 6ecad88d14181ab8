// Package edge is where HTTP ends: Fiber and Huma live here and in app, and
// nowhere else.
//
// It turns requests into calls on operations, which are plain functions of a
// request, and their faults into problem documents. It owns deadlines, body
// limits, cookies and tokens in, the quotas of requests with a token, the refusal
// of cross-site requests, security headers, the portal's files and the way of the tenant API to the gateway. It
// knows no capability: who somebody is, and where a request goes, it asks
// functions that app hands in.
//
// Two facts about Fiber v2 shape it. Strings that Fiber hands out alias the
// request's memory, which the next request overwrites: Immutable is set, always.
// And a request's context is never cancelled when the client hangs up: every
// operation gets a deadline, and streams notice a closed connection when they
// write.
package edge
