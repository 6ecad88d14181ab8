package app_test

import (
	"strings"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/app"
)

func getenv(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	t.Run("needs nothing", func(t *testing.T) {
		t.Parallel()
		c, err := app.LoadConfig(getenv())
		if err != nil || c.Listen != "127.0.0.1:8080" || c.Data != "data" || !c.PoolAgent || c.Production || c.Secure() {
			t.Errorf("LoadConfig = %+v, %v", c, err)
		}
	})
	t.Run("names every mistake at once and shows no secret", func(t *testing.T) {
		t.Parallel()
		_, err := app.LoadConfig(getenv(
			"DYOCENSE_LISTEN", "8080", "MONGODB_URI", "postgres://user:hunter2@host/", "STRIPE_API_KEY", "sk_test_hunter2",
			"DYOCENSE_BASE_URL", "app.example.com", "NATS_CORE_REPLICAS", "many", "DEPLOYMENT_MODE", "big"))
		if err == nil {
			t.Fatal("LoadConfig accepts nonsense")
		}
		for _, name := range []string{"DYOCENSE_LISTEN", "MONGODB_URI", "STRIPE_WEBHOOK_SECRET", "DYOCENSE_BASE_URL", "NATS_CORE_REPLICAS", "DEPLOYMENT_MODE"} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%s is not named in:\n%v", name, err)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is shown:\n%v", err)
		}
	})
	t.Run("copies at full pace unless told to be gentle", func(t *testing.T) {
		t.Parallel()
		for set, gently := range map[string]bool{"": false, "full": false, "gentle": true} {
			if c, err := app.LoadConfig(getenv("DYOCENSE_MOVE_PACE", set)); err != nil || c.MoveGently != gently {
				t.Errorf("DYOCENSE_MOVE_PACE=%q: MoveGently = %v, %v", set, c.MoveGently, err)
			}
		}
		if _, err := app.LoadConfig(getenv("DYOCENSE_MOVE_PACE", "slow")); err == nil || !strings.Contains(err.Error(), "DYOCENSE_MOVE_PACE") {
			t.Errorf("an unknown pace gives %v", err)
		}
	})
	t.Run("refuses toys in production", func(t *testing.T) {
		t.Parallel()
		_, err := app.LoadConfig(getenv("ENVIRONMENT", "production", "MONGODB_URI", "mongodb://db/"))
		for _, name := range []string{"DYOCENSE_SECRET_KEY", "DYOCENSE_BASE_URL", "STRIPE_API_KEY", "SMTP_ADDRESS"} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s is not named in:\n%v", name, err)
			}
		}
	})
	t.Run("knows its own address when it listens on all", func(t *testing.T) {
		t.Parallel()
		c, err := app.LoadConfig(getenv("DYOCENSE_LISTEN", "0.0.0.0:9000"))
		if err != nil || c.OwnURL() != "http://127.0.0.1:9000" {
			t.Errorf("OwnURL = %q, %v", c.OwnURL(), err)
		}
	})
}
