package tokens_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// announced are the types of the events that wait in the outboxes of a collection.
func (h house) announced(t *testing.T, collection string) []string {
	t.Helper()
	page, err := h.store.Find(t.Context(), collection, docstore.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, d := range page.Docs {
		var doc struct{ Outbox []contract.Event }
		if err := json.Unmarshal(d.Body, &doc); err != nil {
			t.Fatal(err)
		}
		for _, e := range doc.Outbox {
			types = append(types, e.Type)
		}
	}
	return types
}

func (h house) refresh(t *testing.T, token string) (tokens.Pair, error) {
	t.Helper()
	return h.tokens.Refresh(t.Context(), token, "198.51.100.7")
}

func (h house) programs(t *testing.T) []tokens.Program {
	t.Helper()
	list, err := h.tokens.Programs(t.Context(), h.ada.Person, h.ada.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestALostAnswerIsGivenAgainForTenSeconds(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.signIn(t)
	second, err := h.refresh(t, first.Refresh)
	if err != nil || second.Refresh == first.Refresh {
		t.Fatalf("Refresh = %v; is it new: %v", err, second.Refresh != first.Refresh)
	}
	h.clock.Move(10 * time.Second)
	again, err := h.refresh(t, first.Refresh)
	if err != nil || again.Refresh != second.Refresh {
		t.Errorf("within ten seconds: %v; is it the same successor: %v", err, again.Refresh == second.Refresh)
	}
	if third, err := h.refresh(t, second.Refresh); err != nil || third.Refresh == second.Refresh {
		t.Errorf("the successor: %v", err)
	}
	if _, err := h.refresh(t, first.Refresh); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("the one before the last, within ten seconds: %v; want ErrGrant", err)
	}
}

func TestAReusedTokenEndsTheFamilyAndItsPersonIsTold(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.signIn(t)
	second, err := h.refresh(t, first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Move(11 * time.Second)
	if _, err := h.refresh(t, first.Refresh); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("the old token: %v; want ErrGrant", err)
	}
	if _, err := h.refresh(t, second.Refresh); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("the young token of the same family: %v; want ErrGrant", err)
	}
	if _, err := h.tokens.Authenticate(t.Context(), second.Access, anywhere); !errors.Is(err, tokens.ErrToken) {
		t.Errorf("the access token of the family: %v; want ErrToken", err)
	}
	if told := h.company.told(); len(told) != 1 || !strings.HasSuffix(told[0], "to ada@example.com") {
		t.Errorf("letters: %v; want one to ada", told)
	}
	if events := h.announced(t, tokens.FamiliesCollection); !slices.Equal(events, []string{tokens.EventSignedIn, tokens.EventReused}) {
		t.Errorf("announced: %v", events)
	}
	if len(h.programs(t)) != 0 {
		t.Error("the program is still listed")
	}
}

func TestNobodyEndsAFamilyByGuessing(t *testing.T) {
	t.Parallel()
	h := open(t)
	pair := h.signIn(t)
	token := pair.Refresh
	head := token[:len("dyr_")+26+1]
	for _, guess := range []string{
		"", "dyr_", head, head + strings.Repeat("A", 65), token[:len(token)-1], token + "A", strings.ToUpper(token),
		head + token[len(head)+1:] + "A", "dyr_" + strings.TrimPrefix(string(id.NewFamily()), "fam_") + token[len(head)-1:],
	} {
		if _, err := h.refresh(t, guess); !errors.Is(err, tokens.ErrGrant) {
			t.Errorf("%q: %v; want ErrGrant", guess, err)
		}
	}
	if _, err := h.refresh(t, token); err != nil {
		t.Errorf("the real one after all guesses: %v", err)
	}
}

func TestAFamilyEndsSevenDaysAfterItsLastUseAndThirtyAfterItsBeginning(t *testing.T) {
	t.Parallel()
	h := open(t)
	busy := h.signIn(t).Refresh
	for range 4 {
		h.clock.Move(7*day - time.Second)
		pair, err := h.refresh(t, busy)
		if err != nil {
			t.Fatalf("a family in use: %v", err)
		}
		busy = pair.Refresh
	}
	h.clock.Move(2*day + 5*time.Second)
	if _, err := h.refresh(t, busy); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("after thirty days: %v; want ErrGrant", err)
	}
	other := h.signIn(t).Refresh
	h.clock.Move(7 * day)
	if _, err := h.refresh(t, other); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("after seven idle days: %v; want ErrGrant", err)
	}
}

