package tables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/id"
)

// The collections of this package.
const (
	uploads = "uploads"
	tables  = "tables"
)

// Collections are declared to the tenant's store before anything is kept in it.
func Collections() []docstore.Collection {
	return []docstore.Collection{{Name: uploads}, {Name: tables}}
}

// The faults of uploads.
var (
	ErrNoUpload   = fault.New(fault.NotFound, "tables.no_such_upload", "There is no such upload; uploads are kept for 24 hours. Upload the file again.")
	ErrFileErrors = fault.New(fault.Invalid, "tables.file_has_errors", "The file has errors, so nothing was stored. Correct them and upload it again.")
)

// UploadTTL is how long an upload waits for its mapping.
const UploadTTL = 24 * time.Hour

// maxUploads is how many uploads of one tenant wait; a newer one drops the
// oldest. Somebody who tries files leaves most of them behind.
const maxUploads = 20

// Upload is a file that waits for its mapping.
type Upload struct {
	ID        id.Upload    `json:"id"`
	Filename  string       `json:"filename"`
	Bytes     int          `json:"bytes"`
	Encoding  string       `json:"encoding"`
	Delimiter string       `json:"delimiter"`
	Lines     int          `json:"lines"`
	Columns   []FileColumn `json:"columns"`
	Preview   [][]string   `json:"preview"` // the first 20 rows
	Kind      Kind         `json:"kind"`    // guessed; "" when nothing fits
	Mapping   Mapping      `json:"mapping"` // guessed
	ExpiresAt time.Time    `json:"expiresAt"`
}

// FileColumn is one column of an uploaded file.
type FileColumn struct {
	Index   int       `json:"index"`
	Name    string    `json:"name"`
	Samples []string  `json:"samples"`                                   // the first different values, at most 5
	Kind    ValueKind `json:"kind" enum:"text,number,integer,date,week"` // guessed
}

// kept is the document of an upload.
type kept struct {
	Upload
	Blob tenantstore.Blob `json:"blob"`
}

// Desk takes files in and keeps the tables of one tenant.
type Desk struct {
	Store *tenantstore.Store
	Actor string // person who acts, for the journal
	// MaxLocations is how many locations the plan allows; 0 is any number.
	MaxLocations int
	Now          func() time.Time // nil means time.Now
}

func (d Desk) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}

// Upload keeps a file until it is committed or expires. It fails with the faults
// of Read, and keeps nothing then.
func (d Desk) Upload(ctx context.Context, filename string, raw []byte) (Upload, error) {
	sheet, err := Read(raw)
	if err != nil {
		return Upload{}, err
	}
	old, _, err := d.stale(ctx, maxUploads-1)
	if err != nil {
		return Upload{}, err
	}
	blob, err := d.Store.PutBlob(ctx, raw)
	if err != nil {
		return Upload{}, fmt.Errorf("keep the bytes of an upload: %w", err)
	}
	u := describe(sheet)
	u.ID, u.Filename, u.Bytes = id.NewUpload(), cleanFilename(filename), len(raw)
	u.ExpiresAt = d.now().Add(UploadTTL)
	_, err = d.Store.Do(ctx, tenantstore.Command{Kind: "tables.upload", Actor: d.Actor}, func(tx *tenantstore.Tx) error {
		if err := drop(tx, old); err != nil {
			return err
		}
		return tx.Put(uploads, string(u.ID), kept{u, blob})
	})
	if err != nil {
		return Upload{}, fmt.Errorf("keep an upload: %w", err)
	}
	return u, nil
}

// describe is what a customer needs to see of a sheet to map its columns.
func describe(s *Sheet) Upload {
	u := Upload{Encoding: s.Encoding, Delimiter: s.Delimiter, Lines: s.Lines, Columns: []FileColumn{}, Preview: [][]string{}}
	kinds := s.columnKinds()
	for i, h := range s.Header {
		column := FileColumn{Index: i, Name: h, Samples: []string{}, Kind: kinds[i]}
		known := map[string]bool{}
		for _, r := range s.Rows[:min(len(s.Rows), sampled)] {
			if c := r.Cells[i]; c != "" && !known[c] && len(column.Samples) < 5 {
				known[c] = true
				column.Samples = append(column.Samples, shorten(c))
			}
		}
		u.Columns = append(u.Columns, column)
	}
	for _, r := range s.Rows[:min(len(s.Rows), 20)] {
		row := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			row[i] = shorten(c)
		}
		u.Preview = append(u.Preview, row)
	}
	u.Kind, u.Mapping = s.Guess()
	return u
}

// cleanFilename keeps the last part of a name, for people only.
func cleanFilename(name string) string {
	name = path.Base(strings.ReplaceAll(clean(name), "\\", "/"))
	if name == "" || name == "." || name == "/" {
		return "upload.csv"
	}
	return limit(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, name), 120)
}

// Find reads an upload, or fails with ErrNoUpload.
func (d Desk) Find(ctx context.Context, upload id.Upload) (Upload, error) {
	k, err := d.find(ctx, upload)
	return k.Upload, err
}

func (d Desk) find(ctx context.Context, upload id.Upload) (kept, error) {
	var k kept
	err := d.Store.Get(ctx, uploads, string(upload), &k)
	if errors.Is(err, docstore.ErrNotFound) || (err == nil && d.now().After(k.ExpiresAt)) {
		return kept{}, ErrNoUpload
	}
	if err != nil {
		return kept{}, fmt.Errorf("read upload %s: %w", upload, err)
	}
	return k, nil
}

