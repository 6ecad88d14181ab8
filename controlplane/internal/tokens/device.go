package tokens

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	// grantLife is how long a person has to type the code.
	grantLife = 10 * time.Minute
	// grantKept is how long a grant is known after that, so that the program hears
	// why it got nothing.
	grantKept = 10 * time.Minute
	// pollEvery is how often a program may ask; each time it asks too soon adds
	// slowerBy, as RFC 8628 has it.
	pollEvery = 5 * time.Second
	slowerBy  = 5 * time.Second
	slowest   = time.Minute

	// userAlphabet has no vowels, so that no code is a word, and nothing that looks
	// like something else: 20 to the power of 8 codes.
	userAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	userLength   = 8
	clientMax    = 60 // characters
)

// grant is a program's wish to be signed in.
type grant struct {
	UserCode string        `json:"userCode"`
	Client   string        `json:"client"`
	Origin   string        `json:"origin"`
	State    GrantState    `json:"state"`
	Asked    time.Time     `json:"asked"`
	Expires  int64         `json:"expires"` // Unix milliseconds
	Polled   time.Time     `json:"polled,omitzero"`
	Interval time.Duration `json:"interval"`
	// Set when a person said yes. The family's name is decided there, so that the
	// code, however often it is exchanged, makes one family.
	Person id.Person `json:"person,omitempty"`
	Email  string    `json:"email,omitempty"`
	Tenant id.Tenant `json:"tenant,omitempty"`
	Family id.Family `json:"family,omitempty"`
}

func (g grant) over(now time.Time) bool { return now.UnixMilli() >= g.Expires }

func (g *grant) move(e GrantEvent) error {
	next, err := GrantLifecycle.Next(g.State, e)
	if err != nil {
		return err
	}
	g.State = next
	return nil
}

// DeviceGrant is what a program is told when it asks to be signed in.
type DeviceGrant struct {
	DeviceCode string
	UserCode   string // with a dash in the middle
	Link       string // the page to type the code on
	Expires    time.Duration
	Interval   time.Duration
}

// AskToSignIn begins a device grant for a program that calls itself client.
func (s *Service) AskToSignIn(ctx context.Context, client string) (DeviceGrant, error) {
	origin := string(identity.OriginFrom(ctx))
	if err := s.grantTries.Take(origin); err != nil {
		return DeviceGrant{}, err
	}
	client, ok := cleanName(client, clientMax)
	if !ok {
		return DeviceGrant{}, ErrRequest.Saying("client_id must be the name of the program: 1 to %d characters.", clientMax)
	}
	now := s.now()
	code := identity.NewToken()
	g := grant{
		Client: client, Origin: origin, State: GrantLifecycle.First(), Asked: now.UTC(),
		Expires: now.Add(grantLife).UnixMilli(), Interval: pollEvery,
	}
	for {
		g.UserCode = newUserCode()
		err := s.grants.Insert(ctx, code.Key(), g)
		if errors.Is(err, docstore.ErrExists) {
			continue // somebody has this user code now
		}
		if err != nil {
			return DeviceGrant{}, fmt.Errorf("keep device grant: %w", err)
		}
		return DeviceGrant{
			DeviceCode: code.Reveal(), UserCode: g.UserCode[:userLength/2] + "-" + g.UserCode[userLength/2:],
			Link: s.site + "/device", Expires: grantLife, Interval: pollEvery,
		}, nil
	}
}

func newUserCode() string {
	b := make([]byte, userLength)
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(userAlphabet))))
		if err != nil {
			panic(err) // crypto/rand never fails since Go 1.24
		}
		b[i] = userAlphabet[n.Int64()]
	}
	return string(b)
}

// readUserCode takes what a person typed: any case, with or without dashes.
func readUserCode(typed string) (string, bool) {
	if len(typed) > 4*userLength {
		return "", false
	}
	code := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(typed))
	return code, len(code) == userLength && strings.Trim(code, userAlphabet) == ""
}