func TestAMasterKeyIsChangedUnderALiveFamily(t *testing.T) {
	t.Parallel()
	const one, two = "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=", "MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI="
	h := open(t)
	h.store = tenancytest.Open(t, tokens.Collections())
	_, h.tokens = h.on(t, h.store, newRing(t, one))
	first := h.signIn(t)
	second, err := h.refresh(t, first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	_, h.tokens = h.on(t, h.store, newRing(t, two, one))
	again, err := h.refresh(t, first.Refresh)
	if err != nil {
		t.Fatalf("the lost answer, asked for again: %v", err)
	}
	for name, token := range map[string]string{"the lost answer": again.Refresh, "the answer itself": second.Refresh} {
		if _, err := h.refresh(t, token); err != nil {
			t.Errorf("%s under the new key: %v", name, err)
		}
	}
	_, h.tokens = h.on(t, h.store, newRing(t, two))
	if _, err := h.refresh(t, first.Refresh); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("a token of a key that is gone: %v; want ErrGrant", err)
	}
}

func TestManyRefreshesAtOnceGetTheSameSuccessor(t *testing.T) {
	t.Parallel()
	h := open(t)
	token := h.signIn(t).Refresh
	var wg sync.WaitGroup
	got := make([]string, 16)
	for i := range got {
		wg.Go(func() {
			pair, err := h.tokens.Refresh(t.Context(), token, "")
			if err != nil {
				t.Error(err)
			}
			got[i] = pair.Refresh
		})
	}
	wg.Wait()
	if len(slices.Compact(got)) != 1 {
		t.Error("one token has several successors")
	}
}

// reference is what a family should be, told in a few lines: a row of tokens of
// which the last is worth something, until it ends.
type reference struct {
	tokens  []string
	rotated time.Time
	started time.Time
	used    time.Time
	ended   bool
}

// expect is what asking with tokens[i] does: which token it gives, or -1.
func (r *reference) expect(i int, now time.Time) int {
	last := len(r.tokens) - 1
	if r.ended || !now.Before(r.used.Add(7*day)) || !now.Before(r.started.Add(30*day)) {
		return -1
	}
	switch {
	case i == last:
		r.rotated, r.used = now, now
		return last + 1
	case i == last-1 && now.Sub(r.rotated) <= 10*time.Second:
		return last
	}
	r.ended = true
	return -1
}

// Random interleavings of honest use, replays, theft, sign-outs, waiting, and of
// processes that die at a write, against the reference.
func TestRefreshTokensFollowTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t)
		first := h.signIn(t).Refresh
		now := h.clock.Now()
		model := reference{tokens: []string{first}, started: now, used: now}
		family := h.programs(t)[0].ID
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				h.clock.Move(time.Duration(rapid.IntRange(1, 15).Draw(rt, "seconds")) * time.Second)
			case 1:
				h.clock.Move(time.Duration(rapid.IntRange(1, 80).Draw(rt, "hours")) * hour)
			case 2:
				if rapid.IntRange(0, 5).Draw(rt, "really") == 0 {
					alive := len(h.programs(t)) == 1
					err := h.tokens.EndProgram(t.Context(), h.ada.Person, family)
					if alive != (err == nil) {
						rt.Fatalf("EndProgram of a family that lives (%v): %v", alive, err)
					}
					model.ended = true
				}
			case 3: // the process dies before or after its write; then the program asks again
				i := len(model.tokens) - 1
				dying := tenancytest.DyingAfter(h.store, rapid.IntRange(0, 1).Draw(rt, "writes"))
				_, broken := h.onDying(t, dying)
				pair, err := broken.Refresh(t.Context(), model.tokens[i], "")
				if dying.Died() && err == nil {
					rt.Fatal("a process that died answers")
				}
				if err == nil && model.expect(i, h.clock.Now()) != len(model.tokens) {
					rt.Fatal("a family that is over gives tokens")
				}
				if err == nil {
					model.tokens = append(model.tokens, pair.Refresh)
				}
			default:
				i := rapid.IntRange(max(0, len(model.tokens)-3), len(model.tokens)-1).Draw(rt, "token")
				want := model.expect(i, h.clock.Now())
				pair, err := h.tokens.Refresh(t.Context(), model.tokens[i], "")
				switch {
				case want < 0:
					if !errors.Is(err, tokens.ErrGrant) {
						rt.Fatalf("token %d of %d: %v; want ErrGrant", i, len(model.tokens), err)
					}
				case err != nil:
					rt.Fatalf("token %d of %d: %v; want token %d", i, len(model.tokens), err, want)
				case want == len(model.tokens):
					if slices.Contains(model.tokens, pair.Refresh) {
						rt.Fatal("a new token is an old one")
					}
					model.tokens = append(model.tokens, pair.Refresh)
				case pair.Refresh != model.tokens[want]:
					rt.Fatalf("token %d gives another one than token %d", i, want)
				}
			}
			if model.ended && len(h.programs(t)) != 0 {
				rt.Fatal("a family that ended is listed")
			}
		}
	})
}

