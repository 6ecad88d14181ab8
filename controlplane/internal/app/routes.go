package app

import (
	"net/http"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/edge"
)

// payTimeout leaves a bank the time to answer.
const payTimeout = 40 * time.Second

// routes is every address of the control plane, with who may call it.
func (a *app) routes(s *edge.Server) {
	const (
		get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
		patch, del     = http.MethodPatch, http.MethodDelete
		anyone         = edge.Anyone
		signedIn       = edge.SignedIn
		inBrowser      = edge.InBrowser
		agent          = edge.JoiningAgent
	)
	edge.Handle(s, edge.Route{Method: get, Path: "/health", ID: "show-health", Tag: "operation", Who: anyone, Summary: "How the product is"}, a.health.Show)

	edge.Handle(s, edge.Route{Method: post, Path: "/v1/signup", ID: "sign-up", Tag: "account", Who: anyone, Status: http.StatusAccepted, Summary: "Ask for an account"}, a.signup.SignUp)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/signup/verify", ID: "verify-address", Tag: "account", Who: anyone, Summary: "Confirm the address with the mailed token"}, a.signup.Verify)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/session", ID: "sign-in", Tag: "account", Who: anyone, Summary: "Sign in"}, a.sessions.SignIn)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/session", ID: "show-session", Tag: "account", Who: signedIn, Summary: "Who is signed in, and what they have"}, a.sessions.Session)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/session", ID: "sign-out", Tag: "account", Who: anyone, Status: http.StatusNoContent, Summary: "Sign out"}, a.sessions.SignOut)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/permissions", ID: "list-permissions", Tag: "account", Who: signedIn, Summary: "Which role may do what"}, a.tenancy.Permissions)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/tenants", ID: "list-tenants", Tag: "account", Who: signedIn, Summary: "The companies of whoever asks"}, a.tenancy.Tenants)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/tenants", ID: "create-tenant", Tag: "account", Who: signedIn, Status: http.StatusCreated, Summary: "Make another company"}, a.tenancy.Found)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/session/tenant", ID: "choose-tenant", Tag: "account", Who: signedIn, Status: http.StatusNoContent, Summary: "Work in another of one's companies"}, a.tenancy.Choose)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/outbox", ID: "list-outbox", Tag: "account", Who: anyone, Summary: "Mails, when no mail server is configured"}, a.mails.Outbox)

	edge.Handle(s, edge.Route{Method: get, Path: "/.well-known/jwks.json", ID: "list-signing-keys", Tag: "programs", Who: anyone, Summary: "The keys that access tokens are verified with"}, a.tokens.KeySet)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/device/authorize", ID: "ask-to-sign-in", Tag: "programs", Who: anyone, Summary: "Begin to sign a program in (RFC 8628); client_id is its name"}, a.tokens.Authorize)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/device/token", ID: "get-tokens", Tag: "programs", Who: anyone, Summary: "Tokens for a device code or a refresh token (RFC 6749)"}, a.tokens.Token)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/device/revoke", ID: "revoke-token", Tag: "programs", Who: anyone, Summary: "Sign a program out by its refresh token (RFC 7009)"}, a.tokens.Revoke)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/device", ID: "show-device", Tag: "programs", Who: inBrowser, Summary: "Which program shows this code"}, a.tokens.Wish)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/device/answer", ID: "answer-device", Tag: "programs", Who: inBrowser, Status: http.StatusNoContent, Summary: "Let it ask in your name, or not"}, a.tokens.Answer)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/programs", ID: "list-programs", Tag: "programs", Who: inBrowser, Summary: "Programs that are signed in as you"}, a.tokens.Programs)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/programs/{id}", ID: "end-program", Tag: "programs", Who: inBrowser, Status: http.StatusNoContent, Summary: "Sign one out"}, a.tokens.EndProgram)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/keys", ID: "list-keys", Tag: "programs", Who: signedIn, Summary: "API keys, newest first"}, a.tokens.Keys)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/keys", ID: "make-key", Tag: "programs", Who: inBrowser, Status: http.StatusCreated, Summary: "Make an API key; it is shown this once"}, a.tokens.MakeKey)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/keys/{id}/rotate", ID: "rotate-key", Tag: "programs", Who: inBrowser, Status: http.StatusCreated, Summary: "Make a second key like this one"}, a.tokens.RotateKey)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/keys/{id}", ID: "revoke-key", Tag: "programs", Who: inBrowser, Status: http.StatusNoContent, Summary: "End an API key"}, a.tokens.RevokeKey)

	edge.Handle(s, edge.Route{Method: get, Path: "/v1/members", ID: "list-members", Tag: "team", Who: signedIn, Summary: "The members of the company, and its seats"}, a.tenancy.Members)
	edge.Handle(s, edge.Route{Method: patch, Path: "/v1/members/{person}", ID: "change-role", Tag: "team", Who: signedIn, Status: http.StatusNoContent, Summary: "Give a member another role"}, a.tenancy.SetRole)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/members/{person}", ID: "remove-member", Tag: "team", Who: signedIn, Status: http.StatusNoContent, Summary: "Take a member out, or leave"}, a.tenancy.Remove)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/members/{person}/seat", ID: "give-seat", Tag: "team", Who: signedIn, Status: http.StatusNoContent, Summary: "Give a member the seat of another"}, a.tenancy.GiveSeat)

	edge.Handle(s, edge.Route{Method: get, Path: "/v1/invitations", ID: "list-invitations", Tag: "team", Who: signedIn, Summary: "Invitations that are open"}, a.invitations.List)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/invitations", ID: "invite-member", Tag: "team", Who: signedIn, Status: http.StatusCreated, Summary: "Ask somebody to join the company"}, a.invitations.Invite)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/invitations/{id}/resend", ID: "resend-invitation", Tag: "team", Who: signedIn, Status: http.StatusNoContent, Summary: "Send an invitation again, with a new link"}, a.invitations.Resend)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/invitations/{id}", ID: "revoke-invitation", Tag: "team", Who: signedIn, Status: http.StatusNoContent, Summary: "Take an invitation back"}, a.invitations.Revoke)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/invitations/look", ID: "look-at-invitation", Tag: "account", Who: anyone, Summary: "What the mailed token invites to"}, a.invitations.Look)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/invitations/accept", ID: "accept-invitation", Tag: "account", Who: anyone, Summary: "Join with the mailed token"}, a.invitations.Accept)

	edge.Handle(s, edge.Route{Method: get, Path: "/v1/company", ID: "show-company", Tag: "company", Who: signedIn, Summary: "The company"}, a.tenancy.Company)
	edge.Handle(s, edge.Route{Method: patch, Path: "/v1/company", ID: "rename-company", Tag: "company", Who: signedIn, Status: http.StatusNoContent, Summary: "Give the company another name"}, a.tenancy.Rename)

	edge.Handle(s, edge.Route{Method: get, Path: "/v1/company/export", ID: "export-company", Tag: "company", Who: signedIn, Summary: "What is kept about the company, as a file"}, a.closing.Export)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/company/close", ID: "close-company", Tag: "company", Who: signedIn, Status: http.StatusNoContent, Summary: "Close the company"}, a.closing.Close)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/company/reopen", ID: "reopen-company", Tag: "company", Who: signedIn, Status: http.StatusNoContent, Summary: "Open a closed company again"}, a.closing.Reopen)

	edge.Handle(s, edge.Route{Method: get, Path: "/v1/plans", ID: "list-plans", Tag: "billing", Who: anyone, Summary: "What is sold"}, a.billing.Plans)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/checkout", ID: "start-checkout", Tag: "billing", Who: signedIn, Summary: "Open a hosted page to pay on"}, a.billing.Checkout)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/billing", ID: "show-billing", Tag: "billing", Who: signedIn, Summary: "What is bought"}, a.billing.Billing)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/refresh", ID: "refresh-billing", Tag: "billing", Who: signedIn, Summary: "The same, as the payment service has it now"}, a.billing.Refresh)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/offers", ID: "offer-change", Tag: "billing", Who: signedIn, Summary: "What a change of plan or interval costs"}, a.billing.Offer)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/change", ID: "accept-offer", Tag: "billing", Who: signedIn, Timeout: payTimeout, Summary: "Change as was offered"}, a.billing.Accept)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/billing/change", ID: "withdraw-change", Tag: "billing", Who: signedIn, Status: http.StatusOK, Summary: "Take back a change that is not in force"}, a.billing.WithdrawChange)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/cancel", ID: "cancel-subscription", Tag: "billing", Who: signedIn, Summary: "End the subscription"}, a.billing.Cancel)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/resume", ID: "resume-subscription", Tag: "billing", Who: signedIn, Summary: "Take the ending back"}, a.billing.Resume)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/trial/end", ID: "end-trial", Tag: "billing", Who: signedIn, Timeout: payTimeout, Summary: "End the trial and pay now"}, a.billing.EndTrial)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/portal", ID: "open-billing-portal", Tag: "billing", Who: signedIn, Summary: "The payment service's own page"}, a.billing.Portal)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/billing/invoices", ID: "list-invoices", Tag: "billing", Who: signedIn, Summary: "What was billed, newest first"}, a.billing.Invoices)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/billing/invoices/{id}", ID: "show-invoice", Tag: "billing", Who: signedIn, Summary: "Where one invoice can be read and paid"}, a.billing.Invoice)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/billing/payer", ID: "show-payer", Tag: "billing", Who: signedIn, Summary: "Who the invoices are made out to"}, a.billing.Details)
	edge.Handle(s, edge.Route{Method: put, Path: "/v1/billing/payer", ID: "change-payer", Tag: "billing", Who: signedIn, Summary: "Change who the invoices are made out to"}, a.billing.SetDetails)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/billing/tax-ids", ID: "add-tax-id", Tag: "billing", Who: signedIn, Summary: "Add a tax number to the invoices"}, a.billing.AddTaxID)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/billing/tax-ids/{id}", ID: "remove-tax-id", Tag: "billing", Who: signedIn, Status: http.StatusOK, Summary: "Take a tax number away"}, a.billing.RemoveTaxID)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/webhooks/stripe", ID: "receive-stripe-notice", Tag: "billing", Who: anyone, Summary: "Notices of the payment service, signed"}, a.billing.Webhook)

	edge.Handle(s, edge.Route{Method: get, Path: "/v1/provisioning", ID: "show-provisioning", Tag: "provisioning", Who: signedIn, Summary: "How far the setting-up is"}, a.provisioning.Show)
	edge.Stream(s, edge.Route{Method: get, Path: "/v1/provisioning/events", ID: "watch-provisioning", Tag: "provisioning", Who: signedIn, Summary: "The same, after every change"}, "provisioning", a.provisioning.Watch)

	edge.Handle(s, edge.Route{Method: post, Path: "/v1/moves/preflight", ID: "preflight-move", Tag: "moves", Who: signedIn, Summary: "What a move to another plan would change and cost"}, a.moves.Preflight)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/moves", ID: "start-move", Tag: "moves", Who: signedIn, Status: http.StatusCreated, Summary: "Move, as was confirmed"}, a.moves.Start)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/moves", ID: "list-moves", Tag: "moves", Who: signedIn, Summary: "All moves, newest first"}, a.moves.List)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/moves/current", ID: "show-move", Tag: "moves", Who: signedIn, Summary: "The move that is under way, or the last one"}, a.moves.Current)
	edge.Stream(s, edge.Route{Method: get, Path: "/v1/moves/current/events", ID: "watch-move", Tag: "moves", Who: signedIn, Summary: "The same, after every change"}, "move", a.moves.Watch)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/moves/{id}/actions", ID: "act-on-move", Tag: "moves", Who: signedIn, Summary: "Ask for what the move offers now"}, a.moves.Act)

	edge.Handle(s, edge.Route{Method: get, Path: "/v1/audit", ID: "list-audit", Tag: "audit", Who: signedIn, Summary: "Who did what, the latest first"}, a.audit.List)
	edge.Download(s, edge.Route{Method: get, Path: "/v1/audit/export", ID: "export-audit", Tag: "audit", Who: signedIn, Summary: "The whole log as a file that can be checked"}, "application/x-ndjson", a.exportAudit)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/audit/verify", ID: "verify-audit", Tag: "audit", Who: signedIn, Timeout: time.Minute, Summary: "Whether the log is as it was written"}, a.audit.Check)

	edge.Handle(s, edge.Route{Method: post, Path: "/agent/v1/challenge", ID: "challenge-agent", Tag: "agent", Who: anyone, Summary: "A nonce to sign before enrolling"}, a.fleet.Challenge)
	edge.Handle(s, edge.Route{Method: post, Path: "/agent/v1/enrol", ID: "enrol-agent", Tag: "agent", Who: agent, Summary: "Become an agent of an environment"}, a.fleet.Enrol)
}
