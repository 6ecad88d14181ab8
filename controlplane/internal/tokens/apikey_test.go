package tokens_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

func reading(name string) tokens.KeyWish {
	return tokens.KeyWish{Name: name, Scopes: []string{"data:read"}}
}

func (h house) key(t *testing.T, w tokens.KeyWish) (tokens.KeyView, string) {
	t.Helper()
	view, text, err := h.tokens.MakeKey(t.Context(), h.ada, w)
	if err != nil {
		t.Fatal(err)
	}
	return view, text
}

func (h house) use(t *testing.T, text string) (tokens.Caller, error) {
	t.Helper()
	return h.tokens.Authenticate(t.Context(), text, anywhere)
}

func (h house) stored(t *testing.T) tokens.KeyView {
	t.Helper()
	list, err := h.tokens.Keys(t.Context(), h.ada.Tenant)
	if err != nil || len(list) == 0 {
		t.Fatalf("Keys = %v, %v", list, err)
	}
	return list[0]
}

func TestAKeyAsksInItsMakersNameWithinItsScopes(t *testing.T) {
	t.Parallel()
	h := open(t)
	view, text := h.key(t, tokens.KeyWish{Name: " Nightly  export ", Scopes: []string{"decisions:read", "data:read", "data:read"}})
	if view.Name != "Nightly export" || view.Expires.Sub(view.Made) != 90*day || !strings.HasSuffix(text, view.End) {
		t.Errorf("view = %+v", view)
	}
	caller, err := h.use(t, text)
	if err != nil || caller.Person != h.ada.Person || caller.Tenant != h.ada.Tenant || caller.Via != string(view.ID) ||
		!slices.Equal(caller.Scopes, []string{"data:read", "decisions:read"}) {
		t.Fatalf("Authenticate = %+v, %v", caller, err)
	}
	ctx := identity.With(t.Context(), caller.Who)
	if _, err := tenancy.Require(ctx, tenancy.Data, tenancy.Read); err != nil {
		t.Errorf("what it was given: %v", err)
	}
	if _, err := tenancy.Require(ctx, tenancy.Billing, tenancy.Manage); !errors.Is(err, tenancy.ErrScope) || !strings.Contains(err.Error(), "billing:manage") {
		t.Errorf("what its maker may but it was not given: %v; want ErrScope", err)
	}
	if _, err := identity.Require(ctx); !errors.Is(err, identity.ErrKey) {
		t.Errorf("what is a person's own: %v; want ErrKey", err)
	}
	h.company.is(h.ada.Person, contract.RoleViewer)
	_, writing := h.key(t, tokens.KeyWish{Name: "w", Scopes: []string{"data:write"}})
	if caller, err = h.use(t, writing); err != nil {
		t.Fatal(err)
	}
	if _, err := tenancy.Require(identity.With(t.Context(), caller.Who), tenancy.Data, tenancy.Write); !errors.Is(err, tenancy.ErrForbidden) {
		t.Errorf("what its maker may not do any more: %v; want ErrForbidden", err)
	}
}

func TestAKeyIsRestrictedLikeItsMaker(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, text := h.key(t, tokens.KeyWish{Name: "a", Scopes: []string{"data:read", "data:write"}})
	h.company.restricted = tenancy.ErrForbidden
	caller, err := h.use(t, text)
	if err != nil {
		t.Fatal(err)
	}
	ctx := identity.With(t.Context(), caller.Who)
	if _, err := tenancy.Require(ctx, tenancy.Data, tenancy.Read); err != nil {
		t.Errorf("reading: %v", err)
	}
	if _, err := tenancy.Require(ctx, tenancy.Data, tenancy.Write); !errors.Is(err, tenancy.ErrForbidden) {
		t.Errorf("writing: %v; want what restricts its maker", err)
	}
}

