package moves

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/e2e/product"
)

const (
	fileLines = 12_000 // about a megabyte
	rowsAPage = 1000
)

// demandFile is a demand table that no other number makes.
func demandFile(n int) []byte {
	var b bytes.Buffer
	b.WriteString("sku,week,quantity,note\n")
	for i := range fileLines {
		week := time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 7*(i%12))
		fmt.Fprintf(&b, "F%d-%04d,%s,%d,%x\n", n, i/12, week.Format(time.DateOnly), (i*31+n)%1000, sha256.Sum256([]byte{byte(n), byte(i), byte(i >> 8)}))
	}
	return b.Bytes()
}

// demandHash is what the rows of the table say.
func demandHash(ctx context.Context, c *product.Customer) (sum [32]byte, rows int, err error) {
	h := sha256.New()
	after := ""
	for {
		var page struct {
			Rows [][]string
			Next string
		}
		if err := c.Call(ctx, http.MethodGet, fmt.Sprintf("/v1/tables/demand/rows?limit=%d&after=%s", rowsAPage, after), nil, &page); err != nil {
			return sum, rows, err
		}
		for _, r := range page.Rows {
			_, _ = fmt.Fprintln(h, r)
			rows++
		}
		if after = page.Next; after == "" {
			return [32]byte(h.Sum(nil)), rows, nil
		}
	}
}

func TestFilesThatComeDuringAMoveArriveWhole(t *testing.T) {
	t.Parallel()
	h := open(t, shipped)
	ctx := within(t, 3*time.Minute)
	c := h.customer(t, "fay", "business")
	how := tableColumns["demand"]

	// What a file's rows are, said by the pool agent before anything moves.
	want := map[int][32]byte{}
	const files = 12
	for n := range files {
		id, err := c.Upload(ctx, "demand.csv", demandFile(n))
		must(t, err)
		must(t, commitUpload(ctx, c, id, "demand", how))
		sum, rows, err := demandHash(ctx, c)
		must(t, err)
		if rows != fileLines {
			t.Fatalf("file %d has %d rows, want %d", n, rows, fileLines)
		}
		want[n] = sum
	}

	for _, way := range []string{"roll_back", "accept"} {
		t.Run(way, func(t *testing.T) {
			var mu sync.Mutex
			uploads := map[string]int{}
			running, stop := context.WithCancel(ctx)
			var sending sync.WaitGroup
			for w := range 2 {
				sending.Go(func() {
					for n := w; n < 16 && running.Err() == nil; n += 2 { // more than 20 would push the first out
						id, err := c.Upload(ctx, fmt.Sprintf("f%d.csv", n), demandFile(n%files))
						if err != nil {
							t.Errorf("upload during the move: %v", err)
							return
						}
						mu.Lock()
						uploads[id] = n % files
						mu.Unlock()
					}
				})
			}
			last, err := move(ctx, c, "enterprise", way, nil)
			stop()
			sending.Wait()
			must(t, err)
			if len(uploads) == 0 {
				t.Fatal("no file came during the move")
			}
			var bytes int64
			for id, n := range uploads {
				var u struct{ Bytes int64 }
				must(t, c.Call(ctx, http.MethodGet, "/v1/uploads/"+id, nil, &u))
				bytes += u.Bytes
				must(t, commitUpload(ctx, c, id, "demand", how))
				sum, rows, err := demandHash(ctx, c)
				must(t, err)
				if sum != want[n] || rows != fileLines {
					t.Errorf("file %d has other content after the move: %d rows", n, rows)
				}
			}
			t.Logf("%d files, %d MB, came during the move and arrived whole; %s, %+v", len(uploads), bytes>>20, last, last.Pause)
		})
	}
}
