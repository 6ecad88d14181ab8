package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/dyocense/dyocense/shared/id"
)

// Report is what a check found in order.
type Report struct {
	Tenant  id.Tenant `json:"tenant"`
	Entries int64     `json:"entries"`
	// Hash is that of the last entry. Whoever keeps it elsewhere can tell later
	// whether the log still contains that entry.
	Hash  string `json:"hash"`
	Heads int64  `json:"heads"`
	// Vouched is the last slot that a signature of a known key covers.
	Vouched int64 `json:"vouched"`
	// Key is the id of the key of that signature.
	Key string `json:"key"`
}

// WrongLineError says which line of a file is the first that is not as it was
// written.
type WrongLineError struct {
	Line int64
	Why  error
}

// Error implements error.
func (e *WrongLineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Why) }

// Unwrap gives what is wrong.
func (e *WrongLineError) Unwrap() error { return e.Why }

// chain checks entries and heads in the order of an exported file.
type chain struct {
	keys   keys
	tenant id.Tenant
	report Report
	head   int64 // slot of the last head
}

func newChain(t id.Tenant, k keys) *chain {
	return &chain{keys: k, tenant: t, report: Report{Tenant: t, Hash: genesis}}
}

// entry takes in the next entry.
func (c *chain) entry(line string) (Entry, error) {
	e, err := openEntry(line)
	switch {
	case err != nil:
		return e, err
	case e.Kind != kindEntry:
		return e, fmt.Errorf("it is of kind %q where an entry belongs", e.Kind)
	case e.Tenant != c.tenant:
		return e, errors.New("it is an entry of another company")
	case e.Slot != c.report.Entries+1:
		return e, fmt.Errorf("it is entry %d where entry %d belongs: something is missing, was added or changed places", e.Slot, c.report.Entries+1)
	case e.Previous != c.report.Hash:
		return e, fmt.Errorf("it does not follow the entry before it: one of the two was exchanged")
	}
	c.report.Entries, c.report.Hash = e.Slot, e.Hash
	return e, nil
}

// openHead reads a line of kind head in its only form.
func openHead(line string) (Head, error) {
	var h Head
	if err := onlyForm(line, &h); err != nil {
		return h, err
	}
	if h.Kind != kindHead {
		return h, fmt.Errorf("it is of kind %q where a head belongs", h.Kind)
	}
	return h, nil
}

// takeHead takes in a head, which belongs right behind the entry that it signs.
func (c *chain) takeHead(line string) error {
	h, err := openHead(line)
	if err != nil {
		return err
	}
	trusted, err := c.keys.signed(line, h.Key)
	switch {
	case err != nil:
		return err
	case h.Tenant != c.tenant:
		return errors.New("it is a head of another company")
	case h.Slot > c.report.Entries:
		return fmt.Errorf("it signs entry %d, and the last one is %d: entries are missing", h.Slot, c.report.Entries)
	case h.Slot != c.report.Entries || h.Slot == c.head:
		return fmt.Errorf("it signs entry %d and is not where it belongs", h.Slot)
	case h.Hash != c.report.Hash:
		return fmt.Errorf("entry %d is another than the one that was signed: the log was written anew", h.Slot)
	}
	c.head = h.Slot
	c.report.Heads++
	if trusted {
		c.report.Vouched, c.report.Key = h.Slot, h.Key
	}
	return nil
}

// onlyForm reads a line that is what Marshal makes of v, and nothing else.
func onlyForm(line string, v any) error {
	if err := json.Unmarshal([]byte(line), v); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	again, err := json.Marshal(v)
	if err != nil || string(again) != line {
		return errors.New("it was altered: it is not in the form in which it is written")
	}
	return nil
}

// Earlier is an entry that a log must still contain: the last of a file that was
// exported before.
type Earlier struct {
	Slot int64
	Hash string
}

// CheckOptions of CheckFile.
type CheckOptions struct {
	// Keys are the public keys to believe, in hex. Without any the keys in the file are
	// believed, which tells damage from a whole file, but not a forger's file.
	Keys []string
	// Earlier must be in the log.
	Earlier *Earlier
}

// lineMax is longer than any entry: an event is at most 1 MiB.
const lineMax = 4 << 20

// CheckFile checks an exported file: every hash, the chain, every signature, and
// that nothing is missing, at the end neither. It fails with a *WrongLineError.
func CheckFile(r io.Reader, o CheckOptions) (Report, error) {
	f := file{in: bufio.NewReaderSize(r, 64<<10), keys: keys{}, earlier: o.Earlier}
	for _, k := range o.Keys {
		if err := f.keys.readKey(k); err != nil {
			return Report{}, err
		}
	}
	f.pinned = len(o.Keys) > 0
	err := f.check()
	if err != nil && f.line > 0 {
		err = &WrongLineError{Line: f.line, Why: err}
	}
	if f.chain == nil {
		return Report{}, err
	}
	return f.chain.report, err
}

