package edge

import "github.com/dyocense/dyocense/shared/fault"

var (
	errNoRoute   = fault.New(fault.NotFound, "http.no_route", "There is nothing at this address. The addresses are listed at /docs.")
	errTooLarge  = fault.New(fault.TooLarge, "http.too_large", "The request is too large. Files may have up to 20 MB.")
	errMalformed = fault.New(fault.Invalid, "http.malformed", "The request could not be read.")
	errNoRequest = fault.New(fault.Invalid, "http.no_request", "No whole request came in time, so the connection is closed.")
	errLongHead  = fault.New(fault.Invalid, "http.long_head", "The head of the request is longer than 16 KB. Clear the cookies of this site, and try again.")
	errCrossSite = fault.New(fault.Forbidden, "http.cross_site", "This request came from another site and was not carried out.")
	errSignIn    = fault.New(fault.Unauthenticated, "http.sign_in", "Sign in first.")
	errBoth      = fault.New(fault.Invalid, "http.two_credentials", "This request carries a session cookie and a token. Send one of them.")
	errBrowser   = fault.New(fault.Forbidden, "http.browser_only", "This can be done in the portal only, by a person who is signed in there.")
	errNoBearer  = fault.New(fault.Unauthenticated, "http.authorization", "The Authorization header must be: Bearer, one space, and the token or the API key.")
	errRate      = fault.New(fault.RateLimited, "http.rate_limited", "Too many requests. The RateLimit header says how many there may be.")
	errFailures  = fault.New(fault.RateLimited, "http.too_many_failures", "Too many requests with a token that is not valid came from this address. Wait a few minutes.")
	errTooSlow   = fault.New(fault.Unavailable, "http.too_slow", "This took too long. Try again.")
	errNoPortal  = fault.New(fault.Unavailable, "http.no_portal", "This program was built without the portal. Build it with: make build")
)
