package tokens

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// The limits of API keys.
const (
	// DefaultKeyDays and MaxKeyDays are how long a key lives.
	DefaultKeyDays = 90
	MaxKeyDays     = 365

	keysLive    = 20 // of one tenant
	keysNamed   = 2  // live of one name: the one in use and its replacement
	keysEnded   = 30 // that stay in the list
	keyNameMax  = 60 // characters
	networksMax = 10
	// usedEvery is how coarsely "last used" is written: a write per request would
	// cost more than the difference is worth.
	usedEvery = time.Hour
)

// The events of API keys.
const (
	EventKeyMade  = "tokens.key_made"
	EventKeyEnded = "tokens.key_ended"
)

// KeyData goes with the events of API keys.
type KeyData struct {
	Key    id.Key    `json:"key"`
	Name   string    `json:"name"`
	Person id.Person `json:"person"` // who made it
	Scopes []string  `json:"scopes"`
	Reason KeyEvent  `json:"reason,omitempty"` // why it ended
}

// apiKey is one key of a book.
type apiKey struct {
	ID       id.Key         `json:"id"`
	Name     string         `json:"name"`
	Person   id.Person      `json:"person"` // who made it, in whose name it asks
	Email    string         `json:"email"`
	Scopes   []string       `json:"scopes"`
	Networks []netip.Prefix `json:"networks,omitempty"` // it may come from; none is anywhere
	Hash     string         `json:"hash"`
	End      string         `json:"end"` // the last characters
	Days     int            `json:"days"`
	Made     time.Time      `json:"made"`
	Expires  time.Time      `json:"expires"`
	Used     time.Time      `json:"used,omitzero"` // to the hour
	State    KeyState       `json:"state"`
	Ended    time.Time      `json:"ended,omitzero"`
	Reason   KeyEvent       `json:"reason,omitempty"`
}

// keyBook holds the API keys of one tenant. It is one document, so that limits
// over all of them are decided by one write.
type keyBook struct {
	Tenant id.Tenant `json:"tenant"`
	Keys   []apiKey  `json:"keys"`
	outbox.Box
}

func (b *keyBook) find(k id.Key) *apiKey {
	i := slices.IndexFunc(b.Keys, func(key apiKey) bool { return key.ID == k })
	if i < 0 {
		return nil
	}
	return &b.Keys[i]
}

// add takes a key in, or fails with ErrKeys or ErrSameName.
func (b *keyBook) add(k apiKey, now time.Time) error {
	live, named := 0, 0
	for _, other := range b.Keys {
		if !other.works(now) {
			continue
		}
		live++
		if strings.EqualFold(other.Name, k.Name) {
			named++
		}
	}
	switch {
	case named >= keysNamed:
		return ErrSameName
	case live >= keysLive:
		return ErrKeys
	}
	b.Keys = append(b.Keys, k)
	return nil
}

// end ends a live key for a reason.
func (b *keyBook) end(ctx context.Context, k *apiKey, why KeyEvent, now time.Time) error {
	next, err := KeyLifecycle.Next(k.State, why)
	if err != nil {
		return err
	}
	k.State, k.Ended, k.Reason = next, now.UTC(), why
	if err := b.AnnounceBy(ctx, EventKeyEnded, b.Tenant, k.data()); err != nil {
		return err
	}
	b.forget()
	return nil
}

// forget drops the keys that ended longest ago.
func (b *keyBook) forget() {
	ended := 0
	for _, k := range b.Keys {
		if k.State == KeyEnded {
			ended++
		}
	}
	b.Keys = slices.DeleteFunc(b.Keys, func(k apiKey) bool {
		if k.State != KeyEnded || ended <= keysEnded {
			return false
		}
		ended--
		return true
	})
}

func (k apiKey) works(now time.Time) bool { return k.State == KeyLive && now.Before(k.Expires) }

func (k apiKey) data() KeyData {
	return KeyData{Key: k.ID, Name: k.Name, Person: k.Person, Scopes: k.Scopes, Reason: k.Reason}
}

