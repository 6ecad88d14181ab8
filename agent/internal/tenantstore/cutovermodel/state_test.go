package cutovermodel

// entry is what stands in a slot of the journal.
type entry int8

const (
	free        entry = iota
	older             // a put of document A, there before the move
	putA              // commands of the clients
	putB              //
	deleteA           // sent once putA, if it is sent at all, was acknowledged
	commit            // the owner hands over
	moveOpened        // the record of the move; opening is also the first claim
	moveClaimed       // another conductor takes over
	moveEnded         // given up; the copy may be dropped
)

func (e entry) String() string {
	return [...]string{"nothing", "the older put of A", "put A", "put B", "delete A", "COMMIT", "OPEN", "CLAIM", "END"}[e]
}

const (
	slots     = 8 // as many as a scope fills
	documents = 2
	firstSent = putA
	lastSent  = deleteA
	sent      = lastSent - firstSent + 1

	pool      = 0 // the stores
	dedicated = 1
	docA      = 0 // the documents
	docB      = 1
)

// changes says which document a command is about.
func (e entry) changes() (doc int8, is bool) {
	switch e {
	case older, putA, deleteA:
		return docA, true
	case putB:
		return docB, true
	}
	return 0, false
}

// state is all that matters of the world at one moment. It consists of single
// bytes, so it can be hashed and kept by the million as it is. Where something
// may be absent, 0 says so, and slots and versions count from 1.
type state struct {
	journal [slots]entry // of all generations; a slot is taken once, for ever
	length  int8
	stores  [2]store
	copied  [documents]bool // the standby has put the row
	// batches are rows on their way from the copier to the standby. Without a
	// move record the second one is of a dead copier and may yet land; with it
	// each conductor has one.
	batches    [2]batch
	writers    [2]writer
	acked      [sent]bool
	conductors [2]conductor // the second one only with a move record
	crashes    int8

	// With a move record.
	copyOf int8 // the move for which the dedicated store holds a copy
	heard  int8 // the newest claim the dedicated store was called with

	// With reads.
	shown int8 // newest version of A that a client has seen or had acknowledged
	stale bool // a client was shown an older one after that

	// Only where a broken rule needs them.
	flag       int8  // the flag beside the journal says that the dedicated store owns all behind this slot, plus one
	beside     entry // what then still went into the pool's own journal, to that same slot
	flaggedEnd int8  // the move that was ended without an entry
}

type store struct {
	rows       [documents]int8 // versions; a tombstone is the version of a delete
	applied    int8            // how far the applier is in the journal
	checkpoint int8            // from where it goes on after a crash
	held       int8            // how far it ever was: rows do not go back
}

type batch struct {
	on      bool
	doc     int8
	version int8
	claim   int8
}

type writer struct {
	command  entry
	read     int8 // it knows the journal up to here
	saysFlag bool // it has seen the flag beside the journal
}

type conductor struct {
	attempt int8 // the slot to which its COMMIT is on the way
	claim   int8
	ready   bool // it has seen a complete copy
	ended   int8 // the claim under which it ended its move; its call to drop the copy is on the way
}

// generation is how often the tenant was handed over.
func (s *state) generation() int8 {
	if s.flag > 0 {
		return 1
	}
	return s.generationAt(s.length)
}

// generationAt is the generation as one knows it who has read up to a slot.
func (s *state) generationAt(read int8) int8 {
	var g int8
	for _, e := range s.journal[:read] {
		if e == commit {
			g++
		}
	}
	return g
}

// begin is the last slot before a generation: the COMMIT that began it.
func (s *state) begin(generation int8) int8 {
	if generation == 0 {
		return 0
	}
	for i, e := range s.journal[:s.length] {
		if e == commit {
			if generation--; generation == 0 {
				return int8(i) + 1
			}
		}
	}
	return s.length
}

func owner(generation int8) int8 { return generation % 2 }

// find is the slot in which a command stands, between two slots.
func (s *state) find(e entry, after, upTo int8) (slot int8) {
	for i := after; i < upTo; i++ {
		if s.journal[i] == e {
			return i + 1
		}
	}
	return 0
}

// exists says whether a row of this version is a document, and not a tombstone
// or nothing.
func (s *state) exists(version int8) bool {
	return version > 0 && s.journal[version-1] != deleteA
}

// journalSays is the version that a document has by the whole journal.
func (s *state) journalSays(doc int8) int8 {
	for i := s.length; i > 0; i-- {
		if d, is := s.journal[i-1].changes(); is && d == doc {
			return i
		}
	}
	return 0
}

// record is what the first entries of the journal say about moves. Claims and
// moves are counted from 1.
func (s *state) record(upTo int8) (open bool, move, claim int8) {
	for _, e := range s.journal[:upTo] {
		switch e {
		case moveOpened:
			open, move, claim = true, move+1, claim+1
		case moveClaimed:
			claim++
		case moveEnded:
			open = false
		}
	}
	if s.flaggedEnd > 0 && s.flaggedEnd == move {
		open = false
	}
	return open, move, claim
}

// moveOf is the move to which a claim belongs.
func (s *state) moveOf(claim int8) (move int8) {
	for _, e := range s.journal[:s.length] {
		if e != moveOpened && e != moveClaimed {
			continue
		}
		if e == moveOpened {
			move++
		}
		if claim--; claim == 0 {
			return move
		}
	}
	return 0
}