func (h house) onDying(t *testing.T, s docstore.Store) (*tokens.Signer, *tokens.Service) {
	t.Helper()
	signer := tokens.NewSigner(h.store, h.ring, site, h.clock.Now, quiet)
	if err := signer.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return signer, tokens.New(s, signer, h.ring, h.company, h.company, h.company, tokens.Options{
		Site: site, Production: true, Limits: tokens.LocalLimits(), Now: h.clock.Now, Log: quiet,
	})
}

func TestAThiefIsCaughtAndReportedWhereverTheProcessDies(t *testing.T) {
	t.Parallel()
	for writes := range 4 {
		t.Run(fmt.Sprint("after write ", writes), func(t *testing.T) {
			t.Parallel()
			h := open(t)
			first := h.signIn(t)
			if _, err := h.refresh(t, first.Refresh); err != nil {
				t.Fatal(err)
			}
			h.clock.Move(minute)
			dying := tenancytest.DyingAfter(h.store, writes)
			_, broken := h.onDying(t, dying)
			_, err := broken.Refresh(t.Context(), first.Refresh, "")
			if err == nil {
				t.Fatal("an old token gives a new one")
			}
			// The thief, or the owner, tries again; then the sweep comes by.
			if _, err := h.refresh(t, first.Refresh); !errors.Is(err, tokens.ErrGrant) {
				t.Errorf("Refresh = %v; want ErrGrant", err)
			}
			if err := h.tokens.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if told := h.company.told(); len(told) != 1 {
				t.Errorf("letters: %v; want one", told)
			}
			if events := h.announced(t, tokens.FamiliesCollection); !slices.Equal(events, []string{tokens.EventSignedIn, tokens.EventReused}) {
				t.Errorf("announced: %v; want each once", events)
			}
		})
	}
}

func TestOnlyOwnProgramsCanBeSeenAndEnded(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.signIn(t)
	mine := h.programs(t)
	if len(mine) != 1 || mine[0].Client != "dyocense-cli" {
		t.Fatalf("programs: %+v", mine)
	}
	eve := id.NewPerson()
	if list, err := h.tokens.Programs(t.Context(), eve, h.ada.Tenant); err != nil || len(list) != 0 {
		t.Errorf("another's list: %v, %v", list, err)
	}
	if err := h.tokens.EndProgram(t.Context(), eve, mine[0].ID); !errors.Is(err, tokens.ErrNoFamily) {
		t.Errorf("another ends it: %v; want ErrNoFamily", err)
	}
	if err := h.tokens.EndProgram(t.Context(), h.ada.Person, mine[0].ID); err != nil {
		t.Error(err)
	}
	if err := h.tokens.EndProgram(t.Context(), h.ada.Person, mine[0].ID); !errors.Is(err, tokens.ErrNoFamily) {
		t.Errorf("again: %v; want ErrNoFamily", err)
	}
}

func TestAFamilyOfSomebodyWhoLeftDoesNotComeBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	token := h.signIn(t).Refresh
	h.company.is(h.ada.Person, "")
	if _, err := h.refresh(t, token); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("Refresh = %v; want ErrGrant", err)
	}
	h.company.is(h.ada.Person, contract.RoleOwner)
	if _, err := h.refresh(t, token); !errors.Is(err, tokens.ErrGrant) {
		t.Errorf("after coming back: %v; want ErrGrant", err)
	}
}

func TestASweepForgetsWhatIsOverAndNothingThatHasSomethingToSay(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.signIn(t)
	h.clock.Move(40 * day)
	if err := h.tokens.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := h.store.Size(t.Context(), tokens.FamiliesCollection); err != nil || n.Documents != 1 {
		t.Errorf("%d families, %v; want the one whose event is not published yet", n.Documents, err)
	}
	if n, err := h.store.Size(t.Context(), "device_grants"); err != nil || n.Documents != 0 {
		t.Errorf("%d device grants, %v; want none", n.Documents, err)
	}
	page, err := h.store.Find(t.Context(), tokens.FamiliesCollection, docstore.Query{})
	if err != nil {
		t.Fatal(err)
	}
	d := page.Docs[0]
	var body map[string]any
	if err := json.Unmarshal(d.Body, &body); err != nil {
		t.Fatal(err)
	}
	delete(body, "outbox")
	delete(body, "outboxSince")
	if d.Body, err = json.Marshal(body); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Replace(t.Context(), tokens.FamiliesCollection, d); err != nil {
		t.Fatal(err)
	}
	if err := h.tokens.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := h.store.Size(t.Context(), tokens.FamiliesCollection); err != nil || n.Documents != 0 {
		t.Errorf("%d families, %v; want none", n.Documents, err)
	}
}
