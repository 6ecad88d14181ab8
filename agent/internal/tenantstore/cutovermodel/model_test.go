package cutovermodel

import "testing"

var (
	putThenDelete = []entry{putA, deleteA}
	allCommands   = []entry{putA, putB, deleteA}
	onlyDelete    = []entry{deleteA}
	onlyPut       = []entry{putA}

	// Two hand-overs are the upgrade and its rollback.
	quiet    = scope{commands: putThenDelete, documents: 1, handOvers: 2}
	oneCrash = scope{commands: putThenDelete, documents: 1, handOvers: 2, crashes: 1}
	wide     = scope{commands: allCommands, documents: 2, handOvers: 2}
	thrice   = scope{commands: putThenDelete, documents: 1, handOvers: 3}
	recorded = scope{commands: onlyDelete, documents: 1, handOvers: 1, record: true}
	read     = scope{commands: putThenDelete, documents: 1, handOvers: 2, reads: true}
	twoPuts  = scope{commands: allCommands[:2], documents: 2, handOvers: 1}
	copied   = scope{commands: onlyPut, documents: 1, handOvers: 2, applied: true}
)

// small is how many states are walked through everywhere. What has more is left
// out of short runs, and of the race detector's: it takes ten times as long, to
// find nothing in code that shares nothing. The whole takes half a minute of one
// core, and under 1 GB.
const small = 700_000

// The numbers of states say how thoroughly the model was tried, and that a change
// of it did what was meant.
func TestTheProtocolHoldsInEveryOrderOfEvents(t *testing.T) {
	for _, c := range []struct {
		name   string
		scope  scope
		states int32
	}{
		{"two commands, nothing dies", quiet, 212_750},
		{"two commands, something dies once", oneCrash, 1_481_519},
		{"two commands, something dies twice", scope{commands: putThenDelete, documents: 1, handOvers: 2, crashes: 2}, 4_742_911},
		{"three commands on two documents, nothing dies", wide, 4_208_302},
		{"only the copy brings the older document", copied, 8_132},
		{"only the copy brings the older document, something dies once", scope{commands: onlyPut, documents: 1, handOvers: 2, applied: true, crashes: 1}, 46_539},
		// With a death as well the three hand-overs of two commands have 5,320,649
		// states, and hold; one command has a tenth.
		{"upgrade, rollback, upgrade again", thrice, 643_175},
		{"upgrade, rollback, upgrade again, of one command, something dies once", scope{commands: onlyPut, documents: 1, handOvers: 3, crashes: 1}, 441_957},
		{"two conductors and a record of the move, one command", recorded, 45_292},
		{"two conductors and a record of the move, two commands", scope{commands: putThenDelete, documents: 1, handOvers: 1, record: true}, 277_261},
		{"clients read, nothing dies", read, 175_963},
		{"clients read, something dies once", scope{commands: putThenDelete, documents: 1, handOvers: 2, reads: true, crashes: 1}, 1_375_535},
	} {
		if c.states > small && (testing.Short() || raceEnabled) {
			t.Logf("left out in a short run and under the race detector: %s (%d states)", c.name, c.states)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			x, v := explore(&model{scope: c.scope})
			if v != "" {
				t.Fatalf("%s:%s", v, told(x))
			}
			if stuck := x.stuck(); stuck > 0 {
				t.Errorf("from %d of %d states the move cannot be completed", stuck, x.states.count)
			}
			if x.states.count != c.states {
				t.Errorf("%d states were reached; the table says %d", x.states.count, c.states)
			}
		})
	}
}

// The way is the shortest there is; run with -v to read it.
func TestEveryRuleIsNeeded(t *testing.T) {
	for _, c := range []struct {
		name   string
		scope  scope
		broken broken
		breaks violation
		steps  int
	}{
		{"without tombstones a late row brings a deleted document back", oneCrash, broken{noTombstones: true}, wrongAtCommit, 13},
		{"without a version guard a late row overwrites a newer one", oneCrash, broken{noVersionGuard: true}, wrongAtCommit, 9},
		{"a COMMIT that does not wait for the standby hands over too early", oneCrash, broken{commitWithoutDrain: true}, openedTooEarly, 7},
		{"a COMMIT at whatever slot is free passes entries by", oneCrash, broken{commitAtAnyTail: true}, openedTooEarly, 7},
		{"a flag beside the journal does not stop a writer that has not seen it", scope{commands: putThenDelete, documents: 1, handOvers: 1, crashes: 1}, broken{flagBesideJournal: true}, lost, 8},
		{"commands that the new owner does not know are done again", twoPuts, broken{dedupNotMigrated: true}, doneTwice, 17},
		{"a standby that follows from the journal's end misses what was not applied", oneCrash, broken{followFromTail: true}, wrongAtCommit, 4},
		{"a COMMIT that does not wait for the copy hands over less", copied, broken{commitBeforeCopied: true}, wrongAtCommit, 2},

		{"slots that start again with a generation make new rows look old", thrice, broken{slotsRestart: true}, wrongDocuments, 10},

		{"an end that takes no slot lets a late COMMIT hand over to a dropped copy", recorded, broken{endTakesNoSlot: true}, handedToNothing, 9},
		{"a COMMIT under an older claim hands over to another move's half copy", recorded, broken{anyClaimCommits: true}, wrongAtCommit, 11},
		{"a row under an older claim brings a deleted document back", recorded, broken{anyClaimCopies: true}, wrongAtCommit, 12},
		{"a drop under an older claim takes the owner's documents", recorded, broken{anyClaimDrops: true}, handedToNothing, 10},

		{"an old owner that goes on answering shows what is no longer so", read, broken{oldOwnerReads: true}, staleRead, 8},
		{"a standby that answers shows what is no longer so", read, broken{standbyReads: true}, staleRead, 3},
		{"a command acknowledged before it is applied is not yet read", read, broken{ackBeforeApplied: true}, staleRead, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, v := explore(&model{scope: c.scope, broken: c.broken})
			if v != c.breaks {
				t.Fatalf("breaks %q; expected: %q%s", v, c.breaks, told(x))
			}
			trace := x.trace()
			t.Logf("%d states, %d steps: %s:%s", x.states.count, len(trace), v, told(x))
			if len(trace) != c.steps {
				t.Errorf("the shortest way has %d steps; the table says %d", len(trace), c.steps)
			}
		})
	}
}

func TestAMoveThatCannotBeCompletedIsNoticed(t *testing.T) {
	x, v := explore(&model{scope: scope{commands: putThenDelete, documents: 1, handOvers: 1}, broken: broken{oneAttempt: true}})
	if v != "" {
		t.Fatalf("%s:%s", v, told(x))
	}
	stuck := x.stuck()
	t.Logf("without a second attempt %d of %d states are stuck", stuck, x.states.count)
	if stuck == 0 || stuck == int(x.states.count) {
		t.Errorf("%d of %d states are stuck", stuck, x.states.count)
	}
}

// told is how the last state was reached, a line a step.
func told(x *exploration) string {
	var lines string
	for _, step := range x.trace() {
		lines += "\n    " + step
	}
	return lines
}
