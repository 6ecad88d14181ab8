package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/buildinfo"
)

// maxProblems bounds how many differences a report lists.
const maxProblems = 200

// report is what came of a comparison. Its fields are a promise.
type report struct {
	Format  int           `json:"format"`
	Program string        `json:"program"`
	MadeAt  time.Time     `json:"madeAt"`
	Source  head          `json:"source"`
	Target  head          `json:"target"`
	Until   int64         `json:"until"`  // asked for; 0: to the end of both
	Agreed  int64         `json:"agreed"` // slot up to which they were compared
	Tables  []tableReport `json:"tables"`
	Same    bool          `json:"same"`
	problems
}

// head is one file and where its journal ends.
type head struct {
	Path       string `json:"path"`
	Slots      int64  `json:"slots"`
	Generation int64  `json:"generation"` // of the next entry
	Chain      string `json:"chain"`
}

// tableReport counts rows.
type tableReport struct {
	Name   string `json:"name"`
	Source int64  `json:"source"` // rows
	Target int64  `json:"target"` // rows
	Same   int64  `json:"same"`
	Later  int64  `json:"later"` // not compared: written later, or contents that nothing refers to
}

// problems are differences by name.
type problems struct {
	List []problem `json:"problems"`
	More int64     `json:"more"` // differences beyond those listed
}

// problem is one difference.
type problem struct {
	Side    string `json:"side"` // "source", "target" or "both"
	Table   string `json:"table,omitempty"`
	Row     string `json:"row,omitempty"`
	Field   string `json:"field,omitempty"` // path into the JSON of the body
	What    string `json:"what"`
	Journal string `json:"journal,omitempty"` // value by the journal
	Source  string `json:"source,omitempty"`  // value in the source
	Found   string `json:"found,omitempty"`   // value there
}

func (p *problems) room() bool { return len(p.List) < maxProblems }

func (p *problems) add(one problem) {
	if !p.room() {
		p.More++
		return
	}
	p.List = append(p.List, one)
}

func (r *report) conclude() {
	r.Program = buildinfo.Version()
	r.Same = len(r.List) == 0
	if r.List == nil {
		r.List = []problem{}
	}
}

func (p problem) String() string {
	var b strings.Builder
	b.WriteString(p.Side)
	for _, part := range []string{p.Table, p.Row} {
		if part != "" {
			b.WriteString(" " + part)
		}
	}
	if p.Field != "" {
		b.WriteString(", field " + p.Field)
	}
	b.WriteString(": " + p.What)
	switch {
	case p.Journal != "":
		fmt.Fprintf(&b, ": it is %s there, and %s here", p.Journal, p.Found)
	case p.Source != "":
		fmt.Fprintf(&b, ": %s in the source, %s in the target", p.Source, p.Found)
	}
	return b.String()
}

func (r *report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// The table keeps its first write error for Flush.
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }
	line("Source\t%s\tslot %d\tchain %.16s", r.Source.Path, r.Source.Slots, r.Source.Chain)
	line("Target\t%s\tslot %d\tchain %.16s", r.Target.Path, r.Target.Slots, r.Target.Chain)
	if err := t.Flush(); err != nil {
		return err
	}
	line("\nTable\tsource\ttarget\tequal rows\tnot compared")
	var rows, same int64
	for _, one := range r.Tables {
		line("%s\t%d\t%d\t%d\t%d", one.Name, one.Source, one.Target, one.Same, one.Later)
		rows, same = rows+one.Source, same+one.Same
	}
	if r.Same {
		line("\nThey agree up to slot %d: %d rows are equal byte for byte, and all follow from the journal.", r.Agreed, same)
		return t.Flush()
	}
	line("\nThey differ, %d found:", int64(len(r.List))+r.More)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, p := range r.List {
		if _, err := fmt.Fprintf(w, "  %s\n", p); err != nil {
			return err
		}
	}
	if r.More > 0 {
		if _, err := fmt.Fprintf(w, "  (and %d more)\n", r.More); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, "Do not delete either file; trust the side whose rows follow from its journal.")
	return err
}

// readSeed is the key to sign with, nil without a file.
func readSeed(path string) (nkeys.KeyPair, error) {
	if path == "" {
		return nil, nil
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the seed: %w", err)
	}
	key, err := nkeys.FromSeed(bytes.TrimSpace(seed))
	if err != nil {
		return nil, fmt.Errorf("the file %s holds no nkey seed", path)
	}
	return key, nil
}

// writeReport writes the report, and its signature beside it.
func writeReport(path string, r *report, key nkeys.KeyPair) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	body = append(body, '\n')
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if key == nil {
		return nil
	}
	public, err := key.PublicKey()
	made, signErr := key.Sign(body)
	if err := errors.Join(err, signErr); err != nil {
		return fmt.Errorf("sign the report: %w", err)
	}
	signature, err := json.Marshal(map[string]string{"algorithm": "ed25519", "key": public, "signature": base64.StdEncoding.EncodeToString(made)})
	if err != nil {
		return fmt.Errorf("encode the signature: %w", err)
	}
	if err := os.WriteFile(path+".sig", append(signature, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the signature: %w", err)
	}
	return nil
}
