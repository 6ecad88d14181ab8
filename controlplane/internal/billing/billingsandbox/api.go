package billingsandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"github.com/dyocense/dyocense/shared/docstore"
)

// call is one request that is understood.
type call struct {
	id      string // from the path
	part    string // the second one from the path
	path    string
	form    form
	request string // Request-Id
	key     string // Idempotency-Key, "" without one
}

// operation answers a call with an object.
type operation func(t *tx, c call) (any, error)

// endpoint is one line of the package comment.
type endpoint struct {
	pattern string
	params  []string
	do      operation
}

// endpoints are all that is spoken.
func (b *Sandbox) endpoints() []endpoint {
	var all []endpoint
	for _, some := range [][]endpoint{
		customerEndpoints(), catalogueEndpoints(), cardEndpoints(), checkoutEndpoints(), subscriptionEndpoints(),
		scheduleEndpoints(), invoiceEndpoints(), paymentEndpoints(), creditEndpoints(), taxEndpoints(), meterEndpoints(),
		portalEndpoints(), clockEndpoints(), hookEndpoints(), eventEndpoints(),
	} {
		all = append(all, some...)
	}
	return all
}

func (b *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	for _, e := range b.endpoints() {
		mux.Handle(e.pattern, b.serve(e))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		f := invalid("", "", "Unrecognized request URL (%s: %s).", r.Method, r.URL.Path) //nolint:misspell // Stripe spells it so
		f.Status = http.StatusNotFound
		b.write404(w, r, f)
	})
	return mux
}

func (b *Sandbox) write404(w http.ResponseWriter, r *http.Request, f *failure) {
	b.head(w, r)
	write(w, f.Status, f.body())
}

// head sets what every answer carries. The version is the one that was asked for.
func (b *Sandbox) head(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Request-Id", identifier("req_", ""))
	w.Header().Set("Stripe-Version", cmp.Or(r.Header.Get("Stripe-Version"), stripe.APIVersion))
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		w.Header().Set("Idempotency-Key", key)
	}
}

// serve gives an operation what all of them share: the key check, the parameters,
// idempotency, and errors in Stripe's form.
func (b *Sandbox) serve(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.head(w, r)
		status, body, replayed, err := b.answer(r, e, w.Header().Get("Request-Id"))
		if err != nil {
			var f *failure
			if !errors.As(err, &f) {
				b.log.ErrorContext(r.Context(), "sandbox", "endpoint", e.pattern, "err", err)
				f = ourFault()
			}
			status, body = f.Status, f.body()
		}
		if replayed {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		if r.Method != http.MethodGet {
			b.outrun(r.Context())
		}
		write(w, status, body)
	})
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away reads nothing
}

// answer is what was answered under an idempotency key.
type answer struct {
	Fingerprint string          `json:"fingerprint"`
	Status      int             `json:"status,omitempty"` // 0 is 200
	At          int64           `json:"at,omitempty"`
	Body        json.RawMessage `json:"body"`
}

const (
	keyMax     = 255       // characters of an idempotency key
	keySeconds = 24 * 3600 // after which Stripe forgets a key
)

func (b *Sandbox) answer(r *http.Request, e endpoint, request string) (status int, body []byte, replayed bool, err error) {
	if err := authorize(r); err != nil {
		return 0, nil, false, err
	}
	f, err := readForm(r, e.params)
	if err != nil {
		return 0, nil, false, err
	}
	c := call{id: r.PathValue("id"), part: r.PathValue("part"), path: r.URL.Path, form: f, request: request}
	if r.Method == http.MethodGet {
		body, err = b.reply(b.begin(r.Context(), c), e, c)
		return http.StatusOK, body, false, err
	}
	if c.key = r.Header.Get("Idempotency-Key"); len(c.key) > keyMax {
		return 0, nil, false, invalid("", "", "Idempotency keys have at most %d characters.", keyMax)
	}
	if c.key != "" {
		if _, busy := b.busy.LoadOrStore(c.key, true); busy {
			return 0, nil, false, &failure{
				Status: http.StatusConflict, Type: "idempotency_error", Code: "idempotency_key_in_use",
				Message: "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): " + c.key + ". Please try again later.",
			}
		}
		defer b.busy.Delete(c.key)
	}
	ctx, cancel := steady(r.Context())
	defer cancel()
	var after func(context.Context) error
	status, body, replayed, after, err = b.alone(ctx, e, c, fingerprintOf(r, f))
	if err == nil && after != nil {
		if err := after(r.Context()); err != nil {
			b.log.ErrorContext(ctx, "sandbox goes on later", "endpoint", e.pattern, "err", err)
		}
	}
	return status, body, replayed, err
}

