package fleet

import (
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// Age makes the last beat of an agent older.
func Age(s *Service, a id.Agent, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.seen[a]
	b.at = b.at.Add(-by)
	s.seen[a] = b
}
