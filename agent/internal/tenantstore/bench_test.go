package tenantstore

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
)

// BenchmarkDo is commits a second, of one journal entry and one document each, by
// one caller and by 64, beside inserts of the document store alone.
func BenchmarkDo(b *testing.B) {
	for _, callers := range []int{1, 64} {
		run := func(b *testing.B, write func(n int64) error) {
			var n atomic.Int64
			b.SetParallelism(callers) // times GOMAXPROCS; close enough to say "many"
			if callers == 1 {
				for b.Loop() {
					noError(b, write(n.Add(1)))
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						noError(b, write(n.Add(1)))
					}
				})
			}
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "commits/s")
		}
		b.Run(fmt.Sprintf("commands/%d", callers), func(b *testing.B) {
			s := open(b, sqlite(b, filepath.Join(b.TempDir(), "t.db")))
			run(b, func(n int64) error {
				_, err := s.Do(b.Context(), Command{ID: fmt.Sprint(n), Kind: "bench"}, putNote(fmt.Sprint(n), note{N: int(n)}))
				return err
			})
		})
		b.Run(fmt.Sprintf("inserts/%d", callers), func(b *testing.B) {
			docs := sqlite(b, filepath.Join(b.TempDir(), "t.db"))
			if err := docs.Ensure(b.Context(), notes()...); err != nil {
				b.Fatal(err)
			}
			run(b, func(n int64) error {
				return docs.Insert(b.Context(), "notes", docstore.Document{ID: fmt.Sprint(n), Body: fmt.Appendf(nil, `{"text":"","n":%d}`, n)})
			})
		})
	}
}
