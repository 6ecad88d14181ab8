// Package bloom is a set of texts in little memory: it may take a text for a member
// that is none, about one in a million times, and never the other way round.
//
// It owns the bits and their form in a file. It knows nothing of passwords.
package bloom

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

const (
	// bitsEach and probes give one false answer in a million.
	bitsEach = 29
	probes   = 20
	header   = 8 // bytes: the number of bits
)

// ErrForm refuses bytes that are no filter.
var ErrForm = errors.New("these bytes are no Bloom filter")

// Filter is the set. The zero value is not useful.
type Filter struct{ data []byte }

// New makes an empty filter with room for n texts.
func New(n int) *Filter {
	bits := (max(n, 1)*bitsEach + 7) / 8 * 8
	f := &Filter{data: make([]byte, header+bits/8)}
	binary.BigEndian.PutUint64(f.data, uint64(bits)) //nolint:gosec // positive
	return f
}

// Read takes the form that Bytes gives, and keeps data.
func Read(data []byte) (*Filter, error) {
	if len(data) <= header || binary.BigEndian.Uint64(data) != uint64(len(data)-header)*8 {
		return nil, ErrForm
	}
	return &Filter{data: data}, nil
}

// Bytes is the filter in its form for a file.
func (f *Filter) Bytes() []byte { return f.data }

// Add makes text a member.
func (f *Filter) Add(text string) {
	for bit := range f.positions(text) {
		f.data[header+bit/8] |= 1 << (bit % 8)
	}
}

// Has says whether text is a member, or seems to be.
func (f *Filter) Has(text string) bool {
	for bit := range f.positions(text) {
		if f.data[header+bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
	}
	return true
}

func (f *Filter) positions(text string) func(yield func(uint64) bool) {
	sum := sha256.Sum256([]byte(text))
	a, b := binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])|1
	bits := uint64(len(f.data)-header) * 8
	return func(yield func(uint64) bool) {
		for i := range uint64(probes) {
			if !yield((a + i*b) % bits) {
				return
			}
		}
	}
}