func TestALeakedKeyIsRecognisedOffline(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, text := h.key(t, reading("a"))
	if !regexp.MustCompile(`^dyo_live_[0-9a-z]{52}_[0-9A-Za-z]{28}$`).MatchString(text) {
		t.Errorf("a key looks like %s", regexp.MustCompile(`[0-9A-Za-z]`).ReplaceAllString(text, "x"))
	}
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var sum uint64
	for _, c := range text[len(text)-6:] {
		sum = sum*62 + uint64(strings.IndexRune(digits, c))
	}
	if uint64(crc32.ChecksumIEEE([]byte(text[:len(text)-6]))) != sum {
		t.Error("the last six characters are not the CRC-32 of the others in base 62")
	}
}

func TestTheStoreHoldsNoKey(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, text := h.key(t, reading("a"))
	refresh := h.signIn(t).Refresh
	for _, c := range []string{tokens.KeyBooksCollection, tokens.FamiliesCollection, "device_grants"} {
		page, err := h.store.Find(t.Context(), c, docstore.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Docs {
			for _, secret := range []string{text[len(text)-28:], text[len(text)-28 : len(text)-6], refresh[31:74]} {
				if strings.Contains(string(d.Body), secret) {
					t.Errorf("%s holds a secret", c)
				}
			}
		}
	}
}

func TestNothingButTheKeyItselfIsAKey(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, text := h.key(t, reading("a"))
	head, body := text[:len("dyo_live_")], text[len("dyo_live_"):]
	other := strings.TrimPrefix(string(id.NewTenant()), "ten_")
	for _, s := range []string{
		"", "dyo_live_", text[:len(text)-1], text + "0", strings.ToUpper(text), strings.Replace(text, "live", "test", 1),
		head + body[:26] + other + body[52:], checked(head + body[:26] + other + body[52:len(body)-6]),
		checked(text[:len(text)-28] + strings.Repeat("0", 22)), checked(head + strings.Repeat("0", 26) + body[26:len(body)-6]),
		"x.y", strings.Repeat("a", 4000),
	} {
		if _, err := h.use(t, s); !errors.Is(err, tokens.ErrToken) {
			t.Errorf("%.40q: %v; want ErrToken", s, err)
		}
	}
	if _, err := h.use(t, checked(text[:len(text)-6])); err != nil {
		t.Errorf("the key, put together by this test: %v", err)
	}
}

// checked adds the checksum that anybody can compute.
func checked(s string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	n, sum := crc32.ChecksumIEEE([]byte(s)), make([]byte, 6)
	for i := 5; i >= 0; i-- {
		sum[i] = digits[n%62]
		n /= 62
	}
	return s + string(sum)
}

func TestAKeyEndsWhenItIsTooOld(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, text := h.key(t, tokens.KeyWish{Name: "short", Scopes: []string{"data:read"}, Days: 1})
	h.clock.Move(day - time.Second)
	if _, err := h.use(t, text); err != nil {
		t.Errorf("in time: %v", err)
	}
	h.clock.Move(time.Second)
	if _, err := h.use(t, text); !errors.Is(err, tokens.ErrToken) {
		t.Errorf("too old: %v; want ErrToken", err)
	}
	for range 2 {
		if k := h.stored(t); k.State != tokens.KeyEnded || k.Reason != tokens.KeyExpired {
			t.Errorf("it is shown as %+v", k)
		}
		if err := h.tokens.Sweep(t.Context()); err != nil { // the second time it is the sweep that says so
			t.Fatal(err)
		}
	}
	if events := h.announced(t, tokens.KeyBooksCollection); !slices.Equal(events, []string{tokens.EventKeyMade, tokens.EventKeyEnded}) {
		t.Errorf("announced: %v; want each once", events)
	}
}

func TestAKeyEndsWithTheMembershipOfItsMakerForGood(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(h house, text string) error{
		"found at its next use": func(h house, text string) error {
			if _, err := h.tokens.Authenticate(t.Context(), text, anywhere); !errors.Is(err, tokens.ErrToken) {
				return fmt.Errorf("its use: %w; want ErrToken", err)
			}
			return nil
		},
		"found by the sweep": func(h house, _ string) error { return h.tokens.Sweep(t.Context()) },
		"told by an event":   func(h house, _ string) error { return h.tokens.MemberLeft(t.Context(), h.ada.Tenant, h.ada.Person) },
	} {
		h := open(t)
		_, text := h.key(t, reading("a"))
		program := h.signIn(t)
		h.company.is(h.ada.Person, "")
		if err := leave(h, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h.company.is(h.ada.Person, contract.RoleOwner)
		if _, err := h.use(t, text); !errors.Is(err, tokens.ErrToken) {
			t.Errorf("%s: after coming back: %v; want ErrToken", name, err)
		}
		if k := h.stored(t); k.Reason != tokens.KeyOrphaned {
			t.Errorf("%s: it is shown as %+v", name, k)
		}
		if _, err := h.use(t, program.Access); name == "told by an event" && !errors.Is(err, tokens.ErrToken) {
			t.Errorf("%s: the program: %v; want ErrToken", name, err)
		}
	}
}

func TestAKeyComesFromItsNetworksOnly(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, text := h.key(t, tokens.KeyWish{Name: "office", Scopes: []string{"data:read"}, Networks: []string{"203.0.113.0/24", " 2001:db8:1::/48 ", "192.0.2.7"}})
	for address, want := range map[string]error{
		"203.0.113.200": nil, "::ffff:203.0.113.9": nil, "2001:db8:1:2::3": nil, "192.0.2.7": nil,
		"203.0.114.1": tokens.ErrAddress, "2001:db8:2::1": tokens.ErrAddress, "192.0.2.8": tokens.ErrAddress,
	} {
		if _, err := h.tokens.Authenticate(t.Context(), text, netip.MustParseAddr(address)); !errors.Is(err, want) {
			t.Errorf("from %s: %v; want %v", address, err, want)
		}
	}
	if _, err := h.tokens.Authenticate(t.Context(), text, netip.Addr{}); !errors.Is(err, tokens.ErrAddress) {
		t.Errorf("from nowhere: %v; want ErrAddress", err)
	}
	if got := h.stored(t).Networks; !slices.Equal(got, []string{"203.0.113.0/24", "2001:db8:1::/48", "192.0.2.7/32"}) {
		t.Errorf("networks = %v", got)
	}
}

func TestAWishThatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	analyst := h.ada
	analyst.Role = contract.RoleAnalyst
	for name, c := range map[string]struct {
		who  identity.Who
		wish tokens.KeyWish
		want error
	}{
		"no name":                    {h.ada, tokens.KeyWish{Name: " ", Scopes: []string{"data:read"}}, tokens.ErrName},
		"a long name":                {h.ada, tokens.KeyWish{Name: strings.Repeat("x", 61), Scopes: []string{"data:read"}}, tokens.ErrName},
		"no scope":                   {h.ada, tokens.KeyWish{Name: "a"}, tokens.ErrScopes},
		"a scope that is none":       {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"data:read", "data:everything"}}, tokens.ErrScopes},
		"keys that make keys":        {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"keys:manage"}}, tokens.ErrScopes},
		"a key that takes people in": {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"members:manage"}}, tokens.ErrScopes},
		"a key that closes":          {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"company:close"}}, tokens.ErrScopes},
		"more than the role":         {analyst, tokens.KeyWish{Name: "a", Scopes: []string{"billing:manage"}}, tokens.ErrScopes},
		"longer than a year":         {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"data:read"}, Days: 366}, tokens.ErrExpiry},
		"shorter than a day":         {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"data:read"}, Days: -1}, tokens.ErrExpiry},
		"a network that is none":     {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"data:read"}, Networks: []string{"10.0.0.0/33"}}, tokens.ErrNetworks},
		"an address with a zone":     {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"data:read"}, Networks: []string{"fe80::1%eth0"}}, tokens.ErrNetworks},
		"more networks than ten":     {h.ada, tokens.KeyWish{Name: "a", Scopes: []string{"data:read"}, Networks: slices.Repeat([]string{"10.0.0.0/8"}, 11)}, tokens.ErrNetworks},
		"what an analyst may give":   {analyst, tokens.KeyWish{Name: "a", Scopes: []string{"data:write"}}, nil},
	} {
		if _, _, err := h.tokens.MakeKey(t.Context(), c.who, c.wish); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
	}
}

func TestAPlanWithoutTheAPIHasNoKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	view, text := h.key(t, reading("a"))
	h.company.noAPI = true
	if _, err := h.use(t, text); !errors.Is(err, tokens.ErrPlan) || !strings.Contains(err.Error(), "Growth") {
		t.Errorf("a key after a downgrade: %v; want ErrPlan with the way out", err)
	}
	if _, _, err := h.tokens.MakeKey(t.Context(), h.ada, reading("b")); !errors.Is(err, tokens.ErrPlan) {
		t.Errorf("a new key: %v; want ErrPlan", err)
	}
	if _, _, err := h.tokens.RotateKey(t.Context(), h.ada, view.ID); !errors.Is(err, tokens.ErrPlan) {
		t.Errorf("a second key: %v; want ErrPlan", err)
	}
	if err := h.tokens.RevokeKey(t.Context(), h.ada.Tenant, view.ID); err != nil {
		t.Errorf("revoking must stay possible: %v", err)
	}
}

func TestAKeyIsRotatedWhileBothWork(t *testing.T) {
	t.Parallel()
	h := open(t)
	old, oldText := h.key(t, tokens.KeyWish{Name: "export", Scopes: []string{"data:read"}, Days: 30, Networks: []string{"203.0.113.0/24"}})
	h.clock.Move(20 * day)
	next, text, err := h.tokens.RotateKey(t.Context(), h.ada, old.ID)
	if err != nil || next.Name != old.Name || !slices.Equal(next.Scopes, old.Scopes) || !slices.Equal(next.Networks, old.Networks) || next.Expires.Sub(next.Made) != 30*day {
		t.Fatalf("RotateKey = %+v, %v", next, err)
	}
	for _, s := range []string{oldText, text} {
		if _, err := h.use(t, s); err != nil {
			t.Errorf("while both live: %v", err)
		}
	}
	if _, _, err := h.tokens.RotateKey(t.Context(), h.ada, old.ID); !errors.Is(err, tokens.ErrSameName) {
		t.Errorf("a third of one name: %v; want ErrSameName", err)
	}
	if err := h.tokens.RevokeKey(t.Context(), h.ada.Tenant, old.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.use(t, oldText); !errors.Is(err, tokens.ErrToken) {
		t.Errorf("the revoked one: %v; want ErrToken", err)
	}
	viewer := h.ada
	viewer.Role = contract.RoleViewer
	_, _, err = h.tokens.RotateKey(t.Context(), h.ada, old.ID)
	if !errors.Is(err, tokens.ErrNoKey) {
		t.Errorf("rotating what has ended: %v; want ErrNoKey", err)
	}
	writing, _ := h.key(t, tokens.KeyWish{Name: "import", Scopes: []string{"data:write"}})
	if _, _, err := h.tokens.RotateKey(t.Context(), viewer, writing.ID); !errors.Is(err, tokens.ErrScopes) {
		t.Errorf("by somebody who may do less: %v; want ErrScopes", err)
	}
}

func TestAnothersKeysAreNotThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	view, text := h.key(t, reading("a"))
	eve := id.NewTenant()
	if err := h.tokens.RevokeKey(t.Context(), eve, view.ID); !errors.Is(err, tokens.ErrNoKey) {
		t.Errorf("RevokeKey = %v; want ErrNoKey", err)
	}
	who := h.ada
	who.Tenant = eve
	if _, _, err := h.tokens.RotateKey(t.Context(), who, view.ID); !errors.Is(err, tokens.ErrNoKey) {
		t.Errorf("RotateKey = %v; want ErrNoKey", err)
	}
	if list, err := h.tokens.Keys(t.Context(), eve); err != nil || len(list) != 0 {
		t.Errorf("Keys = %v, %v", list, err)
	}
	if _, err := h.use(t, text); err != nil {
		t.Errorf("the key after all that: %v", err)
	}
}

func TestTheLimitsHoldHoweverManyAskAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	var (
		wg         sync.WaitGroup
		mu         sync.Mutex
		made       int
		named      int
		unexpected []error
	)
	for i := range 30 {
		wg.Go(func() {
			name := fmt.Sprint("key ", i)
			if i%3 == 0 {
				name = "The Same"
			}
			_, _, err := h.tokens.MakeKey(t.Context(), h.ada, reading(name))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && i%3 == 0:
				made, named = made+1, named+1
			case err == nil:
				made++
			case !errors.Is(err, tokens.ErrKeys) && !errors.Is(err, tokens.ErrSameName):
				unexpected = append(unexpected, err)
			}
		})
	}
	wg.Wait()
	if made != 20 || named > 2 || len(unexpected) > 0 {
		t.Errorf("%d keys, %d of one name, and %v; want 20 and at most 2", made, named, unexpected)
	}
}

func TestEndedKeysAreForgottenInTheEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 40 {
		view, _ := h.key(t, reading("again"))
		if err := h.tokens.RevokeKey(t.Context(), h.ada.Tenant, view.ID); err != nil {
			t.Fatal(err)
		}
	}
	live, _ := h.key(t, reading("again"))
	list, err := h.tokens.Keys(t.Context(), h.ada.Tenant)
	if err != nil || len(list) != 31 || list[0].ID != live.ID {
		t.Errorf("%d keys are listed, %v; want 30 that ended and the live one first", len(list), err)
	}
}

