package parcel_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/parcel"
)

func example(t testing.TB) []byte {
	t.Helper()
	b, err := parcel.Pack(contract.Ack{V: contract.Version}, documents())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func documents() []docstore.Document {
	return []docstore.Document{
		{ID: "a", Rev: 1, Body: []byte(`{"n":1}`)},
		{ID: "Käse/0001", Rev: 1 << 40, Body: []byte(`{}`)},
	}
}

func TestAParcelArrivesAsItWasPacked(t *testing.T) {
	t.Parallel()
	head, docs, err := parcel.Unpack[contract.Ack](example(t))
	if err != nil || head.V != contract.Version {
		t.Fatalf("%+v, %v", head, err)
	}
	if diff := cmp.Diff(documents(), docs); diff != "" {
		t.Error(diff)
	}
	empty, err := parcel.Pack(contract.Ack{V: contract.Version}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, docs, err := parcel.Unpack[contract.Ack](empty); err != nil || len(docs) > 0 {
		t.Errorf("an empty one: %v, %v", docs, err)
	}
}

func TestAnyChangedByteIsFound(t *testing.T) {
	t.Parallel()
	whole := example(t)
	for i := range whole {
		b := append([]byte(nil), whole...)
		b[i] ^= 0x20
		if _, _, err := parcel.Unpack[contract.Ack](b); err == nil {
			t.Errorf("byte %d may be changed", i)
		}
	}
}

func TestHalfAParcelIsNone(t *testing.T) {
	t.Parallel()
	whole := example(t)
	for n := range whole {
		if _, docs, err := parcel.Unpack[contract.Ack](whole[:n]); err == nil || len(docs) > 0 {
			t.Errorf("the first %d bytes were read as %v", n, docs)
		}
	}
}

func TestWhatCannotTravelIsRefused(t *testing.T) {
	t.Parallel()
	_, err := parcel.Pack(contract.Ack{V: contract.Version}, []docstore.Document{{ID: "", Rev: 1, Body: []byte(`{}`)}})
	if !errors.Is(err, docstore.ErrInvalid) {
		t.Errorf("without an id: %v", err)
	}
	large := make([]docstore.Document, 14)
	for i := range large {
		large[i] = docstore.Document{ID: "x", Rev: 1, Body: make([]byte, docstore.MaxBody)}
	}
	if _, err := parcel.Pack(contract.Ack{V: contract.Version}, large); !errors.Is(err, contract.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(example(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		head, docs, err := parcel.Unpack[contract.Ack](b)
		if err != nil {
			return
		}
		again, err := parcel.Pack(head, docs)
		if err != nil {
			t.Fatalf("read, but cannot be packed: %v", err)
		}
		if _, more, err := parcel.Unpack[contract.Ack](again); err != nil || cmp.Diff(docs, more) != "" {
			t.Errorf("differs when packed again: %v", err)
		}
	})
}
