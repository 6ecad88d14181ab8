package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// Memberships is what identity needs to know of tenancy.
type Memberships interface {
	// Current is the tenant a person last worked in and the role there; both are
	// empty for a person who belongs to none.
	Current(ctx context.Context, p id.Person) (id.Tenant, contract.Role, error)
}

// Options of People. The zero value takes the public limits, the system clock and
// the default logger.
type Options struct {
	Limits *Limits
	Now    func() time.Time
	Log    *slog.Logger
	// Restrict finds out why somebody may only read, nil when it is not so.
	Restrict func(ctx context.Context, who Who) (why, err error)
	// Noted hears that a session began or is about to end, before anybody is told; its
	// error stops both. nil hears nothing.
	Noted func(ctx context.Context, action string, who Who) error
}

// The actions that Options.Noted hears.
const (
	ActionSignedIn  = "identity.signed_in"
	ActionSignedOut = "identity.signed_out"
)

const (
	// whoTTL is how long an answer of Authenticate is believed without asking the
	// store again. A sign-out on another replica, or a new role, takes this long.
	whoTTL     = 5 * time.Second
	whoMax     = 10_000
	sweepEvery = 10 * time.Minute
)

// People signs persons in and out. All methods may be called from many
// goroutines.
type People struct {
	store   store
	tenants Memberships
	confine func(ctx context.Context, who Who) (why, err error)
	hasher  *hasher
	now     func() time.Time
	log     *slog.Logger
	noted   func(context.Context, string, Who) error
	limits  Limits
	pair    *Limiter
	address *Limiter
	origin  *Limiter

	mu    sync.Mutex
	known *recent[knownWho] // by token key
	epoch uint64            // grows with every sign-out and recheck, so that no older answer is kept
}

type knownWho struct {
	who   Who
	until time.Time
}

// New makes the service.
func New(s docstore.Store, tenants Memberships, o Options) *People {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Restrict == nil {
		o.Restrict = func(context.Context, Who) (error, error) { return nil, nil }
	}
	if o.Noted == nil {
		o.Noted = func(context.Context, string, Who) error { return nil }
	}
	limits := PublicLimits()
	if o.Limits != nil {
		limits = *o.Limits
	}
	return &People{
		store: newStore(s), tenants: tenants, confine: o.Restrict, noted: o.Noted, hasher: newHasher(), now: o.Now, log: o.Log, limits: limits,
		pair:    NewLimiter(limits.SignInPair, o.Now),
		address: NewLimiter(limits.SignInAddress, o.Now),
		origin:  NewLimiter(limits.SignInOrigin, o.Now),
		known:   newRecent[knownWho](whoMax),
	}
}

// Limits are the limits in force; signup takes its own from them.
func (p *People) Limits() Limits { return p.limits }

// Knows says whether a person has this address. Its answer must not reach an
// anonymous visitor.
func (p *People) Knows(ctx context.Context, a Address) (bool, error) {
	row, err := p.store.personAt(ctx, a)
	return row != nil, err
}

// HashPassword gives the form in which a password may be stored. It fails with
// ErrBusy when too many wait for their turn.
func (p *People) HashPassword(ctx context.Context, password string) (string, error) {
	return p.hasher.hash(ctx, password)
}

// Add makes a person whose address is confirmed. Adding the same person again
// does nothing; another person at the same address fails with ErrAddressTaken.
func (p *People) Add(ctx context.Context, person Person) error {
	err := p.store.people.Insert(ctx, person.Email.Key(), person)
	if err == nil {
		return nil
	}
	if !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("add person: %w", err)
	}
	row, err := p.store.personAt(ctx, person.Email)
	if err != nil {
		return err
	}
	if row == nil || row.Value.ID != person.ID {
		return ErrAddressTaken
	}
	return nil
}

// SignIn checks the password and opens a session. Whatever is wrong, the answer
// is ErrCredentials and takes as long; ErrTooMany says nothing about the address.
// The session of the token `before` ends when there is one.
func (p *People) SignIn(ctx context.Context, email, password, before string) (Who, Token, Session, error) {
	a, err := ParseAddress(email)
	if err != nil {
		a = "" // hashes all the same
	}
	origin := OriginFrom(ctx)
	if err := errors.Join(p.origin.Take(string(origin)), p.pair.Take(a.Key()+" "+string(origin)), p.address.Take(a.Key())); err != nil {
		return Who{}, Token{}, Session{}, ErrTooMany
	}
	if len(password) > 4*passwordMax {
		password = "" // nobody has such a password; hash the shorter one
	}
	row, err := p.store.personAt(ctx, a)
	if err != nil {
		return Who{}, Token{}, Session{}, err
	}
	var person Person
	if row != nil {
		person = row.Value
	}
	same, outdated, err := p.hasher.matches(ctx, person.Password, password)
	if err != nil {
		return Who{}, Token{}, Session{}, fmt.Errorf("check password: %w", err)
	}
	if !same {
		return Who{}, Token{}, Session{}, ErrCredentials
	}
	if outdated {
		p.rehash(ctx, *row, password)
	}
	if err := p.SignOut(ctx, before); err != nil {
		return Who{}, Token{}, Session{}, err
	}
	return p.Open(ctx, person)
}

