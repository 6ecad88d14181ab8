package cutovermodel

// recordedMoveStep is the move as two conductors drive it that know nothing of
// each other but the record in the journal. The first one opens a move; the
// second one takes it for dead, takes over, may end the move and open another.
// The first one is not dead: it goes on whenever it likes, and whatever either
// sent may arrive whenever it likes.
func (m *model) recordedMoveStep(s *state, to *steps) {
	for i := range s.conductors {
		m.recordStep(s, i, to)
		m.copyingStep(s, i, to)
		m.droppingStep(s, i, to)
		m.committingStep(s, i, to)
	}
}

// recordStep writes into the record. The owner's writer does that, by the same
// rule as any command: what it checks is true of all the slots before.
func (m *model) recordStep(s *state, i int, to *steps) {
	if s.generation() > 0 {
		return // the pool takes no entry any more
	}
	c := s.conductors[i]
	open, move, claim := s.record(s.length)
	if !open && move < moves && (i == 0 || move > 0) {
		n := *s
		m.insert(&n, moveOpened)
		n.conductors[i].claim, n.conductors[i].ready = claim+1, false
		to.add(&n, "conductor %d opens move %d in slot %d, claim %d", i, move+1, n.length, claim+1)
	}
	if open && c.claim != claim && claim-move < takeovers {
		n := *s
		m.insert(&n, moveClaimed)
		n.conductors[i].claim, n.conductors[i].ready = claim+1, false
		to.add(&n, "conductor %d takes move %d over in slot %d, claim %d", i, move, n.length, claim+1)
	}
	if open && c.claim == claim && move < moves {
		n := *s
		n.conductors[i].claim, n.conductors[i].ready = 0, false
		n.conductors[i].ended = claim
		if m.endTakesNoSlot {
			n.flaggedEnd = move
			to.add(&n, "conductor %d ends move %d without an entry", i, move)
		} else {
			m.insert(&n, moveEnded)
			to.add(&n, "conductor %d ends move %d in slot %d", i, move, n.length)
		}
	}
}

// copyingStep begins the copy or goes on with it. The dedicated store refuses
// older claims than the newest it has heard of.
func (m *model) copyingStep(s *state, i int, to *steps) {
	c := s.conductors[i]
	move := s.moveOf(c.claim)
	if c.claim > 0 && c.claim >= s.heard && s.copyOf != move {
		n := *s
		n.heard, n.copyOf = c.claim, move
		m.follow(&n)
		to.add(&n, "conductor %d begins the copy of move %d behind slot %d", i, move, n.stores[dedicated].applied)
	}
	if doc := m.notCopied(s); c.claim > 0 && s.copyOf == move && doc < m.documents && !s.batches[i].on {
		n := *s
		n.batches[i] = batch{on: true, doc: doc, version: s.stores[pool].rows[doc], claim: c.claim}
		to.add(&n, "conductor %d reads %v, version %d, under claim %d", i, docName(doc), n.batches[i].version, c.claim)
	}
	if b := s.batches[i]; b.on {
		n := *s
		if s.copyOf == s.moveOf(b.claim) && b.claim >= s.heard || m.anyClaimCopies && s.copyOf > 0 {
			n.heard = max(s.heard, b.claim)
			m.land(&n, i)
			to.add(&n, "conductor %d's %v, version %d, lands under claim %d", i, docName(b.doc), b.version, b.claim)
		} else {
			n.batches[i] = batch{}
			to.add(&n, "conductor %d's %v is refused: claim %d", i, docName(b.doc), b.claim)
		}
	}
	if c.claim > 0 && s.copyOf == move && m.notCopied(s) == m.documents && !c.ready {
		n := *s
		n.conductors[i].ready = true
		to.add(&n, "conductor %d sees the copy of move %d complete", i, move)
	}
}

// droppingStep lets the call arrive that drops an ended move's copy.
func (m *model) droppingStep(s *state, i int, to *steps) {
	ended := s.conductors[i].ended
	if ended == 0 {
		return
	}
	n := *s
	n.conductors[i].ended = 0
	if ended >= s.heard || m.anyClaimDrops {
		n.heard, n.copyOf = max(s.heard, ended), 0
		n.stores[dedicated], n.copied = store{}, [documents]bool{}
		to.add(&n, "the dedicated store drops its copy, for claim %d", ended)
	} else {
		to.add(&n, "the dedicated store refuses to drop its copy: claim %d", ended)
	}
}

// committingStep sends COMMIT on its way once the pool has found the move open
// and the claim current, in the slots before. What then stands in COMMIT's slot
// decides.
func (m *model) committingStep(s *state, i int, to *steps) {
	c := s.conductors[i]
	if c.attempt > 0 {
		m.attemptStep(s, i, to)
		return
	}
	if !c.ready || s.copyOf == 0 || s.generation() > 0 {
		return
	}
	drained := s.stores[dedicated].applied
	open, _, claim := s.record(drained)
	if open && (c.claim == claim || m.anyClaimCommits) {
		n := *s
		n.conductors[i].attempt = drained + 1
		to.add(&n, "conductor %d is allowed COMMIT in slot %d, under claim %d", i, drained+1, c.claim)
	}
}
