package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/audit"
	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

func signer(seed string) *audit.Signer {
	sum := sha256.Sum256([]byte(seed))
	return audit.NewSigner([][]byte{sum[:]})
}

func open(s docstore.Store, now func() time.Time) *audit.Log {
	return audit.New(s, signer("a"), now, slog.New(slog.DiscardHandler))
}

func event(t id.Tenant, kind string, data string) contract.Event {
	return contract.Event{
		V: contract.Version, ID: id.NewEvent(), Type: kind, Tenant: t, At: time.Now().UTC(),
		By: &contract.Actor{Person: id.NewPerson(), Email: "Ada@Example.com", Via: "ses_1", Origin: "10.0.0.1"}, Data: json.RawMessage(data),
	}
}

// filled is a log with n entries in it, of one tenant.
func filled(t *testing.T, n int) (*audit.Log, docstore.Store, id.Tenant) {
	t.Helper()
	s := tenancytest.Open(t, audit.Collections())
	l, ten := open(s, time.Now), id.NewTenant()
	for i := range n {
		if err := l.Note(t.Context(), event(ten, "billing.plan_changed", fmt.Sprintf(`{"from":"starter","to":"p%d","note":"<ü> & \"q\""}`, i))); err != nil {
			t.Fatal(err)
		}
	}
	return l, s, ten
}

