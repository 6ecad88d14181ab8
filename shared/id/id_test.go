package id_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/id"
)

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	t.Run("come back from text as they went", func(t *testing.T) {
		t.Parallel()
		want := id.NewTenant()
		if got, err := id.ParseTenant(string(want)); got != want || err != nil {
			t.Errorf("ParseTenant(%q) = %q, %v", want, got, err)
		}
	})
	t.Run("are refused where another kind is meant", func(t *testing.T) {
		t.Parallel()
		if _, err := id.ParseTenant(string(id.NewRun())); !errors.Is(err, id.ErrMalformed) {
			t.Errorf("a run passed for a tenant: %v", err)
		}
	})
	t.Run("never leave the alphabet that paths and subjects allow", func(t *testing.T) {
		t.Parallel()
		good := string(id.NewRun())
		for _, bad := range []string{"", "run_", good + "x", good[:len(good)-1] + "U", good[:len(good)-1] + "/", "../" + good, strings.ToUpper(good), good[:len(good)-1] + "."} {
			if _, err := id.ParseRun(bad); !errors.Is(err, id.ErrMalformed) {
				t.Errorf("ParseRun(%q) = %v, want ErrMalformed", bad, err)
			}
		}
	})
	t.Run("do not repeat", func(t *testing.T) {
		t.Parallel()
		seen := map[id.Event]bool{}
		for range 10_000 {
			e := id.NewEvent()
			if seen[e] {
				t.Fatalf("%s came twice", e)
			}
			seen[e] = true
		}
	})
}
