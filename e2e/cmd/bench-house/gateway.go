package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/e2e/figures"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/id"
	"github.com/dyocense/dyocense/shared/tunnel"
)

const (
	tripsAlone    = 2000 // round trips of one caller, for the latency
	tripsTogether = 400  // of each of the callers, for the throughput
	callers       = 32
	rounds        = 5 // the two take turns, so that a busy moment hits both
)

// gateway compares HTTP through the tunnel with a bare message each way over the
// same server, accounts and connections.
func (b *bench) gateway() error {
	r, err := newRaw(filepath.Join(b.dir, "gateway"))
	if err != nil {
		return err
	}
	defer r.close()
	quiet := slog.New(slog.DiscardHandler)
	client, err := tunnel.NewClient(r.plane, quiet)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(b.ctx)
	served := make(chan error, 1)
	go func() {
		served <- tunnel.Serve(ctx, r.agent, r.id, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"tables":[]}`)
		}), tunnel.Limits{}, quiet)
	}()
	defer func() {
		stop()
		<-served
		_ = client.Close()
	}()
	who := contract.Principal{Tenant: id.NewTenant(), Person: id.NewPerson(), Role: contract.RoleOwner, Plan: "growth"}
	throughTunnel := func(int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway/v1/tables", strings.NewReader(`{"kind":"demand"}`))
		if err != nil {
			return err
		}
		resp, err := client.Do(ctx, tunnel.Target{Account: r.account, Agent: r.id}, who, req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return err
	}
	bare, end, err := r.echo()
	if err != nil {
		return err
	}
	defer end()

	var rawAlone, tunnelAlone []time.Duration
	var rawRate, tunnelRate float64
	for range rounds {
		for _, m := range []struct {
			trip  func(int) error
			alone *[]time.Duration
			rate  *float64
		}{{bare, &rawAlone, &rawRate}, {throughTunnel, &tunnelAlone, &tunnelRate}} {
			for range tripsAlone / rounds {
				began := time.Now()
				if err := m.trip(0); err != nil {
					return err
				}
				*m.alone = append(*m.alone, time.Since(began))
			}
			rate, err := together(m.trip)
			if err != nil {
				return err
			}
			*m.rate = max(*m.rate, rate)
		}
	}
	b.report.Info("raw NATS round trip, p50, one caller", figures.Quantile(rawAlone, 0.5), "ms", figures.Lower)
	b.report.Info("gateway round trip, p50, one caller", figures.Quantile(tunnelAlone, 0.5), "ms", figures.Lower)
	b.report.Bar("gateway round trip, p50 above raw NATS", figures.Quantile(tunnelAlone, 0.5)-figures.Quantile(rawAlone, 0.5), "ms", figures.Lower, 0.5)
	b.report.Info("raw NATS throughput, 32 callers", rawRate, "1/s", figures.Higher)
	b.report.Info("gateway throughput, 32 callers", tunnelRate, "1/s", figures.Higher)
	b.report.Bar("gateway throughput over raw NATS", tunnelRate/rawRate, "x", figures.Higher, 0.3)
	return nil
}

// echo answers bare messages; trip sends one as a caller and waits for its answer.
func (r *raw) echo() (trip func(caller int) error, end func(), err error) {
	// The subject of the tunnel's own requests: the echo needs another agent's name
	// to stay apart, but only this one may connect, so it answers on the nudge.
	down, err := r.agent.Subscribe(contract.ChangedOf(r.id), func(m *nats.Msg) {
		_ = r.agent.Publish(contract.Up(r.id, "echo"), m.Data)
	})
	if err != nil {
		return nil, nil, err
	}
	waiting := make([]chan struct{}, callers)
	for i := range waiting {
		waiting[i] = make(chan struct{}, 1)
	}
	up, err := r.plane.Subscribe(contract.UpOf("echo"), func(m *nats.Msg) { waiting[m.Data[0]] <- struct{}{} })
	if err != nil {
		return nil, nil, err
	}
	if err := r.agent.Flush(); err != nil {
		return nil, nil, err
	}
	if err := r.plane.Flush(); err != nil {
		return nil, nil, err
	}
	subject := contract.ToChanged(r.account, r.id)
	trip = func(caller int) error {
		message := make([]byte, 400) // what a small request with its head takes
		message[0] = byte(caller)
		if err := r.plane.Publish(subject, message); err != nil {
			return err
		}
		<-waiting[caller]
		return nil
	}
	return trip, func() { _ = down.Unsubscribe(); _ = up.Unsubscribe() }, nil
}

// together is the round trips a second of all callers at once.
func together(trip func(int) error) (float64, error) {
	failed := make(chan error, callers)
	var all sync.WaitGroup
	began := time.Now()
	for caller := range callers {
		all.Go(func() {
			for range tripsTogether {
				if err := trip(caller); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
		return callers * tripsTogether / took.Seconds(), nil
	}
}
