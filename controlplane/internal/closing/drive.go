package closing

import (
	"context"
	"errors"
	"fmt"

	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// drive takes every step of a deletion that can be taken now.
func (s *Service) drive(ctx context.Context, t id.Tenant) error {
	for {
		row, err := s.deletions.Get(ctx, string(t))
		if err != nil {
			return fmt.Errorf("read deletion: %w", err)
		}
		switch row.Value.State {
		case Data:
			err = s.data(ctx, t, row)
		case Records:
			err = s.records(ctx, t, row)
		case People:
			err = s.people(ctx, t, row)
		case Proven:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// note writes what a step found out.
func (s *Service) note(ctx context.Context, row docstore.Row[deletion], edit func(*deletion) error) error {
	if err := edit(&row.Value); err != nil {
		return err
	}
	if _, err := s.deletions.Replace(ctx, row); err != nil {
		return fmt.Errorf("note: %w", err)
	}
	return nil
}

// data deletes the workspace. What there is is noted before it is told to go.
func (s *Service) data(ctx context.Context, t id.Tenant, row docstore.Row[deletion]) error {
	d := row.Value
	if !d.Looked {
		kept, _, err := s.Workspace.Look(ctx, t)
		if err != nil {
			return err
		}
		return s.note(ctx, row, func(d *deletion) error {
			d.Looked, d.Workspace = true, kept
			return nil
		})
	}
	if d.Workspace.Environment != "" {
		gone, err := s.Workspace.Erase(ctx, t, d.Told)
		if err != nil {
			return err
		}
		if !gone {
			if d.Told {
				return errLeft // deleting takes a moment
			}
			return s.note(ctx, row, func(d *deletion) error {
				d.Told = true
				return nil
			})
		}
	}
	return s.note(ctx, row, func(d *deletion) error { return d.move(DataGone) })
}

// records lets every keeper forget.
func (s *Service) records(ctx context.Context, t id.Tenant, row docstore.Row[deletion]) error {
	if !row.Value.Counted {
		counts := map[string]int{}
		for _, k := range s.Keepers {
			n, err := k.Is.Holds(ctx, t)
			if err != nil {
				return fmt.Errorf("count %s: %w", k.Name, err)
			}
			counts[k.Name] = n
		}
		return s.note(ctx, row, func(d *deletion) error {
			d.Counted, d.Records = true, counts
			return nil
		})
	}
	for _, k := range s.Keepers {
		if err := k.Is.Forget(ctx, t); err != nil {
			return fmt.Errorf("forget %s: %w", k.Name, err)
		}
	}
	return s.note(ctx, row, func(d *deletion) error { return d.move(RecordsGone) })
}

// people deletes the accounts that belong nowhere else and then the tenant, looks whether
// anything is left, and signs the proof.
func (s *Service) people(ctx context.Context, t id.Tenant, row docstore.Row[deletion]) error {
	if !row.Value.Listed {
		return s.list(ctx, t, row)
	}
	d := row.Value
	for i, p := range d.People {
		if err := s.People.Erase(ctx, p); err != nil {
			return err
		}
		if err := s.Mailbox.Forget(ctx, d.Emails[i]); err != nil {
			return err
		}
	}
	if err := s.Tenants.Erase(ctx, t); err != nil {
		return err
	}
	if err := s.swept(ctx, t); err != nil {
		return err
	}
	statement := d.statement(t, s.Now())
	proof, err := s.sign(statement)
	if err != nil {
		return err
	}
	// The letters before the note: afterwards nobody knows whom to write to. A crash in
	// between writes no second letter, because the key is the same.
	for _, email := range d.Owners {
		err := s.Mailbox.Post(ctx, "deleted/"+string(t)+"/"+email, email, notify.CompanyNews{
			Line: "Your company is deleted", Company: d.Company, Sentences: []string{
				"Nothing of it is left with us: neither the workspace nor the records about it, nor the accounts that belonged to no other company. Invoices stay with the payment service for as long as the law says.",
				"This is the statement that proves it:", proof.Statement,
				"Signature (Ed25519, base64): " + proof.Signature, "Key: " + proof.Key,
			},
		})
		if err != nil {
			return err
		}
	}
	return s.note(ctx, row, func(d *deletion) error {
		d.Proof = &proof
		if err := d.Announce(EventDeleted, t, statement); err != nil {
			return err
		}
		return d.move(PeopleGone)
	})
}

// list notes whose accounts go.
func (s *Service) list(ctx context.Context, t id.Tenant, row docstore.Row[deletion]) error {
	roll, err := s.Tenants.Members(ctx, t)
	if err != nil && !errors.Is(err, tenancy.ErrNotFound) {
		return err
	}
	var alone []id.Person
	var emails []string
	for _, m := range roll {
		all, err := s.Tenants.Memberships(ctx, m.Person)
		if err != nil {
			return err
		}
		if len(all) == 1 { // this one
			alone, emails = append(alone, m.Person), append(emails, m.Email)
		}
	}
	return s.note(ctx, row, func(d *deletion) error {
		d.Listed, d.People, d.Emails, d.Members, d.Accounts = true, alone, emails, len(roll), len(alone)
		return nil
	})
}

// swept fails with errLeft unless nobody keeps anything.
func (s *Service) swept(ctx context.Context, t id.Tenant) error {
	for _, k := range s.Keepers {
		n, err := k.Is.Holds(ctx, t)
		if err != nil {
			return fmt.Errorf("count %s: %w", k.Name, err)
		}
		if n > 0 { // something arrived late, such as a notice that was on its way
			return errors.Join(fault.New(fault.Unavailable, errLeft.Code, errLeft.Message).Because(fmt.Errorf("%s keeps %d", k.Name, n)), k.Is.Forget(ctx, t))
		}
	}
	if n, err := s.Tenants.Ways(ctx, t); err != nil || n > 0 {
		return errors.Join(err, errLeft)
	}
	return nil
}
