package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/id"
)

func TestARestoredTenantIsByteForByteWhatWasBackedUp(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 23)
	path, m := here.backup(tenant)
	if report, err := Verify(t.Context(), path, here.public, t.TempDir()); err != nil || !report.OK() || !report.Replayed || !report.Signed.Pinned {
		t.Fatalf("verify: %v %+v", err, report)
	}
	got, err := there.restore(path, Restoring{Key: here.public})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(here.stored(tenant), there.stored(tenant)); diff != "" {
		t.Error(diff)
	}
	r := there.verified(tenant)
	n, _ := m.Documents()
	if r.Slots != 23 || r.Chain != m.Last.Chain || got.Slot != 23 || got.Chain != m.Last.Chain || got.Documents != n || got.LeftOut != 0 {
		t.Errorf("restored %+v of %+v", got, m.Last)
	}
	there.write(tenant, 24, 30) // it accepts writes
	there.verified(tenant)
}

func TestATenantWithoutEntriesComesBackEmpty(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_a")
	tenant := here.tenant()
	path, _ := here.backup(tenant)
	if _, err := there.restore(path, Restoring{}); err != nil {
		t.Fatal(err)
	}
	there.write(tenant, 1, 2)
	there.verified(tenant)
}

func TestEverySlotOfABundleIsTheStateThatWasThen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		here := newPlace(t, "env_a")
		tenant := here.tenant()
		states := []map[string]string{{}}
		here.use(tenant, func(s *tenantstore.Store) {
			for i := range rapid.IntRange(1, 5).Draw(r, "entries") {
				do(t, s, fmt.Sprint(i), func(tx *tenantstore.Tx) error {
					for range rapid.IntRange(1, 4).Draw(r, "writes") {
						key := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(r, "id")
						collection := rapid.SampledFrom([]string{"notes", "others"}).Draw(r, "collection")
						var err error
						if rapid.Bool().Draw(r, "delete") {
							err = tx.Delete(collection, key)
						} else {
							err = tx.Put(collection, key, note{Text: rapid.String().Draw(r, "text"), N: rapid.Int().Draw(r, "n")})
						}
						if err != nil {
							return err
						}
					}
					return nil
				})
				states = append(states, here.stored(tenant))
			}
		})
		path, m := here.backup(tenant)
		there := newPlace(t, "env_a")
		for slot := int64(1); slot <= m.Last.Slot; slot++ {
			got, err := there.restore(path, Restoring{Until: Until{Slot: slot}, Replace: slot > 1})
			if err != nil {
				r.Fatal(err)
			}
			if diff := cmp.Diff(states[slot], there.stored(tenant)); diff != "" {
				r.Fatalf("slot %d: %s", slot, diff)
			}
			if got.Slot != slot || got.LeftOut != m.Last.Slot-slot {
				r.Fatalf("slot %d: %+v", slot, got)
			}
			there.verified(tenant)
		}
	})
}

func TestAMomentIsTheLastEntryThatIsNotLater(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 5)
	var times []time.Time
	here.raw(tenant, func(raw *tenantstore.Raw) {
		entries, err := raw.Entries(t.Context(), tenantstore.Start(), 100, 1<<20)
		noError(t, err)
		for _, e := range entries {
			times = append(times, e.Time)
		}
	})
	path, _ := here.backup(tenant)
	for i, at := range times {
		got, err := there.restore(path, Restoring{Until: Until{Time: at}, Replace: i > 0})
		if err != nil || got.Slot < int64(i+1) || !got.Time.Equal(times[got.Slot-1]) || got.Time.After(at) {
			t.Errorf("at entry %d: %+v, %v", i+1, got, err)
		}
	}
	_, err := there.restore(path, Restoring{Until: Until{Time: times[0].Add(-time.Second)}, Replace: true})
	wantErr(t, "before the beginning", err, ErrPoint)
	_, err = there.restore(path, Restoring{Until: Until{Slot: 6}, Replace: true})
	wantErr(t, "behind the end", err, ErrPoint)
}