// Wish is a device grant as the person sees it who is asked.
type Wish struct {
	Client string    `json:"client" doc:"as the program calls itself; anybody can call itself anything"`
	Origin string    `json:"origin" doc:"the network it asks from"`
	Asked  time.Time `json:"asked"`
}

// Wish finds the pending device grant of a user code for who, or fails with
// ErrNoCode.
func (s *Service) Wish(ctx context.Context, who identity.Who, typed string) (Wish, error) {
	row, err := s.wished(ctx, who, typed)
	if err != nil {
		return Wish{}, err
	}
	return Wish{Client: row.Value.Client, Origin: row.Value.Origin, Asked: row.Value.Asked}, nil
}

func (s *Service) wished(ctx context.Context, who identity.Who, typed string) (docstore.Row[grant], error) {
	var none docstore.Row[grant]
	if err := s.codeTries.Take(string(who.Person)); err != nil {
		return none, err
	}
	code, ok := readUserCode(typed)
	if !ok {
		return none, ErrNoCode
	}
	rows, _, err := s.grants.Find(ctx, docstore.Query{Index: byCode, Equal: []any{code}, Limit: 1})
	if err != nil {
		return none, fmt.Errorf("find device grant: %w", err)
	}
	if len(rows) == 0 || rows[0].Value.State != GrantPending || rows[0].Value.over(s.now()) {
		return none, ErrNoCode
	}
	return rows[0], nil
}

// Answer says yes or no to the program that shows the code. Yes lets it ask in
// who's name, in the tenant that who works in now. It fails with ErrNoCode, also
// when somebody has answered already, and with ErrPlan.
func (s *Service) Answer(ctx context.Context, who identity.Who, typed string, yes bool) error {
	row, err := s.wished(ctx, who, typed)
	if err != nil {
		return err
	}
	event := PersonDenied
	if yes {
		if err := s.requireAPI(ctx, who.Tenant); err != nil {
			return err
		}
		event = PersonApproved
		row.Value.Person, row.Value.Email, row.Value.Tenant, row.Value.Family = who.Person, who.Email, who.Tenant, id.NewFamily()
	}
	if err := row.Value.move(event); err != nil {
		return err
	}
	_, err = s.grants.Replace(ctx, row)
	if gone(err) {
		// The program asked at this moment, or somebody answered: look again.
		return s.Answer(ctx, who, typed, yes)
	}
	return err
}

// Exchange gives the first pair of the family that the device code stands for. It
// fails with the faults of RFC 8628. An answer that got lost may be asked for again
// within ten seconds, with the same answer.
func (s *Service) Exchange(ctx context.Context, deviceCode string) (Pair, error) {
	code, ok := identity.ReadToken(deviceCode)
	if !ok {
		return Pair{}, ErrGrant
	}
	row, err := s.grants.Get(ctx, code.Key())
	if errors.Is(err, docstore.ErrNotFound) {
		return Pair{}, ErrGrant
	}
	if err != nil {
		return Pair{}, fmt.Errorf("read device grant: %w", err)
	}
	switch g := row.Value; {
	case g.State == GrantUsed, g.State == GrantApproved && !g.over(s.now()):
		return s.exchange(ctx, row, code)
	case g.State == GrantDenied:
		return Pair{}, ErrDenied
	case g.over(s.now()):
		return Pair{}, ErrExpiredCode
	default:
		return Pair{}, s.polled(ctx, row)
	}
}

// polled counts a question that came before the answer.
func (s *Service) polled(ctx context.Context, row docstore.Row[grant]) error {
	g, now, answer := &row.Value, s.now(), ErrPending
	if now.Sub(g.Polled) < g.Interval {
		g.Interval, answer = min(g.Interval+slowerBy, slowest), ErrSlowDown
	}
	g.Polled = now.UTC()
	if _, err := s.grants.Replace(ctx, row); err != nil && !gone(err) {
		return fmt.Errorf("count question: %w", err)
	}
	return answer
}

