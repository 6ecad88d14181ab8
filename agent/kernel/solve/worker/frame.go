package worker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// protocol is the version both sides must speak.
const protocol = 1

type kind byte

const (
	kindHello    kind = 1
	kindSolve    kind = 2
	kindProgress kind = 3
	kindCancel   kind = 4
	kindResult   kind = 5
	kindLog      kind = 6
)

const (
	maxControl = 1 << 20
	maxData    = 1 << 30
)

// errFrame is what is not a frame of this protocol.
var errFrame = errors.New("the bytes are not a frame")

type frame struct {
	kind kind
	body []byte
}

// limit is the longest body of a kind; 0 for an unknown kind.
func (k kind) limit() int {
	switch k {
	case kindSolve, kindResult:
		return maxData
	case kindHello, kindProgress, kindCancel, kindLog:
		return maxControl
	}
	return 0
}

// writeFrame writes one frame whose body is the given parts, one after another.
func writeFrame(w io.Writer, k kind, parts ...[]byte) error {
	total := 0
	for _, part := range parts {
		total += len(part)
	}
	if total > k.limit() {
		return fmt.Errorf("a frame of %d bytes is longer than %d: %w", total, k.limit(), errFrame)
	}
	head := binary.LittleEndian.AppendUint32(nil, uint32(total+1))
	if _, err := w.Write(append(head, byte(k))); err != nil {
		return err
	}
	for _, part := range parts {
		if len(part) == 0 {
			continue
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads one frame. io.EOF means that the other side ended between
// frames; everything else that is no frame is errFrame or a read error.
func readFrame(r io.Reader) (frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return frame{}, err
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return frame{}, fmt.Errorf("%w: %w", errFrame, io.ErrUnexpectedEOF)
	}
	length, k := int64(binary.LittleEndian.Uint32(head[:4])), kind(head[4])
	if k.limit() == 0 || length < 1 || length-1 > int64(k.limit()) {
		return frame{}, fmt.Errorf("type %d with length %d: %w", k, length, errFrame)
	}
	// The buffer grows with what arrives, not with what is promised.
	var body bytes.Buffer
	if n, err := io.CopyN(&body, r, length-1); err != nil {
		return frame{}, fmt.Errorf("after %d of %d bytes: %w: %w", n, length-1, errFrame, io.ErrUnexpectedEOF)
	}
	return frame{k, body.Bytes()}, nil
}

func writeJSON(w io.Writer, k kind, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding a frame: %w", err)
	}
	return writeFrame(w, k, body)
}

func readJSON[T any](f frame) (T, error) {
	var value T
	if err := json.Unmarshal(f.body, &value); err != nil {
		return value, fmt.Errorf("%w: %w", errFrame, err)
	}
	return value, nil
}

// header cuts a data frame into its JSON header and the rest.
func header[T any](body []byte) (T, []byte, error) {
	var value T
	if len(body) < 4 {
		return value, nil, errFrame
	}
	n := uint64(binary.LittleEndian.Uint32(body))
	if n > maxControl || n > uint64(len(body)-4) {
		return value, nil, errFrame
	}
	value, err := readJSON[T](frame{body: body[4 : 4+n]})
	return value, body[4+n:], err
}

// withHeader is the beginning of a data frame.
func withHeader(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding a frame: %w", err)
	}
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...), nil
}
