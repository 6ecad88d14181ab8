package billingstripe

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
)

// Signatures implements billing.Notices with the signing secrets of our endpoint.
type Signatures struct {
	secrets []string
	live    bool
	now     func() time.Time
}

// tolerance is how far the time of a signature may be from ours, either way.
const tolerance = 5 * time.Minute

// NewSignatures takes the present secret and, while it is being rotated, the one
// before. An empty secret is refused: it would let anybody sign.
func NewSignatures(live bool, now func() time.Time, secrets ...string) (*Signatures, error) {
	if len(secrets) < 1 || len(secrets) > 2 {
		return nil, errors.New("webhooks need one signing secret, or two while it is rotated")
	}
	for _, s := range secrets {
		if !strings.HasPrefix(s, "whsec_") || len(s) < len("whsec_")+16 {
			return nil, errors.New("a webhook signing secret must begin with whsec_ and have at least 16 characters after it")
		}
	}
	return &Signatures{secrets: secrets, live: live, now: now}, nil
}

// Read implements billing.Notices.
func (s *Signatures) Read(payload []byte, signature string) (billing.Notice, error) {
	if !s.signed(payload, signature) {
		return billing.Notice{}, billing.ErrNoticeForged
	}
	// The time is believed only now that it is known to be signed. stripe-go looks
	// at its age only and would take one from the future.
	at, ok := signedAt(signature)
	if age := s.now().Sub(at); !ok || age > tolerance || age < -tolerance {
		return billing.Notice{}, billing.ErrNoticeTime
	}
	// Only what is needed to know whom to look up: the rest is fetched.
	var event struct {
		ID       string `json:"id"`
		Object   string `json:"object"`
		Type     string `json:"type"`
		Created  int64  `json:"created"`
		Livemode bool   `json:"livemode"`
		Data     struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return billing.Notice{}, billing.ErrNoticeShape.Because(err)
	}
	if event.Object != "event" || !strings.HasPrefix(event.ID, "evt_") || len(event.ID) > 255 || event.Type == "" {
		return billing.Notice{}, billing.ErrNoticeShape
	}
	if event.Livemode != s.live {
		return billing.Notice{}, billing.ErrNoticeMode
	}
	n := billing.Notice{ID: event.ID, Type: event.Type, Created: time.Unix(event.Created, 0).UTC()}
	return n, subject(&n, event.Data.Object)
}

// subject notes what a notice is about.
func subject(n *billing.Notice, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	var o struct {
		ID       string          `json:"id"`
		Object   string          `json:"object"`
		Customer json.RawMessage `json:"customer"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return billing.ErrNoticeShape.Because(err)
	}
	n.Object, n.ObjectID, n.Customer = o.Object, o.ID, customerOf(o.Customer)
	if o.Object == "customer" {
		n.Customer = o.ID
	}
	return nil
}

func (s *Signatures) signed(payload []byte, signature string) bool {
	for _, secret := range s.secrets {
		if webhook.ValidatePayloadIgnoringTolerance(payload, signature, secret) == nil {
			return true
		}
	}
	return false
}

// signedAt reads the time of a signature. A header with two times is refused: it
// must not be possible to sign one and show another.
func signedAt(signature string) (at time.Time, ok bool) {
	for part := range strings.SplitSeq(signature, ",") {
		value, isTime := strings.CutPrefix(strings.TrimSpace(part), "t=")
		if !isTime {
			continue
		}
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || ok {
			return time.Time{}, false
		}
		at, ok = time.Unix(seconds, 0), true
	}
	return at, ok
}

// customerOf reads a customer that is an identifier or an expanded object.
func customerOf(raw json.RawMessage) string {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return name
	}
	var object struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	return object.ID
}
