package tunnel

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"sync"
)

// MaxChunk is the most bytes of body in one frame.
const MaxChunk = 128 << 10

const (
	frameVersion = 1
	headerSize   = 24
	// window is how much of a body may be on its way or waiting for its reader,
	// in each direction of an exchange: a hundred of them fit into what a server
	// buffers for one connection.
	window = 512 << 10
	// frameCost is what a frame weighs beside its bytes, so that many tiny frames
	// fill a window too.
	frameCost = 256
)

type kind uint8

const (
	kindRequest kind = iota + 1
	kindResponse
	kindBody
	kindCredit
	kindCancel
	kindFault
	kindAlive
)

const flagLast = 1

// exchangeID names an exchange among all gateways.
type exchangeID struct {
	gateway [8]byte
	number  uint64
}

// token of the gateway in subjects.
func (e exchangeID) token() string { return hex.EncodeToString(e.gateway[:]) }

// frame is one message. Its payload aliases the message it was read from.
type frame struct {
	kind     kind
	last     bool
	sequence uint32
	exchange exchangeID
	payload  []byte
}

// The ways in which bytes are no frame.
var (
	errShort      = errors.New("frame is shorter than its header")
	errVersion    = errors.New("frame is of another version")
	errKind       = errors.New("frame is of an unknown kind")
	errReserved   = errors.New("frame has reserved bits set")
	errSequence   = errors.New("frame of this kind carries no sequence")
	errPayload    = errors.New("frame has a payload that its kind does not allow")
	errBodyLength = errors.New("body frame is empty or too long")
)

func (k kind) numbered() bool {
	return k == kindRequest || k == kindResponse || k == kindBody || k == kindFault
}

// appendFrame writes the header of f and its payload to b.
func appendFrame(b []byte, f frame) []byte {
	flags := byte(0)
	if f.last {
		flags = flagLast
	}
	b = append(b, frameVersion, byte(f.kind), flags, 0)
	b = binary.BigEndian.AppendUint32(b, f.sequence)
	b = append(b, f.exchange.gateway[:]...)
	b = binary.BigEndian.AppendUint64(b, f.exchange.number)
	return append(b, f.payload...)
}

func parseFrame(b []byte) (frame, error) {
	if len(b) < headerSize {
		return frame{}, errShort
	}
	if b[0] != frameVersion {
		return frame{}, errVersion
	}
	f := frame{
		kind:     kind(b[1]),
		last:     b[2] == flagLast,
		sequence: binary.BigEndian.Uint32(b[4:]),
		payload:  b[headerSize:],
	}
	copy(f.exchange.gateway[:], b[8:16])
	f.exchange.number = binary.BigEndian.Uint64(b[16:])
	switch {
	case f.kind < kindRequest || f.kind > kindAlive:
		return frame{}, errKind
	case b[2] > flagLast || b[3] != 0:
		return frame{}, errReserved
	case !f.kind.numbered() && (f.sequence != 0 || f.last):
		return frame{}, errSequence
	}
	size := len(f.payload)
	switch f.kind {
	case kindBody:
		if size > MaxChunk || size == 0 && !f.last {
			return frame{}, errBodyLength
		}
	case kindCredit:
		if size != 4 {
			return frame{}, errPayload
		}
	case kindCancel, kindAlive:
		if size != 0 {
			return frame{}, errPayload
		}
	}
	return f, nil
}

// buffers hold frames while they are written; publishing copies them.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func weight(bytes int) int { return bytes + frameCost }
