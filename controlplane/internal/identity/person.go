package identity

import (
	"time"

	"github.com/dyocense/dyocense/shared/id"
)

// Person is a human with a confirmed address and a password. There is no person
// before the address is confirmed.
type Person struct {
	ID       id.Person `json:"id"`
	Email    Address   `json:"email"`
	Password string    `json:"password"` // argon2id, PHC string
	Joined   time.Time `json:"joined"`
}