// alone does a call while no other changes anything.
func (b *Sandbox) alone(ctx context.Context, e endpoint, c call, fingerprint string) (status int, body []byte, replayed bool, after func(context.Context) error, err error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	if err := b.recover(ctx); err != nil {
		return 0, nil, false, nil, err
	}
	return b.once(ctx, e, c, fingerprint)
}

// once does a call, or says again what was said under its key. The answer is
// written with what the call changes, so there is never one without the other.
func (b *Sandbox) once(ctx context.Context, e endpoint, c call, fingerprint string) (status int, body []byte, replayed bool, after func(context.Context) error, err error) {
	id, rev := hash(c.key), int64(0)
	if c.key != "" {
		before, err := b.answers.Get(ctx, id)
		switch {
		case err == nil && before.Value.At+keySeconds < b.Now().Unix():
			rev = before.Rev // forgotten
		case err == nil && before.Value.Fingerprint != fingerprint:
			return 0, nil, false, nil, &failure{
				Status: http.StatusBadRequest, Type: "idempotency_error",
				Message: "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + c.key + "' if you meant to execute a different request.",
			}
		case err == nil:
			return cmp.Or(before.Value.Status, http.StatusOK), before.Value.Body, true, nil, nil
		case !errors.Is(err, docstore.ErrNotFound):
			return 0, nil, false, nil, err
		}
	}
	t, status := b.begin(ctx, c), http.StatusOK
	body, err = b.reply(t, e, c)
	var refused *failure
	if errors.As(err, &refused) && (refused.keep || refused.Status == http.StatusPaymentRequired) {
		// The bank was asked, and its answer stands for this key: whoever wants to
		// ask it again takes another.
		if !refused.keep {
			t = b.begin(ctx, c)
		}
		status, body = refused.Status, refused.body()
	} else if err != nil {
		return 0, nil, false, nil, err // what was refused may be tried again under the key
	}
	if c.key != "" {
		kept := answer{Fingerprint: fingerprint, Status: status, At: b.Now().Unix(), Body: body}
		if t.ops, err = put(t.ops, answersCollection, id, rev+1, kept); err != nil {
			return 0, nil, false, nil, err
		}
	}
	return status, body, false, t.after, t.commit()
}

func (b *Sandbox) reply(t *tx, e endpoint, c call) ([]byte, error) {
	o, err := e.do(t, c)
	if err != nil {
		return nil, err
	}
	return expand(t, o, c.form.list("expand"))
}

func authorize(r *http.Request) error {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		key, _, ok = r.BasicAuth()
	}
	switch {
	case !ok || key == "":
		return wrongKey("You did not provide an API key.")
	case isLive(key):
		return wrongKey("This is a sandbox. It refuses live keys.")
	case !strings.HasPrefix(key, "sk_test_") || len(key) == len("sk_test_"):
		return wrongKey("Invalid API Key provided.")
	}
	return nil
}

// fingerprintOf tells two requests under one key apart.
func fingerprintOf(r *http.Request, f form) string {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.URL.Path + "\n")
	raw, err := json.Marshal(f.values) // keys come sorted
	if err != nil {                    // a map of strings always encodes
		return r.URL.Path
	}
	b.Write(raw)
	return hash(b.String())
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// read answers with one object.
func read[T any, P stored[T]](t *tx, c call) (any, error) {
	p, err := get[T, P](t, c.id)
	if err != nil {
		return nil, err
	}
	return p, nil
}
