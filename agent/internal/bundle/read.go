package bundle

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dyocense/dyocense/agent/internal/tenantstore"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/fault"
)

const (
	maxProblems = 100      // listed in a Report
	maxManifest = 64 << 20 // bytes
	maxLine     = docstore.MaxBody + 4096
)

// Report is what a check of a bundle found.
type Report struct {
	File     string   `json:"file"`
	Bytes    int64    `json:"bytes"`
	Manifest Manifest `json:"manifest"` // zero when it could not be read
	Signed   Signed   `json:"signed"`
	Entries  int64    `json:"entries"`   // read, of the journal
	Copied   int64    `json:"documents"` // read, of an export
	Blobs    int64    `json:"blobs"`     // read
	Replayed bool     `json:"replayed"`  // the journal was applied to an empty store and compared
	Problems []string `json:"problems"`  // at most 100
	More     int      `json:"more"`      // problems beyond those listed
	Notes    []string `json:"notes,omitempty"`
}

// Signed is who answers for a bundle.
type Signed struct {
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
	Pinned      bool   `json:"pinned"` // it is the key that was asked for
}

// OK says that nothing is wrong.
func (r Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// Line is a document as an export holds it.
type Line struct {
	ID   string          `json:"id"`
	Slot int64           `json:"slot"` // that wrote it last
	Body json.RawMessage `json:"body"`
}

// archive is a bundle in a file.
type archive struct {
	file *os.File
	name string
	size int64
}

func openArchive(path string) (*archive, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotOurs.Saying("There is no file %s.", path).Because(err)
	}
	if err != nil {
		return nil, ErrNotOurs.Saying("The bundle %s cannot be opened.", path).Because(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a file")
	}
	if err != nil {
		return nil, errors.Join(ErrNotOurs.Saying("The bundle %s is not a file.", path).Because(err), f.Close())
	}
	return &archive{file: f, name: filepath.Base(path), size: info.Size()}, nil
}

func (a *archive) close() error { return a.file.Close() }

// sealed says what is wrong with the seal, if anything is.
func (a *archive) sealed(ctx context.Context) (string, error) {
	if a.size < sealBytes {
		return "the file is too short to be a bundle", nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, reader{ctx, io.NewSectionReader(a.file, 0, a.size-sealBytes)}); err != nil {
		return "", fmt.Errorf("read %s: %w", a.name, err)
	}
	stored := make([]byte, sealBytes)
	if _, err := a.file.ReadAt(stored, a.size-sealBytes); err != nil {
		return "", fmt.Errorf("read %s: %w", a.name, err)
	}
	if !bytes.Equal(stored, seal(sum.Sum(nil))) {
		return "the bytes of the file differ from its seal: it was cut off or changed", nil
	}
	return "", nil
}

// each calls f with every part in order. An error of the archive's form is an
// errForm.
func (a *archive) each(ctx context.Context, f func(name string, size int64, r io.Reader) error) error {
	raw := bufio.NewReaderSize(reader{ctx, io.NewSectionReader(a.file, 0, max(0, a.size-sealBytes))}, 1<<16)
	zip, err := gzip.NewReader(raw)
	if err != nil {
		return errForm{errors.New("it does not begin like a bundle")}
	}
	zip.Multistream(false)
	archive := tar.NewReader(zip)
	for {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errForm{err}
		}
		if head.Typeflag != tar.TypeReg {
			return errForm{fmt.Errorf("%q is no file", head.Name)}
		}
		if err := f(head.Name, head.Size, archive); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, zip); err != nil {
		return errForm{err}
	}
	if _, err := raw.ReadByte(); !errors.Is(err, io.EOF) {
		return errForm{errors.New("something follows the archive")}
	}
	return nil
}

// errForm says that the archive cannot be taken apart.
type errForm struct{ err error }

func (e errForm) Error() string { return e.err.Error() }
func (e errForm) Unwrap() error { return e.err }

// reader ends when ctx does.
type reader struct {
	ctx context.Context //nolint:containedctx // lives exactly as long as one call
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// eachLine calls f with every line of a part.
func eachLine(r io.Reader, f func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<16), maxLine)
	for lines.Scan() {
		if err := f(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return errForm{err}
	}
	return nil
}

// Until is a point in time of a tenant. The zero value is the end of the bundle.
type Until struct {
	Slot int64     // up to this entry; or
	Time time.Time // up to the last entry that is not later
}

// inspection is a check under way.
type inspection struct {
	report   Report
	until    Until
	tally    *tally
	cut      Last // where until is
	earliest time.Time
	parts    []Part
	counts   map[string]*Count
	refers   map[string]tenantstore.Blob // blobs that an export's documents refer to
	blobs    map[string]int64            // bytes by hash, of those that are inside
	bytes    int64
	body     []byte // of manifest.json
	signed   bool
	broken   bool // the chain does not hold; what follows cannot be told
}

