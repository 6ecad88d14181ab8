package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/id"
)

func states() []State {
	return []State{
		Requested, Provisioning, Copying, Verifying, Rehearsing, ReadyToGo, Charging, Cutting, Switched, Accepted, Cleaned,
		Aborting, Aborted, Failed, RollingBack, Discarding, RolledBack,
	}
}

func in(s State) record {
	r := first(Order{ID: "mov_1", At: time.Unix(1, 0), When: WhenAsked})
	r.State = s
	r.Facts.Entered[s] = r.At
	r.Facts.Soaked = true
	return r
}

func testBooks(t *testing.T) books {
	t.Helper()
	s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "moves.db"), sqlitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Ensure(t.Context(), Collections()...); err != nil {
		t.Fatal(err)
	}
	return newBooks(s)
}

func TestWhatIsOfferedCanBeDone(t *testing.T) {
	t.Parallel()
	for _, s := range states() {
		for _, a := range actions(Order{}, in(s)) {
			if a.Name == "pause" || a.Name == "resume" {
				continue
			}
			e, fits := wishes[Wish(a.Name)][s]
			switch {
			case !fits:
				t.Errorf("%s is offered in %s and has no place there", a.Name, s)
			case e != "" && !Lifecycle.Allows(s, e):
				t.Errorf("%s in %s leads to %s, which the lifecycle does not know", a.Name, s, e)
			}
			if asked[Wish(a.Name)] == "" {
				t.Errorf("%s has no words in the log", a.Name)
			}
		}
	}
	for wish, where := range wishes {
		for s := range where {
			if !slices.ContainsFunc(actions(Order{}, in(s)), func(a Action) bool { return Wish(a.Name) == wish }) {
				t.Errorf("%s has a place in %s and is not offered", wish, s)
			}
		}
	}
}

func TestNothingIsOfferedOfAMoveThatIsOver(t *testing.T) {
	t.Parallel()
	for _, s := range []State{Cleaned, Aborted, RolledBack} {
		if got := actions(Order{}, in(s)); len(got) > 0 {
			t.Errorf("%s offers %v", s, got)
		}
	}
	r := in(Switched)
	r.Wish = WishRollBack
	if got := actions(Order{}, r); len(got) > 0 {
		t.Errorf("while something is asked for, %v is offered", got)
	}
	r = in(Switched)
	r.Facts.OneWay = true
	if slices.ContainsFunc(actions(Order{}, r), func(a Action) bool { return a.Name == "roll_back" }) {
		t.Error("a way back is offered to a copy that differs")
	}
}

func TestEveryStateIsToldInWords(t *testing.T) {
	t.Parallel()
	for _, d := range []Direction{Upgrade, Downgrade, Rebalance} {
		for _, s := range states() {
			if text := headline(Order{Direction: d}, in(s)); !strings.HasSuffix(text, ".") {
				t.Errorf("%s of a %s: %q", s, d, text)
			}
		}
	}
}

func TestTheShareThatIsDoneNeverFalls(t *testing.T) {
	t.Parallel()
	last := -1
	for _, s := range []State{Requested, Provisioning, Copying, Verifying, Rehearsing, ReadyToGo, Charging, Cutting, Switched} {
		for done := range int64(11) {
			p := MoveProgress{DocumentsTotal: 10}
			switch s {
			case Copying:
				p.DocumentsCopied = done
			case Verifying:
				p.DocumentsCopied, p.DocumentsVerified = 10, done
			}
			if n := percent(s, p); n < last || n > 100 {
				t.Errorf("%s at %d of 10: %d %% after %d %%", s, done, n, last)
			} else {
				last = n
			}
		}
	}
}

