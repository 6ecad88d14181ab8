package identity

import (
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// The life of a session.
const (
	idleMax     = 7 * 24 * time.Hour
	absoluteMax = 30 * 24 * time.Hour
	// seenEvery is how coarsely "last seen" is written: a write per request would
	// cost more than the difference is worth.
	seenEvery = time.Hour
)

// Session is one signed-in browser.
type Session struct {
	ID      id.Session `json:"id"`
	Person  id.Person  `json:"person"`
	Email   Address    `json:"email"`
	Started time.Time  `json:"started"`
	Seen    time.Time  `json:"seen"`
	Proved  time.Time  `json:"proved"`  // when it last proved who holds it
	Expires int64      `json:"expires"` // Unix milliseconds; an index finds what is over
}

func newSession(p Person, now time.Time) Session {
	s := Session{ID: id.NewSession(), Person: p.ID, Email: p.Email, Started: now.UTC(), Proved: now.UTC().Round(0)}
	s.see(now)
	return s
}

// see moves the end of the session, never beyond its absolute limit.
func (s *Session) see(now time.Time) {
	s.Seen = now.UTC()
	end := s.Seen.Add(idleMax)
	if last := s.Started.Add(absoluteMax); end.After(last) {
		end = last
	}
	s.Expires = end.UnixMilli()
}

func (s Session) over(now time.Time) bool { return now.UnixMilli() >= s.Expires }

func (s Session) worthSeeing(now time.Time) bool { return now.Sub(s.Seen) >= seenEvery }

func (s Session) end() time.Time { return time.UnixMilli(s.Expires).UTC() }

// last is when the session ends however busy it is; the browser keeps the cookie
// until then, and the server watches the rest.
func (s Session) last() time.Time { return s.Started.Add(absoluteMax) }
