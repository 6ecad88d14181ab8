package app

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/dyocense/dyocense/shared/secret"
)

// environment reads settings and collects what is wrong with them, so that an
// operator hears of all mistakes at once.
type environment struct {
	get      func(string) string
	mistakes []error
}

func (e *environment) text(name, otherwise string) string {
	if v := e.get(name); v != "" {
		return v
	}
	return otherwise
}

func (e *environment) secret(name string) secret.Text { return secret.Text(e.get(name)) }

func (e *environment) address(name, otherwise string) string {
	v := e.text(name, otherwise)
	if _, _, err := net.SplitHostPort(v); err != nil {
		e.wrong("%s is %q; it must be HOST:PORT, such as 127.0.0.1:8080", name, v)
	}
	return v
}

func (e *environment) url(name string, schemes ...string) string {
	v := e.get(name)
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" {
		// The value may carry a password: name the variable only.
		e.wrong("%s is not a URL; it must look like %s://HOST", name, schemes[0])
		return ""
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return v
		}
	}
	e.wrong("%s begins with %s://; it must begin with %s://", name, u.Scheme, schemes[0])
	return ""
}

func (e *environment) choice(name string, choices ...string) string {
	v := e.text(name, choices[0])
	for _, c := range choices {
		if v == c {
			return v
		}
	}
	e.wrong("%s is %q; it must be one of %v", name, v, choices)
	return choices[0]
}

func (e *environment) count(name string, otherwise, least, most int) int {
	v := e.get(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		e.wrong("%s is %q; it must be a number from %d to %d", name, v, least, most)
		return otherwise
	}
	return n
}

// span is a duration such as "168h" or "90s".
func (e *environment) span(name string, otherwise, least, most time.Duration) time.Duration {
	v := e.get(name)
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < least || d > most {
		e.wrong("%s is %q; it must be a time from %s to %s, such as 24h", name, v, least, most)
		return otherwise
	}
	return d
}

func (e *environment) wrong(format string, args ...any) {
	e.mistakes = append(e.mistakes, fmt.Errorf(format, args...))
}
