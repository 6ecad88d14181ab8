package cutovermodel

// scope bounds what happens, so that everything that can happen is finite.
type scope struct {
	commands  []entry
	documents int8
	handOvers int8 // 1: upgrade, 2: and rollback, 3: and upgrade again
	crashes   int8
	applied   bool // the pool has applied the older put, and the copy begins behind it
	record    bool // moves are recorded in the journal, by two conductors
	reads     bool // clients read A, and commands are acknowledged once applied
}

// With a move record, so many moves are opened and so many claims taken over.
// The last move is not ended: the protocol can be completed.
const (
	moves     = 2
	takeovers = 1
)

// broken says which rules are broken. The zero value is the protocol.
type broken struct {
	// A delete at a standby leaves nothing.
	noTombstones bool
	// A row is put over whatever version is there.
	noVersionGuard bool
	// COMMIT is offered to the end of the journal as the conductor read it,
	// however far the standby is.
	commitWithoutDrain bool
	// COMMIT goes to whatever slot is free, not to the one behind what the
	// standby had applied.
	commitAtAnyTail bool
	// COMMIT is a flag in some other place, set once the standby has everything.
	flagBesideJournal bool
	// A writer looks for its command only in the generation it writes.
	dedupNotMigrated bool
	// The standby follows from the end of the journal at the time the copy began.
	followFromTail bool
	// COMMIT does not wait for the copy.
	commitBeforeCopied bool
	// A conductor whose attempt came to nothing does not try again.
	oneAttempt bool

	// Versions are slots that start again with each generation.
	slotsRestart bool

	// END is a flag in some other place.
	endTakesNoSlot bool
	// COMMIT asks for an open move, not for the claim.
	anyClaimCommits bool
	// The standby takes rows of any claim.
	anyClaimCopies bool
	// The standby drops its copy for any claim.
	anyClaimDrops bool

	// The old owner answers reads after COMMIT.
	oldOwnerReads bool
	// The standby answers reads before COMMIT.
	standbyReads bool
	// A command is acknowledged when it stands in the journal.
	ackBeforeApplied bool
}

type model struct {
	scope
	broken
}

// start is the moment before the move: one put stands in the journal.
func (m *model) start() state {
	var s state
	m.insert(&s, older)
	for i := range s.writers {
		s.writers[i].read = s.length
	}
	if m.applied {
		m.put(&s, pool, docA, 1)
		s.stores[pool].applied, s.stores[pool].checkpoint, s.stores[pool].held = 1, 1, 1
	}
	if !m.record {
		m.follow(&s)
	}
	return s
}

// done says that everything a scope holds has happened.
func (m *model) done(s *state) bool {
	for _, c := range m.commands {
		if !s.acked[c-firstSent] {
			return false
		}
	}
	return s.generation() == m.handOvers
}

// next lists every state that one step leads to from s.
func (m *model) next(s *state, to *steps) {
	m.writersStep(s, to)
	m.appliersStep(s, to)
	if m.record {
		m.recordedMoveStep(s, to)
	} else {
		m.copierStep(s, to)
		m.conductorStep(s, to)
	}
	if m.reads {
		m.clientsRead(s, to)
	}
}

func (m *model) writersStep(s *state, to *steps) {
	for i := range s.writers {
		if m.record && i > 0 {
			continue // the pool is one process here
		}
		w := s.writers[i]
		if w.command == free {
			for _, c := range m.commands {
				if !m.isSent(s, i, c) {
					continue
				}
				n := *s
				n.writers[i].command = c
				to.add(&n, "writer %d is sent %v", i, c)
			}
			continue
		}
		if m.flagBesideJournal && s.flag > 0 && !w.saysFlag {
			m.unawareWriterStep(s, i, to)
		} else {
			m.writerStep(s, i, to)
		}
		if s.crashes < m.crashes {
			n := *s
			n.writers[i].command = free
			n.crashes++
			to.add(&n, "writer %d dies", i)
		}
	}
}

// isSent says whether a client may send command c to writer i now. A client
// sends a command to any writer, and again, until one acknowledges it.
func (m *model) isSent(s *state, i int, c entry) bool {
	switch {
	case s.acked[c-firstSent]:
		return false
	case c == deleteA && m.commands[0] == putA:
		return s.acked[putA-firstSent]
	case c == putB:
		return i == 0 || s.writers[0].command != free // the writers are alike
	}
	return true
}

