package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dyocense/dyocense/shared/telemetry"
)

func getenv(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	t.Run("writes JSON when asked, and leaves out what is below its level", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		log, err := telemetry.Logger(&out, "agent", getenv("LOG_FORMAT", "json", "LOG_LEVEL", "warn"))
		if err != nil {
			t.Fatal(err)
		}
		log.Info("quiet")
		log.Warn("loud")
		if s := out.String(); strings.Contains(s, "quiet") || !strings.Contains(s, `"msg":"loud"`) || !strings.Contains(s, `"program":"agent"`) {
			t.Errorf("log = %s", s)
		}
	})
	t.Run("names both settings when both are wrong", func(t *testing.T) {
		t.Parallel()
		_, err := telemetry.Logger(io.Discard, "agent", getenv("LOG_FORMAT", "xml", "LOG_LEVEL", "loud"))
		if err == nil || !strings.Contains(err.Error(), "LOG_FORMAT") || !strings.Contains(err.Error(), "LOG_LEVEL") {
			t.Errorf("err = %v", err)
		}
	})
}

func TestServeTellsMetricsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- telemetry.Serve(ctx, address, telemetry.Metrics()) }()
	body := ""
	for deadline := time.Now().Add(5 * time.Second); body == "" && time.Now().Before(deadline); {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // it is not listening yet
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	}
	if !strings.Contains(body, "go_goroutines") {
		t.Errorf("metrics = %.200q", body)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v", err)
	}
}
