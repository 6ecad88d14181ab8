// Package telemetry sets up what a program tells about itself: logs, traces and
// metrics.
//
// It owns the set-up and its switches. It does not own what is logged or
// measured; parts take a *slog.Logger and a prometheus.Registerer.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Logger writes to w. LOG_FORMAT is text (default) or json, LOG_LEVEL debug,
// info (default), warn or error.
func Logger(w io.Writer, program string, getenv func(string) string) (*slog.Logger, error) {
	var (
		level    slog.Level
		mistakes []error
	)
	if text := getenv("LOG_LEVEL"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			mistakes = append(mistakes, fmt.Errorf("LOG_LEVEL is %q; it must be debug, info, warn or error", text))
		}
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	switch format := getenv("LOG_FORMAT"); strings.ToLower(format) {
	case "", "text":
	case "json":
		handler = slog.NewJSONHandler(w, options)
	default:
		mistakes = append(mistakes, fmt.Errorf("LOG_FORMAT is %q; it must be text or json", format))
	}
	return slog.New(handler).With("program", program), errors.Join(mistakes...)
}

// Metrics is a registry of its own, with the Go runtime and process in it.
func Metrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Serve answers GET /metrics on address until ctx ends. It has no door of its own:
// address must be one that only the collector reaches.
func Serve(ctx context.Context, address string, r *prometheus.Registry) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve metrics: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err = server.Shutdown(stopping)
	<-served
	return err
}

// Traces sends spans to OTEL_EXPORTER_OTLP_ENDPOINT when that is set, and does
// nothing otherwise. The returned func flushes and stops.
func Traces(ctx context.Context, program, version string, getenv func(string) string) (func(context.Context) error, error) {
	if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("open trace exporter: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", program), attribute.String("service.version", version))))
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}