// writerStep takes a writer one slot further.
func (m *model) writerStep(s *state, i int, to *steps) {
	w := s.writers[i]
	generation := s.generationAt(w.read)
	var known int8
	if m.dedupNotMigrated {
		known = s.find(w.command, s.begin(generation), w.read)
	} else {
		known = s.find(w.command, 0, w.read)
	}
	switch {
	case known > 0:
		if m.reads && !m.ackBeforeApplied && s.stores[owner(generation)].applied < known {
			// Until the applier has come by. Where nobody reads, not waiting allows
			// all that waiting does, and more.
			return
		}
		n := *s
		n.acked[w.command-firstSent] = true
		n.writers[i].command = free
		if doc, _ := w.command.changes(); m.reads && doc == docA {
			n.shown = max(n.shown, known)
		}
		to.add(&n, "writer %d acknowledges %v", i, w.command)
	case w.read == s.length:
		n := *s
		m.insert(&n, w.command)
		n.writers[i].read = n.length
		to.add(&n, "writer %d inserts %v into slot %d", i, w.command, n.length)
	default:
		n := *s
		n.writers[i].read++
		to.add(&n, "writer %d finds %v in slot %d", i, s.journal[w.read], w.read+1)
	}
}

// unawareWriterStep is for a writer that still takes the pool for the owner, as
// only a flag beside the journal would tell. The pool's own journal is free
// behind the slot at which the flag was set.
func (m *model) unawareWriterStep(s *state, i int, to *steps) {
	w := s.writers[i]
	end := s.flag - 1
	n := *s
	switch {
	case s.beside == w.command:
		n.acked[w.command-firstSent] = true
		n.writers[i].command = free
		to.add(&n, "writer %d acknowledges %v, from the pool's own journal", i, w.command)
	case s.find(w.command, 0, min(w.read, end)) > 0:
		n.acked[w.command-firstSent] = true
		n.writers[i].command = free
		to.add(&n, "writer %d acknowledges %v", i, w.command)
	case w.read < end:
		n.writers[i].read++
		to.add(&n, "writer %d finds %v in slot %d", i, s.journal[w.read], w.read+1)
	case s.beside == free:
		n.beside = w.command
		to.add(&n, "writer %d inserts %v into slot %d of the pool's own journal", i, w.command, end+1)
	}
	n = *s
	n.writers[i].saysFlag = true
	to.add(&n, "writer %d sees the flag", i)
}

// insert takes the next slot. With a move record the pool is one process, and
// what it inserts it knows and has applied, as tenantstore does in one batch;
// what lags behind a journal is tried without the record.
func (m *model) insert(s *state, e entry) {
	if m.record && s.generation() == 0 && e != commit {
		if doc, is := e.changes(); is {
			s.stores[pool].rows[doc] = s.length + 1
		}
		is := &s.stores[pool]
		is.applied, is.checkpoint, is.held = s.length+1, s.length+1, s.length+1
		s.writers[0].read = s.length + 1
	}
	s.journal[s.length] = e
	s.length++
}

// put puts a row into a store, unless a newer one is there.
func (m *model) put(s *state, store, doc, version int8) {
	row := &s.stores[store].rows[doc]
	if !m.noVersionGuard && m.order(s, *row) >= m.order(s, version) {
		return
	}
	if m.noTombstones && !s.exists(version) {
		version = 0
	}
	*row = version
}

// order is what versions are compared by: the slot.
func (m *model) order(s *state, version int8) int8 {
	if !m.slotsRestart || version == 0 {
		return version
	}
	return version - s.begin(s.generationAt(version))
}

// follow begins a standby's copy: from where the applier will go on.
func (m *model) follow(s *state) {
	from := s.stores[pool].checkpoint
	if m.followFromTail {
		from = s.length
	}
	s.stores[dedicated] = store{applied: from, checkpoint: from, held: from}
	s.copied = [documents]bool{}
}

// appliersStep brings one store one entry further: the owner, whose documents
// follow its journal, and the standby, whose journal follows too.
func (m *model) appliersStep(s *state, to *steps) {
	for i := range s.stores {
		if m.record && (i == pool || s.copyOf == 0) {
			continue // it has applied what it inserted; it is not there
		}
		if at := s.stores[i].applied; at < s.length {
			n := *s
			if doc, is := s.journal[at].changes(); is {
				m.put(&n, int8(i), doc, at+1)
			}
			n.stores[i].applied++
			n.stores[i].held = max(n.stores[i].held, n.stores[i].applied)
			to.add(&n, "%v applies slot %d", storeName(i), at+1)
		}
		if s.stores[i].checkpoint < s.stores[i].applied && !m.record {
			n := *s
			n.stores[i].checkpoint = s.stores[i].applied
			to.add(&n, "%v notes slot %d as applied", storeName(i), s.stores[i].applied)
		}
	}
	if s.crashes < m.crashes && s.stores[pool].checkpoint < s.stores[pool].applied {
		n := *s
		n.stores[pool].applied = s.stores[pool].checkpoint
		n.crashes++
		to.add(&n, "%v dies and goes on behind slot %d", storeName(pool), n.stores[pool].applied)
	}
}

