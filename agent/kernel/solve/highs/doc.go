// Package highs runs HiGHS, built to WebAssembly, inside this process.
//
// It owns the embedded engine: the host functions it needs, one fresh instance
// for each solve, the compile cache, cancellation and the reading of its log. It
// does not own process isolation (worker runs this package in a child process)
// and does not judge what the engine answers (check does).
//
// The engine is single-threaded. It polls its clock for the time limit, and that
// is how it is cancelled: once the context of a solve is done, the host's clock
// jumps far ahead, HiGHS stops at its next look and hands over the incumbent and
// the bound. A C++ exception or a lack of memory ends as a trap of the instance,
// which is thrown away; the host is unharmed.
//
// The file engine/highs.wasm comes from deploy/engine/fetch.sh; without it
// everything compiles, and Load says that the engine is not there.
package highs