// rehash brings a stored hash to the present cost. It is a favour: when it fails,
// the next sign-in tries again.
func (p *People) rehash(ctx context.Context, row docstore.Row[Person], password string) {
	phc, err := p.hasher.hash(ctx, password)
	if err == nil {
		row.Value.Password = phc
		_, err = p.store.people.Replace(ctx, row)
	}
	if err != nil {
		p.log.WarnContext(ctx, "password hash stays at its old cost", "person", row.Value.ID, "err", err)
	}
}

// Open starts a session for a person who has just proved to be one.
func (p *People) Open(ctx context.Context, person Person) (Who, Token, Session, error) {
	token := NewToken()
	session := newSession(person, p.now())
	if err := p.store.sessions.Insert(ctx, token.Key(), session); err != nil {
		return Who{}, Token{}, Session{}, fmt.Errorf("open session: %w", err)
	}
	who, err := p.whoOf(ctx, session)
	if err == nil {
		err = p.noted(ctx, ActionSignedIn, who)
	}
	return who, token, session, err
}

// Authenticate answers who holds this token, or fails with ErrSignedOut. The
// answer may be five seconds old, except after a sign-out or a Recheck in this process.
func (p *People) Authenticate(ctx context.Context, token string) (Who, error) {
	t, ok := ReadToken(token)
	if !ok {
		return Who{}, ErrSignedOut
	}
	key, now := t.Key(), p.now()
	p.mu.Lock()
	hit, ok := p.known.get(key)
	epoch := p.epoch
	p.mu.Unlock()
	if ok && now.Before(hit.until) {
		return hit.who, nil
	}
	row, err := p.store.sessions.Get(ctx, key)
	if errors.Is(err, docstore.ErrNotFound) {
		return Who{}, ErrSignedOut
	}
	if err != nil {
		return Who{}, fmt.Errorf("read session: %w", err)
	}
	if row.Value.over(now) {
		return Who{}, ErrSignedOut
	}
	if row.Value.worthSeeing(now) {
		row.Value.see(now)
		// Stale means that another request has just written the same.
		if _, err := p.store.sessions.Replace(ctx, row); err != nil && !errors.Is(err, docstore.ErrStale) {
			if errors.Is(err, docstore.ErrNotFound) {
				return Who{}, ErrSignedOut
			}
			return Who{}, fmt.Errorf("touch session: %w", err)
		}
	}
	who, err := p.whoOf(ctx, row.Value)
	if err != nil {
		return Who{}, err
	}
	until := now.Add(whoTTL)
	if end := row.Value.end(); end.Before(until) {
		until = end
	}
	p.mu.Lock()
	if p.epoch == epoch {
		p.known.put(key, knownWho{who: who, until: until})
	}
	p.mu.Unlock()
	return who, nil
}

// SignOut ends the session of token. A token that proves nothing is no failure.
func (p *People) SignOut(ctx context.Context, token string) error {
	t, ok := ReadToken(token)
	if !ok {
		return nil
	}
	defer func() { // after the delete, so that nothing read before it is kept
		p.mu.Lock()
		p.epoch++
		p.known.drop(t.Key())
		p.mu.Unlock()
	}()
	for {
		row, err := p.store.sessions.Get(ctx, t.Key())
		if errors.Is(err, docstore.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		who, err := p.whoOf(ctx, row.Value)
		if err == nil {
			err = p.noted(ctx, ActionSignedOut, who)
		}
		if err != nil {
			return fmt.Errorf("note the end of a session: %w", err)
		}
		err = p.store.sessions.Delete(ctx, row.ID, row.Rev)
		switch {
		case err == nil, errors.Is(err, docstore.ErrNotFound):
			return nil
		case !errors.Is(err, docstore.ErrStale): // stale: it was touched meanwhile; read again
			return fmt.Errorf("end session: %w", err)
		}
	}
}

// Person finds a person by identifier, or fails with docstore.ErrNotFound.
func (p *People) Person(ctx context.Context, who id.Person) (Person, error) {
	return p.store.person(ctx, who)
}

func (p *People) whoOf(ctx context.Context, s Session) (Who, error) {
	tenant, role, err := p.tenants.Current(ctx, s.Person)
	if err != nil {
		return Who{}, fmt.Errorf("find tenant of person: %w", err)
	}
	who := Who{Person: s.Person, Email: string(s.Email), Session: s.ID, Tenant: tenant, Role: role, Proved: s.Proved}
	if who.Restricted, err = p.confine(ctx, who); err != nil {
		return Who{}, fmt.Errorf("find what person may do: %w", err)
	}
	return who, nil
}

// Recheck forgets what is known of a person's tenant and role, so that the next
// request asks again. Other replicas do so within five seconds.
func (p *People) Recheck(who id.Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	p.known.dropIf(func(k knownWho) bool { return k.who.Person == who })
}

// Run deletes sessions that are over, until ctx ends.
func (p *People) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := p.Sweep(ctx); err != nil && ctx.Err() == nil {
			p.log.WarnContext(ctx, "sessions that are over stay for now", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep deletes the sessions that are over now.
func (p *People) Sweep(ctx context.Context) error {
	rows, err := p.store.sessions.All(ctx, docstore.Query{Index: byExpires, To: p.now().UnixMilli() + 1})
	if err != nil {
		return fmt.Errorf("find sessions that are over: %w", err)
	}
	for _, row := range rows {
		err := p.store.sessions.Delete(ctx, row.ID, row.Rev)
		if err != nil && !errors.Is(err, docstore.ErrStale) && !errors.Is(err, docstore.ErrNotFound) {
			return fmt.Errorf("delete session: %w", err)
		}
	}
	return nil
}
