package bundlecmd

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/internal/bundle"
	"github.com/dyocense/dyocense/agent/internal/command"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/id"
)

func (k *kit) restore() *cobra.Command {
	var f flags
	var at string
	var slot int64
	var replace, takeOver bool
	c := frame("restore BUNDLE", "Restore a tenant from a backup, as of any entry",
		`Restore the tenant of a backup into the data directory of a stopped agent, as of
the end of the backup, of a time, or of a slot.

All of the bundle is checked before anything is written, and the tenant appears
whole or not at all. A tenant that exists is only replaced with --replace; its
file is kept beside as TENANT.db.before-restore-TIME (with MongoDB, as a backup
in this directory).

A tenant that belongs to another environment is refused: two owners must never
write. With --take-over the journal gets an entry that hands it over to this
environment; say so only when the other serves it no more.

Exit codes: 0 restored, 1 refused or failed, 2 bad usage.`,
		`  dyocense-agent restore monday.dyo --data agent-data
  dyocense-agent restore monday.dyo --at 2026-03-02T09:30:00Z --replace`, cobra.ExactArgs(1),
		func(c *cobra.Command, args []string) error {
			o := bundle.Restoring{Key: f.key, Replace: replace, TakeOver: takeOver}
			if c.Flags().Changed("slot") {
				if at != "" || slot < 1 {
					return badUse("--slot takes a number from 1 on, and goes without --at")
				}
				o.Until.Slot = slot
			}
			if at != "" {
				t, err := time.Parse(time.RFC3339, at)
				if err != nil {
					return badUse("--at %q is no time; it looks like 2026-03-02T09:30:00Z", at)
				}
				o.Until.Time = t
			}
			return k.runRestore(c, f, args[0], o)
		})
	f.add(c, "data", "key")
	c.Flags().StringVar(&at, "at", "", "restore as of this time (RFC 3339): the last entry that is not later")
	c.Flags().Int64Var(&slot, "slot", 0, "restore as of this entry of the journal")
	c.Flags().BoolVar(&replace, "replace", false, "take the place of the tenant that exists; it is kept beside")
	c.Flags().BoolVar(&takeOver, "take-over", false, "although another environment owns the tenant")
	return c
}

func (k *kit) runRestore(c *cobra.Command, f flags, path string, o bundle.Restoring) error {
	return k.use(c, f.data, true, func(d *Data) (err error) {
		ctx := c.Context()
		o.Self = d.Environment
		kept := ""
		if o.Replace && !d.Files {
			if kept, err = d.saveReplaced(c, path, f.key); err != nil {
				return err
			}
		}
		shelf := d.shelf()
		out, err := bundle.Restore(ctx, shelf, d.Factory.Collections(), path, o)
		err = errors.Join(err, shelf.Close())
		if errors.Is(err, tenantstore.ErrExists) {
			return command.Exit{Code: exitFailed, Err: fmt.Errorf("the tenant %s exists here; give --replace to put the restored one in its place (it is kept beside)", out.Tenant)}
		}
		if err != nil {
			return err
		}
		if out.Kept == "" {
			out.Kept = kept
		}
		if f.json {
			return printJSON(c.OutOrStdout(), out)
		}
		return printRestored(c, out, d)
	})
}

// saveReplaced backs up what a restore is about to replace, where the store itself
// cannot keep it.
func (d *Data) saveReplaced(c *cobra.Command, path, key string) (string, error) {
	report, err := bundle.Check(c.Context(), path, key)
	if err != nil || !report.OK() {
		return "", err // Restore says what is wrong, and replaces nothing
	}
	tenant := report.Manifest.Tenant
	kept := fmt.Sprintf("%s.before-restore-%s%s", tenant, time.Now().UTC().Format("20060102T150405Z"), bundle.Suffix)
	_, err = d.save(c.Context(), tenant, kept, bundle.WriteBackup)
	if errors.Is(err, tenantstore.ErrNoTenant) {
		return "", nil
	}
	return kept, err
}

func printRestored(c *cobra.Command, out bundle.Restored, d *Data) error {
	s := newSheet(c.OutOrStdout())
	s.line("Restored", "%s", out.Tenant)
	if out.Slot > 0 {
		s.line("As of", "slot %d, %s", out.Slot, moment(out.Time))
	}
	if out.LeftOut > 0 {
		s.line("Left out", "%s of the backup that came later", quantity(out.LeftOut, "entry", "entries"))
	}
	s.line("Documents", "%d, all as the journal says", out.Documents)
	s.line("Stored files", "%d", out.Blobs)
	for _, a := range out.Added {
		s.line("Added", "%s", a)
	}
	for _, n := range out.Notes {
		s.line("Note", "%s", n)
	}
	s.line("Signed by", "%s", signed(out.Signed, d.public()))
	if out.Kept != "" {
		s.line("Kept", "%s; delete it when you need it no more", out.Kept)
	}
	s.line("Next", "start the agent: dyocense-agent run --data %s, or the control plane where that starts it", d.Dir)
	return s.finish()
}

func (k *kit) imports() *cobra.Command {
	var f flags
	c := frame("import BUNDLE", "Bring the data of a bundle into a new tenant",
		`Bring the present documents of a backup or an export into a new tenant in the data
directory of a stopped agent. Ids of documents stay; the history does not come
along. The tenant must not exist; without --tenant a new id is made.

Exit codes: 0 imported, 1 refused or failed, 2 bad usage.`,
		`  dyocense-agent import ours.dyo --data agent-data`, cobra.ExactArgs(1),
		func(c *cobra.Command, args []string) error {
			tenant := id.NewTenant()
			if f.tenant != "" {
				var err error
				if tenant, err = id.ParseTenant(f.tenant); err != nil {
					return badUse("--tenant %q is no tenant; leave it out to make one", f.tenant)
				}
			}
			return k.runImport(c, f, args[0], tenant)
		})
	f.add(c, "data", "key")
	c.Flags().StringVar(&f.tenant, "tenant", "", "id of the new tenant, default a fresh one")
	return c
}

func (k *kit) runImport(c *cobra.Command, f flags, path string, tenant id.Tenant) error {
	return k.use(c, f.data, true, func(d *Data) error {
		shelf := d.shelf()
		out, err := bundle.Import(c.Context(), shelf, d.Factory.Collections(), path, bundle.Importing{Tenant: tenant, Key: f.key, Skip: d.Skip})
		err = errors.Join(err, shelf.Close())
		if errors.Is(err, tenantstore.ErrExists) {
			return command.Exit{Code: exitFailed, Err: fmt.Errorf("the tenant %s exists here; leave --tenant out to make a new one", tenant)}
		}
		if err != nil {
			return err
		}
		if f.json {
			return printJSON(c.OutOrStdout(), out)
		}
		s := newSheet(c.OutOrStdout())
		s.line("Imported", "%s, from %s of %s", out.Tenant, out.Kind, out.From)
		s.line("Documents", "%d", out.Documents)
		s.line("Stored files", "%d", out.Blobs)
		if out.Skipped > 0 {
			s.line("Left behind", "%s of the place it came from", quantity(out.Skipped, "document", "documents"))
		}
		s.line("Signed by", "%s", signed(out.Signed, d.public()))
		s.line("Next", "nobody serves it: a control plane serves the tenants that it made itself. To bring data back to a company, restore its backup with --replace")
		return s.finish()
	})
}
