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
		get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
		anyone              = edge.Anyone
		signedIn            = edge.SignedIn
		agent               = edge.JoiningAgent
	)
	edge.Handle(s, edge.Route{Method: get, Path: "/health", ID: "show-health", Tag: "operation", Who: anyone, Summary: "How the product is"}, a.health.Show)

	edge.Handle(s, edge.Route{Method: post, Path: "/v1/signup", ID: "sign-up", Tag: "account", Who: anyone, Status: http.StatusAccepted, Summary: "Ask for an account"}, a.signup.SignUp)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/signup/verify", ID: "verify-address", Tag: "account", Who: anyone, Summary: "Confirm the address with the mailed token"}, a.signup.Verify)
	edge.Handle(s, edge.Route{Method: post, Path: "/v1/session", ID: "sign-in", Tag: "account", Who: anyone, Summary: "Sign in"}, a.sessions.SignIn)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/session", ID: "show-session", Tag: "account", Who: signedIn, Summary: "Who is signed in, and what they have"}, a.sessions.Session)
	edge.Handle(s, edge.Route{Method: del, Path: "/v1/session", ID: "sign-out", Tag: "account", Who: anyone, Status: http.StatusNoContent, Summary: "Sign out"}, a.sessions.SignOut)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/permissions", ID: "list-permissions", Tag: "account", Who: signedIn, Summary: "Which role may do what"}, a.tenancy.Permissions)
	edge.Handle(s, edge.Route{Method: get, Path: "/v1/outbox", ID: "list-outbox", Tag: "account", Who: anyone, Summary: "Mails, when no mail server is configured"}, a.mails.Outbox)

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

	edge.Handle(s, edge.Route{Method: post, Path: "/agent/v1/challenge", ID: "challenge-agent", Tag: "agent", Who: anyone, Summary: "A nonce to sign before enrolling"}, a.fleet.Challenge)
	edge.Handle(s, edge.Route{Method: post, Path: "/agent/v1/enrol", ID: "enrol-agent", Tag: "agent", Who: agent, Summary: "Become an agent of an environment"}, a.fleet.Enrol)
}
