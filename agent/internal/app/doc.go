// Package app puts the agent together.
//
// It owns the settings, the order in which the parts start and stop, what
// happens to a tenant that the control plane wants here or gone, and the tie to
// the program that started this one. It is the only package that knows all the
// others, and it decides nothing that one of them could.
package app