// KeyWish is what an API key shall be.
type KeyWish struct {
	Name     string
	Scopes   []string
	Days     int      // 0 is DefaultKeyDays
	Networks []string // none is anywhere
}

func (w KeyWish) read(role contract.Role) (apiKey, error) {
	name, ok := cleanName(w.Name, keyNameMax)
	if !ok {
		return apiKey{}, ErrName
	}
	if w.Days == 0 {
		w.Days = DefaultKeyDays
	}
	if w.Days < 1 || w.Days > MaxKeyDays {
		return apiKey{}, ErrExpiry
	}
	scopes := slices.Compact(slices.Sorted(slices.Values(w.Scopes)))
	grantable := Grantable(role)
	for _, s := range scopes {
		if !slices.Contains(grantable, s) {
			return apiKey{}, ErrScopes
		}
	}
	if len(scopes) == 0 {
		return apiKey{}, ErrScopes
	}
	k := apiKey{Name: name, Scopes: scopes, Days: w.Days, State: KeyLifecycle.First()}
	if len(w.Networks) > networksMax {
		return apiKey{}, ErrNetworks
	}
	for _, text := range w.Networks {
		network, err := readNetwork(text)
		if err != nil {
			return apiKey{}, err
		}
		k.Networks = append(k.Networks, network)
	}
	return k, nil
}

func readNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, ErrNetworks
	}
	return p.Masked(), nil
}

// Grantable are the scopes that a person of this role can give a key: what the
// role may do, without what would outlive the key or could not be undone. A key
// makes no other key, takes nobody in, and closes no company.
func Grantable(role contract.Role) []string {
	var scopes []string
	for _, p := range tenancy.Permissions() {
		if slices.Contains(p.Roles, role) && !peoplesOwn(p) {
			scopes = append(scopes, tenancy.Scope(p.Resource, p.Action))
		}
	}
	slices.Sort(scopes)
	return scopes
}

func peoplesOwn(p tenancy.Permission) bool {
	return p.Resource == tenancy.Keys || p.Action == tenancy.Close || p.Resource == tenancy.Members && p.Action == tenancy.Manage
}

// MakeKey makes an API key that asks in who's name, in who's tenant. The text is
// shown now and never again. It fails with ErrPlan, or what is wrong with the wish.
func (s *Service) MakeKey(ctx context.Context, who identity.Who, w KeyWish) (KeyView, string, error) {
	k, err := w.read(who.Role)
	if err != nil {
		return KeyView{}, "", err
	}
	return s.addKey(ctx, who, func(*keyBook) (apiKey, error) { return k, nil })
}

// RotateKey makes a second key like the one named, so that programs can change
// over before the first is revoked. It fails with ErrNoKey, ErrSameName when it was
// done before, ErrScopes when who may do less than the key, and ErrPlan.
func (s *Service) RotateKey(ctx context.Context, who identity.Who, old id.Key) (KeyView, string, error) {
	return s.addKey(ctx, who, func(b *keyBook) (apiKey, error) {
		k := b.find(old)
		if k == nil || !k.works(s.now()) {
			return apiKey{}, ErrNoKey
		}
		next, err := KeyWish{Name: k.Name, Scopes: k.Scopes, Days: k.Days}.read(who.Role)
		next.Networks = k.Networks
		return next, err
	})
}

func (s *Service) addKey(ctx context.Context, who identity.Who, wanted func(*keyBook) (apiKey, error)) (KeyView, string, error) {
	if err := s.requireAPI(ctx, who.Tenant); err != nil {
		return KeyView{}, "", err
	}
	text := newKeyText(s.mark, id.NewKey(), who.Tenant)
	var made apiKey
	err := s.changeBook(ctx, who.Tenant, func(b *keyBook) error {
		k, err := wanted(b)
		if err != nil {
			return err
		}
		now := s.now().UTC()
		k.ID, k.Person, k.Email, k.Hash, k.End = text.key, who.Person, who.Email, text.hash(), text.end()
		k.Made, k.Expires = now, now.Add(time.Duration(k.Days)*24*time.Hour)
		if err := b.add(k, now); err != nil {
			return err
		}
		made = k
		return b.AnnounceBy(ctx, EventKeyMade, b.Tenant, k.data())
	})
	if err != nil {
		return KeyView{}, "", err
	}
	return made.view(), text.text, nil
}

