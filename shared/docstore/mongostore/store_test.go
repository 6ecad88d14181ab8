package mongostore_test

import (
	"os"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/mongotest"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

var server mongotest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

func open(t testing.TB, database, prefix string) *mongostore.Store {
	t.Helper()
	s, err := mongostore.Open(t.Context(), server.Get(t).URI, database, mongostore.Options{Prefix: prefix})
	if err != nil {
		t.Fatalf("open %s: %v", database, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", database, err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("dedicated", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t testing.TB) docstore.Store {
			return open(t, server.Get(t).Database(t), "")
		})
	})
	t.Run("pooled", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t testing.TB) docstore.Store {
			return open(t, server.Get(t).Database(t), "ten_1")
		})
	})
}
