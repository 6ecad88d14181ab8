// Package tenancy knows the customers' spaces and who may do what in them.
//
// It owns tenants, their members, and the table of permissions. It does not own
// what a tenant has bought (billing), where it runs (provisioning), nor who a
// person is (identity).
//
// Words: a tenant is one customer's space, named after a company. A member is a
// person in a tenant with one role. A permission is an action on a resource.
//
// Invariants:
//   - a tenant is made together with its owner: making it again with the same
//     identifiers completes what a crash left open and changes nothing else
//   - a person is a member of a tenant at most once
//   - what a role may do is read from one table, by the server and by the portal
package tenancy
