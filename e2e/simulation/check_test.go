package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/agenttest"
	"github.com/dyocense/dyocense/controlplane/migrationtest"
	"github.com/dyocense/dyocense/shared/docstore"
)

// watchOwners looks again and again whether two agents own the tenant.
func (w *world) watchOwners(m *memory, every time.Duration, leave <-chan struct{}) {
	for {
		select {
		case <-leave:
			return
		case <-time.After(every):
		}
		sites := w.all()
		for _, a := range sites {
			for _, b := range sites {
				if a == b || !w.owns(a) || !w.owns(b) {
					continue
				}
				if w.owns(a) { // before and after b did
					one, _ := a.Look(w.ctx, w.plane.Tenant)
					other, _ := b.Look(w.ctx, w.plane.Tenant)
					m.wrong("%s and %s own the tenant at %v: %+v, %+v", a.env, b.env, time.Now().UTC().Format("05.000"), one, other)
				}
			}
		}
	}
}

func (w *world) owns(s *site) bool {
	is, err := s.Look(w.ctx, w.plane.Tenant)
	return err == nil && is.Role == "owner"
}

// journaled is what a test reads of an entry.
type journaled struct {
	Generation int64  `json:"g"`
	Slot       int64  `json:"s"`
	Kind       string `json:"k"`
	Commands   []struct {
		ID string `json:"id"`
	} `json:"cmd"`
}

// check says what is not as it has to be when everything is at rest.
func (w *world) check() {
	t, m := w.t, w.memory
	t.Helper()
	for _, f := range m.failures {
		t.Error(f)
	}
	route, err := w.plane.Route(w.ctx)
	must(t, err)
	if route.Moving != "" {
		t.Errorf("the route still says that a move to %s may switch", route.Moving)
	}
	owner := w.site(route.Environment)
	if owner == nil {
		t.Fatalf("the route leads to %s, which is gone", route.Environment)
		return
	}
	w.checkPlaces(owner)
	w.checkMoney(route)
	w.checkJournal(owner, m)
	must(t, owner.With(w.ctx, w.plane.Tenant, func(ctx context.Context, s *agenttest.Store) error {
		report, err := s.Verify(ctx)
		if err != nil {
			return err
		}
		if !report.OK() {
			t.Errorf("the owner's documents do not follow from the journal: %q", report.Problems)
		}
		for b, content := range m.blobs {
			have, err := s.GetBlob(ctx, b)
			if err != nil && !errors.Is(err, docstore.ErrNotFound) || err == nil && string(have) != string(content) {
				t.Errorf("file %s: %q, %v", b.Hash, have, err)
			}
		}
		return nil
	}))
}

// checkPlaces wants one place to have the tenant, and no other.
func (w *world) checkPlaces(owner *site) {
	t := w.t
	t.Helper()
	for _, s := range w.all() {
		is, err := s.Look(w.ctx, w.plane.Tenant)
		must(t, err)
		switch {
		case s == owner && is.Role != "owner":
			t.Errorf("the route leads to %s, which is a %s", s.env, is.Role)
		case s != owner && is.Role != "none":
			t.Errorf("%s still has the tenant, as a %s of %s", s.env, is.Role, is.Move)
		case s != owner && s.env != w.plane.Pool:
			t.Errorf("environment %s is still there", s.env)
		}
	}
}

// checkMoney wants what is paid to be where the tenant is.
func (w *world) checkMoney(route migrationtest.Route) {
	t := w.t
	t.Helper()
	plan := migrationtest.Pooled
	if route.Environment != w.plane.Pool {
		plan = migrationtest.Dedicated
	}
	if have := w.plane.Ledger.Plan(); have != plan {
		t.Errorf("the company has plan %s and lives on %s", have, plan)
	}
	moves, err := w.plane.Moves(w.ctx)
	must(t, err)
	paid := w.plane.Ledger.InForce()
	for _, m := range moves {
		names := 0
		for _, p := range paid {
			if strings.HasPrefix(p, string(m.ID)+"/") {
				names++
			}
		}
		want := 0
		if m.State == "cleaned" || m.State == "accepted" || m.State == "switched" {
			want = 1
		}
		if names != want {
			t.Errorf("move %s is %s and was paid %d times", m.ID, m.State, names)
		}
	}
}

// checkJournal replays the commands in the order of the journal into a model, and
// compares it with the documents.
func (w *world) checkJournal(owner *site, m *memory) {
	t := w.t
	t.Helper()
	entries, err := owner.All(w.ctx, w.plane.Tenant, "journal")
	must(t, err)
	want := model{}
	at := map[string]int64{}
	latest := map[string]int{}
	generation := int64(0)
	for i, d := range entries {
		var e journaled
		must(t, json.Unmarshal(d.Body, &e))
		if e.Slot != int64(i+1) || e.Generation != generation {
			t.Fatalf("entry %d of the journal is slot %d of generation %d, not of %d", i, e.Slot, e.Generation, generation)
		}
		if e.Kind == "COMMIT" {
			generation++
		}
		for _, c := range e.Commands {
			o, mine := m.ops[c.ID]
			if !mine {
				continue
			}
			if slot, twice := at[c.ID]; twice {
				t.Errorf("command %s took effect at slots %d and %d", c.ID, slot, e.Slot)
			}
			at[c.ID] = e.Slot
			who, number, _ := strings.Cut(c.ID, "-")
			n, err := strconv.Atoi(number)
			must(t, err)
			if n < latest[who] {
				t.Errorf("command %s took effect after %s-%d", c.ID, who, latest[who])
			}
			latest[who] = n
			must(t, o.do(want))
		}
	}
	for id, slot := range m.acked {
		if at[id] != slot {
			t.Errorf("command %s was acknowledged at slot %d; the journal has it at %d", id, slot, at[id])
		}
	}
	have := model{}
	for _, collection := range []string{agenttest.Notes, agenttest.Lists} {
		docs, err := owner.All(w.ctx, w.plane.Tenant, collection)
		must(t, err)
		for _, d := range docs {
			if string(d.Body) != `{"_deleted":true}` {
				have[collection+"/"+d.ID] = d.Body
			}
		}
	}
	if diff := cmp.Diff(plain(want), plain(have)); diff != "" {
		t.Errorf("the documents are not what the commands make (-want +have):\n%s", diff)
	}
}

func plain(m model) map[string]any {
	out := map[string]any{}
	for k, body := range m {
		var v any
		_ = json.Unmarshal(body, &v)
		out[k] = v
	}
	return out
}

// story is a move's log in short.
func story(m migrationtest.Move) string {
	var b strings.Builder
	fmt.Fprintf(&b, "move %s: %s", m.ID, m.State)
	if m.Error != nil {
		fmt.Fprintf(&b, " (%s: %s)", m.Error.Code, m.Error.Detail)
	}
	for _, e := range m.Events {
		fmt.Fprintf(&b, "\n  %3d %s %s", e.N, e.At.Format("15:04:05.000"), e.Text)
	}
	return b.String()
}
