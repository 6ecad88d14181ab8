package tokens_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
)

func (h house) ask(t *testing.T) tokens.DeviceGrant {
	t.Helper()
	g, err := h.tokens.AskToSignIn(identity.WithOrigin(t.Context(), "198.51.100.7"), "  dyocense-cli\ton  ada's laptop ")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAProgramIsSignedInByThePersonWhoTypesItsCode(t *testing.T) {
	t.Parallel()
	h := open(t)
	g := h.ask(t)
	if !regexp.MustCompile(`^[BCDFGHJ-NP-TV-XZ]{4}-[BCDFGHJ-NP-TV-XZ]{4}$`).MatchString(g.UserCode) || g.Link != site+"/device" {
		t.Errorf("grant = %q at %s", g.UserCode, g.Link)
	}
	if _, err := h.tokens.Exchange(t.Context(), g.DeviceCode); !errors.Is(err, tokens.ErrPending) {
		t.Errorf("before the answer: %v; want ErrPending", err)
	}
	typed := strings.ToLower(strings.ReplaceAll(g.UserCode, "-", " "))
	w, err := h.tokens.Wish(t.Context(), h.ada, typed)
	if err != nil || w.Client != "dyocense-cli on ada's laptop" || w.Origin != "198.51.100.7" {
		t.Errorf("Wish = %+v, %v", w, err)
	}
	if err := h.tokens.Answer(t.Context(), h.ada, typed, true); err != nil {
		t.Fatal(err)
	}
	pair, err := h.tokens.Exchange(t.Context(), g.DeviceCode)
	if err != nil {
		t.Fatal(err)
	}
	if caller, err := h.tokens.Authenticate(t.Context(), pair.Access, anywhere); err != nil || caller.Person != h.ada.Person {
		t.Errorf("Authenticate = %+v, %v", caller, err)
	}
	for name, err := range map[string]error{
		"to look at it":       second(h.tokens.Wish(t.Context(), h.ada, g.UserCode)),
		"to say yes again":    h.tokens.Answer(t.Context(), h.ada, g.UserCode, true),
		"to say no afterward": h.tokens.Answer(t.Context(), h.ada, g.UserCode, false),
	} {
		if !errors.Is(err, tokens.ErrNoCode) {
			t.Errorf("%s: %v; want ErrNoCode", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestADeviceCodeMakesOneFamily(t *testing.T) {
	t.Parallel()
	h := open(t)
	g := h.ask(t)
	if err := h.tokens.Answer(t.Context(), h.ada, g.UserCode, true); err != nil {
		t.Fatal(err)
	}
	first, err := h.tokens.Exchange(t.Context(), g.DeviceCode)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Move(9 * time.Second)
	if again, err := h.tokens.Exchange(t.Context(), g.DeviceCode); err != nil || again.Refresh != first.Refresh {
		t.Errorf("a lost answer: %v; is it the same: %v", err, again.Refresh == first.Refresh)
	}
	h.clock.Move(2 * time.Second)
	if _, err := h.tokens.Exchange(t.Context(), g.DeviceCode); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("later: %v; want ErrGrant", err)
	}
	if list := h.programs(t); len(list) != 1 {
		t.Errorf("%d programs; want 1", len(list))
	}
}

func TestAnExchangeIsFinishedAfterACrashAtEachWrite(t *testing.T) {
	t.Parallel()
	for writes := range 3 {
		h := open(t)
		g := h.ask(t)
		if err := h.tokens.Answer(t.Context(), h.ada, g.UserCode, true); err != nil {
			t.Fatal(err)
		}
		_, broken := h.onDying(t, tenancytest.DyingAfter(h.store, writes))
		if _, err := broken.Exchange(t.Context(), g.DeviceCode); (err == nil) != (writes == 2) {
			t.Errorf("with %d writes: %v", writes, err)
		}
		h.clock.Move(5 * time.Second) // the program asks again
		pair, err := h.tokens.Exchange(t.Context(), g.DeviceCode)
		if err != nil {
			t.Errorf("after %d writes: %v", writes, err)
		}
		if _, err := h.refresh(t, pair.Refresh); err != nil {
			t.Errorf("after %d writes, the refresh token: %v", writes, err)
		}
		if list := h.programs(t); len(list) != 1 {
			t.Errorf("after %d writes: %d programs; want 1", writes, len(list))
		}
	}
}

func TestAProgramThatAsksTooOftenMustAskLessOften(t *testing.T) {
	t.Parallel()
	h := open(t)
	g := h.ask(t)
	poll := func(after time.Duration, want error) {
		t.Helper()
		h.clock.Move(after)
		if _, err := h.tokens.Exchange(t.Context(), g.DeviceCode); !errors.Is(err, want) {
			t.Errorf("%v; want %v", err, want)
		}
	}
	poll(0, tokens.ErrPending)
	poll(5*time.Second, tokens.ErrPending)
	poll(4*time.Second, tokens.ErrSlowDown)
	poll(9*time.Second, tokens.ErrSlowDown) // ten since then
	poll(15*time.Second, tokens.ErrPending)
}

func TestANoAndAnOldCodeAreToldToTheProgram(t *testing.T) {
	t.Parallel()
	h := open(t)
	denied, old, late := h.ask(t), h.ask(t), h.ask(t)
	if err := h.tokens.Answer(t.Context(), h.ada, denied.UserCode, false); err != nil {
		t.Fatal(err)
	}
	if _, err := h.tokens.Exchange(t.Context(), denied.DeviceCode); !errors.Is(err, tokens.ErrDenied) {
		t.Errorf("after a no: %v; want ErrDenied", err)
	}
	if err := h.tokens.Answer(t.Context(), h.ada, late.UserCode, true); err != nil {
		t.Fatal(err)
	}
	h.clock.Move(10 * minute)
	for _, g := range []tokens.DeviceGrant{old, late} {
		if _, err := h.tokens.Exchange(t.Context(), g.DeviceCode); !errors.Is(err, tokens.ErrExpiredCode) {
			t.Errorf("after ten minutes: %v; want ErrExpiredCode", err)
		}
	}
	if err := h.tokens.Answer(t.Context(), h.ada, old.UserCode, true); !errors.Is(err, tokens.ErrNoCode) {
		t.Errorf("a yes after ten minutes: %v; want ErrNoCode", err)
	}
	for _, code := range []string{"", "x", identity.NewToken().Reveal(), old.UserCode} {
		if _, err := h.tokens.Exchange(t.Context(), code); !errors.Is(err, tokens.ErrGrant) {
			t.Errorf("Exchange(%q) = %v; want ErrGrant", code, err)
		}
	}
}

func TestCodesCannotBeTriedWithoutEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	limited := false
	for range 40 {
		if err := second(h.tokens.Wish(t.Context(), h.ada, "BBBB-BBBB")); errors.Is(err, identity.ErrTooMany) {
			limited = true
		}
	}
	if !limited {
		t.Error("forty wrong codes of one person are let through")
	}
}

func TestAPlanWithoutTheAPISignsNoProgramIn(t *testing.T) {
	t.Parallel()
	h := open(t)
	g := h.ask(t)
	h.company.noAPI = true
	if err := h.tokens.Answer(t.Context(), h.ada, g.UserCode, true); !errors.Is(err, tokens.ErrPlan) {
		t.Errorf("yes: %v; want ErrPlan", err)
	}
	if err := h.tokens.Answer(t.Context(), h.ada, g.UserCode, false); err != nil {
		t.Errorf("no: %v", err)
	}
}

func TestAProgramWithoutANameIsNotHeard(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, name := range []string{"", "  ", strings.Repeat("x", 61), "a\x00b", "a\u202eb", "bad \xff"} {
		if _, err := h.tokens.AskToSignIn(t.Context(), name); !errors.Is(err, tokens.ErrRequest) {
			t.Errorf("AskToSignIn(%q) = %v; want ErrRequest", name, err)
		}
	}
}