// Check checks an upload and stores nothing.
func (d Desk) Check(ctx context.Context, upload id.Upload, how How) (Check, error) {
	k, err := d.find(ctx, upload)
	if err != nil {
		return Check{}, err
	}
	check, _, err := d.check(ctx, k, how)
	return check, err
}

func (d Desk) check(ctx context.Context, k kept, how How) (Check, Dataset, error) {
	raw, err := d.Store.GetBlob(ctx, k.Blob)
	if err != nil {
		return Check{}, Dataset{}, fmt.Errorf("read the bytes of upload %s: %w", k.ID, err)
	}
	sheet, err := Read(raw)
	if err != nil {
		return Check{}, Dataset{}, err
	}
	how.Now = d.now()
	return sheet.Check(how)
}

// Commit makes an upload the table of its kind, whole or not at all. It checks
// again and fails with ErrFileErrors and the problems as details. Committing the
// same upload twice answers the same and does nothing the second time.
func (d Desk) Commit(ctx context.Context, upload id.Upload, how How) (Table, error) {
	command := tenantstore.Command{ID: "tables.commit/" + string(upload), Kind: "tables.commit", Actor: d.Actor}
	k, err := d.find(ctx, upload)
	if errors.Is(err, ErrNoUpload) {
		return d.committedBefore(ctx, command)
	}
	if err != nil {
		return Table{}, err
	}
	check, set, err := d.check(ctx, k, how)
	if err != nil {
		return Table{}, err
	}
	if !check.OK {
		return Table{}, ErrFileErrors.Saying("The file has %s, so nothing was stored. Correct the file and upload it again.", errorsIn(check.ErrorCount)).
			With(details(k.Filename, check.Errors)...)
	}
	if n := len(set.locations()); d.MaxLocations > 0 && n > d.MaxLocations {
		return Table{}, tooManyLocations(n, d.MaxLocations)
	}
	stored, err := d.keep(ctx, how.Kind, set, check, k.Filename)
	if err != nil {
		return Table{}, err
	}
	receipt, err := d.Store.Do(ctx, command, func(tx *tenantstore.Tx) error {
		var still kept
		if err := tx.Get(uploads, string(upload), &still); err != nil {
			if errors.Is(err, docstore.ErrNotFound) {
				return ErrNoUpload
			}
			return err
		}
		if err := tx.Put(tables, string(how.Kind), stored); err != nil {
			return err
		}
		if err := tx.Delete(uploads, string(upload)); err != nil {
			return err
		}
		return tx.Return(stored.Table)
	})
	if err != nil {
		return Table{}, fmt.Errorf("commit upload %s: %w", upload, err)
	}
	return tableOf(receipt)
}

func errorsIn(n int) string {
	if n == 1 {
		return "1 error"
	}
	return grouped(n) + " errors"
}

// committedBefore answers a repeated commit with the result of the first.
func (d Desk) committedBefore(ctx context.Context, command tenantstore.Command) (Table, error) {
	receipt, err := d.Store.Do(ctx, command, func(*tenantstore.Tx) error { return ErrNoUpload })
	if err != nil {
		return Table{}, err
	}
	return tableOf(receipt)
}

func tableOf(r tenantstore.Receipt) (Table, error) {
	var t Table
	if err := json.Unmarshal(r.Result, &t); err != nil {
		return Table{}, fmt.Errorf("read the result of a commit: %w", err)
	}
	return t, nil
}

// Collect forgets the uploads that have expired and says how many are left.
func (d Desk) Collect(ctx context.Context) (left int, err error) {
	old, left, err := d.stale(ctx, maxUploads)
	if err != nil || len(old) == 0 {
		return left, err
	}
	_, err = d.Store.Do(ctx, tenantstore.Command{Kind: "tables.collect", Actor: "agent"}, func(tx *tenantstore.Tx) error {
		return drop(tx, old)
	})
	if err != nil {
		return left, fmt.Errorf("forget expired uploads: %w", err)
	}
	return left, nil
}

func drop(tx *tenantstore.Tx, old []string) error {
	for _, one := range old {
		if err := tx.Delete(uploads, one); err != nil {
			return err
		}
	}
	return nil
}

// stale are the uploads that have expired, and the oldest beyond most; left is how
// many stay.
func (d Desk) stale(ctx context.Context, most int) (old []string, left int, err error) {
	var waiting []string // oldest first: identifiers sort by time
	q := docstore.Query{Limit: 1000}
	for {
		page, err := d.Store.Find(ctx, uploads, q)
		if err != nil {
			return nil, 0, fmt.Errorf("list uploads: %w", err)
		}
		for _, doc := range page.Docs {
			var k struct {
				ExpiresAt time.Time `json:"expiresAt"`
			}
			if err := json.Unmarshal(doc.Body, &k); err != nil {
				return nil, 0, fmt.Errorf("decode upload %s: %w", doc.ID, err)
			}
			if d.now().After(k.ExpiresAt) {
				old = append(old, doc.ID)
			} else {
				waiting = append(waiting, doc.ID)
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if over := len(waiting) - most; over > 0 {
		old, waiting = append(old, waiting[:over]...), waiting[over:]
	}
	return old, len(waiting), nil
}
