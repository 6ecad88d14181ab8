package cutovermodel

// violation is a promise that a state breaks.
type violation string

const (
	doneTwice       violation = "a command stands in the journal twice"
	lost            violation = "an acknowledged command is not in the journal"
	reordered       violation = "a command overtook the one its client sent before"
	wrongDocuments  violation = "the owner's documents are not what the journal says"
	wrongAtCommit   violation = "COMMIT hands over to documents that are not what the journal says"
	openedTooEarly  violation = "the new owner takes a write before it holds everything before COMMIT"
	handedToNothing violation = "the tenant belongs to a copy that was dropped"
	staleRead       violation = "a client is shown an older document than one it knew"
)

// violated is the promise that s breaks, "" when it keeps them all.
func (m *model) violated(s *state) violation {
	for c := firstSent; c <= lastSent; c++ {
		slot := s.find(c, 0, s.length)
		if slot > 0 && s.find(c, slot, s.length) > 0 {
			return doneTwice
		}
		if slot == 0 && s.acked[c-firstSent] {
			return lost
		}
	}
	if put, del := s.find(putA, 0, s.length), s.find(deleteA, 0, s.length); del > 0 && del < put {
		return reordered
	}
	if s.stale {
		return staleRead
	}
	generation := s.generation()
	if m.record && generation > 0 && s.copyOf == 0 {
		return handedToNothing
	}
	is := &s.stores[owner(generation)]
	if is.applied == s.length && !holdsJournal(s, is) {
		return wrongDocuments
	}
	begin := s.begin(generation)
	if generation == 0 || s.flag > 0 {
		return ""
	}
	if s.length > begin && is.held < begin-1 {
		return openedTooEarly
	}
	if s.length == begin && is.applied == begin-1 && !holdsJournal(s, is) {
		return wrongAtCommit
	}
	return ""
}

// holdsJournal says whether a store shows what follows from the journal.
func holdsJournal(s *state, is *store) bool {
	for doc, version := range is.rows {
		want := s.journalSays(int8(doc))
		if s.exists(version) != s.exists(want) || s.exists(want) && version != want {
			return false
		}
	}
	return true
}
