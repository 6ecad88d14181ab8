package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/agent/internal/app"
	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore/mongotest"
	"github.com/dyocense/dyocense/shared/id"
)

var mongo mongotest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	mongo.Stop()
	os.Exit(code)
}

// agentData is the data directory of an agent that was enrolled, and its key.
func agentData(t *testing.T, env id.Environment) (dir, key string) {
	t.Helper()
	dir = t.TempDir()
	pair, err := nkeys.CreateUser()
	noError(t, err)
	seed, err := pair.Seed()
	noError(t, err)
	key, err = pair.PublicKey()
	noError(t, err)
	identity, err := json.Marshal(map[string]any{"enrolled": contract.Enrolled{V: 1, Environment: env}})
	noError(t, err)
	noError(t, os.Mkdir(filepath.Join(dir, "identity"), 0o700))
	noError(t, os.WriteFile(filepath.Join(dir, "identity", "agent.nk"), seed, 0o600))
	noError(t, os.WriteFile(filepath.Join(dir, "identity", "identity.json"), identity, 0o600))
	return dir, key
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// filled puts a business with one decision into a new tenant.
func filled(t *testing.T, dir string) id.Tenant {
	t.Helper()
	tenant := id.NewTenant()
	inTenant(t, dir, tenant, func(s *tenantstore.Store) {
		put := func(collection, id string, v any) {
			_, err := s.Do(t.Context(), tenantstore.Command{Kind: "test"}, func(tx *tenantstore.Tx) error { return tx.Put(collection, id, v) })
			noError(t, err)
		}
		put("profile", "tenant", map[string]any{"name": "Corner shop", "plan": "starter", "revision": 7})
		_, err := tables.Desk{Store: s, Actor: "test"}.Replace(t.Context(), map[tables.Kind][]byte{
			tables.Stock:     []byte("sku,product_name,current_stock,unit_cost\nA,\"=HYPERLINK(1)\",5,1.5\nB,Bolts,0,2\n"),
			tables.Suppliers: []byte("sku,lead_time_days\nA,7\nB,14\n"),
		}, "files", "EUR")
		noError(t, err)
		result, err := s.PutBlob(t.Context(), []byte(`{"orders":[]}`))
		noError(t, err)
		put("runs", "run_1", struct {
			runs.Run
			Result tenantstore.Blob `json:"result"`
		}{runs.Run{ID: "run_1", Title: "Monday", State: runs.Done, Headline: "Order 3 things", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, result})
	})
	return tenant
}

// inTenant works on a tenant as the agent would, and stops.
func inTenant(t *testing.T, dir string, tenant id.Tenant, work func(*tenantstore.Store)) {
	t.Helper()
	files, err := tenantstore.NewSQLiteFactory(dir, app.Collections())
	noError(t, err)
	shelf := tenantstore.NewShelf(files, 1)
	noError(t, shelf.Create(t.Context(), tenant))
	s, release, err := shelf.Open(t.Context(), tenant)
	noError(t, err)
	work(s)
	release()
	noError(t, shelf.Close())
}

// ran runs the program and wants an exit code.
func ran(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	code, out, errs := executed(t, "", args...)
	if code != want {
		t.Errorf("%q ended with %d, want %d:\n%s%s", args, code, want, out, errs)
	}
	return out, errs
}

func wantText(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%q is not in:\n%s", p, got)
		}
	}
}

