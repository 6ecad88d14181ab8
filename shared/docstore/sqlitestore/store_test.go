package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/sqlitestore"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

func open(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Options{})
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", path, err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) docstore.Store { return open(t, filepath.Join(t.TempDir(), "s.db")) })
}
