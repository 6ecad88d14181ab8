package billing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// TrialDays is how long a plan can be tried before it costs something.
const TrialDays = 14

// trialClaim is who had the trial of a tenant, an address or a card. It is named
// after that, so that two cannot have it.
type trialClaim struct {
	Tenant id.Tenant `json:"tenant,omitempty"` // "" once it is erased: a trial stays used
	At     time.Time `json:"at"`
}

// RefusedTrial says why a trial was ended at its beginning.
type RefusedTrial struct {
	At   time.Time `json:"at"`
	Card bool      `json:"card"` // else the address
}

func (r *RefusedTrial) sentence() string {
	if r.Card {
		return "Another company has used the trial with this card already; there is one for each card."
	}
	return "Another company has used the trial with this address already; there is one for each address."
}

// mayTry says whether the tenant may have a trial, as far as is known before a card
// is. It claims nothing: a checkout that is not finished costs nobody the trial.
func (b *Books) mayTry(ctx context.Context, a Account) (bool, error) {
	if !a.TrialTaken.IsZero() || a.Snapshot.Subscription != "" {
		return false, nil
	}
	for _, name := range a.trialNames() {
		row, err := b.store.trials.Get(ctx, name)
		if errors.Is(err, docstore.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("look for an earlier trial: %w", err)
		}
		if row.Value.Tenant != a.Tenant {
			return false, nil
		}
	}
	return true, nil
}

// trialNames are what a trial is claimed under, the card last: a tenant, the payer's
// address without its aliases, and the card once one is known.
func (a *Account) trialNames() []string {
	names := []string{"tenant/" + string(a.Tenant), "address/" + sum(unaliased(a.Payer.Email))}
	if m := a.Snapshot.Method; m != nil && m.Fingerprint != "" {
		names = append(names, "card/"+sum(m.Fingerprint))
	}
	return names
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// dotless are the services that take an address with dots for the same without.
func dotless(domain string) bool { return domain == "gmail.com" || domain == "googlemail.com" }

// unaliased is the mailbox behind an address, as far as addresses tell: it serves to
// recognise a second trial and for nothing else.
func unaliased(email string) string {
	local, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	if !ok {
		return local
	}
	local, _, _ = strings.Cut(local, "+")
	if dotless(domain) {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}

// claimTrial claims the trial that has begun under all its names. The names of a
// trial that another tenant had end this one: the subscription begins paid, and the
// customer is told. It returns true when something was changed at the provider.
func (b *Books) claimTrial(ctx context.Context, a Account) (acted bool, err error) {
	if a.Snapshot.Status != StatusTrialing {
		return false, nil
	}
	for _, name := range a.trialNames() {
		mine, err := b.claim(ctx, name, a.Tenant)
		if err != nil {
			return false, err
		}
		if !mine {
			return true, b.refuseTrial(ctx, a, strings.HasPrefix(name, "card/"))
		}
	}
	return false, nil
}

func (b *Books) claim(ctx context.Context, name string, t id.Tenant) (mine bool, err error) {
	err = b.store.trials.Insert(ctx, name, trialClaim{Tenant: t, At: b.now().UTC()})
	if !errors.Is(err, docstore.ErrExists) {
		if err != nil {
			return false, fmt.Errorf("claim trial: %w", err)
		}
		return true, nil
	}
	row, err := b.store.trials.Get(ctx, name)
	if err != nil {
		return false, fmt.Errorf("read claim of a trial: %w", err)
	}
	return row.Value.Tenant == t, nil
}

// refuseTrial notes the reason before the provider is asked: a crash in between ends
// the trial at the next sync, with the letter.
func (b *Books) refuseTrial(ctx context.Context, a Account, card bool) error {
	_, err := b.store.change(ctx, a.Tenant, func(a *Account) (bool, error) {
		if a.Refused == nil {
			a.Refused = &RefusedTrial{At: b.now().UTC(), Card: card}
		}
		a.planLetters()
		return true, nil
	})
	if err != nil {
		return err
	}
	b.log.InfoContext(ctx, "a second trial is ended; the subscription begins paid", "tenant", a.Tenant, "card", card)
	if err := b.provider.EndTrial(ctx, a.Snapshot.Subscription, fmt.Sprintf("dyocense/%s/trial/%s", a.Tenant, a.Snapshot.Subscription)); err != nil {
		return fmt.Errorf("end trial of %s: %w", a.Tenant, err)
	}
	return nil
}

// EndTrial ends the trial of tenant t now, as its members wish: the first period is
// charged. It fails with ErrNotTrying.
func (b *Books) EndTrial(ctx context.Context, t id.Tenant) (Account, error) {
	a, err := b.SyncCustomer(ctx, t)
	if err != nil {
		return a, err
	}
	if a.Snapshot.Status != StatusTrialing {
		return a, ErrNotTrying
	}
	if a.Snapshot.Method == nil {
		return a, ErrNoCard
	}
	if err := b.provider.EndTrial(ctx, a.Snapshot.Subscription, fmt.Sprintf("dyocense/%s/trial/%s", t, a.Snapshot.Subscription)); err != nil {
		return a, fmt.Errorf("end trial of %s: %w", t, err)
	}
	return b.SyncCustomer(ctx, t)
}