func TestTheLastUseIsWrittenOnceAnHour(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.clock.Move(hour - time.Duration(h.clock.Now().Minute())*minute - time.Duration(h.clock.Now().Second())*time.Second)
	_, text := h.key(t, reading("a"))
	rev := func() int64 {
		d, err := h.store.Get(t.Context(), tokens.KeyBooksCollection, string(h.ada.Tenant))
		if err != nil {
			t.Fatal(err)
		}
		return d.Rev
	}
	for range 5 {
		if _, err := h.use(t, text); err != nil {
			t.Fatal(err)
		}
		h.clock.Move(minute)
	}
	if rev() != 2 || !h.stored(t).Used.Equal(h.clock.Now().Truncate(hour)) {
		t.Errorf("the book is at revision %d, used %s; want one write, to the hour", rev(), h.stored(t).Used)
	}
	h.clock.Move(hour)
	if _, err := h.use(t, text); err != nil || rev() != 3 {
		t.Errorf("an hour later: %v, revision %d; want 3", err, rev())
	}
}

func TestAKeyIsMadeWholeOrNotAtAllWhenTheProcessDies(t *testing.T) {
	t.Parallel()
	for writes := range 2 {
		h := open(t)
		_, broken := h.onDying(t, tenancytest.DyingAfter(h.store, writes))
		_, text, err := broken.MakeKey(t.Context(), h.ada, reading("a"))
		list, lerr := h.tokens.Keys(t.Context(), h.ada.Tenant)
		if lerr != nil || len(list) != writes || (err == nil) != (writes == 1) {
			t.Errorf("with %d writes: %d keys, %v, %v", writes, len(list), err, lerr)
		}
		if events := h.announced(t, tokens.KeyBooksCollection); len(events) != writes {
			t.Errorf("with %d writes: announced %v", writes, events)
		}
		if _, err := h.use(t, text); (err == nil) != (writes == 1) {
			t.Errorf("with %d writes: its use: %v", writes, err)
		}
	}
}

func TestNoTokenIsInALog(t *testing.T) {
	t.Parallel()
	h := open(t)
	_, text := h.key(t, reading("a"))
	pair := h.signIn(t)
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	dead := tenancytest.DyingAfter(h.store, 0)
	_, broken := h.onDying(t, dead)
	for _, call := range []func() error{
		func() error { return second(broken.Authenticate(t.Context(), text, anywhere)) },
		func() error { return second(broken.Authenticate(t.Context(), pair.Access+"x", anywhere)) },
		func() error { return second(broken.Refresh(t.Context(), pair.Refresh, "")) },
		func() error { return broken.SignOut(t.Context(), pair.Refresh) },
	} {
		logger.Error("failed", "err", call())
	}
	for _, s := range []string{text, pair.Refresh, pair.Access} {
		if strings.Contains(log.String(), s[len(s)-20:]) {
			t.Errorf("a log line shows a token: %s", log.String())
		}
	}
}
