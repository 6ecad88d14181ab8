package billingsandbox

import (
	"context"
	"crypto/rand"
	"errors"
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

// Options of a Sandbox.
type Options struct {
	// Site is the address of the product without a slash at the end; the hosted
	// page is under Site + "/sandbox/checkout/".
	Site string
	// Environment is refused when it is "production".
	Environment string
	// Key is the Stripe key the product is configured with, if any; a live one is
	// refused.
	Key string
	Now func() time.Time
	Log *slog.Logger
}

// Sandbox is a Stripe of our own. All methods may be called from many goroutines.
type Sandbox struct {
	objects    docstore.Table[record]
	answers    docstore.Table[answer]
	deliveries docstore.Table[delivery]
	store      docstore.Store
	site       string
	secret     string
	now        func() time.Time
	log        *slog.Logger
	api        http.Handler

	// writing lets one change happen at a time, like a database of one seat.
	writing sync.Mutex
	order   int64 // of the newest object, guarded by writing
}

// Why the sandbox refuses to be.
var (
	ErrProduction = errors.New("the payment sandbox does not run in production: configure Stripe")
	ErrLiveKey    = errors.New("the payment sandbox does not run beside a live Stripe key: remove one of them")
)

// New keeps its objects in s. It fails with ErrProduction or ErrLiveKey where
// play money has no place.
func New(s docstore.Store, o Options) (*Sandbox, error) {
	if strings.EqualFold(strings.TrimSpace(o.Environment), production) {
		return nil, ErrProduction
	}
	if isLive(o.Key) {
		return nil, ErrLiveKey
	}
	b := &Sandbox{
		objects:    docstore.TableOf[record](s, objectsCollection),
		answers:    docstore.TableOf[answer](s, answersCollection),
		deliveries: docstore.TableOf[delivery](s, deliveriesCollection),
		store:      s, site: o.Site, secret: "whsec_" + rand.Text(), now: o.Now, log: o.Log,
	}
	b.api = b.routes()
	return b, nil
}

// Secret signs the webhooks of this process; it is new with each start.
func (b *Sandbox) Secret() string { return b.secret }

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
