// Package tables turns the files of a customer into the three tables that a
// decision needs: demand, stock and suppliers.
//
// It owns the formats, reading of files, guessing and checking of columns,
// uploads on their way, the datasets that are in force, and the join of the
// three into what the kernel wants. It does not own the goal, the decision
// (kernel/replenish) or how documents are kept (tenantstore).
//
// Words. A file is read into a Sheet: cells with the line each row began on. A
// Mapping says which column of the sheet is which FormatField of a Kind. Checking a
// sheet under a mapping gives a dataset, or problems, each with line, column,
// value and what would be right. An Upload is a file that waits for its mapping;
// a Table is a dataset in force.
//
// Invariants. A dataset replaces its forerunner whole, in one command, or not at
// all. A dataset in force came from a check without errors. Nothing is dropped,
// filled in or read in one of two ways without a note or a warning that says so.
package tables
