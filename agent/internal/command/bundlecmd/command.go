// Package bundlecmd is the commands `dyocense-agent backup`, `restore`, `export`,
// `import` and `verify`.
//
// It owns their flags, exit codes and output, for people and for programs. It does
// not own bundles (package bundle), nor where an agent keeps its data, which comes
// by an Opener.
//
// Others script against its flags, its JSON and its exit codes.
package bundlecmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nkeys"
	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/internal/bundle"
	"github.com/dyocense/dyocense/agent/internal/command"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// The exit codes.
const (
	exitFailed = 1 // or: what was verified differs
	exitBadUse = 2
)

// Data is what an agent keeps.
type Data struct {
	Dir         string
	Factory     tenantstore.Factory
	Files       bool           // tenants lie in files of Dir, which a restore keeps
	Key         nkeys.KeyPair  // of the agent; nil before it was first started
	Environment id.Environment // that the agent belongs to; "" before it is enrolled
	Skip        []string       // collections that belong to the place and not to the tenant
	Program     string         // version
	Release     func()         // lets agents work on it again

	shelved bool // a shelf owns Factory
}

// Opener opens what an agent keeps in a directory; "" is where the settings say.
// alone refuses while an agent works on it, and keeps agents away.
type Opener func(ctx context.Context, dir string, alone bool) (*Data, error)

// New makes the commands.
func New(open Opener) []*cobra.Command {
	k := &kit{open: open}
	return []*cobra.Command{k.backup(), k.restore(), k.export(), k.imports(), k.verify()}
}

// kit is what the commands share.
type kit struct{ open Opener }

// shared are the flags of several commands.
type flags struct {
	data, tenant, out, key string
	json                   bool
}

func (f *flags) add(c *cobra.Command, names ...string) {
	set := c.Flags()
	set.BoolVar(&f.json, "json", false, "print one JSON object")
	for _, name := range names {
		switch name {
		case "data":
			set.StringVar(&f.data, "data", "", "the agent's data directory (DYOCENSE_AGENT_DATA), default agent-data")
		case "tenant":
			set.StringVar(&f.tenant, "tenant", "", "the tenant; may be left out where there is only one")
		case "out":
			set.StringVar(&f.out, "out", "", "file to write, default TENANT-TIME.dyo here")
		case "key":
			set.StringVar(&f.key, "key", "", "public key (U...) that the bundle must be signed with")
		}
	}
}

// command is the frame of each.
func frame(use, short, long, example string, args cobra.PositionalArgs, run func(c *cobra.Command, args []string) error) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, SilenceUsage: true, SilenceErrors: true,
		Args: func(c *cobra.Command, given []string) error {
			if args(c, given) != nil {
				return badUse("write it so: dyocense-agent %s", use)
			}
			return nil
		},
		RunE: run,
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badUse("%v", err) })
	return c
}

func badUse(format string, args ...any) error {
	return command.Exit{Code: exitBadUse, Err: fmt.Errorf(format, args...)}
}

// failed is err in words for the person at the keyboard, with the exit code.
func failed(err error) error {
	var exit command.Exit
	if err == nil || errors.As(err, &exit) {
		return err
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return command.Exit{Code: exitFailed, Err: err}
	}
	text := f.Message
	if cause := f.Unwrap(); cause != nil && (f.Kind == fault.Unavailable || f.Kind == fault.Internal) {
		text += " (" + cause.Error() + ")"
	}
	for _, d := range f.Details {
		text += "\n  " + d.Message
	}
	return command.Exit{Code: exitFailed, Err: errors.New(text)}
}

// use opens the data for the length of do.
func (k *kit) use(c *cobra.Command, dir string, alone bool, do func(*Data) error) (err error) {
	d, err := k.open(c.Context(), dir, alone)
	if err != nil {
		return failed(err)
	}
	defer d.Release()
	defer func() {
		if d.shelved {
			return
		}
		if closing := d.Factory.Close(); err == nil {
			err = failed(closing)
		}
	}()
	return failed(do(d))
}

// shelf opens tenants of d for the rest of a command. Closing it closes Factory.
func (d *Data) shelf() *tenantstore.Shelf {
	d.shelved = true
	s := tenantstore.NewShelf(d.Factory, 1)
	s.Belong(d.Environment)
	return s
}

// one is the tenant that was named, or the only one.
func (d *Data) one(ctx context.Context, named string) (id.Tenant, error) {
	if named != "" {
		tenant, err := id.ParseTenant(named)
		if err != nil {
			return "", badUse("--tenant %q is no tenant; they look like %s", named, "ten_01h2xcejqtf2nbrexx3vqjhp41")
		}
		return tenant, nil
	}
	all, err := d.Factory.Tenants(ctx)
	if err != nil {
		return "", err
	}
	switch len(all) {
	case 1:
		return all[0], nil
	case 0:
		return "", command.Exit{Code: exitFailed, Err: errors.New(d.empty())}
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = string(t)
	}
	return "", badUse("there are %d tenants; name one with --tenant:\n  %s", len(all), strings.Join(names[:min(len(names), 20)], "\n  "))
}

// empty says that there is no tenant in the directory, and where below it there are
// some: a control plane keeps the directories of its agents in its own.
func (d *Data) empty() string {
	text := "there is no tenant in " + d.Dir
	var below []string
	for _, pattern := range []string{"pool-agent", filepath.Join("dedicated", "*", "agent")} {
		found, err := filepath.Glob(filepath.Join(d.Dir, pattern, "tenants", "*.db"))
		for _, file := range found {
			if dir := filepath.Dir(filepath.Dir(file)); err == nil && !slices.Contains(below, dir) {
				below = append(below, dir)
			}
		}
	}
	if len(below) == 0 {
		return text + "; --data is the directory of one agent"
	}
	return text + ", which a control plane keeps its agents in; tenants are below, name one of these with --data:\n  " + strings.Join(below, "\n  ")
}

// moment is how times are shown.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// size is a number of bytes as people write it.
func size(bytes int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, unit := float64(bytes), 0
	for v >= 999.5 && unit < len(units)-1 {
		v /= 1000
		unit++
	}
	if unit == 0 || v >= 99.95 {
		return fmt.Sprintf("%.0f %s", v, units[unit])
	}
	return fmt.Sprintf("%.1f %s", v, units[unit])
}

func quantity(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// signed is who signed, in words.
func signed(s bundle.Signed, own string) string {
	switch {
	case s.Pinned:
		return s.Key + ", the expected key"
	case s.Key == own:
		return s.Key + ", this agent's key"
	}
	return s.Key + "\n\tfingerprint " + s.Fingerprint + "; not pinned: say the key you expect with --key"
}

func (d *Data) public() string {
	if d.Key == nil {
		return ""
	}
	key, err := d.Key.PublicKey()
	if err != nil {
		return ""
	}
	return key
}

// sheet prints names and values in two columns.
type sheet struct{ to *tabwriter.Writer }

func newSheet(w io.Writer) sheet { return sheet{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

// line keeps its write error for finish.
func (s sheet) line(name, format string, args ...any) {
	_, _ = fmt.Fprintf(s.to, "%s\t%s\n", name, fmt.Sprintf(format, args...))
}

func (s sheet) finish() error {
	if err := s.to.Flush(); err != nil {
		return fmt.Errorf("print the outcome: %w", err)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("print the outcome: %w", err)
	}
	return nil
}
