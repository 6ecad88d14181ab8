package bundle

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dyocense/dyocense/agent/internal/runs"
	"github.com/dyocense/dyocense/agent/internal/tables"
	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/id"
)

// WriteExport writes a bundle of kind export: the documents as of the end of the
// journal, the blobs they refer to, and the tables and decisions as CSV. It may
// run beside a writer: it replays the journal in a temporary folder and reads what
// comes out, so all of it is of one moment. It fails like WriteBackup.
func WriteExport(ctx context.Context, from *tenantstore.Raw, m Making, w io.Writer) (out Manifest, err error) {
	end, err := admit(ctx, from, m)
	if err != nil {
		return out, err
	}
	t := newTally()
	collections := from.Declared()
	owner, err := lastOwner(ctx, from, end)
	if err != nil {
		return out, err
	}
	err = laidOut(ctx, m.TempDir, collections, owner, func(r *tenantstore.Rebuild) error {
		err := from.Journal(ctx, end, func(id string, body []byte) error {
			if err := t.take(body); err != nil {
				return err
			}
			return r.Take(ctx, id, body)
		})
		if err != nil {
			return fmt.Errorf("replay the journal: %w", err)
		}
		return r.Flush(ctx)
	}, func(shelf *tenantstore.Shelf, tenant id.Tenant, found tenantstore.Report) error {
		if !found.OK() {
			return fmt.Errorf("replay the journal: %s", found.Problems[0])
		}
		base := Manifest{
			Format: format, Kind: Export, Tenant: m.Tenant, Owner: cmp.Or(owner, m.Environment), MadeAt: m.Now.UTC(), Program: m.Program,
			First: t.first, Last: t.last,
		}
		raw, _, release, err := shelf.Look(ctx, tenant)
		if err != nil {
			return err
		}
		defer release()
		e := exporting{packer: newPacker(w, m.Now), from: from, moment: raw, manifest: base, blobs: map[string]tenantstore.Blob{}}
		if err := e.all(ctx); err != nil {
			return err
		}
		out, err = e.packer.finish(e.manifest, m.Signer)
		return err
	})
	return out, err
}