type file struct {
	in      *bufio.Reader
	keys    keys
	pinned  bool
	earlier *Earlier
	line    int64 // that was read last
	opening string
	heads   []int64 // that are still to come, by the opening
	chain   *chain
}

// next reads one line without its end.
func (f *file) next() (string, error) {
	f.line++
	var whole []byte
	for {
		part, err := f.in.ReadSlice('\n')
		whole = append(whole, part...)
		if len(whole) > lineMax {
			return "", errors.New("it is longer than any entry")
		}
		switch {
		case err == nil:
			return string(whole[:len(whole)-1]), nil
		case errors.Is(err, io.EOF) && len(whole) == 0:
			return "", errors.New("the file ends before the line that closes it: its end is missing")
		case errors.Is(err, io.EOF):
			return "", errors.New("the file ends in the middle of this line")
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

func (f *file) check() error {
	if err := f.open(); err != nil {
		return err
	}
	for {
		line, err := f.next()
		if err != nil {
			return err
		}
		var mark struct {
			Kind string `json:"kind"`
		}
		if err := json.Unmarshal([]byte(line), &mark); err != nil {
			return fmt.Errorf("it cannot be read: %w", err)
		}
		if is := mark.Kind == kindHead; is != (len(f.heads) > 0 && f.heads[0] == f.chain.report.Entries) {
			if is {
				return errors.New("there is no signed head here in the file as it was written")
			}
			return fmt.Errorf("the signed head of entry %d is missing before it", f.chain.report.Entries)
		}
		switch mark.Kind {
		case kindEntry:
			e, err := f.chain.entry(line)
			if err != nil {
				return err
			}
			if x := f.earlier; x != nil && x.Slot == e.Slot && x.Hash != e.Hash {
				return fmt.Errorf("entry %d is another than in the earlier file", e.Slot)
			}
		case kindHead:
			if err := f.chain.takeHead(line); err != nil {
				return err
			}
			f.heads = f.heads[1:]
		case kindEnd:
			return f.close(line)
		default:
			return fmt.Errorf("it is of kind %q, which does not belong here", mark.Kind)
		}
	}
}

func (f *file) open() error {
	line, err := f.next()
	if err != nil {
		return err
	}
	var o opening
	if err := onlyForm(line, &o); err != nil {
		return err
	}
	if o.Kind != kindFile || o.Format != fileFormat {
		return fmt.Errorf("this is no audit log of format %d", fileFormat)
	}
	for _, k := range o.Keys {
		if f.pinned {
			break
		}
		if err := f.keys.readKey(k.Public); err != nil {
			return err
		}
	}
	trusted, err := f.keys.signed(line, o.Key)
	switch {
	case err != nil:
		return err
	case !trusted:
		return fmt.Errorf("it is signed with the key %s, which is not among those to believe", o.Key)
	}
	f.opening, f.heads = digest([]byte(line)), o.Heads
	f.chain = newChain(o.Tenant, f.keys)
	return nil
}

// close checks the last line against everything before it.
func (f *file) close(line string) error {
	var e end
	if err := onlyForm(line, &e); err != nil {
		return err
	}
	r := &f.chain.report
	trusted, err := f.keys.signed(line, e.Key)
	switch {
	case err != nil:
		return err
	case !trusted:
		return fmt.Errorf("it is signed with the key %s, which is not among those to believe", e.Key)
	case e.Tenant != r.Tenant || e.Opening != f.opening:
		return errors.New("it closes another file: the one with another first line")
	case e.Entries != r.Entries || e.Hash != r.Hash:
		return fmt.Errorf("it closes a log of %d entries, and there are %d before it", e.Entries, r.Entries)
	case f.earlier != nil && f.earlier.Slot > r.Entries:
		return fmt.Errorf("the log has %d entries, and the earlier file had %d", r.Entries, f.earlier.Slot)
	}
	r.Vouched, r.Key = e.Entries, e.Key
	f.line++
	rest, err := f.in.Peek(1)
	if len(rest) > 0 {
		return errors.New("there is something behind the line that closes the file")
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// lines writes the lines of a file.
type lines struct {
	out *bufio.Writer
}

func (l lines) write(line string) error {
	if bytes.IndexByte([]byte(line), '\n') >= 0 {
		return errors.New("a line of the log has a line break") // JSON has none; something is damaged
	}
	if _, err := l.out.WriteString(line); err != nil {
		return err
	}
	return l.out.WriteByte('\n')
}
