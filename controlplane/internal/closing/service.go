package closing

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/identity"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/outbox"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// Collection holds the deletions and the proofs; its documents carry an outbox.
const Collection = "deletions"

const (
	byUnderway = "underway"

	sweepEvery = time.Minute
	// stepWithin bounds one step of one tenant; what it leaves the next sweep does.
	stepWithin = time.Minute
	// warnBefore is how long before the end owners are reminded.
	warnBefore = 3 * 24 * time.Hour
)

// Collections declares what this slice stores.
func Collections() []docstore.Collection {
	return []docstore.Collection{{Name: Collection, Indexes: []docstore.Index{
		outbox.Index(), {Name: byUnderway, Fields: []string{"underway"}},
	}}}
}

// Bill ends what a tenant pays.
type Bill interface {
	// End ends the subscription. A fault that cannot be retried refuses the closing.
	End(ctx context.Context, t id.Tenant) error
}

// Workspace is a tenant's data where it lives.
type Workspace interface {
	// Quiet fails while a move of the tenant is under way.
	Quiet(ctx context.Context, t id.Tenant) error
	// Look says what there is. None is true when there is nothing to delete.
	Look(ctx context.Context, t id.Tenant) (k Kept, none bool, err error)
	// Erase deletes it and says whether nothing is left; told says that it was asked
	// before.
	Erase(ctx context.Context, t id.Tenant, told bool) (gone bool, err error)
}

// Keeper is a slice that keeps documents about tenants.
type Keeper interface {
	// Holds is how many there are.
	Holds(ctx context.Context, t id.Tenant) (int, error)
	// Forget deletes them. It may be repeated.
	Forget(ctx context.Context, t id.Tenant) error
}

// Teller says what a slice keeps of a tenant, for its export.
type Teller func(ctx context.Context, t id.Tenant) (any, error)

// Named is something with the name by which proofs and exports call it.
type Named[T any] struct {
	Name string
	Is   T
}

// Config is what a Service needs.
type Config struct {
	Store     docstore.Store
	Tenants   *tenancy.Tenants
	People    *identity.People
	Mailbox   *notify.Mailbox
	Bill      Bill
	Workspace Workspace
	Keepers   []Named[Keeper] // forget in this order
	Tellers   []Named[Teller]
	Key       ed25519.PrivateKey // signs proofs
	Grace     time.Duration
	Site      string
	Now       func() time.Time
	Log       *slog.Logger
}

// Service closes and deletes tenants. It may be used from many goroutines and many
// replicas.
type Service struct {
	Config
	deletions docstore.Table[deletion]
}

// New makes a Service; Run drives.
func New(c Config) *Service {
	return &Service{Config: c, deletions: docstore.TableOf[deletion](c.Store, Collection)}
}

// Close closes the company of who, an owner, who typed its name. It fails with ErrName,
// with what the bill or a move under way says against it, and with tenancy.ErrStatus.
// While the payment service does not answer the company is closing, and goes on by
// itself.
func (s *Service) Close(ctx context.Context, who identity.Who, typed string) error {
	tenant, err := s.Tenants.Tenant(ctx, who.Tenant)
	if err != nil {
		return err
	}
	if name, err := tenancy.ParseName(typed); err != nil || name != tenant.Name {
		return ErrName
	}
	if err := s.Workspace.Quiet(ctx, who.Tenant); err != nil {
		return err
	}
	if err := s.Tenants.BeginClosing(ctx, who.Tenant, who.Person); err != nil {
		return err
	}
	err = s.shut(ctx, who.Tenant)
	if err != nil && fault.KindOf(err).Retryable() {
		s.Log.WarnContext(ctx, "a company is closed later", "tenant", who.Tenant, "err", err)
		return nil
	}
	return err
}

// shut goes on with a tenant that is closing.
func (s *Service) shut(ctx context.Context, t id.Tenant) error {
	if err := s.Bill.End(ctx, t); err != nil {
		if fault.KindOf(err).Retryable() {
			return err
		}
		return errors.Join(err, s.Tenants.StayOpen(ctx, t))
	}
	at := s.Now().UTC().Add(s.Grace)
	if err := s.Tenants.Shut(ctx, t, at); err != nil {
		return err
	}
	return s.write(ctx, t, fmt.Sprintf("closed/%s/%d", t, at.UnixMilli()), "Your company is closed",
		"The subscription has ended and nothing is charged any more. Everybody can still read and export.",
		"Everything is deleted on "+moment(at)+". Until then an owner can open the company again.")
}

// Reopen opens a closed company again.
func (s *Service) Reopen(ctx context.Context, who identity.Who) error {
	return s.Tenants.Reopen(ctx, who.Tenant)
}

