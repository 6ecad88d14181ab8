package bloom_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/identity/bloom"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	const n = 20_000
	f := bloom.New(n)
	for i := range n {
		f.Add("in " + strconv.Itoa(i))
	}
	again, err := bloom.Read(f.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("forgets no member", func(t *testing.T) {
		t.Parallel()
		for i := range n {
			if !again.Has("in " + strconv.Itoa(i)) {
				t.Fatalf("member %d is gone", i)
			}
		}
	})
	t.Run("takes hardly a stranger for a member", func(t *testing.T) {
		t.Parallel()
		wrong := 0
		for i := range 10 * n {
			if again.Has("out " + strconv.Itoa(i)) {
				wrong++
			}
		}
		if wrong > 5 {
			t.Errorf("%d of %d strangers are members", wrong, 10*n)
		}
	})
	t.Run("refuses bytes that are no filter", func(t *testing.T) {
		t.Parallel()
		for _, b := range [][]byte{nil, make([]byte, 8), f.Bytes()[:100], append([]byte{1}, f.Bytes()...)} {
			if _, err := bloom.Read(b); !errors.Is(err, bloom.ErrForm) {
				t.Errorf("Read of %d bytes = %v; want ErrForm", len(b), err)
			}
		}
	})
}