// inspect reads all of a bundle and holds it against its manifest, and the
// manifest against its signature. key, if not "", is the only one that will do.
// The error is about reading; what is wrong is in the report.
func (a *archive) inspect(ctx context.Context, key string, until Until) (*inspection, error) {
	in := &inspection{
		report: Report{File: a.name, Bytes: a.size, Problems: []string{}}, until: until,
		tally: newTally(), counts: map[string]*Count{}, refers: map[string]tenantstore.Blob{}, blobs: map[string]int64{},
	}
	broken, err := a.sealed(ctx)
	if err != nil {
		return in, err
	}
	if broken != "" {
		in.report.problem("%s", broken)
	}
	err = a.each(ctx, func(name string, size int64, r io.Reader) error { return in.part(name, size, r, key) })
	var form errForm
	switch {
	case ctx.Err() != nil:
		return in, ctx.Err()
	case errors.As(err, &form):
		last := "the beginning"
		if len(in.parts) > 0 {
			last = in.parts[len(in.parts)-1].Name
		}
		in.report.problem("the archive cannot be read on behind %s: %v", last, form.err)
	case err != nil:
		return in, err
	}
	in.conclude()
	return in, nil
}

// part reads one part.
func (in *inspection) part(name string, size int64, r io.Reader, key string) error {
	sum := sha256.New()
	r = io.TeeReader(r, sum)
	if in.signed || in.body != nil && name != signatureName {
		in.report.problem("%s lies behind the manifest", name)
	}
	err := in.content(name, size, r, key)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err != nil {
		return errForm{fmt.Errorf("%s: %w", name, err)}
	}
	if name != manifestName && name != signatureName {
		in.parts = append(in.parts, Part{Name: name, Bytes: size, SHA256: hexSum(sum.Sum(nil))})
	}
	if hash, ok := strings.CutPrefix(name, blobsDir); ok {
		in.report.Blobs++
		in.bytes += size
		in.blobs[hash] = size
		if hash != hexSum(sum.Sum(nil)) {
			in.report.problem("%s: the content has another hash", name)
		}
	}
	return nil
}

func (in *inspection) content(name string, size int64, r io.Reader, key string) error {
	switch {
	case name == manifestName:
		if size > maxManifest {
			in.report.problem("%s has %d bytes", name, size)
			return nil
		}
		body, err := io.ReadAll(r)
		in.body = body
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &in.report.Manifest); err != nil {
			in.report.problem("%s is not readable", name)
		}
	case name == signatureName:
		body, err := io.ReadAll(io.LimitReader(r, maxManifest))
		if err != nil {
			return err
		}
		in.signature(body, key)
	case strings.HasPrefix(name, journalDir):
		return eachLine(r, func(line []byte) error {
			in.entry(name, line)
			return nil
		})
	case strings.HasPrefix(name, documentsDir):
		return eachLine(r, func(line []byte) error {
			in.document(name, line)
			return nil
		})
	case strings.HasPrefix(name, blobsDir), strings.HasPrefix(name, tablesDir), name == readmeName, name == decisionsName:
	default:
		in.report.problem("%q does not belong into a bundle", name)
	}
	return nil
}

func (in *inspection) signature(body []byte, key string) {
	in.signed = true
	by, err := signer(body, in.body)
	if err != nil {
		in.report.problem("%s: %v", signatureName, err)
		return
	}
	in.report.Signed = Signed{Key: by, Fingerprint: Fingerprint(by), Pinned: by == key}
	if key != "" && by != key {
		in.report.problem("%s: the bundle was signed with another key, %s", signatureName, by)
	}
}

func (in *inspection) entry(part string, line []byte) {
	in.report.Entries++
	if in.broken {
		return
	}
	if err := in.tally.take(bytes.Clone(line)); err != nil {
		in.broken = true
		in.report.problem("%s: entry %d does not follow: %s", part, in.tally.last.Slot+1, reason(err))
		return
	}
	last := in.tally.last
	if in.earliest.IsZero() {
		in.earliest = *last.Time
	}
	if in.until.reaches(last) {
		in.cut = last
	}
}

// reaches says whether the point lies at or behind the entry.
func (u Until) reaches(l Last) bool {
	switch {
	case u.Slot > 0:
		return l.Slot <= u.Slot
	case !u.Time.IsZero():
		return !l.Time.After(u.Time)
	}
	return true
}

