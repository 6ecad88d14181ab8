package bundlecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/internal/bundle"
	"github.com/dyocense/dyocense/agent/internal/command"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/id"
)

func (k *kit) verify() *cobra.Command {
	var f flags
	c := frame("verify [BUNDLE]", "Check a bundle, or the tenants of an agent",
		`Check a bundle: its seal, signature, parts, chain and stored files; a backup is
also replayed in a temporary folder and compared.

Or, with --data, check the tenants of an agent: every document, remembered
command and stored file is compared with the journal. The agent may be stopped
or working; copies that follow an owner are checked too. Nothing is changed.

Exit codes: 0 fine, 1 differs, 2 bad usage.`,
		`  dyocense-agent verify monday.dyo --key UA...
  dyocense-agent verify --data agent-data --tenant ten_01h2xcejqtf2nbrexx3vqjhp41`, cobra.MaximumNArgs(1),
		func(c *cobra.Command, args []string) error {
			here := c.Flags().Changed("data") || c.Flags().Changed("tenant")
			if here == (len(args) == 1) {
				return badUse("name a bundle, or the data directory of an agent with --data")
			}
			if here {
				return k.verifyData(c, f)
			}
			return failed(verifyBundle(c, f, args[0]))
		})
	f.add(c, "data", "key")
	c.Flags().StringVar(&f.tenant, "tenant", "", "only this tenant")
	return c
}

func verifyBundle(c *cobra.Command, f flags, path string) error {
	r, err := bundle.Verify(c.Context(), path, f.key, "")
	if err != nil {
		return err
	}
	if f.json {
		r.Manifest.Parts = nil // they are in the file
		err = printJSON(c.OutOrStdout(), r)
	} else {
		err = printReport(c.OutOrStdout(), r)
	}
	return differs(err, r.OK())
}

// differs ends with the exit code of what was found, unless printing failed.
func differs(err error, fine bool) error {
	if err == nil && !fine {
		return command.Exit{Code: exitFailed}
	}
	return err
}

func printReport(w io.Writer, r bundle.Report) error {
	m := r.Manifest
	s := newSheet(w)
	s.line("Bundle", "%s, %s", r.File, size(r.Bytes))
	if m.Tenant != "" {
		s.line("Content", "%s of %s, made %s by version %s", m.Kind, m.Tenant, moment(m.MadeAt), m.Program)
		if m.Last.Time != nil {
			s.line("As of", "slot %d, %s", m.Last.Slot, moment(*m.Last.Time))
		}
		n, bytes := m.Documents()
		s.line("Documents", "%d, %s", n, size(bytes))
		s.line("Stored files", "%d, %s", m.Blobs, size(m.BlobBytes))
	}
	if r.Signed.Key != "" {
		s.line("Signed by", "%s", signed(r.Signed, ""))
	}
	for _, n := range r.Notes {
		s.line("Note", "%s", n)
	}
	switch {
	case r.OK() && r.Replayed:
		s.line("Verdict", "fine: %s, replayed into an empty store and compared", quantity(r.Entries, "entry", "entries"))
		s.line("Next", "restore it: dyocense-agent restore %s --data DIR", r.File)
	case r.OK():
		s.line("Verdict", "fine: every part is what the manifest says")
	default:
		s.line("Verdict", "not fine, %s:", quantity(int64(len(r.Problems)+r.More), "problem", "problems"))
		problems(s, r.Problems, r.More)
		s.line("Next", "do not restore from it; take another bundle")
	}
	return s.finish()
}

func problems(s sheet, list []string, more int) {
	for _, p := range list {
		s.line("", "%s", p)
	}
	if more > 0 {
		s.line("", "(and %d more)", more)
	}
}

// verified is the JSON of one tenant.
type verified struct {
	Tenant id.Tenant           `json:"tenant"`
	OK     bool                `json:"ok"`
	Role   tenantstore.Role    `json:"role"`
	Report *tenantstore.Report `json:"report,omitempty"`
	Error  string              `json:"error,omitempty"` // why it could not be read
}

func (k *kit) verifyData(c *cobra.Command, f flags) error {
	return k.use(c, f.data, false, func(d *Data) error {
		ctx := c.Context()
		tenants, err := d.Factory.Tenants(ctx)
		if f.tenant != "" {
			var one id.Tenant
			one, err = d.one(ctx, f.tenant)
			tenants = []id.Tenant{one}
		}
		if err != nil {
			return err
		}
		fine := true
		all := []verified{}
		for _, tenant := range tenants {
			v := d.verifyTenant(ctx, tenant)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			fine = fine && v.OK
			all = append(all, v)
		}
		if f.json {
			err = printJSON(c.OutOrStdout(), all)
		} else {
			err = printTenants(c.OutOrStdout(), all, d)
		}
		return differs(err, fine)
	})
}

func (d *Data) verifyTenant(ctx context.Context, tenant id.Tenant) verified {
	v := verified{Tenant: tenant}
	err := func() error {
		raw, closing, err := tenantstore.ReadTenant(ctx, d.Factory, tenant)
		if err != nil {
			return err
		}
		defer func() { _ = closing() }() // it was only read
		is, err := raw.Standing(ctx, d.Environment)
		if err != nil {
			return err
		}
		v.Role = is.Role
		r, err := raw.Verify(ctx)
		v.Report = &r
		return err
	}()
	if err != nil {
		var exit command.Exit
		if errors.As(failed(err), &exit) {
			v.Error = exit.Error()
		}
		return v
	}
	v.OK = v.Report.OK() && len(v.Report.Absent) == 0
	return v
}

func printTenants(w io.Writer, all []verified, d *Data) error {
	if len(all) == 0 {
		text := d.empty()
		if _, err := fmt.Fprintf(w, "%s.\n", strings.ToUpper(text[:1])+text[1:]); err != nil {
			return fmt.Errorf("print the outcome: %w", err)
		}
		return nil
	}
	s := newSheet(w)
	wrong := 0
	for _, v := range all {
		r := v.Report
		switch {
		case v.Error != "":
			wrong++
			s.line(string(v.Tenant), "cannot be read: %s", v.Error)
		case v.OK:
			s.line(string(v.Tenant), "fine: %s, %s, %s%s", quantity(r.Slots, "entry", "entries"), quantity(r.Documents, "document", "documents"), quantity(r.Blobs, "stored file", "stored files"), role(v.Role))
		default:
			wrong++
			s.line(string(v.Tenant), "not fine, %s%s:", quantity(int64(len(r.Problems)+r.More+len(r.Absent)), "problem", "problems"), role(v.Role))
			problems(s, r.Problems, r.More)
			for _, hash := range r.Absent {
				s.line("", "stored file %s, which documents refer to, is missing", hash)
			}
		}
	}
	if wrong > 0 {
		s.line("Next", "stop the agent, copy its data aside, and restore from the last good backup: dyocense-agent restore BUNDLE --replace")
	}
	return s.finish()
}

// role says what is not the usual.
func role(r tenantstore.Role) string {
	switch r {
	case tenantstore.RoleStandby:
		return ", a copy that follows"
	case tenantstore.RoleMoved:
		return ", owned elsewhere now"
	}
	return ""
}
