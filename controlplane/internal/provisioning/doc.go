// Package provisioning turns a paid-for tenant into a running one.
//
// It owns the placement of a tenant in an environment and the steps until its
// API answers. It does not own agents or their desired state (fleet), nor the
// right to run (billing): it hears of that by event.
//
// Words. A placement is one tenant's way into its environment; its steps are
// what a person watches. Placed: an environment is chosen. Creating: the agent is
// told and makes the tenant's store. Verifying: a request goes the whole way,
// through gateway and agent, as a customer's would. Ready: it came back. A route is
// where the requests of a ready tenant go now; a switch changes it.
//
// Invariants. There is one placement a tenant. It is the authority for the
// tenant's route: agents only give hints. A switch is noted before it can happen,
// so whoever reads the route knows both ends while either may be right. Every step reads the present
// state, does one thing that may be done twice, and writes the next state, so a
// crash at any line is repaired by taking the step again. Each change and its
// event are one write.
package provisioning