func TestATenantIsBackedUpVerifiedAndRestored(t *testing.T) {
	t.Parallel()
	dir, key := agentData(t, "env_a")
	tenant := filled(t, dir)
	file := filepath.Join(t.TempDir(), "monday.dyo")
	out, _ := ran(t, 0, "backup", "--data", dir, "--out", file)
	wantText(t, out, file, string(tenant), "slot 3", "Documents", "Signed by", key, "verify")
	_, errs := ran(t, 1, "backup", "--data", dir, "--out", file)
	wantText(t, errs, "There is a file")

	out, _ = ran(t, 0, "verify", file)
	wantText(t, out, "fine: 3 entries", "not pinned", "fingerprint")
	out, _ = ran(t, 0, "verify", file, "--key", key)
	wantText(t, out, "the expected key")
	out, _ = ran(t, 0, "verify", file, "--json")
	var report struct {
		Problems []string
		Manifest struct {
			Tenant id.Tenant
			Last   struct{ Slot int64 }
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Problems == nil || report.Manifest.Tenant != tenant || report.Manifest.Last.Slot != 3 {
		t.Errorf("%v: %s", err, out)
	}
	out, _ = ran(t, 0, "verify", "--data", dir)
	wantText(t, out, string(tenant), "fine: 3 entries")

	_, errs = ran(t, 1, "restore", file, "--data", dir)
	wantText(t, errs, string(tenant), "--replace")
	out, _ = ran(t, 0, "restore", file, "--data", dir, "--slot", "2", "--replace", "--key", key)
	wantText(t, out, "slot 2", "1 entry of the backup", ".before-restore-", "start the agent: dyocense-agent run --data ")
	inTenant(t, dir, tenant, func(s *tenantstore.Store) {
		if err := s.Get(t.Context(), "runs", "run_1", &struct{}{}); err == nil {
			t.Error("a decision of slot 3 is there at slot 2")
		}
	})
	ran(t, 0, "verify", "--data", dir, "--tenant", string(tenant))
	_, errs = ran(t, 1, "restore", file, "--data", dir, "--at", "2020-01-01T00:00:00Z", "--replace")
	wantText(t, errs, "The tenant begins at", "2020-01-01T00:00:00Z")

	elsewhere, _ := agentData(t, "env_b")
	_, errs = ran(t, 1, "restore", file, "--data", elsewhere)
	wantText(t, errs, "env_a", "env_b", "--take-over")
	out, _ = ran(t, 0, "restore", file, "--data", elsewhere, "--take-over", "--json")
	wantText(t, out, `"slot": 3`, `hands the tenant over to env_b`)
	ran(t, 0, "verify", "--data", elsewhere)
}

func TestWhoNamesTheControlPlanesDirectoryHearsWhereTheTenantsAre(t *testing.T) {
	t.Parallel()
	dir, _ := agentData(t, "")
	filled(t, filepath.Join(dir, "dedicated", "env_1", "agent"))
	_, errs := ran(t, 1, "backup", "--data", dir)
	wantText(t, errs, "there is no tenant in "+dir, filepath.Join(dir, "dedicated", "env_1", "agent"))
	out, _ := ran(t, 0, "verify", "--data", dir)
	wantText(t, out, filepath.Join(dir, "dedicated", "env_1", "agent"))
}

func TestADamagedBundleAndADamagedTenantAreToldApartFromFineOnes(t *testing.T) {
	t.Parallel()
	dir, key := agentData(t, "env_a")
	tenant := filled(t, dir)
	file := filepath.Join(t.TempDir(), "b.dyo")
	ran(t, 0, "backup", "--data", dir, "--out", file)
	body, err := os.ReadFile(file)
	noError(t, err)
	body[len(body)/2] ^= 8
	noError(t, os.WriteFile(file, body, 0o600))
	out, _ := ran(t, 1, "verify", file)
	wantText(t, out, "not fine", "differ from its seal", "take another bundle")
	out, _ = ran(t, 1, "verify", file, "--json", "--key", key)
	wantText(t, out, `"problems"`, "seal")
	_, errs := ran(t, 1, "restore", file, "--data", dir, "--replace")
	wantText(t, errs, "damaged", "nothing of it was used", "seal")

	path := filepath.Join(dir, "tenants", string(tenant)+".db")
	raw, err := os.ReadFile(path)
	noError(t, err)
	at := strings.LastIndex(string(raw), "Corner shop") // the document, or its after-image in the journal
	raw[at] = 'X'
	noError(t, os.WriteFile(path, raw, 0o600))
	out, _ = ran(t, 1, "verify", "--data", dir)
	wantText(t, out, string(tenant), "not fine", "Next")
	out, _ = ran(t, 1, "verify", "--data", dir, "--json")
	var all []struct {
		OK     bool
		Report struct{ Problems []string }
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || all[0].OK || len(all[0].Report.Problems) == 0 {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAnExportIsReadableAndComesBackByImport(t *testing.T) {
	t.Parallel()
	dir, key := agentData(t, "env_a")
	filled(t, dir)
	file := filepath.Join(t.TempDir(), "ours.dyo")
	out, _ := ran(t, 0, "export", "--data", dir, "--out", file)
	wantText(t, out, "tar xzf")
	ran(t, 0, "verify", file, "--key", key)
	if tar, err := exec.LookPath("tar"); err == nil { // what a customer would do
		inside := t.TempDir()
		if out, err := exec.CommandContext(t.Context(), tar, "xzf", file, "-C", inside).CombinedOutput(); err != nil {
			t.Fatalf("tar: %v %s", err, out)
		}
		for name, want := range map[string]string{
			"README.txt":                      "dyocense-agent import",
			"tables/stock.csv":                "'=HYPERLINK(1)",
			"tables/suppliers.csv":            "B,,14",
			"decisions.csv":                   "run_1,Monday,done,,Order 3 things,2026-01-02T03:04:05Z,,blobs/",
			"documents/profile/000001.ndjson": `{"id":"tenant","slot":1,"body":{"name":"Corner shop"`,
			"manifest.json":                   `"kind": "export"`,
		} {
			b, err := os.ReadFile(filepath.Join(inside, name))
			if err != nil {
				t.Error(err)
			}
			wantText(t, string(b), want)
		}
	}
	_, errs := ran(t, 1, "restore", file, "--data", dir, "--replace")
	wantText(t, errs, "import it into a new tenant")

	there, _ := agentData(t, "env_b")
	fresh := id.NewTenant()
	out, _ = ran(t, 0, "import", file, "--data", there, "--tenant", string(fresh))
	wantText(t, out, string(fresh), "Documents", "1 document of the place") // the profile
	inTenant(t, there, fresh, func(s *tenantstore.Store) {
		rows, err := tables.Desk{Store: s}.Rows(t.Context(), tables.Stock, "", 10)
		if err != nil || len(rows.Rows) != 2 {
			t.Errorf("%v, %v", rows, err)
		}
	})
	ran(t, 0, "verify", "--data", there)
	_, errs = ran(t, 1, "import", file, "--data", there, "--tenant", string(fresh))
	wantText(t, errs, "exists here")
	ran(t, 0, "import", file, "--data", there)
}

func TestWrongUseOfTheBundleCommandsEndsWithTwo(t *testing.T) {
	t.Parallel()
	dir, _ := agentData(t, "env_a")
	filled(t, dir)
	filled(t, dir)
	for _, args := range [][]string{
		{"backup", "--data", dir}, // two tenants
		{"backup", "--data", dir, "--tenant", "me"},
		{"backup", "extra"},
		{"restore"},
		{"restore", "b.dyo", "--slot", "0"},
		{"restore", "b.dyo", "--slot", "3", "--at", "2026-01-01T00:00:00Z"},
		{"restore", "b.dyo", "--at", "yesterday"},
		{"import", "b.dyo", "--tenant", "me"},
		{"verify"},
		{"verify", "b.dyo", "--data", dir},
		{"export", "--nothing"},
	} {
		if _, errs := ran(t, 2, args...); errs == "" {
			t.Errorf("%q says nothing", args)
		}
	}
	for _, args := range [][]string{
		{"verify", filepath.Join(dir, "none.dyo")},
		{"backup", "--data", filepath.Join(dir, "none")},
		{"backup", "--data", dir, "--tenant", string(id.NewTenant())},
	} {
		if _, errs := ran(t, 1, args...); errs == "" {
			t.Errorf("%q says nothing", args)
		}
	}
}

func TestABackupIsMadeBesideAWriterAndARestoreIsNot(t *testing.T) {
	t.Parallel()
	dir, _ := agentData(t, "env_a")
	tenant := filled(t, dir)
	file := filepath.Join(t.TempDir(), "b.dyo")
	inTenant(t, dir, tenant, func(s *tenantstore.Store) {
		_, err := s.Do(t.Context(), tenantstore.Command{Kind: "test"}, func(tx *tenantstore.Tx) error {
			return tx.Put("goals", "g", map[string]any{"still": "in the log"})
		})
		noError(t, err)
		ran(t, 0, "backup", "--data", dir, "--out", file)
		out, _ := ran(t, 0, "verify", "--data", dir)
		wantText(t, out, "fine: 4 entries")
		_, errs := ran(t, 1, "restore", file, "--data", dir, "--replace")
		wantText(t, errs, "Another process has this store open")
	})
	out, _ := ran(t, 0, "verify", file)
	wantText(t, out, "fine: 4 entries")
}

// On MongoDB the present documents cannot stay beside the restored ones.
func TestARestoreOnMongoDBBacksUpWhatItReplaces(t *testing.T) {
	server := mongo.Get(t)
	database := server.Database(t)[:20]
	t.Setenv("MONGODB_URI", server.URI)
	t.Setenv("MONGODB_DATABASE", database)
	t.Setenv("DEPLOYMENT_MODE", "smb")
	t.Chdir(t.TempDir())
	dir, key := agentData(t, "env_a")
	tenant := id.NewTenant()
	write := func(from, to int) {
		cluster, err := tenantstore.NewMongoFactory(t.Context(), server.URI, tenantstore.MongoOptions{Database: database}, app.Collections())
		noError(t, err)
		shelf := tenantstore.NewShelf(cluster, 1)
		noError(t, shelf.Create(t.Context(), tenant))
		s, release, err := shelf.Open(t.Context(), tenant)
		noError(t, err)
		for i := from; i <= to; i++ {
			_, err := s.Do(t.Context(), tenantstore.Command{Kind: "test"}, func(tx *tenantstore.Tx) error {
				return tx.Put("goals", "g", map[string]any{"i": i})
			})
			noError(t, err)
		}
		release()
		noError(t, shelf.Close())
	}
	write(1, 4)
	ran(t, 0, "backup", "--data", dir, "--out", "b.dyo")
	write(5, 6)
	ran(t, 1, "restore", "b.dyo", "--data", dir)
	out, _ := ran(t, 0, "restore", "b.dyo", "--data", dir, "--replace")
	wantText(t, out, "slot 4", "Kept", ".before-restore-")
	out, _ = ran(t, 0, "verify", "--data", dir)
	wantText(t, out, "fine: 4 entries")
	kept, err := filepath.Glob("*.before-restore-*.dyo")
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	out, _ = ran(t, 0, "verify", kept[0], "--key", key)
	wantText(t, out, "fine: 6 entries")
	fresh := id.NewTenant()
	ran(t, 0, "import", kept[0], "--data", dir, "--tenant", string(fresh))
	out, _ = ran(t, 0, "verify", "--data", dir)
	wantText(t, out, string(tenant), string(fresh))
}
