package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func tenants(t *testing.T) *Tenants {
	t.Helper()
	files, err := tenantstore.NewSQLiteFactory(t.TempDir(), Collections())
	if err != nil {
		t.Fatal(err)
	}
	shelf := tenantstore.NewShelf(files, 16)
	t.Cleanup(func() {
		if err := shelf.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return NewTenants(nil, shelf, runs.New(runs.Config{Shelf: shelf, Log: quiet()}), quiet())
}

func stepNames(r contract.Report) []string {
	var names []string
	for _, s := range r.Steps {
		names = append(names, s.Name)
	}
	return names
}

func TestATenantThatIsWantedIsServedAndTellsItsSteps(t *testing.T) {
	t.Parallel()
	ts := tenants(t)
	want := contract.WantedTenant{Tenant: id.NewTenant(), Revision: 3, State: contract.TenantServing, Plan: "growth", Name: "Bean Brothers"}
	for range 2 { // the second time it does nothing
		r, err := ts.Apply(t.Context(), want)
		if err != nil || !r.OK || r.Revision != 3 || r.Tenant != want.Tenant || r.State != contract.TenantServing {
			t.Fatalf("%+v, %v", r, err)
		}
		if diff := cmp.Diff([]string{"create store", "open store", "write", "read back"}, stepNames(r)); diff != "" {
			t.Error(diff)
		}
	}
	older := want
	older.Revision, older.Plan = 2, "starter"
	if r, err := ts.Apply(t.Context(), older); err != nil || !r.OK {
		t.Errorf("an older line: %+v, %v", r, err)
	}
	store, release, err := ts.shelf.Open(t.Context(), want.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var kept profile
	if err := store.Get(t.Context(), profiles, profileID, &kept); err != nil || kept.Plan != "growth" {
		t.Errorf("an older line undid a newer one: %+v, %v", kept, err)
	}
}

func TestATenantThatIsGoneLeavesNothing(t *testing.T) {
	t.Parallel()
	ts := tenants(t)
	tenant := id.NewTenant()
	if _, err := ts.Apply(t.Context(), contract.WantedTenant{Tenant: tenant, Revision: 1, State: contract.TenantServing}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r, err := ts.Apply(t.Context(), contract.WantedTenant{Tenant: tenant, Revision: 2, State: contract.TenantGone})
		if err != nil || !r.OK {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if n := ts.count(); n != 0 {
		t.Errorf("%d tenants are counted", n)
	}
	if _, _, err := ts.shelf.Open(t.Context(), tenant); fault.KindOf(err) != fault.NotFound {
		t.Errorf("still there: %v", err)
	}
}

func TestUploadsOfATenantThatMovedAreLeftToItsOwner(t *testing.T) {
	t.Parallel()
	ts := tenants(t)
	ts.shelf.Belong("env_here")
	var log bytes.Buffer
	ts.log = slog.New(slog.NewTextHandler(&log, nil))
	gone, coming := id.NewTenant(), id.NewTenant()
	if err := ts.shelf.Create(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	store, release, err := ts.shelf.Open(t.Context(), gone)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.BeginMove(t.Context(), "mov_1", 1, "env_here", "env_there"); err != nil {
		t.Fatal(err)
	}
	w, err := store.Cut(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.HandOver(t.Context(), "env_here", "mov_1", 1, w.Tail); err != nil {
		t.Fatal(err)
	}
	release()
	_, release, err = ts.shelf.Prepare(t.Context(), coming, tenantstore.Standby{Move: "mov_2", Claim: 1, Base: tenantstore.Start()}, "")
	if err != nil {
		t.Fatal(err)
	}
	release()
	ts.collectOnce(t.Context())
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}

func TestAStateOfANewerVersionIsRefusedInWords(t *testing.T) {
	t.Parallel()
	r, err := tenants(t).Apply(t.Context(), contract.WantedTenant{Tenant: id.NewTenant(), Revision: 1, State: "frozen"})
	if err == nil || r.OK || !strings.Contains(r.Reason, "too old") {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTheJoinTokenIsNeverAnArgument(t *testing.T) {
	t.Parallel()
	t.Run("it is the first line of standard input", func(t *testing.T) {
		t.Parallel()
		in := &Stdin{From: strings.NewReader("token-1\nrest"), Token: true}
		ask, err := Config{}.JoinToken(in)
		if err != nil {
			t.Fatal(err)
		}
		if token, err := ask(t.Context()); err != nil || token.Reveal() != "token-1" {
			t.Errorf("%v", err)
		}
		if rest, err := io.ReadAll(in.From); err != nil || string(rest) != "rest" {
			t.Errorf("the rest is %q, %v", rest, err)
		}
	})
	t.Run("or the content of a file, which may be gone later", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "token")
		ask, err := Config{JoinTokenFile: path}.JoinToken(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without the file: %v", err)
		}
		if err := os.WriteFile(path, []byte(" token-2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if token, err := ask(t.Context()); err != nil || token.Reveal() != "token-2" {
			t.Errorf("%v", err)
		}
	})
	t.Run("an input without one is an error", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"", "\n", "  \nrest", strings.Repeat("x", maxToken+1) + "\n"} {
			if _, err := (Config{}).JoinToken(&Stdin{From: strings.NewReader(text), Token: true}); err == nil {
				t.Errorf("no error for %.10q", text)
			}
		}
	})
	t.Run("and none is needed by an agent that has its identity", func(t *testing.T) {
		t.Parallel()
		if ask, err := (Config{}).JoinToken(nil); ask != nil || err != nil {
			t.Errorf("%v", err)
		}
	})
}

func TestTheAgentEndsWithItsParent(t *testing.T) {
	t.Parallel()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- (&Stdin{From: read}).watch(context.Background()) }()
	if _, err := write.Write([]byte("anything")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Fatalf("ended while the parent lives: %v", err)
	default:
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, errParentGone) {
		t.Errorf("%v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	other, _ := io.Pipe()
	if err := (&Stdin{From: other}).watch(ctx); err != nil {
		t.Errorf("a stop in good order: %v", err)
	}
}

func TestAllMistakesOfTheSettingsComeAtOnce(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"DEPLOYMENT_MODE": "shop", varControlPlane: "app.example.com", varSlots: "0", varName: strings.Repeat("x", 101)}
	_, err := LoadConfig(func(name string) string { return settings[name] })
	if err == nil {
		t.Fatal("accepted")
	}
	for name := range settings {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	c, err := LoadConfig(func(name string) string {
		return map[string]string{varControlPlane: "http://127.0.0.1:1", varMongo: "mongodb://u:hunter2@h"}[name]
	})
	if err != nil || c.Slots < 1 || c.Name == "" || !filepath.IsAbs(c.Data) {
		t.Errorf("%+v, %v", c, err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c)
	if strings.Contains(log.String(), "hunter2") {
		t.Error("the password is logged")
	}
}

func TestTwoAgentsNeverWorkOnOneDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := own(t.Context(), dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := own(t.Context(), dir, 50*time.Millisecond); !errors.Is(err, errTaken) {
		t.Fatalf("the second: %v", err)
	}
	next := make(chan error, 1)
	go func() {
		release, err := own(t.Context(), dir, time.Minute)
		if err == nil {
			release()
		}
		next <- err
	}()
	release()
	if err := <-next; err != nil {
		t.Errorf("the one that waited: %v", err)
	}
}