func (in *inspection) document(part string, line []byte) {
	in.report.Copied++
	var d Line
	if err := json.Unmarshal(line, &d); err != nil || d.ID == "" {
		in.report.problem("%s: line %d is not readable", part, in.report.Copied)
		return
	}
	count(in.counts, collectionOf(part), int64(len(d.Body)))
	for _, b := range tenantstore.References(d.Body) {
		in.refers[b.Hash] = b
	}
}

// collectionOf is the collection whose documents a part holds.
func collectionOf(part string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(part, documentsDir), "/")
	return name
}

// conclude holds what was read against the manifest.
func (in *inspection) conclude() {
	r, m := &in.report, in.report.Manifest
	if in.body == nil {
		r.problem("%s is missing", manifestName)
		return
	}
	if !in.signed {
		r.problem("%s is missing", signatureName)
	}
	if m.Format > format {
		r.problem("the bundle has format %d; this program reads format %d: update it", m.Format, format)
		return
	}
	in.compareParts(m.Parts)
	found := in.tally.manifest()
	refers := in.tally.blobs
	if m.Kind == Export {
		found.First, found.Last, found.Collections = m.First, m.Last, sorted(in.counts)
		refers = in.refers
	}
	if !in.broken {
		if found.First != m.First || found.Last.Slot != m.Last.Slot || found.Last.Chain != m.Last.Chain || found.Last.Generation != m.Last.Generation {
			r.problem("the journal ends at slot %d with chain %.12s; the manifest says slot %d with chain %.12s", found.Last.Slot, found.Last.Chain, m.Last.Slot, m.Last.Chain)
		}
		if !slices.Equal(found.Collections, m.Collections) {
			r.problem("the documents counted are not those of the manifest")
		}
	}
	if m.Kind != Backup && m.Kind != Export {
		r.problem("the bundle is of an unknown kind %q", m.Kind)
	}
	if m.Kind == Backup && in.tally.owner != "" && in.tally.owner != m.Owner {
		r.problem("the journal hands the tenant over to %s; the manifest names %q as owner", in.tally.owner, m.Owner)
	}
	if m.Blobs != r.Blobs || m.BlobBytes != in.bytes {
		r.problem("there are %d stored files with %d bytes; the manifest says %d with %d", r.Blobs, in.bytes, m.Blobs, m.BlobBytes)
	}
	for hash := range refers {
		if _, here := in.blobs[hash]; !here && !slices.Contains(m.Absent, hash) && !in.broken {
			r.problem("%s%s is missing", blobsDir, hash)
		}
	}
	slices.SortStableFunc(r.Problems, func(a, b string) int { return cmp.Compare(weight(a), weight(b)) })
	if len(m.Absent) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s missing already when the bundle was made", quantity(int64(len(m.Absent)), "stored file was", "stored files were")))
	}
}

// weight puts what explains the rest first: the seal, and what is unreadable.
func weight(problem string) int {
	if strings.HasPrefix(problem, "the bytes of the file") {
		return 0
	}
	return 1
}

func (in *inspection) compareParts(wanted []Part) {
	have := map[string]Part{}
	for _, p := range in.parts {
		if _, twice := have[p.Name]; twice {
			in.report.problem("%s is there twice", p.Name)
		}
		have[p.Name] = p
	}
	for _, w := range wanted {
		p, ok := have[w.Name]
		switch {
		case !ok:
			in.report.problem("%s is missing", w.Name)
		case p != w:
			in.report.problem("%s has %d bytes with SHA-256 %.12s; the manifest says %d bytes with %.12s", w.Name, p.Bytes, p.SHA256, w.Bytes, w.SHA256)
		}
		delete(have, w.Name)
	}
	for name := range have {
		in.report.problem("%s is not in the manifest", name)
	}
	if !slices.EqualFunc(in.parts, wanted, func(a, b Part) bool { return a.Name == b.Name }) && in.report.OK() {
		in.report.problem("the parts are not in the order of the manifest")
	}
}

// reason is the innermost of an error that a journal entry met.
func reason(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Unwrap() != nil {
		return f.Unwrap().Error()
	}
	return err.Error()
}

// refusal is the fault of a report that is not fine.
func (r Report) refusal(key string) error {
	switch {
	case r.OK():
		return nil
	case r.Manifest.Format > format:
		return ErrNewer
	case key != "" && r.Signed.Key != "" && r.Signed.Key != key && len(r.Problems) == 1:
		return ErrKey.Saying("The bundle was signed with the key %s, not with the expected one; nothing of it was used.", r.Signed.Key)
	}
	return ErrDamaged.With(details(r.Problems)...)
}

func details(problems []string) []fault.Detail {
	var all []fault.Detail
	for _, p := range problems {
		all = append(all, fault.Detail{Location: "bundle", Message: p})
	}
	return all
}

func quantity(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