func TestAChangedByteAnywhereIsFound(t *testing.T) {
	t.Parallel()
	here := newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 3)
	for _, kind := range []struct {
		name  string
		write func(context.Context, *tenantstore.Raw, Making, io.Writer) (Manifest, error)
	}{{"backup", WriteBackup}, {"export", WriteExport}} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			path, _ := here.written(tenant, kind.write)
			good := read(t, path)
			victim := filepath.Join(t.TempDir(), "v"+Suffix)
			for at := range good {
				bad := bytes.Clone(good)
				bad[at] ^= 1 << (at % 8)
				if err := os.WriteFile(victim, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				report, err := Check(t.Context(), victim, here.public)
				if err != nil || report.OK() {
					t.Fatalf("byte %d of %d: %v, %+v", at, len(good), err, report)
				}
			}
		})
	}
}

// repacked is a bundle whose parts were changed by somebody who knows the form,
// and who sealed it again.
func repacked(t *testing.T, path string, change func(name string, body []byte) (string, []byte)) string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := newPacker(&out, time.Unix(0, 0))
	for in := tar.NewReader(zip); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		noError(t, err)
		if name, body := change(head.Name, body); name != "" {
			noError(t, p.add(name, body))
		}
	}
	noError(t, errors.Join(p.tar.Close(), p.zip.Close()))
	out.Write(seal(p.sum.Sum(nil)))
	return changed(t, out.Bytes())
}

func TestAPartThatWasChangedAndSealedAgainIsNamed(t *testing.T) {
	t.Parallel()
	here := newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 6)
	path, m := here.backup(tenant)
	if report, err := Check(t.Context(), repacked(t, path, func(name string, body []byte) (string, []byte) { return name, body }), here.public); err != nil || !report.OK() {
		t.Fatalf("repacked unchanged: %v %q", err, report.Problems)
	}
	names := []string{manifestName, signatureName}
	for _, p := range m.Parts {
		names = append(names, p.Name)
	}
	for _, victim := range names {
		for what, change := range map[string]func(name string, body []byte) (string, []byte){
			"a flipped byte": func(name string, body []byte) (string, []byte) {
				bad := bytes.Clone(body)
				bad[len(bad)/2] ^= 1
				return name, bad
			},
			"a missing part": func(string, []byte) (string, []byte) { return "", nil },
			"a cut part":     func(name string, body []byte) (string, []byte) { return name, body[:len(body)-2] },
			"another name":   func(name string, body []byte) (string, []byte) { return "x" + name, body },
		} {
			report, err := Check(t.Context(), repacked(t, path, func(name string, body []byte) (string, []byte) {
				if name == victim {
					return change(name, body)
				}
				return name, body
			}), here.public)
			if err != nil || report.OK() || !strings.Contains(strings.Join(report.Problems, "\n"), strings.TrimSuffix(victim, ".sig")) {
				t.Errorf("%s in %s: %v %q", what, victim, err, report.Problems)
			}
		}
	}
	report, err := Check(t.Context(), repacked(t, path, func(name string, body []byte) (string, []byte) {
		if strings.HasPrefix(name, journalDir) {
			all := bytes.SplitAfter(body, []byte("\n"))
			all[1], all[2] = all[2], all[1]
			return name, bytes.Join(all, nil)
		}
		return name, body
	}), here.public)
	if err != nil || !strings.Contains(strings.Join(report.Problems, "\n"), "entry 2 does not follow") {
		t.Errorf("swapped entries: %v %q", err, report.Problems)
	}
}

func TestABundleThatWasCutOffIsRefused(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 6)
	path, _ := here.backup(tenant)
	good := read(t, path)
	for length := 0; length < len(good); length += 7 {
		cut := changed(t, good[:length])
		report, err := Check(t.Context(), cut, "")
		if err != nil || report.OK() {
			t.Fatalf("%d of %d bytes: %v %+v", length, len(good), err, report)
		}
	}
	_, err := there.restore(changed(t, good[:len(good)-1]), Restoring{})
	wantErr(t, "restore", err, ErrDamaged)
	_, err = there.restore(changed(t, append(bytes.Clone(good), 0)), Restoring{})
	wantErr(t, "restore with a byte more", err, ErrDamaged)
	_, err = there.restore(filepath.Join(t.TempDir(), "none.dyo"), Restoring{})
	wantErr(t, "restore no file", err, ErrNotOurs)
	if tenants, err := there.shelf.Tenants(t.Context()); err != nil || len(tenants) > 0 {
		t.Errorf("left %v, %v", tenants, err)
	}
}

func TestABundleOfAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 3)
	path, _ := here.backup(tenant)
	_, err := there.restore(path, Restoring{Key: there.public})
	wantErr(t, "restore", err, ErrKey)
	report, err := Check(t.Context(), path, "")
	if err != nil || !report.OK() || report.Signed.Pinned || report.Signed.Key != here.public || report.Signed.Fingerprint == "" {
		t.Errorf("without a key: %v %+v", err, report)
	}
	// Somebody signs what he changed with a key of his own.
	forged := repacked(t, path, func(name string, body []byte) (string, []byte) {
		if name == manifestName {
			return name, bytes.Replace(body, []byte(`"program": "test"`), []byte(`"program": "evil"`), 1)
		}
		return name, body
	})
	report, err = Check(t.Context(), forged, here.public)
	if err != nil || report.OK() {
		t.Errorf("forged: %v %+v", err, report)
	}
	m := here.making(tenant)
	m.Signer = nil
	here.raw(tenant, func(raw *tenantstore.Raw) {
		_, err := WriteBackup(t.Context(), raw, m, io.Discard)
		wantErr(t, "backup without a key", err, ErrUnsigned)
	})
}

func TestAFullDiskLeavesNoBundle(t *testing.T) {
	t.Parallel()
	here := newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 9)
	path, _ := here.backup(tenant)
	size := len(read(t, path))
	dir := t.TempDir()
	here.raw(tenant, func(raw *tenantstore.Raw) {
		for space := 0; space < size; space += 101 {
			err := WriteFile(filepath.Join(dir, "b"+Suffix), func(w io.Writer) error {
				_, err := WriteBackup(t.Context(), raw, here.making(tenant), &quota{to: w, left: space})
				return err
			})
			wantErr(t, fmt.Sprintf("%d bytes of space", space), err, errFull)
		}
	})
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	wantErr(t, "write over a file", WriteFile(path, func(io.Writer) error { return nil }), ErrFile)
}

func TestABackupBesideAWriterEndsWhereTheJournalEndedThen(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 20)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 21; ; i++ {
			select {
			case <-stop:
				return
			default:
				here.write(tenant, i, i)
			}
		}
	}()
	var paths []string
	for range 5 {
		path, m := here.backup(tenant)
		if m.Last.Slot < 20 {
			t.Errorf("ends at slot %d", m.Last.Slot)
		}
		paths = append(paths, path)
		exported, _ := here.written(tenant, WriteExport)
		if report, err := Check(t.Context(), exported, here.public); err != nil || !report.OK() {
			t.Errorf("export: %v %q", err, report.Problems)
		}
	}
	close(stop)
	<-stopped
	for i, path := range paths {
		got, err := there.restore(path, Restoring{Replace: i > 0})
		if err != nil {
			t.Fatal(err)
		}
		if r := there.verified(tenant); r.Slots != got.Slot {
			t.Errorf("%d slots, restored %d", r.Slots, got.Slot)
		}
	}
}