func export(t *testing.T, l *audit.Log, ten id.Tenant) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := l.Export(t.Context(), ten, "ada@example.com", &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnEventHasOneEntryHoweverManyReplicasNoteIt(t *testing.T) {
	t.Parallel()
	s := tenancytest.Open(t, audit.Collections())
	ten := id.NewTenant()
	events := make([]contract.Event, 40)
	for i := range events {
		events[i] = event(ten, "billing.plan_changed", `{}`)
	}
	var all sync.WaitGroup
	for replica := range uint64(4) {
		all.Go(func() {
			l := open(s, time.Now)
			mine := slices.Clone(events)
			rand.New(rand.NewPCG(replica, 1)).Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			for _, e := range mine {
				if err := l.Note(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	l := open(s, time.Now)
	found, err := l.Check(t.Context(), ten)
	if err != nil || !found.OK || found.Entries != 40 {
		t.Errorf("Check = %+v, %v; want 40 entries in order", found, err)
	}
	seen := map[string]bool{}
	list, _, err := l.List(t.Context(), ten, audit.Filter{Limit: 200})
	for _, e := range list {
		seen[e.Event] = true
	}
	if err != nil || len(list) != 40 || len(seen) != 40 {
		t.Errorf("%d entries of %d events, %v", len(list), len(seen), err)
	}
}

func TestALogIsWholeWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	for writes := range 5 {
		s := tenancytest.Open(t, audit.Collections())
		ten := id.NewTenant()
		events := []contract.Event{event(ten, "a.b", `{}`), event(ten, "a.c", `{}`), event(ten, "a.d", `{}`)}
		dying := open(tenancytest.DyingAfter(s, writes), time.Now)
		for _, e := range events {
			if err := dying.Note(t.Context(), e); err != nil && !errors.Is(err, tenancytest.ErrDead) {
				t.Fatal(err)
			}
		}
		l := open(s, time.Now)
		for _, e := range events { // the boxes were not emptied: all come again
			if err := l.Note(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if f, err := l.Check(t.Context(), ten); err != nil || !f.OK || f.Entries != 3 {
			t.Errorf("after %d writes: %+v, %v", writes, f, err)
		}
	}
}

func TestAnEventLeavesItsBoxOnlyWithAnEntry(t *testing.T) {
	t.Parallel()
	s := tenancytest.Open(t, audit.Collections(), tenancy.Collections())
	tenants := tenancy.New(s, time.Now)
	ten := id.NewTenant()
	if err := tenants.Create(t.Context(), ten, "Herons", id.NewPerson(), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	l := open(s, time.Now)
	coreDown := true
	relay := outbox.NewRelay(s, func(ctx context.Context, e contract.Event) error {
		if err := l.Note(ctx, e); err != nil {
			return err
		}
		if coreDown {
			return errors.New("core is down")
		}
		return nil
	}, slog.New(slog.DiscardHandler), tenancy.TenantsCollection)
	for range 3 { // core loses everything that it is told; the log does not
		if err := relay.Sweep(t.Context(), tenancy.TenantsCollection); err == nil {
			t.Fatal("the relay hides that core is down")
		}
	}
	coreDown = false
	if err := relay.Sweep(t.Context(), tenancy.TenantsCollection); err != nil {
		t.Fatal(err)
	}
	list, _, err := l.List(t.Context(), ten, audit.Filter{})
	if err != nil || len(list) != 1 || list[0].Action != tenancy.EventCreated || list[0].Title != "Company created" || list[0].Target != "Herons" {
		t.Errorf("the log is %+v, %v; want the one entry", list, err)
	}
}

func TestAnEntrySaysWhoDidWhatToWhat(t *testing.T) {
	t.Parallel()
	s := tenancytest.Open(t, audit.Collections())
	l, ten := open(s, time.Now), id.NewTenant()
	e := event(ten, "billing.plan_changed", `{"from":"starter","to":"growth"}`)
	e.At = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // late
	if err := l.Note(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	refused := audit.Happening{Tenant: ten, Action: "migration.start", Target: "enterprise", Result: audit.Refused, After: map[string]int{"seats": 3}}
	if err := l.Record(contract.WithActor(t.Context(), contract.Actor{Email: "bob@example.com", Staff: "eve@dyocense.com"}), refused); err != nil {
		t.Fatal(err)
	}
	once := audit.Happening{Tenant: ten, Action: identity.ActionSignedOut, Once: "out/ses_1"}
	for range 2 {
		if err := l.Record(t.Context(), once); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := l.List(t.Context(), ten, audit.Filter{})
	if err != nil || len(list) != 3 {
		t.Fatalf("List = %+v, %v", list, err)
	}
	late := list[2] // sorted by when it happened, in the slot in which it arrived
	if late.Slot != 1 || !late.At.Equal(e.At) || !late.Noted.After(e.At) || string(late.Before) != `"starter"` || string(late.After) != `"growth"` ||
		late.Actor.Email != "Ada@Example.com" || late.Result != audit.Done {
		t.Errorf("the late event is %+v", late)
	}
	i := slices.IndexFunc(list, func(v audit.AuditEntry) bool { return v.Action == "migration.start" })
	if v := list[i]; v.Title != "migration.start" || v.Result != audit.Refused || v.Actor.Staff != "eve@dyocense.com" || string(v.After) != `{"seats":3}` || v.Target != "enterprise" {
		t.Errorf("the refusal is %+v", v)
	}
}

func TestFiltersFindExactlyTheirEntries(t *testing.T) {
	t.Parallel()
	s := tenancytest.Open(t, audit.Collections())
	l, ten, other := open(s, time.Now), id.NewTenant(), id.NewTenant()
	day := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for i := range 30 {
		e := event(ten, []string{"a.one", "a.two", "a.three"}[i%3], `{}`)
		e.At = day.AddDate(0, 0, i)
		if e.By.Email = "bob@example.com"; i%2 == 0 {
			e.By = nil
		}
		theirs := e
		theirs.Tenant, theirs.ID = other, id.NewEvent()
		for _, x := range []contract.Event{e, theirs} {
			if err := l.Note(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		f    audit.Filter
		want int
	}{
		"all":     {audit.Filter{}, 30},
		"actor":   {audit.Filter{Actor: " BOB@example.com "}, 15},
		"product": {audit.Filter{Actor: "product"}, 15},
		"action":  {audit.Filter{Action: "a.two"}, 10},
		"both":    {audit.Filter{Actor: "product", Action: "a.one"}, 5},
		"days":    {audit.Filter{From: day.AddDate(0, 0, 3), To: day.AddDate(0, 0, 7)}, 4},
		"nobody":  {audit.Filter{Actor: "eve@example.com"}, 0},
	} {
		var got []audit.AuditEntry
		c.f.Limit = 4
		for {
			page, next, err := l.List(t.Context(), ten, c.f)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if next == "" {
				break
			}
			c.f.Cursor = next
		}
		if len(got) != c.want || !slices.IsSortedFunc(got, func(a, b audit.AuditEntry) int { return b.At.Compare(a.At) }) {
			t.Errorf("%s: %d entries, want %d, the latest first", name, len(got), c.want)
		}
	}
	if _, _, err := l.List(t.Context(), ten, audit.Filter{Cursor: "nonsense"}); !errors.Is(err, audit.ErrFilter) {
		t.Errorf("a bad cursor: %v", err)
	}
}

func TestAnExportedFileIsInOrder(t *testing.T) {
	t.Parallel()
	l, _, ten := filled(t, 250)
	first := export(t, l, ten)
	r, err := audit.CheckFile(bytes.NewReader(first), audit.CheckOptions{})
	if err != nil || r.Entries != 250 || r.Heads != 2 || r.Vouched != 250 || r.Tenant != ten {
		t.Fatalf("CheckFile = %+v, %v", r, err)
	}
	// The hash can be recomputed without our code: cut off the hash, close the object.
	line := strings.Split(string(first), "\n")[1]
	cut := strings.LastIndex(line, `,"hash":"`)
	sum := sha256.Sum256([]byte(line[:cut] + "}"))
	if hex.EncodeToString(sum[:]) != line[cut+9:cut+73] {
		t.Error("the documented way to the hash gives another one")
	}
	if err := l.Note(t.Context(), event(ten, "a.b", `{}`)); err != nil {
		t.Fatal(err)
	}
	later := export(t, l, ten)
	if _, err := audit.CheckFile(bytes.NewReader(later), audit.CheckOptions{Earlier: &audit.Earlier{Slot: r.Entries, Hash: r.Hash}}); err != nil {
		t.Errorf("the later file does not contain the earlier: %v", err)
	}
	for name, earlier := range map[string]audit.Earlier{"another entry": {Slot: 7, Hash: r.Hash}, "more entries": {Slot: 900, Hash: r.Hash}} {
		if _, err := audit.CheckFile(bytes.NewReader(later), audit.CheckOptions{Earlier: &earlier}); err == nil {
			t.Errorf("%s in the earlier file is not found", name)
		}
	}
	other := sha256.Sum256([]byte("other"))
	for name, key := range map[string]string{"another key": hex.EncodeToString(other[:]), "no key": "xyz"} {
		if _, err := audit.CheckFile(bytes.NewReader(first), audit.CheckOptions{Keys: []string{key}}); err == nil {
			t.Errorf("%s is believed", name)
		}
	}
	f, err := l.Check(t.Context(), ten)
	if err != nil || !f.OK {
		t.Fatalf("Check = %+v, %v", f, err)
	}
	if _, err := audit.CheckFile(bytes.NewReader(first), audit.CheckOptions{Keys: []string{f.Keys[0].Public}}); err != nil {
		t.Errorf("the right key is not believed: %v", err)
	}
}

// Flip, insert, delete, reorder, truncate: 200 cases from fixed seeds, and each must be
// found at the line where it is first visible.
func TestEveryCorruptionOfAFileIsFoundAtItsLine(t *testing.T) {
	t.Parallel()
	l, _, ten := filled(t, 120)
	whole := export(t, l, ten)
	rows := bytes.SplitAfter(whole, []byte("\n"))
	rows = rows[:len(rows)-1]
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		var (
			bad  []byte
			what string
			line int // where it must be found
		)
		switch seed % 5 {
		case 0:
			at, bit := r.IntN(len(whole)), r.IntN(8)
			bad = slices.Clone(whole)
			bad[at] ^= 1 << bit
			what, line = fmt.Sprintf("flip bit %d of byte %d", bit, at), 1+bytes.Count(whole[:at], []byte("\n"))
		case 1:
			from, at := r.IntN(len(rows)), r.IntN(len(rows)+1)
			mixed := slices.Insert(slices.Clone(rows), at, rows[from])
			bad, what, line = bytes.Join(mixed, nil), fmt.Sprintf("line %d again before line %d", from+1, at+1), firstDifference(rows, mixed)
		case 2:
			at := r.IntN(len(rows))
			mixed := slices.Delete(slices.Clone(rows), at, at+1)
			bad, what, line = bytes.Join(mixed, nil), fmt.Sprintf("delete line %d", at+1), firstDifference(rows, mixed)
		case 3:
			a := r.IntN(len(rows))
			b := (a + 1 + r.IntN(len(rows)-1)) % len(rows)
			mixed := slices.Clone(rows)
			mixed[a], mixed[b] = mixed[b], mixed[a]
			bad, what, line = bytes.Join(mixed, nil), fmt.Sprintf("swap lines %d and %d", a+1, b+1), min(a, b)+1
		case 4:
			at := r.IntN(len(whole))
			bad, what, line = whole[:at], fmt.Sprintf("cut after %d bytes", at), 1+bytes.Count(whole[:at], []byte("\n"))
		}
		_, err := audit.CheckFile(bytes.NewReader(bad), audit.CheckOptions{})
		var wrong *audit.WrongLineError
		if !errors.As(err, &wrong) {
			t.Errorf("seed %d, %s: not found (%v)", seed, what, err)
			continue
		}
		// Where the damaged line may also be missing or moved, the next one shows it.
		if wrong.Line != int64(line) && wrong.Line != int64(line)+1 {
			t.Errorf("seed %d, %s: found at line %d, want %d: %v", seed, what, wrong.Line, line, err)
		}
	}
}

func firstDifference(a, b [][]byte) int {
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			return i + 1
		}
	}
	return min(len(a), len(b)) + 1
}

// Whoever can write to the store: each change of what is stored is found.
func TestEveryChangeInTheStoreIsFound(t *testing.T) {
	t.Parallel()
	type row = map[string]any
	rewrite := func(t *testing.T, s docstore.Store, ten id.Tenant, slot int, change func(row)) {
		t.Helper()
		_, err := docstore.TableOf[row](s, "audit_entries").Update(t.Context(), fmt.Sprintf("%s/%012d", ten, slot), func(r *row) error {
			change(*r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, s docstore.Store, collection string, ten id.Tenant, slot int) {
		t.Helper()
		name := fmt.Sprintf("%s/%012d", ten, slot)
		d, err := s.Get(t.Context(), collection, name)
		if err == nil {
			err = s.Delete(t.Context(), collection, name, d.Rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// rehash makes a line that fits itself, as a forger would.
	rehash := func(line string) string {
		cut := strings.LastIndex(line, `,"hash":"`)
		sum := sha256.Sum256([]byte(line[:cut] + "}"))
		return line[:cut] + `,"hash":"` + hex.EncodeToString(sum[:]) + `"}`
	}
	for name, c := range map[string]struct {
		change func(*testing.T, docstore.Store, id.Tenant)
		slot   int64
	}{
		"an altered entry": {func(t *testing.T, s docstore.Store, ten id.Tenant) {
			rewrite(t, s, ten, 40, func(r row) { r["line"] = strings.Replace(r["line"].(string), "starter", "stopper", 1) })
		}, 40},
		"an altered entry with a hash that fits": {func(t *testing.T, s docstore.Store, ten id.Tenant) {
			rewrite(t, s, ten, 40, func(r row) { r["line"] = rehash(strings.Replace(r["line"].(string), "starter", "stopper", 1)) })
		}, 41},
		"an altered last entry that was signed": {func(t *testing.T, s docstore.Store, ten id.Tenant) {
			rewrite(t, s, ten, 120, func(r row) { r["line"] = rehash(strings.Replace(r["line"].(string), "starter", "stopper", 1)) })
		}, 120},
		"an entry hidden from filters": {func(t *testing.T, s docstore.Store, ten id.Tenant) {
			rewrite(t, s, ten, 9, func(r row) { r["actor"] = "nobody@example.com" })
		}, 9},
		"a missing entry": {func(t *testing.T, s docstore.Store, ten id.Tenant) { remove(t, s, "audit_entries", ten, 50) }, 50},
		"a missing end":   {func(t *testing.T, s docstore.Store, ten id.Tenant) { remove(t, s, "audit_entries", ten, 120) }, 119},
		"a forged last one": {func(t *testing.T, s docstore.Store, ten id.Tenant) {
			remove(t, s, "audit_entries", ten, 120)
			if err := open(s, time.Now).Note(t.Context(), event(ten, "a.b", `{}`)); err != nil {
				t.Fatal(err)
			}
		}, 120},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, s, ten := filled(t, 120)
			if err := l.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.change(t, s, ten)
			f, err := l.Check(t.Context(), ten)
			if err != nil || f.OK || f.Slot != c.slot || f.Why == "" {
				t.Errorf("Check = %+v, %v; want slot %d", f, err, c.slot)
			}
			// An exported file of it does not pass either, and the log goes on.
			if _, err := audit.CheckFile(bytes.NewReader(export(t, l, ten)), audit.CheckOptions{}); err == nil && name != "an entry hidden from filters" {
				t.Error("the exported file passes")
			}
			if err := l.Note(t.Context(), event(ten, "a.b", `{}`)); err != nil {
				t.Errorf("nothing can be noted any more: %v", err)
			}
		})
	}
}

func TestEveryLogGetsASignedHeadInARound(t *testing.T) {
	t.Parallel()
	l, s, ten := filled(t, 3)
	second := id.NewTenant()
	if err := l.Note(t.Context(), event(second, "a.b", `{}`)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for of, want := range map[id.Tenant]int64{ten: 3, second: 1} {
		f, err := l.Check(t.Context(), of)
		if err != nil || !f.OK || f.Heads != 1 || f.Vouched != want {
			t.Errorf("Check = %+v, %v; want one head at %d", f, err, want)
		}
	}
	// After the master key was changed and dropped the old heads are unknown, not wrong.
	changed := audit.New(s, signer("b"), time.Now, slog.New(slog.DiscardHandler))
	if f, err := changed.Check(t.Context(), ten); err != nil || !f.OK || f.Vouched != 0 {
		t.Errorf("with another key: %+v, %v", f, err)
	}
}

func TestADeletedLogLeavesAProofAndNothingElse(t *testing.T) {
	t.Parallel()
	for writes := range 12 {
		l, s, ten := filled(t, 5)
		if err := l.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		before, err := l.Check(t.Context(), ten)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := open(tenancytest.DyingAfter(s, writes), time.Now).Delete(t.Context(), ten); err != nil && !errors.Is(err, tenancytest.ErrDead) {
			t.Fatal(err)
		}
		first, err := l.Delete(t.Context(), ten)
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Delete(t.Context(), ten)
		if err != nil || first != again || first.Entries != 5 || first.Hash != before.Hash || first.Signature == "" {
			t.Errorf("after %d writes the proofs are %+v and %+v, %v", writes, first, again, err)
		}
		if err := l.Note(t.Context(), event(ten, "late.event", `{}`)); err != nil { // its event was on the way
			t.Fatal(err)
		}
		for _, collection := range []string{"audit_entries", "audit_heads"} {
			if n, err := s.Size(t.Context(), collection); err != nil || n.Documents != 0 {
				t.Errorf("%d documents are left in %s, %v", n.Documents, collection, err)
			}
		}
	}
}

func TestOnlyOwnersAdminsAndAuditorsReadTheLog(t *testing.T) {
	t.Parallel()
	l, _, ten := filled(t, 2)
	o := audit.NewOperations(l)
	for _, role := range []contract.Role{
		contract.RoleOwner, contract.RoleAdmin, contract.RoleAuditor, contract.RoleBilling, contract.RoleOperator, contract.RoleAnalyst, contract.RoleViewer, "",
	} {
		ctx := identity.With(t.Context(), identity.Who{Person: id.NewPerson(), Email: "ada@example.com", Tenant: ten, Role: role})
		_, list := o.List(ctx, &audit.ListRequest{Limit: 10})
		_, file := o.Export(ctx, &audit.Nothing{})
		_, check := o.Check(ctx, &audit.Nothing{})
		for _, err := range []error{list, file, check} {
			if may := role == contract.RoleOwner || role == contract.RoleAdmin || role == contract.RoleAuditor; may != (err == nil) || !may && !errors.Is(err, tenancy.ErrForbidden) {
				t.Errorf("%q: %v", role, err)
			}
		}
	}
	// Another company sees its own log, which is empty.
	eve := identity.With(t.Context(), identity.Who{Person: id.NewPerson(), Tenant: id.NewTenant(), Role: contract.RoleOwner})
	if r, err := o.List(eve, &audit.ListRequest{Limit: 10}); err != nil || len(r.Body.Entries) != 0 {
		t.Errorf("another company sees %+v, %v", r, err)
	}
}

func TestReadingTheWholeLogIsNotedAndLimited(t *testing.T) {
	t.Parallel()
	clock := tenancytest.NewClock()
	s := tenancytest.Open(t, audit.Collections())
	l, ten := open(s, clock.Now), id.NewTenant()
	o := audit.NewOperations(l)
	ctx := identity.With(t.Context(), identity.Who{Person: id.NewPerson(), Email: "ada@example.com", Tenant: ten, Role: contract.RoleOwner})
	f, err := o.Export(ctx, &audit.Nothing{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(t.Context(), &b); err != nil || !strings.Contains(b.String(), audit.Exported) {
		t.Errorf("the export does not hold its own entry: %s, %v", b.String(), err)
	}
	for range 40 {
		if _, err = o.Check(ctx, &audit.Nothing{}); err != nil {
			break
		}
	}
	if !errors.Is(err, audit.ErrTooMany) {
		t.Errorf("nothing stops the 40th check: %v", err)
	}
}

func TestNobodyIsLetInUnnoted(t *testing.T) {
	t.Parallel()
	s := tenancytest.Open(t, audit.Collections(), identity.Collections(), tenancy.Collections())
	l, tenants, ten, ada := open(s, time.Now), tenancy.New(s, time.Now), id.NewTenant(), id.NewPerson()
	if err := tenants.Create(t.Context(), ten, "Herons", ada, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	broken := false
	people := identity.New(s, tenants, identity.Options{Noted: func(ctx context.Context, action string, who identity.Who) error {
		if broken {
			return tenancytest.ErrDead
		}
		return l.Record(ctx, audit.Happening{Tenant: who.Tenant, Action: action, Once: action + "/" + string(who.Session), By: &contract.Actor{Email: who.Email}})
	}})
	person := identity.Person{ID: ada, Email: "ada@example.com"}
	_, token, _, err := people.Open(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := people.SignOut(t.Context(), token.Reveal()); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := l.List(t.Context(), ten, audit.Filter{Actor: "ada@example.com"})
	if err != nil || len(list) != 2 || list[1].Title != "Signed in" || list[0].Title != "Signed out" {
		t.Errorf("the log is %+v, %v", list, err)
	}
	broken = true
	if _, _, _, err := people.Open(t.Context(), person); !errors.Is(err, tenancytest.ErrDead) {
		t.Errorf("a session began that the log does not know of: %v", err)
	}
}
