package billing

import (
	"context"
	"fmt"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/shared/docstore"
)

const day = 24 * time.Hour

// trialNotice is how long before the end of a trial the reminder goes out.
const trialNotice = 3 * day

// The kinds of letters. With the moment that gave the occasion they name a letter,
// so that it is written once.
const (
	letterTrialEnding  = "trial_ending"
	letterTrialRefused = "trial_refused"
	letterDisputed     = "disputed"
	letterDoubled      = "doubled"
	letterPaused       = "paused"
)

// dunning is when an unpaid invoice is written about, after it was first seen. The
// last one comes when access has become read-only.
func dunning() []struct {
	kind  string
	after time.Duration
} {
	return []struct {
		kind  string
		after time.Duration
	}{
		{"payment_failed", 0}, {"payment_day_3", 3 * day}, {"payment_day_7", 7 * day},
		{"payment_last_call", Grace - day}, {"payment_read_only", Grace},
	}
}

// occasion is a reason to write to the payer.
type occasion struct {
	kind string
	of   time.Time // what happened
	due  time.Time // when to write
}

// occasions are the reasons to write that follow from the account, oldest first
// within each sequence.
func (a *Account) occasions() []occasion {
	var all []occasion
	s := a.Snapshot
	if s.Status == StatusTrialing && !s.TrialEnd.IsZero() && !s.CancelAtPeriodEnd && a.Refused == nil {
		all = append(all, occasion{letterTrialEnding, s.TrialEnd, s.TrialEnd.Add(-trialNotice)})
	}
	if s.Status == StatusPastDue {
		for _, d := range dunning() {
			all = append(all, occasion{d.kind, s.PastDueSince, s.PastDueSince.Add(d.after)})
		}
	}
	if s.Status == StatusPaused {
		all = append(all, occasion{letterPaused, s.TrialEnd, s.TrialEnd})
	}
	if a.Refused != nil {
		all = append(all, occasion{letterTrialRefused, a.Refused.At, a.Refused.At})
	}
	if !a.Doubled.IsZero() {
		all = append(all, occasion{letterDoubled, a.Doubled, a.Doubled})
	}
	if w := a.openWarning(); w != nil {
		all = append(all, occasion{letterDisputed, w.At, w.At})
	}
	return all
}

func (a *Account) told(o occasion) bool { return a.Told[o.kind] == o.of.Unix() }

// planLetters notes when the next letter is due; everything that changes the
// account's occasions ends with it.
func (a *Account) planLetters() {
	a.NextLetter = 0
	for _, o := range a.occasions() {
		if due := o.due.UnixMilli(); !a.told(o) && (a.NextLetter == 0 || due < a.NextLetter) {
			a.NextLetter = due
		}
	}
}

// dueLetters are the occasions to write about now. Of a sequence that nobody wrote
// in time, only the latest is worth a letter; the earlier ones count as told.
func (a *Account) dueLetters(now time.Time) (write, pass []occasion) {
	var reminders []occasion
	for _, o := range a.occasions() {
		switch {
		case a.told(o) || o.due.After(now):
		case a.Snapshot.Status == StatusPastDue && o.of.Equal(a.Snapshot.PastDueSince):
			reminders = append(reminders, o)
		default:
			write = append(write, o)
		}
	}
	if n := len(reminders); n > 0 {
		write, pass = append(write, reminders[n-1]), reminders[:n-1]
	}
	return write, pass
}

// write posts the letters that are due. One key, one mail: dying in between and
// doing it again changes nothing.
func (b *Books) write(ctx context.Context, a Account) error {
	now := b.now()
	if a.NextLetter == 0 || now.UnixMilli() < a.NextLetter {
		return nil
	}
	write, pass := a.dueLetters(now)
	for _, o := range write {
		key := fmt.Sprintf("billing/%s/%s/%d", a.Tenant, o.kind, o.of.Unix())
		if b.mailbox == nil {
			continue
		}
		if err := b.mailbox.Post(ctx, key, a.Payer.Email, b.letter(a, o)); err != nil {
			return fmt.Errorf("write to the payer of %s: %w", a.Tenant, err)
		}
	}
	_, err := b.store.change(ctx, a.Tenant, func(a *Account) (bool, error) {
		if a.Told == nil {
			a.Told = map[string]int64{}
		}
		for _, o := range append(write, pass...) {
			a.Told[o.kind] = o.of.Unix()
		}
		a.planLetters()
		return true, nil
	})
	return err
}