// lastOwner is whom the journal up to end hands the tenant over to last; "" when
// it never does.
func lastOwner(ctx context.Context, from *tenantstore.Raw, end tenantstore.Place) (owner id.Environment, err error) {
	walk := tenantstore.NewWalk()
	err = from.Journal(ctx, end, func(id string, body []byte) error {
		s, err := walk.Next(id, body)
		if err == nil && s.HandOver != nil {
			owner = s.HandOver.To
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the journal: %w", err)
	}
	return owner, nil
}

// exporting is an export under way.
type exporting struct {
	packer   *packer
	from     *tenantstore.Raw // the tenant, for blobs
	moment   *tenantstore.Raw // its documents as of one entry
	manifest Manifest
	blobs    map[string]tenantstore.Blob
}

func (e *exporting) all(ctx context.Context) error {
	if err := e.packer.add(readmeName, []byte(readme(e.manifest))); err != nil {
		return err
	}
	counts := map[string]*Count{}
	for _, collection := range e.moment.Own() {
		out := &lines{to: e.packer, dir: documentsDir + collection + "/"}
		err := e.moment.Living(ctx, collection, func(d docstore.Document) error {
			line, err := json.Marshal(Line{ID: d.ID, Slot: d.Rev, Body: d.Body})
			if err != nil {
				return fmt.Errorf("encode %s %s: %w", collection, d.ID, err)
			}
			count(counts, collection, int64(len(d.Body)))
			for _, b := range tenantstore.References(d.Body) {
				e.blobs[b.Hash] = b
			}
			return out.add(line)
		})
		if err == nil {
			err = out.flush()
		}
		if err != nil {
			return fmt.Errorf("export %s: %w", collection, err)
		}
	}
	e.manifest.Collections = sorted(counts)
	if err := e.tables(ctx); err != nil {
		return err
	}
	if err := e.decisions(ctx); err != nil {
		return err
	}
	return e.packer.blobs(ctx, e.from, slices.Collect(maps.Values(e.blobs)), &e.manifest)
}

// has says whether the tenant has the collections of a package.
func (e *exporting) has(all []docstore.Collection) bool {
	for _, c := range all {
		if !slices.Contains(e.moment.Own(), c.Name) {
			return false
		}
	}
	return true
}

// tables writes the tables in force as files that spreadsheets open. A table whose
// rows are missing is left out; the manifest names its blob as absent.
func (e *exporting) tables(ctx context.Context) error {
	if !e.has(tables.Collections()) {
		return nil
	}
	for _, k := range tables.Kinds() {
		rows, err := tables.Stored(ctx, reading{e.moment, e.from}, k)
		if errors.Is(err, docstore.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("export table %s: %w", k, err)
		}
		if err := e.sheet(tablesDir+string(k)+".csv", rows.Columns, rows.Rows); err != nil {
			return err
		}
	}
	return nil
}

// reading reads documents of one moment and blobs of the tenant.
type reading struct{ documents, blobs *tenantstore.Raw }

func (r reading) Get(ctx context.Context, collection, id string, into any) error {
	found, err := r.documents.Some(ctx, collection, []string{id})
	if err != nil {
		return err
	}
	if len(found) == 0 || tenantstore.Deleted(found[0]) {
		return docstore.ErrNotFound
	}
	return json.Unmarshal(found[0].Body, into)
}

func (r reading) GetBlob(ctx context.Context, b tenantstore.Blob) ([]byte, error) {
	return r.blobs.GetBlob(ctx, b)
}

// decisions writes a line for each decision; what was decided is in the blob that
// its document refers to.
func (e *exporting) decisions(ctx context.Context) error {
	if !slices.Contains(e.moment.Own(), runs.Decisions) {
		return nil
	}
	var rows [][]string
	err := e.moment.Living(ctx, runs.Decisions, func(d docstore.Document) error {
		var r struct {
			runs.Run
			Result *tenantstore.Blob `json:"result"`
		}
		if err := json.Unmarshal(d.Body, &r); err != nil {
			return fmt.Errorf("decode decision %s: %w", d.ID, err)
		}
		result := ""
		if r.Result != nil {
			result = blobsDir + r.Result.Hash
		}
		finished := ""
		if r.FinishedAt != nil {
			finished = r.FinishedAt.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{
			string(r.ID), r.Title, string(r.State), string(r.Status), r.Headline, r.CreatedAt.UTC().Format(time.RFC3339), finished, result,
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("export decisions: %w", err)
	}
	return e.sheet(decisionsName, []string{"id", "title", "state", "status", "headline", "created", "finished", "result"}, rows)
}

// sheet writes a CSV file that spreadsheets of every language open: UTF-8 with a
// byte order mark, lines ended by CR LF.
func (e *exporting) sheet(name string, columns []string, rows [][]string) error {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	err := w.Write(columns)
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, cell := range row {
			if safe[i] = cell; !isNumber(cell) {
				safe[i] = tables.Harmless(cell)
			}
		}
		err = errors.Join(err, w.Write(safe))
	}
	w.Flush()
	if err := errors.Join(err, w.Error()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return e.packer.add(name, b.Bytes())
}

func isNumber(text string) bool {
	v, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

func readme(m Manifest) string {
	return fmt.Sprintf(`Export of the data of %s, made %s.

tables/*.csv            your tables, for any spreadsheet
decisions.csv           a line for each decision; "result" names the file below that holds it
documents/*/*.ndjson    everything that is stored, a document a line:
                        {"id": ..., "slot": ..., "body": {...}}
blobs/<SHA-256>         larger contents that documents refer to by {"hash": ..., "size": ...}:
                        the rows of tables and the results of decisions, as JSON, and
                        files that were uploaded, as they were
manifest.json           what is here, with a SHA-256 of every file
manifest.sig            signature over manifest.json (ed25519)

The file is a tar archive in gzip: every archive program opens it. To bring it into
another agent:  dyocense-agent import FILE
To check it:    dyocense-agent verify FILE
`, m.Tenant, m.MadeAt.Format("2006-01-02 15:04 MST"))
}