func TestAStageThatTheMoveFellBackFromIsNotDone(t *testing.T) {
	t.Parallel()
	states := func(r record) map[string]string {
		out := map[string]string{}
		for _, s := range stagesOf(r, r.At) {
			out[s.Name] = s.State
		}
		return out
	}
	r := in(ReadyToGo)
	r.Facts.Entered[Charging] = r.At
	r.Facts.Error = &problem{Code: "billing.payment"}
	if got := states(r); got["ready"] != "working" || got["charging"] != "failed" || got["cutting"] != "waiting" {
		t.Errorf("after a payment that was declined: %v", got)
	}
	r.Facts.Entered[Cutting], r.Facts.Paid = r.At, true
	if got := states(r); got["charging"] != "done" || got["cutting"] != "failed" {
		t.Errorf("after a switch that was put off: %v", got)
	}
	r.Facts.Error = nil
	if got := states(r); got["cutting"] != "waiting" {
		t.Errorf("when it is asked for again: %v", got)
	}
	r = in(Aborted)
	r.Facts.Entered[Charging] = r.At
	if got := states(r); got["charging"] != "failed" || got["cutting"] != "skipped" {
		t.Errorf("given up after a payment that was declined: %v", got)
	}
}

func TestWhatIsCopiedIsPartOfWhatThereIs(t *testing.T) {
	t.Parallel()
	r := in(Copying)
	r.Facts.Totals = []total{{Name: "runs", Documents: 10, Bytes: 1000}, {Name: "blobs", Documents: 2, Bytes: 5000}}
	p := progress{State: Copying, Copied: map[string]int64{"runs": 10}, Bytes: 7000} // some came twice
	got := (Order{}).show([]record{r}, r, p, r.At).Progress
	if got.BytesTotal != 6000 || got.BytesCopied != 6000 || got.DocumentsTotal != 12 || got.DocumentsCopied != 10 {
		t.Errorf("while copying: %+v", got)
	}
	r = in(Switched)
	r.Facts.Totals = []total{{Name: "runs", Documents: 10, Bytes: 1000}}
	if got := (Order{}).show([]record{r}, r, progress{}, r.At).Progress; got.BytesCopied != 1000 || got.DocumentsCopied != 10 {
		t.Errorf("after it: %+v", got)
	}
}

func TestWhatWasPaidIsSaidToComeBack(t *testing.T) {
	t.Parallel()
	q := &billing.Quote{DueToday: 100_00, Currency: "usd", Lines: []billing.QuoteLine{{Cents: 160_00}, {Cents: -20_00}}}
	r := in(Switched)
	r.Facts.Paid = true
	for _, a := range actions(Order{Quote: q}, r) {
		if a.Name == "roll_back" && !strings.Contains(a.Confirm, "$100.00 goes back to your card. $40.00 goes back to your credit.") {
			t.Errorf("going back says %q", a.Confirm)
		}
	}
	r = in(RolledBack)
	r.Event, r.Facts.Paid = TargetDiscarded, true
	if _, text := news(Order{Quote: q}, r); !strings.Contains(strings.Join(text, " "), "$100.00 goes back to your card.") {
		t.Errorf("the mail says %q", text)
	}
	r = in(Switched)
	r.Event, r.Facts.Paid = HandedOver, true
	if _, text := news(Order{Quote: q}, r); !strings.Contains(strings.Join(text, " "), "$100.00 was charged to your card.") {
		t.Errorf("the mail says %q", text)
	}
	if got := (Order{Quote: q}).givenBack(facts{}); got != "" {
		t.Errorf("without a payment %q", got)
	}
}

// busy is a company that uses more than the smaller plans have.
type busy struct{}

func (busy) Name(context.Context, id.Tenant) (string, error) { return "Shop", nil }
func (busy) Seats(context.Context, id.Tenant) (int, error)   { return 4, nil }
func (busy) Used(context.Context, id.Tenant) (decisions, locations int, err error) {
	return 12, 2, nil
}

func TestWhatDoesNotFitIntoASmallerPlanIsListed(t *testing.T) {
	t.Parallel()
	s := &Service{companies: busy{}}
	for plan, want := range map[billing.PlanID]string{
		billing.Starter: "Seats 4 of 3, Decisions this month 12 of 10, Locations 2 of 1", billing.Business: "",
	} {
		next, err := billing.PlanOf(plan)
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.excess(t.Context(), "ten_1", next)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, x := range found {
			all = append(all, fmt.Sprintf("%s %d of %d", x.What, x.Have, x.Allowed))
		}
		if got := strings.Join(all, ", "); got != want {
			t.Errorf("into %s: %q, want %q", plan, got, want)
		}
	}
}

