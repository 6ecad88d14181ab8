package features_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/features"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestLoad(t *testing.T) {
	t.Parallel()
	t.Run("is smb without platform features when nothing is set", func(t *testing.T) {
		t.Parallel()
		f, err := features.Load(env())
		if err != nil || f.Mode != features.SMB || f.Strict || f.Has(features.EvidenceGraph) {
			t.Errorf("Load = %+v, %v", f, err)
		}
	})
	t.Run("gives platform its features and lets a flag take one away", func(t *testing.T) {
		t.Parallel()
		f, err := features.Load(env("DEPLOYMENT_MODE", "platform", "ENABLE_VECTOR_SEARCH", "false", "STRICT_MODE", "true"))
		if err != nil || f.Mode != features.Platform || !f.Strict || !f.Has(features.EvidenceGraph) || f.Has(features.VectorSearch) {
			t.Errorf("Load = %+v, %v", f, err)
		}
	})
	t.Run("names every mistake at once", func(t *testing.T) {
		t.Parallel()
		_, err := features.Load(env("DEPLOYMENT_MODE", "enterprise", "STRICT_MODE", "perhaps", "USE_KEYCLOAK", "true"))
		for _, want := range []string{"DEPLOYMENT_MODE", "STRICT_MODE", "USE_KEYCLOAK"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("err = %v, want %s in it", err, want)
			}
		}
	})
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(path, []byte("# comment\n\nexport A=1\nB=\"two words\"\nC='x=y'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("reads the file under the environment", func(t *testing.T) {
		t.Parallel()
		get, err := features.Environment(env("ENV_FILE", path, "A", "from outside"))
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{"A": "from outside", "B": "two words", "C": "x=y", "D": ""} {
			if got := get(key); got != want {
				t.Errorf("%s = %q, want %q", key, got, want)
			}
		}
	})
	t.Run("fails when the named file is missing or broken", func(t *testing.T) {
		t.Parallel()
		if _, err := features.Environment(env("ENV_FILE", path+".gone")); err == nil {
			t.Error("no error for a missing file")
		}
		broken := filepath.Join(t.TempDir(), "broken")
		if err := os.WriteFile(broken, []byte("A=1\nnonsense\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := features.Environment(env("ENV_FILE", broken)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("err = %v, want line 2 in it", err)
		}
	})
}

func TestOverall(t *testing.T) {
	t.Parallel()
	ready := features.Component{Name: "store", State: features.Ready}
	off := features.Component{Name: "graph", State: features.Off, Reason: "by mode"}
	bad := features.Component{Name: "solver", State: features.Degraded, Reason: "embedded engine"}
	if got := features.Overall([]features.Component{ready, off}); got != features.Ready {
		t.Errorf("Overall = %s, want ready: off by mode is no defect", got)
	}
	if got := features.Overall([]features.Component{ready, bad}); got != features.Degraded {
		t.Errorf("Overall = %s, want degraded", got)
	}
}