// RevokeKey ends a key of the tenant at once, or fails with ErrNoKey.
func (s *Service) RevokeKey(ctx context.Context, t id.Tenant, k id.Key) error {
	return s.changeBook(ctx, t, func(b *keyBook) error {
		found := b.find(k)
		if found == nil || found.State != KeyLive {
			return ErrNoKey
		}
		return b.end(ctx, found, KeyRevoked, s.now())
	})
}

// changeBook changes the key book of t, which need not be there yet. Edit may run
// more than once, each time on what is stored then.
func (s *Service) changeBook(ctx context.Context, t id.Tenant, edit func(*keyBook) error) error {
	for {
		row, err := s.books.Get(ctx, string(t))
		fresh := errors.Is(err, docstore.ErrNotFound)
		if err != nil && !fresh {
			return fmt.Errorf("read keys of %s: %w", t, err)
		}
		row.ID, row.Value.Tenant = string(t), t
		if err := edit(&row.Value); err != nil {
			return err
		}
		if fresh {
			err = s.books.Insert(ctx, row.ID, row.Value)
		} else {
			_, err = s.books.Replace(ctx, row)
		}
		if errors.Is(err, docstore.ErrExists) || errors.Is(err, docstore.ErrStale) {
			continue // somebody was faster: decide anew on what they wrote
		}
		if err != nil {
			return fmt.Errorf("write keys of %s: %w", t, err)
		}
		return nil
	}
}

// KeyView is an API key as people see it.
type KeyView struct {
	ID       id.Key    `json:"id"`
	Name     string    `json:"name"`
	End      string    `json:"end" doc:"the last characters of the key"`
	Email    string    `json:"email" doc:"of who made it, in whose name it asks"`
	Scopes   []string  `json:"scopes"`
	Networks []string  `json:"networks" doc:"it may come from; none is anywhere"`
	Made     time.Time `json:"made"`
	Expires  time.Time `json:"expires"`
	Used     time.Time `json:"used,omitzero" doc:"to the hour; absent when it never was"`
	State    KeyState  `json:"state" enum:"live,ended"`
	Ended    time.Time `json:"ended,omitzero"`
	Reason   KeyEvent  `json:"reason,omitempty" doc:"why it ended"`
}

func (k apiKey) view() KeyView {
	networks := make([]string, len(k.Networks))
	for i, n := range k.Networks {
		networks[i] = n.String()
	}
	return KeyView{
		ID: k.ID, Name: k.Name, End: k.End, Email: k.Email, Scopes: k.Scopes, Networks: networks,
		Made: k.Made, Expires: k.Expires, Used: k.Used, State: k.State, Ended: k.Ended, Reason: k.Reason,
	}
}

// Keys lists the keys of a tenant, the newest first; those that ended too.
func (s *Service) Keys(ctx context.Context, t id.Tenant) ([]KeyView, error) {
	row, err := s.books.Get(ctx, string(t))
	if err != nil && !errors.Is(err, docstore.ErrNotFound) {
		return nil, fmt.Errorf("read keys of %s: %w", t, err)
	}
	views := []KeyView{}
	for _, k := range slices.Backward(row.Value.Keys) {
		v := k.view()
		if k.State == KeyLive && !k.works(s.now()) { // the sweep has not come by yet
			v.State, v.Ended, v.Reason = KeyEnded, k.Expires, KeyExpired
		}
		views = append(views, v)
	}
	return views, nil
}

