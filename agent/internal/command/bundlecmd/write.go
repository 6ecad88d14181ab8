package bundlecmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nkeys"
	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/internal/bundle"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/id"
)

func (k *kit) backup() *cobra.Command {
	var f flags
	c := frame("backup", "Write a tenant's whole history into one signed file",
		`Write a tenant's journal, and the files its entries refer to, into a bundle (.dyo).

From a backup the tenant can be restored as of any entry. The agent may go on
working meanwhile: what it writes after the start is not in the backup. The
bundle is signed with the agent's key.

Exit codes: 0 written, 1 failed, 2 bad usage.`,
		`  dyocense-agent backup --data agent-data --tenant ten_01h2xcejqtf2nbrexx3vqjhp41
  dyocense-agent backup --out monday.dyo`, cobra.NoArgs,
		func(c *cobra.Command, _ []string) error { return k.write(c, f, bundle.Backup, bundle.WriteBackup) })
	f.add(c, "data", "tenant", "out")
	return c
}

func (k *kit) export() *cobra.Command {
	var f flags
	c := frame("export", "Write a tenant's present data into one file for people and other programs",
		`Write what a tenant has now into a bundle (.dyo): documents as JSON lines, tables
and decisions as CSV, larger contents as files, and a README that explains it.
Every archive program opens it (tar.gz).

Exit codes: 0 written, 1 failed, 2 bad usage.`,
		`  dyocense-agent export --tenant ten_01h2xcejqtf2nbrexx3vqjhp41 --out ours.dyo
  tar xzf ours.dyo`, cobra.NoArgs,
		func(c *cobra.Command, _ []string) error { return k.write(c, f, bundle.Export, bundle.WriteExport) })
	f.add(c, "data", "tenant", "out")
	return c
}

// writer writes a bundle of one kind.
type writer func(context.Context, *tenantstore.Raw, bundle.Making, io.Writer) (bundle.Manifest, error)

// wrote is the JSON of what was written.
type wrote struct {
	File     string          `json:"file"`
	Bytes    int64           `json:"bytes"`
	Seconds  float64         `json:"seconds"`
	Key      string          `json:"key"`
	Manifest bundle.Manifest `json:"manifest"`
}

func (k *kit) write(c *cobra.Command, f flags, kind bundle.Kind, write writer) error {
	return k.use(c, f.data, false, func(d *Data) error {
		tenant, err := d.one(c.Context(), f.tenant)
		if err != nil {
			return err
		}
		began := time.Now()
		path := f.out
		if info, err := os.Stat(path); path == "" || err == nil && info.IsDir() {
			path = filepath.Join(path, fmt.Sprintf("%s-%s%s", tenant, began.UTC().Format("20060102T150405Z"), bundle.Suffix))
		}
		m, err := d.save(c.Context(), tenant, path, write)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("look at what was written: %w", err)
		}
		w := wrote{File: path, Bytes: info.Size(), Seconds: time.Since(began).Seconds(), Key: d.public(), Manifest: m}
		if f.json {
			w.Manifest.Parts = nil // they are in the file
			return printJSON(c.OutOrStdout(), w)
		}
		return w.print(c.OutOrStdout(), kind)
	})
}

// save writes a bundle of the tenant to path.
func (d *Data) save(ctx context.Context, tenant id.Tenant, path string, write writer) (m bundle.Manifest, err error) {
	if d.Key == nil {
		return m, bundle.ErrUnsigned.Saying("There is no agent's key in %s to sign with: the agent was never started here.", d.Dir)
	}
	raw, closing, err := tenantstore.ReadTenant(ctx, d.Factory, tenant)
	if err != nil {
		return m, err
	}
	defer func() {
		if e := closing(); err == nil {
			err = e
		}
	}()
	making := bundle.Making{Tenant: tenant, Environment: d.Environment, Signer: signing{d.Key}, Program: d.Program, Now: time.Now()}
	err = bundle.WriteFile(path, func(out io.Writer) (err error) {
		m, err = write(ctx, raw, making, out)
		return err
	})
	return m, err
}

// signing is a key that only signs.
type signing struct{ key nkeys.KeyPair }

func (s signing) PublicKey() (string, error)          { return s.key.PublicKey() }
func (s signing) Sign(message []byte) ([]byte, error) { return s.key.Sign(message) }

func (w wrote) print(out io.Writer, kind bundle.Kind) error {
	m := w.Manifest
	s := newSheet(out)
	s.line("Written", "%s, %s in %.1f s", w.File, size(w.Bytes), w.Seconds)
	s.line("Tenant", "%s", m.Tenant)
	if m.Last.Time != nil {
		s.line("As of", "slot %d, %s", m.Last.Slot, moment(*m.Last.Time))
	}
	n, bytes := m.Documents()
	s.line("Documents", "%d, %s", n, size(bytes))
	s.line("Stored files", "%d, %s", m.Blobs, size(m.BlobBytes))
	if len(m.Absent) > 0 {
		s.line("Missing", "%s that documents refer to; they were missing in the tenant already", quantity(int64(len(m.Absent)), "stored file", "stored files"))
	}
	s.line("Signed by", "%s", w.Key)
	if kind == bundle.Backup {
		s.line("Next", "check it: dyocense-agent verify %s --key %s", w.File, w.Key)
	} else {
		s.line("Next", "look inside: tar xzf %s", w.File)
	}
	return s.finish()
}
