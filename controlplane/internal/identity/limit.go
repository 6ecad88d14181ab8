package identity

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Budget is how often something may be tried: Burst times at once, and once more
// after each Every.
type Budget struct {
	Burst int
	Every time.Duration
}

// Limits are the budgets against guessing and flooding. They are kept in the
// memory of one process.
type Limits struct {
	SignupAddress Budget // sign-ups for one address
	SignupOrigin  Budget // sign-ups from one origin
	VerifyOrigin  Budget // confirmations from one origin
	SignInPair    Budget // attempts for one address from one origin
	SignInAddress Budget // attempts for one address from anywhere; wide, or strangers could lock its owner out
	SignInOrigin  Budget // attempts from one origin
}

// PublicLimits suit a server on the internet.
func PublicLimits() Limits {
	return Limits{
		SignupAddress: Budget{Burst: 3, Every: 10 * time.Minute},
		SignupOrigin:  Budget{Burst: 20, Every: time.Minute},
		VerifyOrigin:  Budget{Burst: 30, Every: 10 * time.Second},
		SignInPair:    Budget{Burst: 8, Every: 30 * time.Second},
		SignInAddress: Budget{Burst: 100, Every: 2 * time.Second},
		SignInOrigin:  Budget{Burst: 60, Every: 2 * time.Second},
	}
}

// LocalLimits suit a server that only its own machine can reach, where one
// origin is everybody.
func LocalLimits() Limits {
	l := PublicLimits()
	everybody := Budget{Burst: 2000, Every: 5 * time.Millisecond}
	l.SignupOrigin, l.VerifyOrigin, l.SignInOrigin = everybody, everybody, everybody
	return l
}

// keysMax bounds the memory of one limiter: about 3 MB.
const keysMax = 20_000

// Limiter holds a budget for each key, and forgets the least recently used keys
// beyond a bound. All methods may be called from many goroutines.
type Limiter struct {
	mu     sync.Mutex
	budget Budget
	now    func() time.Time
	keys   *recent[*rate.Limiter]
}

// NewLimiter gives every key the same budget.
func NewLimiter(b Budget, now func() time.Time) *Limiter {
	return &Limiter{budget: b, now: now, keys: newRecent[*rate.Limiter](keysMax)}
}

// Take spends one try of key, or fails with ErrTooMany.
func (l *Limiter) Take(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.keys.get(key)
	if !ok {
		bucket = rate.NewLimiter(rate.Every(l.budget.Every), l.budget.Burst)
		l.keys.put(key, bucket)
	}
	if !bucket.AllowN(l.now(), 1) {
		return ErrTooMany
	}
	return nil
}

// Origin is where a request came from, as far as limits care: an IPv4 address, or
// the /56 that one IPv6 customer has.
type Origin string

// OriginOf finds the origin of an address; requests without one share "unknown".
func OriginOf(a netip.Addr) Origin {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid():
		return "unknown"
	case a.Is6():
		if p, err := a.Prefix(56); err == nil {
			return Origin(p.String())
		}
	}
	return Origin(a.String())
}

type originKey struct{}

// WithOrigin puts the origin of a request into its context; the edge does it.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginFrom is the origin of the request, "unknown" when the edge named none.
func OriginFrom(ctx context.Context) Origin {
	if o, ok := ctx.Value(originKey{}).(Origin); ok {
		return o
	}
	return "unknown"
}