func TestAPlanOfAnotherModeNamesWhatItSwitchesOn(t *testing.T) {
	t.Parallel()
	business, err := billing.PlanOf(billing.Business)
	if err != nil {
		t.Fatal(err)
	}
	enterprise, err := billing.PlanOf(billing.Enterprise)
	if err != nil {
		t.Fatal(err)
	}
	gained := ""
	for _, c := range changes(business, enterprise) {
		if c.What == platformFeatures {
			gained = c.After
		}
	}
	for _, name := range []string{"evidence graph", "vector search", "single sign-on", "choice of solver engine"} {
		if !strings.Contains(gained, name) {
			t.Errorf("%q is not in %q", name, gained)
		}
	}
}

func TestTheSwitchNamesWhatIsCharged(t *testing.T) {
	t.Parallel()
	o := Order{Quote: &billing.Quote{DueToday: 123456789, Currency: "usd"}}
	said := func(r record) string {
		for _, a := range actions(o, r) {
			if a.Name == "switch" {
				return a.Confirm
			}
		}
		return ""
	}
	r := in(ReadyToGo)
	if got := said(r); !strings.HasPrefix(got, "$1,234,567.89 is charged to your card first.") {
		t.Errorf("it says %q", got)
	}
	if r.Facts.Paid = true; strings.Contains(said(r), "charged") {
		t.Error("what is paid is not charged again")
	}
}

func TestWhatAnEarlierStageWaitedForIsNotTold(t *testing.T) {
	t.Parallel()
	r := in(Discarding)
	p := progress{WaitingFor: "you to keep it, or to go back", State: Switched}
	if got := (Order{}).show([]record{r}, r, p, r.At).Progress.WaitingFor; got != "" {
		t.Errorf("it waits for %q", got)
	}
	p.State = Discarding
	if got := (Order{}).show([]record{r}, r, p, r.At).Progress.WaitingFor; got == "" {
		t.Error("it waits for something and does not say so")
	}
}

