package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

// pause is how long writes waited, as the product says.
type pause struct {
	Millis   float64
	Attempts int
}

// move is what the product says of one.
type move struct {
	ID       string
	State    string
	Over     bool
	Headline string
	Stages   []struct {
		Name   string
		Millis float64
	}
	Progress         struct{ DocumentsTotal, BytesCopied int64 }
	Pause, PauseBack *pause
	Actions          []struct{ Name string }
	Error            json.RawMessage
}

func (m move) offers(action string) bool {
	for _, a := range m.Actions {
		if a.Name == action {
			return true
		}
	}
	return false
}

// spent is how long a stage took.
func (m move) spent(stage string) time.Duration {
	for _, s := range m.Stages {
		if s.Name == stage {
			return milliseconds(s.Millis)
		}
	}
	return 0
}

func milliseconds(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// moveWithin bounds what is waited for in a move.
const moveWithin = 5 * time.Minute

// closedWithin is how long the last move may take to make room for the next one,
// once it is over.
const closedWithin = 5 * time.Second

// begin confirms the move to a plan, which then waits for the button.
func begin(ctx context.Context, c *product.Customer, plan string) error {
	var seen struct {
		Hash     string
		Blockers []struct{ Code, Text string }
	}
	var asked error
	err := product.Until(ctx, closedWithin, func() (bool, string) {
		asked = c.Call(ctx, http.MethodPost, "/v1/moves/preflight", map[string]string{"plan": plan, "interval": "month"}, &seen)
		return asked != nil || len(seen.Blockers) == 0, fmt.Sprint(seen.Blockers)
	})
	if err := errors.Join(err, asked); err != nil {
		return fmt.Errorf("pre-flight: %w", err)
	}
	if err := c.Call(ctx, http.MethodPost, "/v1/moves", map[string]string{"plan": plan, "interval": "month", "confirm": seen.Hash, "when": "asked"}, nil); err != nil {
		return fmt.Errorf("begin to move to %s: %w", plan, err)
	}
	return nil
}

// until watches the move until there says that it is there. A move that is over or
// has failed before is an error.
func until(ctx context.Context, c *product.Customer, there func(move) bool) (move, error) {
	ctx, done := context.WithTimeout(ctx, moveWithin)
	defer done()
	var last move
	err := c.Events(ctx, "/v1/moves/current/events", func(_ string, data []byte) (bool, error) {
		last = move{}
		if err := json.Unmarshal(data, &last); err != nil {
			return false, err
		}
		if there(last) {
			return true, nil
		}
		if last.Over || last.State == "failed" {
			return false, fmt.Errorf("the move is %s: %s %s", last.State, last.Headline, last.Error)
		}
		return false, nil
	})
	if err != nil {
		return last, fmt.Errorf("watch the move, which is %s: %w", last.State, err)
	}
	return last, nil
}

func press(ctx context.Context, c *product.Customer, m move, action string) error {
	if err := c.Call(ctx, http.MethodPost, "/v1/moves/"+m.ID+"/actions", map[string]string{"action": action}, nil); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return nil
}

// The places that a move is waited for at.
func readyToSwitch(m move) bool { return m.State == "ready" && m.offers("switch") }

func canStayOrGo(m move) bool {
	return m.State == "switched" && m.offers("accept") && m.offers("roll_back")
}
func over(m move) bool { return m.Over }