func (s *Service) authenticateKey(ctx context.Context, token string, address netip.Addr) (Caller, error) {
	text, ok := readKeyText(s.mark, token)
	if !ok {
		return Caller{}, ErrToken
	}
	row, err := s.books.Get(ctx, string(text.tenant))
	if errors.Is(err, docstore.ErrNotFound) {
		return Caller{}, ErrToken
	}
	if err != nil {
		return Caller{}, fmt.Errorf("read API keys: %w", err)
	}
	k := row.Value.find(text.key)
	if k == nil || !text.is(k.Hash) || !k.works(s.now()) {
		return Caller{}, ErrToken
	}
	if !k.from(address) {
		return Caller{}, ErrAddress
	}
	caller, err := s.callerOf(ctx, text.tenant, k.Person)
	if errors.Is(err, ErrToken) {
		return Caller{}, errors.Join(err, s.orphan(ctx, text.tenant, k.ID))
	}
	if err != nil {
		return Caller{}, err
	}
	caller.Via, caller.Scopes = string(k.ID), k.Scopes
	s.noteUse(ctx, row, k)
	return caller, nil
}

// from says whether the key may come from address.
func (k apiKey) from(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return len(k.Networks) == 0 || slices.ContainsFunc(k.Networks, func(n netip.Prefix) bool { return n.Contains(address) })
}

// noteUse writes the hour of use. It is a favour: when somebody else changes the
// book, or the write fails, the next request does it.
func (s *Service) noteUse(ctx context.Context, row docstore.Row[keyBook], k *apiKey) {
	hour := s.now().UTC().Truncate(usedEvery)
	if !k.Used.Before(hour) {
		return
	}
	k.Used = hour // in row, which k points into
	if _, err := s.books.Replace(ctx, row); err != nil && !gone(err) {
		s.log.WarnContext(ctx, "the use of an API key is noted later", "key", k.ID, "err", err)
	}
}

// orphan ends a key whose maker is no member any more.
func (s *Service) orphan(ctx context.Context, t id.Tenant, k id.Key) error {
	return s.changeBook(ctx, t, func(b *keyBook) error {
		found := b.find(k)
		if found == nil || found.State != KeyLive {
			return nil
		}
		return b.end(ctx, found, KeyOrphaned, s.now())
	})
}

// MemberLeft ends the keys and the programs of a person who left a tenant.
func (s *Service) MemberLeft(ctx context.Context, t id.Tenant, p id.Person) error {
	rows, err := s.families.All(ctx, docstore.Query{Index: byPerson, Equal: []any{string(p)}})
	if err != nil {
		return fmt.Errorf("list families: %w", err)
	}
	for _, row := range rows {
		if row.Value.Tenant != t {
			continue
		}
		err := s.end(ctx, row.Value.ID, func(family) error { return nil }, "left the company")
		if err != nil && !errors.Is(err, ErrNoFamily) {
			return err
		}
	}
	return s.endKeys(ctx, t, func(k apiKey) (KeyEvent, error) {
		if k.Person == p {
			return KeyOrphaned, nil
		}
		return "", nil
	})
}

// endKeys ends the live keys of t for which why gives a reason.
func (s *Service) endKeys(ctx context.Context, t id.Tenant, why func(apiKey) (KeyEvent, error)) error {
	err := s.changeBook(ctx, t, func(b *keyBook) error {
		var ending []id.Key
		reasons := map[id.Key]KeyEvent{}
		for _, k := range b.Keys {
			if k.State != KeyLive {
				continue
			}
			reason, err := why(k)
			if err != nil {
				return err
			}
			if reason != "" {
				ending, reasons[k.ID] = append(ending, k.ID), reason
			}
		}
		if len(ending) == 0 {
			return errNothing
		}
		for _, k := range ending {
			if err := b.end(ctx, b.find(k), reasons[k], s.now()); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

var errNothing = errors.New("nothing to change")

// sweepKeys ends the keys that are too old or whose makers left.
func (s *Service) sweepKeys(ctx context.Context) error {
	rows, err := s.books.All(ctx, docstore.Query{})
	if err != nil {
		return fmt.Errorf("list key books: %w", err)
	}
	for _, row := range rows {
		t := row.Value.Tenant
		err := s.endKeys(ctx, t, func(k apiKey) (KeyEvent, error) {
			if !k.works(s.now()) {
				return KeyExpired, nil
			}
			_, err := s.members.Member(ctx, t, k.Person)
			if errors.Is(err, tenancy.ErrNotFound) {
				return KeyOrphaned, nil
			}
			return "", err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