func TestDifferencesAreNamedByField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b string
		want []string
	}{
		"a value":            {`{"n":1,"t":"x"}`, `{"n":2,"t":"x"}`, []string{"n"}},
		"inside":             {`{"a":{"b":[1,2]}}`, `{"a":{"b":[1,3]}}`, []string{"a.b.1"}},
		"a type":             {`{"n":1}`, `{"n":"1"}`, []string{"n"}},
		"one that is gone":   {`{"n":1,"m":2}`, `{"n":1}`, []string{"m"}},
		"one too many":       {`{"n":1}`, `{"n":1,"m":2}`, []string{"m"}},
		"only the bytes":     {`{"n":1.0}`, `{"n":1}`, []string{"(bytes)"}},
		"what is no JSON":    {`{"n":`, `{"n":1}`, []string{"(not readable)"}},
		"lists of two sizes": {`{"l":[1]}`, `{"l":[1,2]}`, []string{"l"}},
	} {
		if diff := cmp.Diff(c.want, fields([]byte(c.a), []byte(c.b))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestATenantHasOneMoveUnderWay(t *testing.T) {
	t.Parallel()
	b := testBooks(t)
	tenant := id.NewTenant()
	var mu sync.Mutex
	var begun []Order
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			o := Order{ID: id.NewMove(), Tenant: tenant, At: time.Now()}
			err := b.open(t.Context(), o)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				begun = append(begun, o)
			} else if !errors.Is(err, ErrActive) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(begun) != 1 {
		t.Fatalf("%d moves began", len(begun))
	}
	if o, err := b.of(t.Context(), tenant); err != nil || o.ID != begun[0].ID {
		t.Errorf("under way: %s, %v", o.ID, err)
	}
	for range 2 { // closing may be repeated
		if err := b.close(t.Context(), begun[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.open(t.Context(), Order{ID: id.NewMove(), Tenant: tenant}); err != nil {
		t.Errorf("the next move: %v", err)
	}
}

func TestOneOfManyWorkersTakesAMove(t *testing.T) {
	t.Parallel()
	b := testBooks(t)
	o := Order{ID: id.NewMove(), Tenant: id.NewTenant(), At: time.Now()}
	if err := b.open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	const replicas = 6
	taken := make(chan *worker, replicas)
	var all sync.WaitGroup
	for n := range replicas {
		s := &Service{books: b, name: fmt.Sprint("replica ", n), clock: time.Now, log: quiet()}
		all.Go(func() {
			w, err := s.take(t.Context(), o)
			if err == nil {
				taken <- w
			} else if !errors.Is(err, errNotMine) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	close(taken)
	// Those that came one after the other each took it; only the last still may write.
	var workers []*worker
	for w := range taken {
		workers = append(workers, w)
	}
	may := 0
	for _, w := range workers {
		switch err := w.note(context.WithoutCancel(t.Context()), func(*record) {}); {
		case err == nil:
			may++
		case !errors.Is(err, errNotMine):
			t.Error(err)
		}
	}
	if may != 1 {
		t.Errorf("%d of %d workers may write", may, len(workers))
	}
}

func TestAWishIsKeptWhateverTheWorkerWrites(t *testing.T) {
	t.Parallel()
	b := testBooks(t)
	s := &Service{books: b, name: "r", clock: time.Now, log: quiet(), kick: make(chan struct{}, 1)}
	o := Order{ID: id.NewMove(), Tenant: id.NewTenant(), At: time.Now()}
	if err := b.open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w, err := s.take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Act(t.Context(), o.Tenant, o.ID, "accept"); !errors.Is(err, ErrNotOffered) {
		t.Errorf("what is not offered: %v", err)
	}
	if _, err := s.Act(t.Context(), id.NewTenant(), o.ID, "abort"); !errors.Is(err, ErrNone) {
		t.Errorf("another tenant's move: %v", err)
	}
	if _, err := s.Act(t.Context(), o.Tenant, o.ID, "abort"); err != nil {
		t.Fatal(err)
	}
	if err := w.note(t.Context(), func(r *record) { r.Text = "meanwhile" }); err != nil {
		t.Fatal(err)
	}
	last, err := b.last(t.Context(), o.ID)
	if err != nil || last.Wish != WishAbort {
		t.Errorf("the wish is %q, %v", last.Wish, err)
	}
	whole, err := b.whole(t.Context(), o.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range whole {
		if r.N != int64(i)+1 {
			t.Errorf("record %d is the %d.", r.N, i+1)
		}
	}
	if err := b.append(t.Context(), o.ID, last); !errors.Is(err, docstore.ErrExists) {
		t.Errorf("a record is written twice: %v", err)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestWhoGivesUpInTimeIsNotSwitched(t *testing.T) {
	t.Parallel()
	b := testBooks(t)
	s := &Service{books: b, name: "r", clock: time.Now, log: quiet(), kick: make(chan struct{}, 1)}
	o := Order{ID: id.NewMove(), Tenant: id.NewTenant(), At: time.Now(), When: WhenAsked}
	if err := b.open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	w, err := s.take(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.note(t.Context(), func(r *record) { r.State = ReadyToGo }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Act(t.Context(), o.Tenant, o.ID, "abort"); err != nil {
		t.Fatal(err)
	}
	if err := w.advance(t.Context(), SwitchBegun, nil); !errors.Is(err, errWish) {
		t.Errorf("the switch begins all the same: %v", err)
	}
	last, err := b.last(t.Context(), o.ID)
	if err != nil || last.State != ReadyToGo {
		t.Fatalf("in %s, %v", last.State, err)
	}
	if moved, err := w.obey(t.Context(), last); !moved || err != nil {
		t.Errorf("%t, %v", moved, err)
	}
	if last, err := b.last(t.Context(), o.ID); err != nil || last.State != Aborting || last.Wish != "" {
		t.Errorf("in %s with the wish %q, %v", last.State, last.Wish, err)
	}
}

func TestAnOrderThatWasNeverBegunIsNotShown(t *testing.T) {
	t.Parallel()
	b := testBooks(t)
	tenant := id.NewTenant()
	first := Order{ID: id.NewMove(), Tenant: tenant, At: time.Now()}
	if err := b.open(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := b.open(t.Context(), Order{ID: id.NewMove(), Tenant: tenant, At: time.Now()}); !errors.Is(err, ErrActive) {
		t.Fatal(err)
	}
	if o, err := b.of(t.Context(), tenant); err != nil || o.ID != first.ID {
		t.Errorf("%s, %v", o.ID, err)
	}
	if err := b.close(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := b.of(t.Context(), tenant); !errors.Is(err, ErrNone) {
		t.Errorf("neither is over, yet one is shown: %v", err)
	}
}
