package tokens

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// members is what tokens needs to know of tenancy.
type members interface {
	// Member is p in tenant t as of now, or tenancy.ErrNotFound.
	Member(ctx context.Context, t id.Tenant, p id.Person) (tenancy.Member, error)
	// Restriction is why who may only read in the tenant, nil when it is not so.
	Restriction(ctx context.Context, who identity.Who) (why, err error)
}

// plans is what tokens needs to know of billing.
type plans interface {
	// HasAPI says whether what t has bought has the API.
	HasAPI(ctx context.Context, t id.Tenant) (bool, error)
}

// mails is what tokens needs of notify.
type mails interface {
	Post(ctx context.Context, key, to string, l notify.Letter) error
}

// Options of a Service.
type Options struct {
	Site       string // address of the product, without a slash at the end
	Production bool   // keys then say "live" and not "test"
	Limits     Limits // the zero value takes the public limits
	Now        func() time.Time
	Log        *slog.Logger
}

// Limits are the budgets against guessing and flooding.
type Limits struct {
	GrantOrigin identity.Budget // device grants asked for from one origin
	CodePerson  identity.Budget // user codes tried by one person
	TokenOrigin identity.Budget // calls of the token endpoint from one origin
}

// PublicLimits suit a server on the internet.
func PublicLimits() Limits {
	return Limits{
		GrantOrigin: identity.Budget{Burst: 10, Every: 30 * time.Second},
		CodePerson:  identity.Budget{Burst: 10, Every: 30 * time.Second},
		TokenOrigin: identity.Budget{Burst: 120, Every: time.Second},
	}
}

// LocalLimits suit a server that only its own machine can reach, where one origin
// is everybody.
func LocalLimits() Limits {
	l := PublicLimits()
	everybody := identity.Budget{Burst: 2000, Every: 5 * time.Millisecond}
	l.GrantOrigin, l.TokenOrigin = everybody, everybody
	return l
}

// Service keeps families, device grants and API keys. All methods may be called
// from many goroutines.
type Service struct {
	signer     *Signer
	families   docstore.Table[family]
	grants     docstore.Table[grant]
	books      docstore.Table[keyBook]
	ring       refreshKeys
	members    members
	plans      plans
	mails      mails
	site       string
	mark       string // of this deployment in every API key: "live" or "test"
	now        func() time.Time
	log        *slog.Logger
	grantTries *identity.Limiter
	codeTries  *identity.Limiter
	tokenTries *identity.Limiter
}

// New keeps everything in s. Refresh tokens follow each other by keys of ring.
func New(s docstore.Store, signer *Signer, ring *keyring.Ring, m members, p plans, mail mails, o Options) *Service {
	if o.Limits == (Limits{}) {
		o.Limits = PublicLimits()
	}
	mark := "test"
	if o.Production {
		mark = "live"
	}
	return &Service{
		signer:   signer,
		families: docstore.TableOf[family](s, FamiliesCollection),
		grants:   docstore.TableOf[grant](s, grantsCollection),
		books:    docstore.TableOf[keyBook](s, KeyBooksCollection),
		ring:     newRefreshKeys(ring),
		members:  m, plans: p, mails: mail, site: o.Site, mark: mark, now: o.Now, log: o.Log,
		grantTries: identity.NewLimiter(o.Limits.GrantOrigin, o.Now),
		codeTries:  identity.NewLimiter(o.Limits.CodePerson, o.Now),
		tokenTries: identity.NewLimiter(o.Limits.TokenOrigin, o.Now),
	}
}

// Caller is who is behind a token.
type Caller struct {
	identity.Who
	Via string // the family or the API key
}

// Authenticate answers who is behind an access token or an API key that came from
// address. It fails with ErrToken, ErrAddress or ErrPlan. Role, membership, plan
// and whether the token was taken back are as of now: nothing is believed from an
// earlier request.
func (s *Service) Authenticate(ctx context.Context, token string, address netip.Addr) (Caller, error) {
	if looksSigned(token) {
		return s.authenticateAccess(ctx, token)
	}
	return s.authenticateKey(ctx, token, address)
}

func (s *Service) authenticateAccess(ctx context.Context, token string) (Caller, error) {
	c, err := s.signer.Verify(token)
	if err != nil {
		return Caller{}, err
	}
	row, err := s.families.Get(ctx, string(c.Family))
	switch f := row.Value; {
	case errors.Is(err, docstore.ErrNotFound):
		return Caller{}, ErrToken
	case err != nil:
		return Caller{}, fmt.Errorf("read family: %w", err)
	case !f.usable(s.now()) || string(f.Person) != c.Subject || f.Tenant != c.Tenant:
		return Caller{}, ErrToken
	}
	caller, err := s.callerOf(ctx, row.Value.Tenant, row.Value.Person)
	caller.Via = string(c.Family)
	return caller, err
}

// callerOf is p in t with the role of now. It fails with ErrToken when p is no
// member any more, and with ErrPlan.
func (s *Service) callerOf(ctx context.Context, t id.Tenant, p id.Person) (Caller, error) {
	m, err := s.members.Member(ctx, t, p)
	if errors.Is(err, tenancy.ErrNotFound) {
		return Caller{}, ErrToken.Because(errors.New("its person is no member any more"))
	}
	if err != nil {
		return Caller{}, fmt.Errorf("read member: %w", err)
	}
	if err := s.requireAPI(ctx, t); err != nil {
		return Caller{}, err
	}
	who := identity.Who{Person: p, Email: m.Email, Tenant: t, Role: m.Role}
	if who.Restricted, err = s.members.Restriction(ctx, who); err != nil {
		return Caller{}, fmt.Errorf("read what restricts a member: %w", err)
	}
	return Caller{Who: who}, nil
}

// requireAPI fails with ErrPlan when the plan has no API.
func (s *Service) requireAPI(ctx context.Context, t id.Tenant) error {
	has, err := s.plans.HasAPI(ctx, t)
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	if !has {
		return ErrPlan
	}
	return nil
}

const sweepEvery = 10 * time.Minute

// Run finishes what a crash left open and forgets what is over, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "tokens that are over stay for now", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep tells persons of stolen tokens if nobody has, ends API keys that are too
// old or whose makers left, and deletes what is over. One part that fails does not
// keep the others from being done.
func (s *Service) Sweep(ctx context.Context) error {
	return errors.Join(s.tellAll(ctx), s.sweepFamilies(ctx), s.sweepGrants(ctx), s.sweepKeys(ctx))
}

// gone says that a document was deleted or changed by somebody else meanwhile,
// which to a sweep is as good as done.
func gone(err error) bool {
	return errors.Is(err, docstore.ErrNotFound) || errors.Is(err, docstore.ErrStale)
}
