package identity

import (
	"net/http"
	"time"
)

// The names of the session cookie. Browsers accept the __Host- prefix over TLS
// only, so a product on plain-http loopback has to do without it.
const (
	secureCookie = "__Host-dyocense"
	plainCookie  = "dyocense"
)

// Jar knows how the session cookie looks.
type Jar struct{ secure bool }

// NewJar makes the jar of a product that is reached over TLS (secure) or over
// plain http on loopback.
func NewJar(secure bool) Jar { return Jar{secure: secure} }

// Name is the name of the cookie that the edge reads.
func (j Jar) Name() string {
	if j.secure {
		return secureCookie
	}
	return plainCookie
}

// Cookies is embedded in a request that needs the session's token itself.
type Cookies struct {
	Secure string `cookie:"__Host-dyocense" hidden:"true"`
	Plain  string `cookie:"dyocense" hidden:"true"`
}

// token reads the cookie that this product sets, and no other.
func (j Jar) token(c Cookies) string {
	if j.secure {
		return c.Secure
	}
	return c.Plain
}

func (j Jar) holding(t Token, until time.Time) http.Cookie {
	return http.Cookie{
		Name: j.Name(), Value: t.Reveal(), Path: "/", Expires: until,
		Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func (j Jar) empty() http.Cookie {
	return http.Cookie{
		Name: j.Name(), Path: "/", MaxAge: -1,
		Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
