package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/app"
	"github.com/dyocense/dyocense/shared/features"
)

// mode is the deployment mode that this run of the tests is for: make test-smb or
// make test-platform.
func mode() features.Mode {
	if m := os.Getenv("DEPLOYMENT_MODE"); m != "" {
		return features.Mode(m)
	}
	return features.SMB
}

// run starts a control plane without an agent in this process and gives its
// address; it is stopped at the end of the test.
func run(t *testing.T) string {
	t.Helper()
	c, err := app.LoadConfig(getenv(
		"DEPLOYMENT_MODE", string(mode()), "DYOCENSE_DATA", t.TempDir(), "DYOCENSE_LISTEN", "127.0.0.1:0", "DYOCENSE_POOL_AGENT", "external"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- app.Run(ctx, c, in, slog.New(slog.DiscardHandler))
		_ = in.Close()
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("it said nothing: %v", <-done)
	}
	url, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok {
		t.Fatalf("the first line is %q", lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return url
}

func get(t *testing.T, url string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestControlPlane(t *testing.T) {
	t.Parallel()
	url := run(t)

	t.Run("tells what its mode has, and what is missing", func(t *testing.T) {
		t.Parallel()
		status, body := get(t, url+"/health")
		var health struct {
			Mode       features.Mode
			Status     features.State
			Components []features.Component
		}
		if err := json.Unmarshal(body, &health); err != nil || status != http.StatusOK || health.Mode != mode() {
			t.Fatalf("%d %s %v", status, body, err)
		}
		want := map[features.Mode]features.State{features.SMB: features.Off, features.Platform: features.Degraded}[mode()]
		if !slices.ContainsFunc(health.Components, func(c features.Component) bool { return c.Name == "gateway" }) {
			t.Errorf("the gateway tells nothing of itself: %s", body)
		}
		for _, c := range health.Components {
			switch c.Name {
			case "evidence graph", "vector search", "single sign-on":
				if c.State != want || c.Reason == "" {
					t.Errorf("%s is %s (%s) in %s mode, want %s with a reason", c.Name, c.State, c.Reason, mode(), want)
				}
			case "pool agent":
				if c.State != features.Degraded || c.Reason == "" {
					t.Errorf("the pool agent is %s (%s) although none runs", c.State, c.Reason)
				}
			}
		}
		if health.Status != features.Degraded {
			t.Errorf("the whole is %s without an agent, want degraded", health.Status)
		}
	})
	t.Run("serves one document for its own API and the agent's", func(t *testing.T) {
		t.Parallel()
		_, body := get(t, url+"/openapi.json")
		var document struct {
			OpenAPI string
			Paths   map[string]json.RawMessage
		}
		if err := json.Unmarshal(body, &document); err != nil || !strings.HasPrefix(document.OpenAPI, "3.1") {
			t.Fatalf("%s %v", document.OpenAPI, err)
		}
		for _, path := range []string{"/health", "/v1/signup", "/v1/provisioning/events", "/v1/runs", "/v1/uploads"} {
			if document.Paths[path] == nil {
				t.Errorf("%s is not in the document", path)
			}
		}
	})
	t.Run("lets nobody in without a session", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/v1/session", "/v1/billing", "/v1/provisioning", "/v1/provisioning/events", "/v1/permissions", "/v1/tables", "/v1/runs"} {
			if status, body := get(t, url+path); status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s, want 401", path, status, body)
			}
		}
	})
}

func TestStrictModeStopsTheStartOfAPlatformWithoutItsParts(t *testing.T) {
	t.Parallel()
	c, err := app.LoadConfig(getenv("DEPLOYMENT_MODE", "platform", "STRICT_MODE", "true", "DYOCENSE_DATA", t.TempDir(), "DYOCENSE_LISTEN", "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	err = app.Run(t.Context(), c, io.Discard, slog.New(slog.DiscardHandler))
	for _, part := range []string{"NEO4J_URI", "QDRANT_URL", "KEYCLOAK_ISSUER"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Run = %v, want %s named", err, part)
		}
	}
}
