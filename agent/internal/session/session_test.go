package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/secret"
)

// What needs a control plane is tested with the real one, in e2e/session.

func TestIdentity(t *testing.T) {
	t.Parallel()
	enrolled := contract.Enrolled{V: contract.Version, Agent: "agt_1", Environment: "env_1", JWT: "a.b.c", Expires: time.Now().Add(time.Hour).UTC(), Servers: []string{"nats://127.0.0.1:1"}}

	t.Run("is the same when it is opened again", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		first, err := openIdentity(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := first.enrol(enrolled); err != nil {
			t.Fatal(err)
		}
		if err := first.reached(7); err != nil {
			t.Fatal(err)
		}
		second, err := openIdentity(dir)
		if err != nil {
			t.Fatal(err)
		}
		if env, err := Environment(dir); err != nil || env != "env_1" {
			t.Errorf("environment %q, %v", env, err)
		}
		if env, err := Environment(t.TempDir()); err != nil || env != "" {
			t.Errorf("without an identity: environment %q, %v", env, err)
		}
		if second.public != first.public || second.now().Agent != "agt_1" || second.have() != 7 || !second.usable() {
			t.Errorf("%s %+v %d", second.public, second.now(), second.have())
		}
	})
	t.Run("begins the desired state anew in another environment", func(t *testing.T) {
		t.Parallel()
		i, err := openIdentity(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(i.enrol(enrolled), i.reached(7), i.enrol(enrolled)); err != nil {
			t.Fatal(err)
		}
		if i.have() != 7 {
			t.Errorf("forgot its progress in the same environment: %d", i.have())
		}
		moved := enrolled
		moved.Environment = "env_2"
		if err := i.enrol(moved); err != nil {
			t.Fatal(err)
		}
		if i.have() != 0 {
			t.Errorf("took its progress along: %d", i.have())
		}
	})
	t.Run("renews halfway through the life of its token", func(t *testing.T) {
		t.Parallel()
		i, err := openIdentity(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := i.enrol(enrolled); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(i.halfLife()); left < 29*time.Minute || left > 31*time.Minute {
			t.Errorf("renews in %v of an hour", left)
		}
	})
	t.Run("is refused when others can read the seed", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if _, err := openIdentity(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, seedFile), 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := openIdentity(dir); err == nil || !strings.Contains(err.Error(), "set its mode to 600") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("that is damaged is an error and not a new agent", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if _, err := openIdentity(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, seedFile), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openIdentity(dir); err == nil {
			t.Error("a damaged seed was taken")
		}
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("never shows the token in an error", func(t *testing.T) {
		t.Parallel()
		cfg := Config{ControlPlane: "https://127.0.0.1:1", Dir: t.TempDir(), Name: "x", Mode: "smb", JoinToken: func(context.Context) (secret.Text, error) { return "join_hidden", nil }}
		i, err := openIdentity(cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		err = newEnroller(cfg, i).attempt(t.Context(), "join_hidden")
		if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "join_hidden") {
			t.Errorf("got %v", err)
		}
	})
}
