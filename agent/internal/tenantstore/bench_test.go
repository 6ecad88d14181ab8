package tenantstore

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/parcel"
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

// BenchmarkCopy is documents a second on their way: read at the owner, carried as
// parcels of so many, written at the copy and read back there. Reading runs ahead.
func BenchmarkCopy(b *testing.B) {
	const documents = 20_000
	from := sqlite(b, filepath.Join(b.TempDir(), "from.db"))
	s := open(b, from)
	for n := range documents / 100 {
		_, err := s.Do(b.Context(), Command{Kind: "bench"}, func(tx *Tx) error {
			for i := range 100 {
				if err := tx.Put("others", fmt.Sprintf("d%08d", n*100+i), note{Text: strings.Repeat("words of a document ", 20), N: i}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	raw := &Raw{docs: from, collections: notes()}
	for _, size := range []int{500, 1000, 2000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			copied := 0
			for b.Loop() {
				b.StopTimer()
				docs := sqlite(b, filepath.Join(b.TempDir(), fmt.Sprintf("to%d.db", copied)))
				to := replicaIn(b, docs, there, Standby{Move: "m", Claim: 1, Base: Start()})
				b.StartTimer()
				copied += carryAll(b, raw, to, size)
			}
			b.ReportMetric(float64(copied)/b.Elapsed().Seconds(), "documents/s")
		})
	}
}

// carryAll copies the collection "others".
func carryAll(b *testing.B, from *Raw, to *Replica, size int) (copied int) {
	parcels := make(chan []byte, 2)
	var running sync.WaitGroup
	running.Go(func() {
		for packed := range parcels {
			_, page, err := parcel.Read[contract.TransferPut](bytes.NewReader(packed))
			if err == nil {
				_, err = to.Put(b.Context(), "m", 1, "others", page)
			}
			noError(b, err)
		}
	})
	for after, more := "", true; more; {
		page, next, err := from.Page(b.Context(), "others", after, "", size, 4<<20)
		if err != nil {
			b.Fatal(err)
		}
		packed, err := parcel.Pack(contract.TransferPut{V: contract.Version, Move: "m", Claim: 1, Collection: "others"}, page)
		if err != nil {
			b.Fatal(err)
		}
		parcels <- packed
		copied, after, more = copied+len(page), page[len(page)-1].ID, next
	}
	close(parcels)
	running.Wait()
	return copied
}
