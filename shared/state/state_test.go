package state_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/state"
)

type (
	light string
	event string
)

var traffic = state.Table[light, event]{
	"red":   {"wait": "green"},
	"green": {"wait": "red", "break": "dark"},
	"dark":  {},
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	l := state.New[light, event]("red", traffic)

	t.Run("follows the table", func(t *testing.T) {
		t.Parallel()
		if got, err := l.Next("red", "wait"); got != "green" || err != nil {
			t.Errorf("Next = %q, %v; want green", got, err)
		}
	})
	t.Run("stays and says so when an event has no place", func(t *testing.T) {
		t.Parallel()
		got, err := l.Next("red", "break")
		if got != "red" || !errors.Is(err, state.ErrImpossible) {
			t.Errorf("Next = %q, %v; want red and ErrImpossible", got, err)
		}
		if l.Allows("red", "break") || !l.Allows("green", "break") {
			t.Error("Allows disagrees with the table")
		}
	})
	t.Run("knows the end", func(t *testing.T) {
		t.Parallel()
		if !l.Final("dark") || l.Final("red") {
			t.Error("only dark is final")
		}
	})
	t.Run("is drawn the same way each time", func(t *testing.T) {
		t.Parallel()
		want := "stateDiagram-v2\n    [*] --> red\n    dark --> [*]\n" +
			"    green --> dark: break\n    green --> red: wait\n    red --> green: wait\n"
		if got := l.Mermaid(); got != want {
			t.Errorf("Mermaid =\n%s\nwant\n%s", got, want)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table state.Table[light, event]
		says  string
	}{
		"a state that cannot be reached": {state.Table[light, event]{"red": {}, "blue": {}}, `"blue" cannot be reached`},
		"an edge into nowhere":           {state.Table[light, event]{"red": {"wait": "green"}}, `"green" has no row`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, c.says) {
					t.Errorf("New said %q, want %q in it", said, c.says)
				}
			}()
			state.New[light, event]("red", c.table)
		})
	}
}
