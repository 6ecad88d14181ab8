package billingsandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
)

// Key is the test key that the sandbox is spoken to with; any other test key does
// as well.
const Key = "sk_test_sandbox"

// URL is the address a client is configured with; only Transport leads there.
const URL = "http://stripe.sandbox.invalid"

// production is the environment in which the sandbox refuses to run.
const production = "production"

// AfterRetries is what becomes of a subscription whose renewal was never paid.
type AfterRetries string

// The ends of a subscription that is not paid.
const (
	LeaveUnpaid AfterRetries = "unpaid" // the default
	Cancel      AfterRetries = "cancel"
)

// Options of a Sandbox.
type Options struct {
	// Site is the address of the product without a slash at the end; the hosted
	// pages are under Site + "/sandbox/".
	Site string
	// Environment is refused when it is "production".
	Environment string
	// Key is the Stripe key the product is configured with, if any; a live one is
	// refused.
	Key string
	// Now is the time from which the sandbox's own clock starts; see Sandbox.Now.
	Now func() time.Time
	Log *slog.Logger
	// RetryDays are the pauses before each further attempt to collect a renewal;
	// nil is 3, 5 and 7 days, which with the first makes four attempts.
	RetryDays []int
	// AfterRetries is what follows the last of them; "" is LeaveUnpaid. What was
	// chosen on the clock's page goes before.
	AfterRetries AfterRetries
	// Chaos is how webhooks travel until somebody sets it otherwise.
	Chaos Chaos
	// HTTP carries webhooks to the endpoints that were made over the API; without
	// one they fail. It must have a timeout.
	HTTP *http.Client
}

// Sandbox is a Stripe of our own. All methods may be called from many goroutines.
type Sandbox struct {
	objects    docstore.Table[record]
	answers    docstore.Table[answer]
	deliveries docstore.Table[delivery]
	store      docstore.Store
	site       string
	real       func() time.Time
	log        *slog.Logger
	api        http.Handler
	http       *http.Client
	retryDays  []int
	pageToken  string // guards the forms of the clock's and the chaos page

	busy sync.Map // idempotency keys of calls that are under way

	// writing lets one change happen at a time, like a database of one seat.
	writing sync.Mutex
	order   int64 // of the newest object, guarded by writing
	unsure  bool  // a change may be in the journal, guarded by writing

	mu       sync.Mutex
	settings settings
	secrets  []string // the newest first
	courier  *Delivery
}

// Why the sandbox refuses to be.
var (
	ErrProduction = errors.New("the payment sandbox does not run in production: configure Stripe")
	ErrLiveKey    = errors.New("the payment sandbox does not run beside a live Stripe key: remove one of them")
)

// New keeps its objects in s, which must know Collections already. It fails with
// ErrProduction or ErrLiveKey where play money has no place.
func New(s docstore.Store, o Options) (*Sandbox, error) {
	if strings.EqualFold(strings.TrimSpace(o.Environment), production) {
		return nil, ErrProduction
	}
	if isLive(o.Key) {
		return nil, ErrLiveKey
	}
	if o.RetryDays == nil {
		o.RetryDays = []int{3, 5, 7}
	}
	if o.AfterRetries == "" {
		o.AfterRetries = LeaveUnpaid
	}
	b := &Sandbox{
		objects:    docstore.TableOf[record](s, objectsCollection),
		answers:    docstore.TableOf[answer](s, answersCollection),
		deliveries: docstore.TableOf[delivery](s, deliveriesCollection),
		store:      s, site: o.Site, secrets: []string{newSecret()}, real: o.Now, log: o.Log, http: o.HTTP,
		retryDays: o.RetryDays, pageToken: rand.Text(), unsure: true,
		settings: settings{After: o.AfterRetries, Chaos: o.Chaos},
	}
	if err := b.loadSettings(); err != nil {
		return nil, fmt.Errorf("read the settings of the payment sandbox: %w", err)
	}
	b.api = b.routes()
	return b, nil
}

func newSecret() string { return "whsec_" + rand.Text() }

// Secret signs the webhooks of this process; it is new with each start.
func (b *Sandbox) Secret() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.secrets[0]
}

// RotateSecret signs with a new secret, which it returns, and with the one before
// as well, as Stripe does while a secret is being replaced.
func (b *Sandbox) RotateSecret() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secrets = []string{newSecret(), b.secrets[0]}
	return b.secrets[0]
}

// ServeHTTP speaks Stripe's API.
func (b *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.api.ServeHTTP(w, r) }

func isLive(key string) bool {
	return strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_")
}

// shutdownPatience bounds a write that must not be torn apart by a request that
// goes away.
const shutdownPatience = 10 * time.Second

// steady is a context for a change that has begun: it outlives the request.
func steady(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
}