// WriteLetters syncs every account that has a letter due, which posts it: what is
// unpaid or ends may be settled by now, so that the provider is asked first.
func (b *Books) WriteLetters(ctx context.Context) error {
	return b.syncAll(ctx, docstore.Query{Index: byLetter, To: b.now().UnixMilli() + 1})
}

// letter says it in words.
func (b *Books) letter(a Account, o occasion) notify.BillingNews {
	s := a.Snapshot
	n := notify.BillingNews{Company: a.Payer.Company, Button: "Open plan and usage", Link: b.site + "/settings/plan"}
	say := func(line string, sentences ...string) notify.BillingNews {
		n.Line, n.Sentences = line, sentences
		return n
	}
	switch o.kind {
	case letterTrialEnding:
		return say("Your trial ends on "+date(s.TrialEnd), trialEnding(s)...)
	case letterTrialRefused:
		return say("Your subscription began without a trial", a.Refused.sentence(),
			fmt.Sprintf("Your plan %s has therefore begun as a paid one. If you do not want that, end it under Plan and usage or answer this mail.", s.Plan.name()))
	case letterPaused:
		return say("Your trial has ended", "No card is known to us, so your workspace is read-only now. Everything in it is kept and can be exported.",
			"Add a card and it goes on at once.")
	case letterDoubled:
		return say("A second subscription was taken back", "Your company had two subscriptions at once. We ended the later one and gave back what it took.",
			"The earlier one goes on as before. There is nothing for you to do.")
	case letterDisputed:
		return say("A payment of yours is disputed", "Your bank tells us that a payment to Dyocense is disputed. Your workspace works on as before.",
			"Until this is settled, nothing of yours is moved or deleted. If it is a mistake, tell your bank, and answer this mail.")
	}
	return say(unpaidLine(o.kind, s), unpaid(o.kind, s)...)
}

func trialEnding(s Snapshot) []string {
	plan, err := PlanOf(s.Plan)
	if err != nil {
		return []string{"Your trial ends soon."}
	}
	if s.Method == nil {
		return []string{
			fmt.Sprintf("Your trial of %s ends on %s. No card is known to us.", plan.Name, date(s.TrialEnd)),
			"Add one to go on. Without it your workspace becomes read-only that day; nothing is deleted.",
		}
	}
	return []string{
		fmt.Sprintf("Your trial of %s ends on %s. Then %s are charged to your %s, and again every %s.", plan.Name, date(s.TrialEnd),
			plan.Price(s.Interval).in(plan.Currency), s.Method.words(), s.Interval),
		"If you do not want to go on, end it before; it costs nothing then.",
	}
}

func unpaidLine(kind string, s Snapshot) string {
	switch kind {
	case "payment_last_call":
		return "Last call: your workspace becomes read-only tomorrow"
	case "payment_read_only":
		return "Your workspace is read-only"
	case "payment_failed":
		return "Your payment did not come through"
	}
	return "Your payment is still open since " + date(s.PastDueSince)
}

func unpaid(kind string, s Snapshot) []string {
	card := "your card"
	if s.Method != nil {
		card = "your " + s.Method.words()
	}
	until := s.PastDueSince.Add(Grace)
	if kind == "payment_read_only" {
		return []string{
			fmt.Sprintf("We could not charge %s for two weeks, so your workspace is read-only now.", card),
			"Everything in it is kept and can be exported. With another card it works again at once.",
		}
	}
	return []string{
		fmt.Sprintf("We could not charge %s for your plan %s.", card, s.Plan.name()),
		fmt.Sprintf("Everything works until %s. After that your workspace is read-only until the invoice is paid; nothing is deleted.", date(until)),
		"Give us another card and the open invoice is paid at once.",
	}
}

// words tell a card to whom it belongs.
func (m *Method) words() string {
	if m.Last4 == "" {
		return m.Brand
	}
	return fmt.Sprintf("%s card ending in %s", m.Brand, m.Last4)
}

// in is an amount as people write it.
func (c Cents) in(currency string) string {
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	if currency == "usd" {
		return fmt.Sprintf("%s$%d.%02d", sign, c/100, c%100)
	}
	return fmt.Sprintf("%s%d.%02d %s", sign, c/100, c%100, currency)
}

// date is a day in a mail, whose reader's zone is not known.
func date(t time.Time) string { return t.UTC().Format("2 January 2006") }
