package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func executed(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := root()
	c.SetArgs(args)
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(&out)
	c.SetErr(&errs)
	code = execute(t.Context(), c)
	return code, out.String(), errs.String()
}

func TestTheProgramTellsVersionCommitAndEngine(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"--version", "version"} {
		code, out, _ := executed(t, "", arg)
		if code != 0 || !strings.Contains(out, "commit") || !strings.Contains(out, "engine highs-embedded") {
			t.Errorf("%s: %d %q", arg, code, out)
		}
	}
}

func TestTheProgramWritesItsOpenAPIDocument(t *testing.T) {
	t.Parallel()
	code, out, _ := executed(t, "", "openapi")
	var doc struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 || !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/v1/runs/{id}/events"] == nil {
		t.Errorf("%d, %v, OpenAPI %q", code, err, doc.OpenAPI)
	}
}

func TestWrongSettingsAreToldOnceAndEndTheProgram(t *testing.T) {
	t.Parallel()
	code, _, errs := executed(t, "", "run", "--data", t.TempDir(), "--control-plane", "nowhere")
	if code != 1 || strings.Count(errs, "DYOCENSE_CONTROL_PLANE") != 1 {
		t.Errorf("%d %q", code, errs)
	}
}

func TestBadInputOfAToolEndsWithItsCode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(path, []byte("nothing of use\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := executed(t, "", "forecast", path); code != 2 || errs == "" {
		t.Errorf("forecast: %d %q", code, errs)
	}
	if code, _, errs := executed(t, "", "solve", path); code != 2 || errs == "" {
		t.Errorf("solve: %d %q", code, errs)
	}
}
