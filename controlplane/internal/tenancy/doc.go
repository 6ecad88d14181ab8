// Package tenancy knows the customers' spaces and who may do what in them.
//
// It owns tenants, their members and roles, the seats that members take, and the
// table of permissions. It does not own what a tenant has bought (billing), where
// it runs (provisioning), how somebody is asked to join (invitations), how a tenant
// ends (closing), nor who a person is (identity).
//
// Words: a tenant is one customer's space, named after a company. A member is a
// person in a tenant with one role. A permission is an action on a resource. A seat
// is room for one member who may do more than read; the plan says how many there
// are. A restriction is why a member may only read for now.
//
// Invariants:
//   - the members of a tenant are in the tenant's own document, so that one write at
//     a revision decides who joins, leaves or changes role, and announces it: there
//     is always an owner, and a seat is never given twice
//   - a membership document only leads from a person to a tenant; one whose tenant
//     does not know the person means nothing
//   - a tenant is made together with its owner: making it again with the same
//     identifiers completes what a crash left open and changes nothing else
//   - what a role may do is read from one table, by the server and by the portal;
//     nobody gives or changes a role that may do what the own role may not
//   - nobody is thrown out by a smaller plan: those for whom there is no seat read on
//
// Announces the Event constants.
package tenancy
