package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// The names of parts.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.sig"
	readmeName    = "README.txt"
	journalDir    = "journal/"
	documentsDir  = "documents/"
	blobsDir      = "blobs/"
	tablesDir     = "tables/"
	decisionsName = "decisions.csv"
)

// partBytes is when a part of many lines ends.
const partBytes = 4 << 20

// packer writes the file.
type packer struct {
	out   io.Writer
	sum   hash.Hash // of all bytes written
	zip   *gzip.Writer
	tar   *tar.Writer
	at    time.Time
	parts []Part
}

func newPacker(out io.Writer, at time.Time) *packer {
	p := &packer{out: out, sum: sha256.New(), at: at, parts: []Part{}}
	p.zip = gzip.NewWriter(io.MultiWriter(out, p.sum))
	p.tar = tar.NewWriter(p.zip)
	return p
}

// stream adds a part of a size that is known, written by fill.
func (p *packer) stream(name string, size int64, fill func(io.Writer) error) error {
	head := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: p.at.Truncate(time.Second), Format: tar.FormatUSTAR}
	if err := p.tar.WriteHeader(&head); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	sum := sha256.New()
	if err := fill(io.MultiWriter(p.tar, sum)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	p.parts = append(p.parts, Part{Name: name, Bytes: size, SHA256: hexSum(sum.Sum(nil))})
	return nil
}

func (p *packer) add(name string, content []byte) error {
	return p.stream(name, int64(len(content)), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// lines collects lines into numbered parts of a folder.
type lines struct {
	to     *packer
	dir    string
	buffer bytes.Buffer
	n      int
}

func (l *lines) add(line []byte) error {
	if l.buffer.Len() > 0 && l.buffer.Len()+len(line) > partBytes {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.buffer.Write(line)
	l.buffer.WriteByte('\n')
	return nil
}

func (l *lines) flush() error {
	if l.buffer.Len() == 0 {
		return nil
	}
	l.n++
	err := l.to.add(fmt.Sprintf("%s%06d.ndjson", l.dir, l.n), l.buffer.Bytes())
	l.buffer.Reset()
	return err
}

// finish writes manifest, signature and seal.
func (p *packer) finish(m Manifest, by Signer) (Manifest, error) {
	m.Parts = p.parts
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, fmt.Errorf("encode manifest: %w", err)
	}
	body = append(body, '\n')
	signed, err := sign(by, body)
	if err != nil {
		return m, fmt.Errorf("sign manifest: %w", err)
	}
	if err := errors.Join(p.add(manifestName, body), p.add(signatureName, signed)); err != nil {
		return m, err
	}
	if err := errors.Join(p.tar.Close(), p.zip.Close()); err != nil {
		return m, fmt.Errorf("end the archive: %w", err)
	}
	if _, err := p.out.Write(seal(p.sum.Sum(nil))); err != nil {
		return m, fmt.Errorf("seal the archive: %w", err)
	}
	return m, nil
}

// sealBytes is the length of a seal.
const sealBytes = 61

// seal is a gzip member without content whose extra field holds sum: other
// programs unpack the file as if it were not there, and every byte before it is
// answered for, those that gzip and tar do not look at too.
func seal(sum []byte) []byte {
	b := []byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff} // deflate, with an extra field, no time, any system
	b = binary.LittleEndian.AppendUint16(b, uint16(4+len(sum)))
	b = append(b, 'D', 'y')
	b = binary.LittleEndian.AppendUint16(b, uint16(len(sum)))
	b = append(b, sum...)
	return append(b, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0) // one empty block, checksum and length 0
}

// WriteFile makes the file at path by what fill writes, whole or not at all: a
// full disk or a crash leaves no file of that name. It fails with ErrFile where
// there is one already.
func WriteFile(path string, fill func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return ErrFile.Saying("There is a file %s already.", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for %s: %w", path, err)
	}
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", filepath.Base(path), err), os.Remove(part))
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