type storeName int8

func (s storeName) String() string { return [...]string{"the pool", "the dedicated store"}[s] }

// copierStep reads a row at the pool, or puts one at the dedicated store. In
// between anything may happen, the copier's death included.
func (m *model) copierStep(s *state, to *steps) {
	flying, late := s.batches[0], s.batches[1]
	if doc := m.notCopied(s); doc < m.documents && !flying.on && s.generation() == 0 {
		n := *s
		n.batches[0] = batch{on: true, doc: doc, version: s.stores[pool].rows[doc]}
		to.add(&n, "the copier reads %v, version %d", docName(doc), n.batches[0].version)
	}
	if flying.on {
		n := *s
		m.land(&n, 0)
		to.add(&n, "the copier puts %v, version %d", docName(flying.doc), flying.version)
	}
	if late.on {
		n := *s
		m.land(&n, 1)
		to.add(&n, "a dead copier's %v, version %d, lands", docName(late.doc), late.version)
	}
	if s.crashes < m.crashes && (flying.on || s.stores[dedicated].checkpoint < s.stores[dedicated].applied) {
		n := *s
		n.crashes++
		n.stores[dedicated].applied = s.stores[dedicated].checkpoint
		n.batches[0] = batch{}
		to.add(&n, "the dedicated store's copier and applier die")
		if flying.on && s.exists(flying.version) && !late.on {
			n.batches[1] = flying
			to.add(&n, "the dedicated store's copier and applier die, its batch is on the way")
		}
	}
}

type docName int8

func (d docName) String() string { return [...]string{"A", "B"}[d] }

// notCopied is the first document that the standby has not put.
func (m *model) notCopied(s *state) int8 {
	for doc := range m.documents {
		if !s.copied[doc] {
			return doc
		}
	}
	return m.documents
}

// land puts a batch at the dedicated store. What does not exist is not copied: a
// late batch of a dead copier then is only a put, and not the end of a row.
func (m *model) land(s *state, i int) {
	b := s.batches[i]
	s.batches[i] = batch{}
	if s.exists(b.version) {
		m.put(s, dedicated, b.doc, b.version)
	}
	if i == 0 || m.record {
		s.copied[b.doc] = true
	}
}

// never is the slot of a conductor that does not try again.
const never = -1

// conductorStep asks how far the standby is, and later offers COMMIT to the slot
// behind. A conductor that dies in between leaves nothing.
func (m *model) conductorStep(s *state, to *steps) {
	generation := s.generation()
	if generation == m.handOvers {
		return
	}
	switch attempt := s.conductors[0].attempt; {
	case attempt == never:
		return
	case attempt > 0:
		m.attemptStep(s, 0, to)
		return
	}
	// Only the first hand-over needs a copy: both stores follow from then on.
	if generation > 0 || m.commitBeforeCopied || m.notCopied(s) == m.documents {
		n := *s
		n.conductors[0].attempt = s.stores[owner(generation+1)].applied + 1
		if m.commitWithoutDrain {
			n.conductors[0].attempt = s.length + 1
		}
		to.add(&n, "conductor 0 learns that %v is at slot %d", storeName(owner(generation+1)), n.conductors[0].attempt-1)
	}
}

// attemptStep lets conductor i's COMMIT reach its slot, or not.
func (m *model) attemptStep(s *state, i int, to *steps) {
	n := *s
	attempt := s.conductors[i].attempt
	n.conductors[i].attempt = 0
	if m.oneAttempt {
		n.conductors[i].attempt = never
	}
	to.add(&n, "conductor %d's attempt comes to nothing", i)
	if s.generation() == m.handOvers || attempt != s.length+1 && !m.commitAtAnyTail {
		return
	}
	if m.flagBesideJournal {
		n.flag = s.length + 1
		to.add(&n, "conductor %d sets the flag behind slot %d", i, s.length)
		return
	}
	m.insert(&n, commit)
	to.add(&n, "conductor %d inserts COMMIT into slot %d", i, n.length)
}

// clientsRead lets a client read A wherever it is answered.
func (m *model) clientsRead(s *state, to *steps) {
	for i := range s.stores {
		if !m.answersReads(s, int8(i)) {
			continue
		}
		n := *s
		version := s.stores[i].rows[docA]
		n.stale = version < s.shown
		n.shown = max(version, s.shown)
		to.add(&n, "a client reads A at %v: version %d", storeName(i), version)
	}
}

// answersReads says whether a store takes itself for the owner.
func (m *model) answersReads(s *state, store int8) bool {
	generation := s.generation()
	if store != owner(generation) {
		return m.oldOwnerReads && generation > 0 || m.standbyReads && generation == 0
	}
	// The owner of a later generation begins with the COMMIT in its own journal.
	return s.stores[store].held >= s.begin(generation)
}