func TestARestoreOverATenantNeedsToBeAskedForAndKeepsIt(t *testing.T) {
	t.Parallel()
	here := newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 6)
	path, _ := here.backup(tenant)
	here.write(tenant, 7, 9)
	before := here.stored(tenant)
	_, err := here.restore(path, Restoring{})
	wantErr(t, "restore", err, tenantstore.ErrExists)
	if diff := cmp.Diff(before, here.stored(tenant)); diff != "" {
		t.Error(diff)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Restore(ended, here.shelf, notes(), path, Restoring{Self: here.env, Replace: true}); err == nil {
		t.Error("restored although it was called off")
	}
	if diff := cmp.Diff(before, here.stored(tenant)); diff != "" {
		t.Error(diff)
	}
	got, err := here.restore(path, Restoring{Replace: true})
	if err != nil || !strings.Contains(got.Kept, string(tenant)+".db.before-restore-") {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := os.Stat(got.Kept); err != nil {
		t.Error(err)
	}
	if r := here.verified(tenant); r.Slots != 6 {
		t.Errorf("%d slots", r.Slots)
	}
}

// moved is a tenant of env_a that was handed over to env_b.
func moved(t *testing.T, here *place) id.Tenant {
	t.Helper()
	tenant := here.tenant()
	here.write(tenant, 1, 4)
	here.use(tenant, func(s *tenantstore.Store) {
		_, err := s.BeginMove(t.Context(), "mv", 1, "env_a", "env_b")
		noError(t, err)
		w, err := s.Cut(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.HandOver(t.Context(), "env_a", "mv", 1, w.Tail)
		noError(t, err)
	})
	return tenant
}

func TestARestoreNeverCompetesWithAnOwnerElsewhereByItself(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_b")
	tenant := moved(t, here)
	path, m := here.backup(tenant)
	if m.Owner != "env_b" || m.Last.Slot != 6 {
		t.Fatalf("%+v", m)
	}
	for _, until := range []Until{{}, {Slot: 3}} {
		_, err := here.restore(path, Restoring{Replace: true, Until: until})
		wantErr(t, "restore at the former owner", err, ErrNotOwner)
	}

	got, err := there.restore(path, Restoring{})
	if err != nil || len(got.Added) != 1 { // the move had not been ended
		t.Fatalf("restore at the owner: %+v, %v", got, err)
	}
	there.write(tenant, 5, 8)
	there.verified(tenant)

	got, err = here.restore(path, Restoring{Replace: true, TakeOver: true})
	if err != nil || len(got.Added) != 2 || got.Slot != 6 || got.Chain != m.Last.Chain {
		t.Fatalf("take over: %+v, %v", got, err)
	}
	here.write(tenant, 5, 8)
	if r := here.verified(tenant); r.Slots != 12 {
		t.Errorf("%d slots", r.Slots)
	}
	again, m := here.backup(tenant)
	if m.Owner != "env_a" {
		t.Errorf("owner %s", m.Owner)
	}
	if report, err := Verify(t.Context(), again, here.public, t.TempDir()); err != nil || !report.OK() {
		t.Errorf("%v %q", err, report.Problems)
	}

	// Back to before the move: still nobody else's, and no hand-over is left.
	got, err = here.restore(again, Restoring{Replace: true, Until: Until{Slot: 4}})
	if err != nil || len(got.Added) != 0 {
		t.Errorf("before the move: %+v, %v", got, err)
	}
	// Back into the time when the other one owned it: it comes back by an entry.
	got, err = here.restore(again, Restoring{Replace: true, Until: Until{Slot: 6}})
	if err != nil || len(got.Added) != 2 {
		t.Errorf("in between: %+v, %v", got, err)
	}
	here.write(tenant, 20, 21)
	here.verified(tenant)
}

func TestABundleOfAnotherEnvironmentNeedsATakeOver(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_b")
	tenant := here.tenant()
	here.write(tenant, 1, 3)
	path, _ := here.backup(tenant)
	_, err := there.restore(path, Restoring{})
	wantErr(t, "restore elsewhere", err, ErrNotOwner)
	got, err := there.restore(path, Restoring{TakeOver: true})
	if err != nil || len(got.Added) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	there.write(tenant, 4, 5)
	there.verified(tenant)
}

func TestACopyInTheMakingIsNotBackedUp(t *testing.T) {
	t.Parallel()
	here := newPlace(t, "env_b")
	tenant := id.NewTenant()
	_, release, err := here.shelf.Prepare(t.Context(), tenant, tenantstore.Standby{Move: "mv", Claim: 1, Base: tenantstore.Start()}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	here.raw(tenant, func(raw *tenantstore.Raw) {
		_, err := WriteBackup(t.Context(), raw, here.making(tenant), io.Discard)
		wantErr(t, "backup", err, ErrStandby)
	})
}

func TestWhatIsExportedComesBackByImport(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_b")
	tenant := here.tenant()
	here.write(tenant, 1, 23)
	here.use(tenant, func(s *tenantstore.Store) {
		for i := range 3 {
			do(t, s, "", func(tx *tenantstore.Tx) error {
				for j := range 200 {
					if err := tx.Put("others", fmt.Sprintf("many/%03d", 200*i+j), note{N: j}); err != nil {
						return err
					}
				}
				return nil
			})
		}
	})
	for name, write := range map[string]func(context.Context, *tenantstore.Raw, Making, io.Writer) (Manifest, error){"backup": WriteBackup, "export": WriteExport} {
		path, m := here.written(tenant, write)
		fresh := id.NewTenant()
		got, err := Import(t.Context(), there.shelf, notes(), path, Importing{Tenant: fresh, Key: here.public, TempDir: t.TempDir()})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(here.living(tenant), there.living(fresh)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		n, _ := m.Documents()
		if got.Documents != n || got.From != tenant || got.Slot != 3 { // 608 documents
			t.Errorf("%s: %+v of %d", name, got, n)
		}
		there.verified(fresh)
		there.use(fresh, func(s *tenantstore.Store) {
			var n note
			noError(t, s.Get(t.Context(), "notes", "n0", &n)) // written by command 21
			if content, err := s.GetBlob(t.Context(), *n.File); err != nil || string(content) != "the content of file 7" {
				t.Errorf("%s: %q, %v", name, content, err)
			}
		})
		_, err = Import(t.Context(), there.shelf, notes(), path, Importing{Tenant: fresh, TempDir: t.TempDir()})
		wantErr(t, name+" into a tenant that exists", err, tenantstore.ErrExists)
		skipped := id.NewTenant()
		got, err = Import(t.Context(), there.shelf, notes(), path, Importing{Tenant: skipped, Skip: []string{"others"}, TempDir: t.TempDir()})
		if err != nil || got.Skipped != 601 {
			t.Errorf("%s with a collection left behind: %+v, %v", name, got, err)
		}
	}
	path, _ := here.written(tenant, WriteExport)
	_, err := here.restore(path, Restoring{Replace: true})
	wantErr(t, "restore an export", err, ErrKind)
}

func TestAnImportThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_b")
	tenant := here.tenant()
	here.write(tenant, 1, 3)
	path, _ := here.written(tenant, WriteExport)
	_, err := Import(t.Context(), there.shelf, notes()[:1], path, Importing{Tenant: id.NewTenant()}) // knows no others
	if err == nil {
		t.Fatal("imported what it does not know")
	}
	if tenants, err := there.shelf.Tenants(t.Context()); err != nil || len(tenants) > 0 {
		t.Errorf("left %v, %v", tenants, err)
	}
}

func TestABlobThatWasMissingIsTold(t *testing.T) {
	t.Parallel()
	here, there := newPlace(t, "env_a"), newPlace(t, "env_a")
	tenant := here.tenant()
	absent := strings.Repeat("ab", 32)
	here.use(tenant, func(s *tenantstore.Store) {
		do(t, s, "", func(tx *tenantstore.Tx) error {
			return tx.Put("notes", "x", note{File: &tenantstore.Blob{Hash: absent, Size: 7}})
		})
	})
	path, m := here.backup(tenant)
	if !slices.Equal(m.Absent, []string{absent}) {
		t.Errorf("absent %v", m.Absent)
	}
	report, err := Verify(t.Context(), path, here.public, t.TempDir())
	if err != nil || !report.OK() || len(report.Notes) != 1 {
		t.Errorf("%v %+v", err, report)
	}
	if _, err := there.restore(path, Restoring{}); err != nil {
		t.Error(err)
	}
}

func TestTheDrill(t *testing.T) {
	t.Parallel()
	here := newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 40)
	then, at := here.stored(tenant), time.Now()
	for !time.Now().After(at) { // the clock has to move on
	}
	here.write(tenant, 41, 60) // somebody does damage
	path, m := here.backup(tenant)
	got, err := here.restore(path, Restoring{Key: here.public, Until: Until{Time: at}, Replace: true})
	if err != nil || got.Slot != 40 || got.LeftOut != m.Last.Slot-40 {
		t.Fatalf("%+v, %v", got, err)
	}
	now := here.stored(tenant)
	if diff := cmp.Diff(then, now); diff != "" {
		t.Error(diff)
	}
	here.write(tenant, 41, 45)
	here.verified(tenant)
}

func TestEveryProgramUnpacksABundle(t *testing.T) {
	t.Parallel()
	here := newPlace(t, "env_a")
	tenant := here.tenant()
	here.write(tenant, 1, 3)
	path, m := here.backup(tenant)
	zip, err := gzip.NewReader(bytes.NewReader(read(t, path))) // all members, the seal too
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var manifest Manifest
	for in := tar.NewReader(zip); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, head.Name)
		if head.Name == manifestName {
			noError(t, json.NewDecoder(in).Decode(&manifest))
		}
	}
	if _, err := io.Copy(io.Discard, zip); err != nil {
		t.Error(err)
	}
	if len(names) != len(m.Parts)+2 || !slices.Equal(names[len(names)-2:], []string{manifestName, signatureName}) || manifest.Last.Chain != m.Last.Chain {
		t.Errorf("%v", names)
	}
}