// write posts a letter to every owner, once a key.
func (s *Service) write(ctx context.Context, t id.Tenant, key, line string, sentences ...string) error {
	tenant, err := s.Tenants.Tenant(ctx, t)
	if err != nil {
		return err
	}
	for _, m := range tenant.Roll {
		if m.Role != contract.RoleOwner {
			continue
		}
		err := s.Mailbox.Post(ctx, key+"/"+string(m.Person), m.Email, notify.CompanyNews{
			Line: line, Company: tenant.Name, Sentences: sentences, Link: s.Site + "/settings/company",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moment is a time in a mail, whose reader's zone is not known.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }

// Run goes on with what is closing and deletes what is over, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "companies wait to be closed or deleted", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep is one round of Run. What one tenant fails with keeps nobody else back.
func (s *Service) Sweep(ctx context.Context) error {
	var failed []error
	closing, err := s.Tenants.In(ctx, tenancy.Closing)
	failed = append(failed, err)
	for _, t := range closing {
		failed = append(failed, s.within(ctx, t.ID, s.shut))
	}
	closed, err := s.Tenants.In(ctx, tenancy.Closed)
	failed = append(failed, err)
	for _, t := range closed {
		failed = append(failed, s.watch(ctx, t))
	}
	erasing, err := s.Tenants.In(ctx, tenancy.Erasing)
	failed = append(failed, err)
	for _, t := range erasing {
		failed = append(failed, s.begin(ctx, t))
	}
	underway, err := s.deletions.All(ctx, docstore.Query{Index: byUnderway})
	failed = append(failed, err)
	for _, row := range underway {
		failed = append(failed, s.within(ctx, id.Tenant(row.ID), s.drive))
	}
	return errors.Join(failed...)
}

func (s *Service) within(ctx context.Context, t id.Tenant, step func(context.Context, id.Tenant) error) error {
	ctx, done := context.WithTimeout(ctx, stepWithin)
	defer done()
	if err := step(ctx, t); err != nil && !errors.Is(err, docstore.ErrStale) { // stale: another replica does the same
		return fmt.Errorf("%s: %w", t, err)
	}
	return nil
}

// watch reminds the owners of a closed company, and ends the grace when it is over.
func (s *Service) watch(ctx context.Context, t tenancy.Tenant) error {
	now := s.Now()
	if now.Before(t.DeleteAt) {
		if t.DeleteAt.Sub(now) > warnBefore || s.Grace <= warnBefore {
			return nil
		}
		return s.write(ctx, t.ID, fmt.Sprintf("soon/%s/%d", t.ID, t.DeleteAt.UnixMilli()), "Your company is deleted soon",
			"Everything is deleted on "+moment(t.DeleteAt)+". Until then an owner can open the company again, and everybody can export.")
	}
	err := s.Tenants.BeginErasing(ctx, t.ID)
	if errors.Is(err, tenancy.ErrStatus) { // it was opened again in the last moment
		return nil
	}
	return err
}

// begin notes that a tenant is being deleted.
func (s *Service) begin(ctx context.Context, t tenancy.Tenant) error {
	d := deletion{State: Lifecycle.First(), Underway: string(Lifecycle.First()), ClosedAt: t.DeleteAt.Add(-s.Grace), Company: t.Name}
	for _, m := range t.Roll {
		if m.Role == contract.RoleOwner {
			d.Owners = append(d.Owners, m.Email)
		}
	}
	err := s.deletions.Insert(ctx, string(t.ID), d)
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return fmt.Errorf("begin to delete %s: %w", t.ID, err)
	}
	return nil
}

// Proof is the proof of a tenant that was deleted, or ErrNoProof.
func (s *Service) Proof(ctx context.Context, t id.Tenant) (Proof, error) {
	row, err := s.deletions.Get(ctx, string(t))
	if errors.Is(err, docstore.ErrNotFound) || err == nil && row.Value.Proof == nil {
		return Proof{}, ErrNoProof
	}
	if err != nil {
		return Proof{}, fmt.Errorf("read proof of %s: %w", t, err)
	}
	return *row.Value.Proof, nil
}

// PublicKey is the key that signs proofs, in base64.
func (s *Service) PublicKey() string {
	public, _ := s.Key.Public().(ed25519.PublicKey) // it is one by its type
	return base64.StdEncoding.EncodeToString(public)
}

func (s *Service) sign(st Statement) (Proof, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return Proof{}, fmt.Errorf("write statement: %w", err)
	}
	return Proof{Statement: string(text), Key: s.PublicKey(), Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(s.Key, text))}, nil
}

// Holds reports whether the signature is of the key over the statement.
func (p Proof) Holds() bool {
	key, err := base64.StdEncoding.DecodeString(p.Key)
	signature, wrong := base64.StdEncoding.DecodeString(p.Signature)
	return err == nil && wrong == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, []byte(p.Statement), signature)
}
