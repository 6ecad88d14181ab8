package keyring_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/keyring"
	"github.com/dyocense/dyocense/shared/secret"
)

func master(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

func load(t *testing.T, keys ...string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Load(secret.Text(strings.Join(keys, ",")), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealedTextOpensForItsContextOnly(t *testing.T) {
	t.Parallel()
	r := load(t, master(1))
	sealed := r.Seal("totp/ada", []byte("the seed"))
	if plain, stale, err := r.Open("totp/ada", sealed); err != nil || stale || string(plain) != "the seed" {
		t.Errorf("Open = %q, %v, %v", plain, stale, err)
	}
	if strings.Contains(sealed, "seed") || sealed == r.Seal("totp/ada", []byte("the seed")) {
		t.Error("sealing twice gives the same text, or shows it")
	}
	if _, _, err := r.Open("totp/eve", sealed); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("for another context: %v; want ErrSealed", err)
	}
}

func TestSealedTextThatWasChangedDoesNotOpen(t *testing.T) {
	t.Parallel()
	r := load(t, master(1))
	sealed := r.Seal("c", []byte("x"))
	head := sealed[:strings.LastIndex(sealed, ".")+1]
	for name, s := range map[string]string{
		"empty": "", "no dots": "v1", "another version": "v2" + sealed[2:], "too short": head + "AAAA", "no base64": head + "!!",
		"another key": "v1.00000000." + sealed[len(head):], "a bit flipped": flip(sealed), "more behind it": sealed + "A",
	} {
		if _, _, err := r.Open("c", s); !errors.Is(err, keyring.ErrSealed) {
			t.Errorf("%s: %v; want ErrSealed", name, err)
		}
	}
}

func flip(s string) string {
	at := len(s) - 5
	c := byte('A')
	if s[at] == c {
		c = 'B'
	}
	return s[:at] + string(c) + s[at+1:]
}

func TestAKeyIsChangedWithoutLosingWhatWasSealed(t *testing.T) {
	t.Parallel()
	before, both, after := load(t, master(1)), load(t, master(2), master(1)), load(t, master(2))
	sealed := before.Seal("c", []byte("x"))
	plain, stale, err := both.Open("c", sealed)
	if err != nil || !stale || string(plain) != "x" {
		t.Fatalf("Open with both keys = %q, %v, %v; want it, and that it is stale", plain, stale, err)
	}
	again := both.Seal("c", plain)
	if _, stale, err := after.Open("c", again); err != nil || stale {
		t.Errorf("Open with the new key = %v, %v", stale, err)
	}
	if _, _, err := after.Open("c", sealed); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("the old text with the new key: %v; want ErrSealed", err)
	}
	if d := both.Derive("p"); len(d) != 2 || !bytes.Equal(d[0], after.Derive("p")[0]) || !bytes.Equal(d[1], before.Derive("p")[0]) {
		t.Error("derived keys are not one for each master key, the newest first")
	}
	if bytes.Equal(both.Derive("p")[0], both.Derive("q")[0]) {
		t.Error("two purposes have the same key")
	}
}

func TestLoadMakesOneKeyForOneDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	rings := make([]*keyring.Ring, 8)
	for i := range rings {
		wg.Go(func() {
			var err error
			if rings[i], err = keyring.Load("", dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	sealed := rings[0].Seal("c", []byte("x"))
	for _, r := range rings {
		if _, _, err := r.Open("c", sealed); err != nil {
			t.Errorf("two processes have two keys: %v", err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key file: %v, %v; want mode 600", info.Mode(), err)
	}
	if err := os.Chmod(filepath.Join(dir, "secret.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Load("", dir); err == nil || !strings.Contains(err.Error(), "600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

func TestLoadRefusesWhatIsNoKeyAndDoesNotShowIt(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"hunter2", base64.StdEncoding.EncodeToString([]byte("hunter2hunter2")), master(1) + ",hunter2", ","} {
		_, err := keyring.Load(secret.Text(s), t.TempDir())
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Load(%q) = %v", s, err)
		}
	}
}
