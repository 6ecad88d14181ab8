package mongostore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// TestPrefix has rivals in one database whose prefixes and ids are made to be
// confused.
func TestPrefix(t *testing.T) {
	t.Parallel()
	database := server.Get(t).Database(t)
	prefixes := []string{"ten_1", "ten_10", "ten_", "ten_2"}
	stores := map[string]*mongostore.Store{}
	for _, p := range prefixes {
		s := open(t, database, p)
		if err := s.Ensure(t.Context(), storetest.Things()); err != nil {
			t.Fatal(err)
		}
		stores[p] = s
	}
	for _, p := range prefixes {
		for i := range 3 {
			body := fmt.Sprintf(`{"kind":"k","size":%d,"mail":"m%d","of":%q}`, i, i, p)
			if err := stores[p].Insert(t.Context(), "things", docstore.Document{ID: fmt.Sprint("d", i), Body: []byte(body)}); err != nil {
				t.Fatalf("%s takes ids and unique values for itself: %v", p, err)
			}
		}
	}
	for _, p := range prefixes {
		t.Run("sees nothing but its own as "+p, func(t *testing.T) {
			for _, q := range []docstore.Query{
				{},
				{Desc: true},
				{Limit: 1},
				{From: "a", To: "z"},
				{From: "\x01"},
				{To: "\U0010ffff"},
				{Index: "by_kind_size"},
				{Index: "by_kind_size", Equal: []any{"k"}, Desc: true},
				{Index: "by_kind_size", Equal: []any{"k"}, From: 0, To: 9, Limit: 1},
				{Index: "by_mail"},
				{Index: "by_mail", From: "a", Desc: true, Limit: 2},
			} {
				n := 0
				for {
					page, err := stores[p].Find(t.Context(), "things", q)
					if err != nil {
						t.Fatal(err)
					}
					for _, d := range page.Docs {
						n++
						if want := fmt.Sprintf(`"of":%q}`, p); string(d.Body[len(d.Body)-len(want):]) != want {
							t.Errorf("%+v shows %s %s", q, d.ID, d.Body)
						}
					}
					if q.After = page.Next; q.After == "" {
						break
					}
				}
				if n != 3 {
					t.Errorf("%+v finds %d documents", q, n)
				}
			}
		})
		t.Run("reaches nothing but its own as "+p, func(t *testing.T) {
			for _, rival := range prefixes {
				for _, guess := range []string{rival + "/d0", "/" + rival + "/d0", "../" + rival + "/d0", "0/d0"} {
					_, err := stores[p].Get(t.Context(), "things", guess)
					wantErr(t, guess, err, docstore.ErrNotFound)
					wantErr(t, guess, stores[p].Delete(t.Context(), "things", guess, 1), docstore.ErrNotFound)
				}
			}
		})
	}
	t.Run("uses a rival's page mark for its own documents only", func(t *testing.T) {
		page, err := stores["ten_1"].Find(t.Context(), "things", docstore.Query{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		page, err = stores["ten_2"].Find(t.Context(), "things", docstore.Query{After: page.Next})
		if err != nil || len(page.Docs) != 2 {
			t.Errorf("%d documents, error %v", len(page.Docs), err)
		}
	})
	t.Run("removes nothing but its own", func(t *testing.T) {
		for i := range 3 {
			if err := stores["ten_1"].Delete(t.Context(), "things", fmt.Sprint("d", i), 1); err != nil {
				t.Fatal(err)
			}
		}
		page, err := stores["ten_10"].Find(t.Context(), "things", docstore.Query{})
		if err != nil || len(page.Docs) != 3 {
			t.Errorf("%d documents, error %v", len(page.Docs), err)
		}
	})
	t.Run("refuses prefixes that could be confused", func(t *testing.T) {
		for _, p := range []string{"a/b", "a.b", "$", "é", "a b", string(make([]byte, 65))} {
			_, err := mongostore.Open(t.Context(), server.Get(t).URI, database, mongostore.Options{Prefix: p})
			wantErr(t, p, err, docstore.ErrInvalid)
		}
		_, err := mongostore.Open(t.Context(), server.Get(t).URI, "a/b", mongostore.Options{})
		wantErr(t, "database", err, docstore.ErrInvalid)
	})
}
