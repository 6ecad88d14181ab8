// Package ops is the Optimization Problem Spec, the contract between whoever
// formulates a decision and whoever solves it.
//
// It owns the document (version 1): index sets, parameters, variables, linear
// expressions as a tree or as text, constraints with their business rules and
// where they come from, objective terms and key figures; its validation, which
// reports everything that is wrong at once; its instantiation as a model; and the
// evaluation of a plan directly from the document, which shares no code with the
// instantiation and so can judge it. It does not own engines, nor how a spec is
// made from tables or words.
//
// The format is described for its writers in docs/guides/ops.md.
package ops