// exchange makes the family that a person said yes to. Whoever comes second, after
// a crash or with a copy of the code, finds it there.
func (s *Service) exchange(ctx context.Context, row docstore.Row[grant], code identity.Token) (Pair, error) {
	g, now := row.Value, s.now()
	first := s.ring.first(g.Family, code)
	f := family{
		ID: g.Family, Person: g.Person, Email: g.Email, Tenant: g.Tenant, Client: g.Client, Origin: g.Origin,
		State: FamilyLifecycle.First(), Started: now.UTC(), Current: first.hash(),
	}
	f.see(now)
	if err := s.stillMember(ctx, f); err != nil {
		return Pair{}, err
	}
	if err := f.AnnounceBy(ctx, EventSignedIn, f.Tenant, f.data(g.Origin, "")); err != nil {
		return Pair{}, err
	}
	err := errExchanged
	if g.State == GrantApproved {
		err = s.families.Insert(ctx, string(f.ID), f)
	}
	if errors.Is(err, docstore.ErrExists) || errors.Is(err, errExchanged) {
		if f, first, err = s.begun(ctx, g, code); err != nil {
			return Pair{}, err
		}
	} else if err != nil {
		return Pair{}, fmt.Errorf("make family: %w", err)
	}
	if g.State == GrantApproved {
		if err := row.Value.move(CodeExchanged); err != nil {
			return Pair{}, err
		}
		if _, err := s.grants.Replace(ctx, row); err != nil && !gone(err) {
			return Pair{}, fmt.Errorf("use up device grant: %w", err)
		}
	}
	return s.pair(f, first)
}

var errExchanged = errors.New("the code was exchanged before")

// begun is the family that a code was exchanged for a moment ago, or ErrGrant.
func (s *Service) begun(ctx context.Context, g grant, code identity.Token) (family, refreshToken, error) {
	row, err := s.families.Get(ctx, string(g.Family))
	if errors.Is(err, docstore.ErrNotFound) {
		return family{}, refreshToken{}, ErrGrant
	}
	if err != nil {
		return family{}, refreshToken{}, fmt.Errorf("read family: %w", err)
	}
	f := row.Value
	first, ok := s.ring.knownFirst(g.Family, code, f.Current)
	if !ok || !f.usable(s.now()) || s.now().Sub(f.Started) > replayWithin {
		return family{}, refreshToken{}, ErrGrant
	}
	return f, first, nil
}

func (s *Service) sweepGrants(ctx context.Context) error {
	rows, err := s.grants.All(ctx, docstore.Query{Index: byExpires, To: s.now().Add(-grantKept).UnixMilli()})
	if err != nil {
		return fmt.Errorf("find device grants that are over: %w", err)
	}
	for _, row := range rows {
		if err := s.grants.Delete(ctx, row.ID, row.Rev); err != nil && !gone(err) {
			return fmt.Errorf("delete device grant: %w", err)
		}
	}
	return nil
}

// first is the token that begins the family of a device code: always the same.
func (k refreshKeys) first(f id.Family, code identity.Token) refreshToken {
	return beginning(k.successors[0], f, code)
}

// knownFirst is the same when its hash is kept.
func (k refreshKeys) knownFirst(f id.Family, code identity.Token, kept string) (refreshToken, bool) {
	for _, key := range k.successors {
		if t := beginning(key, f, code); t.hash() == kept {
			return t, true
		}
	}
	return refreshToken{}, false
}

func beginning(key []byte, f id.Family, code identity.Token) refreshToken {
	return refreshToken{family: f, secret: [sha256.Size]byte(mac(key, []byte("first "), []byte(f), []byte(code.Reveal())))}
}

// cleanName reads a name of 1 to limit characters that can be shown in one line.
func cleanName(typed string, limit int) (string, bool) {
	if len(typed) > 8*limit || !utf8.ValidString(typed) {
		return "", false
	}
	name := strings.Join(strings.Fields(typed), " ")
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return "", false
		}
	}
	return name, name != "" && utf8.RuneCountInString(name) <= limit
}
