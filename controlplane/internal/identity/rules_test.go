package identity_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]identity.Address{
		" Ada@Example.COM ":      "ada@example.com",
		"ada+shop@example.com":   "ada+shop@example.com",
		"a.d.a@example.co.uk":    "a.d.a@example.co.uk",
		"ａｄａ@example.com":        "ada@example.com",
		"jürgen@bücher.example":  "jürgen@bücher.example",
		"KELVIN\u212A@a.example": "kelvink@a.example",
	} {
		if got, err := identity.ParseAddress(typed); got != want || err != nil {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", typed, got, err, want)
		}
	}
	for _, typed := range []string{
		"", "ada", "@example.com", "ada@", "ada@localhost", "ada@example..com", "ada@-example.com", "a b@example.com",
		"ada@127.0.0.1", "ada@[127.0.0.1]", "ada\r\nBcc: eve@example.com", "ada@example.com\nBcc:x", `"a b"@example.com`,
		"ada@exa mple.com", ".ada@example.com", "ada.@example.com", "a..b@example.com", "ada@example.com>", "<ada@example.com>",
		"ada,eve@example.com", "ada@exam\x00ple.com", strings.Repeat("a", 65) + "@example.com",
		"a@" + strings.Repeat("b", 64) + ".com", "a@" + strings.Repeat("b.", 130) + "com", strings.Repeat("x", 10_000) + "@example.com",
	} {
		if got, err := identity.ParseAddress(typed); !errors.Is(err, identity.ErrAddress) {
			t.Errorf("ParseAddress(%.40q) = %q, %v; want ErrAddress", typed, got, err)
		}
	}
	t.Run("reads what it wrote as the same address", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			typed := rapid.StringMatching(`[\pL\d.+_-]{1,20}`).Draw(t, "local") + "@" + rapid.StringMatching(`[\pL\d-]{1,12}\.[\pL]{2,5}`).Draw(t, "domain")
			a, err := identity.ParseAddress(typed)
			if err != nil {
				return
			}
			again, err := identity.ParseAddress(string(a))
			if err != nil || again != a || again.Key() != a.Key() {
				t.Fatalf("%q reads as %q, and that as %q, %v", typed, a, again, err)
			}
		})
	})
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"nine lives and a tail", "Tr0ub4dor&3x", "пароль-на-завтра", "7 green herons", "😀🎈🚀🌍🐢🦊🍕🎸⛵🌵", "ada likes herons",
		strings.Repeat("ab cd ", 20),
	} {
		if err := identity.CheckPassword(good, identity.MinBeside, "ada@example.com", "ada", "Herons Ltd"); err != nil {
			t.Errorf("CheckPassword(%q) = %v; want none", good, err)
		}
	}
	for _, bad := range []string{
		"", "short", "sevench", strings.Repeat("long ", 40), strings.Repeat("x", 1<<20),
		"password12", "Password123!", "passwordpassword", "1234567890", "0987654321", "aaaaaaaaaaaa", "abababababab",
		"qwertyuiop", "poiuytrewq", "abcdefghijkl", "1q2w3e4r5t6y", "iloveyou2024", "2024!welcome!", "01.01.1990", "correcthorsebatterystaple",
		"ada@example.com", "ada@example.com1", "heronsltd2026", "HeronsLtdHeronsLtd", "dyocense2026", "ｐａｓｓｗｏｒｄ１２", "bad \xff utf8 bytes",
	} {
		if err := identity.CheckPassword(bad, identity.MinBeside, "ada@example.com", "ada", "heronsltd"); !errors.Is(err, identity.ErrPassword) {
			t.Errorf("CheckPassword(%.40q) = %v; want ErrPassword", bad, err)
		}
	}
}

func TestPasswordLength(t *testing.T) {
	t.Parallel()
	const ten, fifteen = "pale otter", "pale otter swim"
	for _, c := range []struct {
		password string
		least    int
		good     bool
	}{
		{ten, identity.MinAlone, false},
		{ten, identity.MinBeside, true},
		{fifteen, identity.MinAlone, true},
		{"pale ot", identity.MinBeside, false},
		{strings.Repeat("pale otters swim", 8), identity.MinAlone, true},
		{strings.Repeat("pale otters swim", 8) + "!", identity.MinAlone, false},
	} {
		if err := identity.CheckPassword(c.password, c.least); (err == nil) != c.good {
			t.Errorf("CheckPassword(%q, %d) = %v; want good: %t", c.password, c.least, err, c.good)
		}
	}
}

func TestLeakedPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	for _, leaked := range []string{"jordan23", "Trustno1", "1q2w3e4r5t", "fktrcfylh", "ghbdtn123", "DimaZarya"} {
		if err := identity.CheckPassword(leaked, identity.MinBeside); !errors.Is(err, identity.ErrPassword) {
			t.Errorf("CheckPassword(%q) = %v; want ErrPassword", leaked, err)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	token := identity.NewToken()
	t.Run("is read back", func(t *testing.T) {
		t.Parallel()
		again, ok := identity.ReadToken(token.Reveal())
		if !ok || again.Key() != token.Key() {
			t.Error("a token is not itself")
		}
	})
	t.Run("is in no print and no log", func(t *testing.T) {
		t.Parallel()
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token)
		for _, s := range []string{fmt.Sprint(token), fmt.Sprintf("%v %+v %#v %s", token, token, token, token), log.String()} {
			if strings.Contains(s, token.Reveal()) {
				t.Errorf("a token shows in %q", s)
			}
		}
	})
	t.Run("is not read from what no token looks like", func(t *testing.T) {
		t.Parallel()
		for _, s := range []string{"", "x", token.Reveal() + "A", strings.Repeat("!", 43), token.Key()} {
			if _, ok := identity.ReadToken(s); ok {
				t.Errorf("ReadToken(%q) is ok", s)
			}
		}
	})
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	l := identity.NewLimiter(identity.Budget{Burst: 3, Every: time.Minute}, func() time.Time { return now })
	for range 3 {
		if err := l.Take("ada"); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Take("ada"); !errors.Is(err, identity.ErrTooMany) {
		t.Errorf("the fourth try: %v; want ErrTooMany", err)
	}
	if err := l.Take("eve"); err != nil {
		t.Errorf("another key: %v", err)
	}
	now = now.Add(time.Minute)
	if err := l.Take("ada"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestOriginOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]identity.Origin{
		"203.0.113.9": "203.0.113.9", "::ffff:203.0.113.9": "203.0.113.9",
		"2001:db8:1:2ff:aa::1": "2001:db8:1:200::/56", "2001:db8:1:2aa:bb::2": "2001:db8:1:200::/56",
	} {
		if got := identity.OriginOf(netip.MustParseAddr(address)); got != want {
			t.Errorf("OriginOf(%s) = %s; want %s", address, got, want)
		}
	}
	if got := identity.OriginOf(netip.Addr{}); got != "unknown" {
		t.Errorf("no address is %q", got)
	}
}
