package tunnel_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/tunnel"
)

// BenchmarkRoundTrip compares a small request through the tunnel with the same
// bytes as bare messages over the same accounts: down by the exported stream, up
// by the exported service.
func BenchmarkRoundTrip(b *testing.B) {
	for _, parallel := range []int{1, 16, 64} {
		name := map[int]string{1: "one caller", 16: "16 callers", 64: "64 callers"}[parallel]
		b.Run("raw/"+name, func(b *testing.B) {
			r := newRig(b)
			s := r.connect(b, "env_bench")
			up := contract.Up(s.Agent, "bench")
			if _, err := s.nc.Subscribe(contract.DownOf(s.Agent), func(m *nats.Msg) { _ = s.nc.Publish(up, m.Data) }); err != nil {
				b.Fatal(err)
			}
			if err := s.nc.Flush(); err != nil {
				b.Fatal(err)
			}
			waiting := make([]chan struct{}, parallel)
			for i := range waiting {
				waiting[i] = make(chan struct{}, 1)
			}
			if _, err := r.plane.Subscribe(contract.UpOf("bench"), func(m *nats.Msg) { waiting[m.Data[0]] <- struct{}{} }); err != nil {
				b.Fatal(err)
			}
			down := contract.ToDown(s.Account, s.Agent)
			measure(b, parallel, func(caller int) error {
				message := make([]byte, 400)
				message[0] = byte(caller)
				if err := r.plane.Publish(down, message); err != nil {
					return err
				}
				<-waiting[caller]
				return nil
			})
		})
		b.Run("tunnel/"+name, func(b *testing.B) {
			r := newRig(b)
			s := r.serve(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"tables":[]}`))
			}), tunnel.Limits{})
			ctx := b.Context()
			measure(b, parallel, func(int) error {
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway/v1/tables", strings.NewReader(`{"kind":"demand"}`))
				if err != nil {
					return err
				}
				response, err := r.client.Do(ctx, s.Target, who, request)
				if err != nil {
					return err
				}
				return response.Body.Close()
			})
		})
	}
}

func measure(b *testing.B, parallel int, once func(caller int) error) {
	b.Helper()
	took := make([][]time.Duration, parallel)
	var callers sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i := range parallel {
		callers.Go(func() {
			for range b.N / parallel {
				begin := time.Now()
				if err := once(i); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(begin))
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	if len(all) == 0 {
		return
	}
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
}
