// Package gateway brings a tenant's HTTP request to the agent that serves the
// tenant, and its answer back.
//
// It owns which paths travel, which agent serves which tenant, how much a tenant
// may ask at once, and what an agent's answer may do in a browser. It does not
// own who asks (identity), where a tenant lives (provisioning), which agents live
// (fleet), or how bytes travel (tunnel).
//
// One tenant is served by one agent at a time, because an agent owns the journals
// of the tenants that it serves. Which one follows from the tenant and the agents
// that live, by rendezvous hashing: every replica chooses the same without
// asking, and when an agent comes or goes only its own tenants move. While two
// replicas disagree about who lives, two agents may see requests of one tenant;
// the journal's dense slots then let one of two writers win.
//
// A tenant that moves live is served by one environment before the switch and by
// another after it. A request that meets the switch is refused whole by the agent
// it reaches, with contract.MovedHeader, and sent again at the other end, so that
// its caller sees one answer and it is carried out once. The header is a hint of
// somebody who may be anybody: the placement says where a tenant may be.
package gateway
