// Package worker runs each solve in a child process of its own.
//
// It owns the processes (a small pool of started ones, their limits, their end)
// and the protocol on their standard streams. It does not own engines: the child
// is given one by the command that calls Serve. It does not own the judgement of
// plans (check) nor fairness between tenants (runs).
//
// A process solves one model and ends; nothing is shared between two solves. What
// goes wrong in it, a crash, a lack of memory, kill -9, fails that solve only.
// Success is a result frame and nothing else; an exit code proves nothing.
//
// # Protocol, version 1
//
// Both directions carry frames: a 32-bit little-endian length, one byte of type,
// and the body; the length counts type and body. Numbers in bodies are
// little-endian, floating point is IEEE 754 binary64.
//
//	1 hello     child   JSON {protocol, engine, version, error}; first, once
//	2 solve     parent  32-bit length, JSON header, then the arrays of the model:
//	                    cost, column lower, column upper (f64 a column), integer
//	                    (byte a column), row lower, row upper (f64 a row), start
//	                    (i32, rows + 1), index (i32 an entry), value (f64 an entry)
//	3 progress  child   JSON {elapsedMs, objective, bound, gap, nodes}
//	4 cancel    parent  empty; the child answers with the result it has
//	5 result    child   32-bit length, JSON header, then x (f64 a column)
//	6 log       child   JSON {line}
//
// Names never travel: the engine does not need them. Control frames are at most
// 1 MiB, solve and result frames at most 1 GiB, and a length is never trusted
// with memory before that many bytes arrived.
//
// # How a solve is stopped
//
// The engine's own time limit comes first. When that is overrun, or the caller
// cancels, a cancel frame asks for the incumbent; TermAfter later comes SIGTERM,
// which asks once more; KillAfter after the cancel comes SIGKILL to the whole
// process group. The child also ends when its parent does: it sees the end of its
// input, and on Linux the kernel kills it.
package worker
