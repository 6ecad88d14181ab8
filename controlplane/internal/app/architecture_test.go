package app_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dyocense/dyocense/controlplane/internal/billing"
	"github.com/dyocense/dyocense/controlplane/internal/closing"
	"github.com/dyocense/dyocense/controlplane/internal/dedicated"
	"github.com/dyocense/dyocense/controlplane/internal/fleet"
	"github.com/dyocense/dyocense/controlplane/internal/invitations"
	"github.com/dyocense/dyocense/controlplane/internal/migration"
	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/provisioning"
	"github.com/dyocense/dyocense/controlplane/internal/signup"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy"
	"github.com/dyocense/dyocense/controlplane/internal/tokens"
	"github.com/dyocense/dyocense/shared/archtest"
)

// The table of ARCHITECTURE.md. app is not in it: it may import all.
func TestImportsFollowTheMap(t *testing.T) {
	t.Parallel()
	archtest.Check(t, "github.com/dyocense/dyocense/controlplane/internal", archtest.Map{
		"agentprocess": {},
		"audit":        {"identity", "tenancy"},
		"billing":      {"identity", "notify", "outbox", "tenancy"},
		"closing":      {"identity", "notify", "outbox", "tenancy"},
		"dedicated":    {"agentprocess", "fleet"},
		"edge":         {},
		"fleet":        {},
		"gateway":      {},
		"identity":     {"keyring"},
		"invitations":  {"identity", "notify", "outbox", "tenancy"},
		"keyring":      {},
		"migration":    {"billing", "identity", "notify", "outbox", "tenancy"},
		"notify":       {},
		"outbox":       {},
		"portal":       {},
		"provisioning": {"outbox"},
		"signup":       {"identity", "tenancy", "notify"},
		"tenancy":      {"identity", "outbox"},
		"tokens":       {"identity", "keyring", "notify", "outbox", "tenancy"},
	})
}

// UPDATE=1 redraws the diagrams.
func TestLifecyclesAreDrawn(t *testing.T) {
	t.Parallel()
	for name, diagram := range map[string]string{
		"api-key":        tokens.KeyLifecycle.Mermaid(),
		"device-grant":   tokens.GrantLifecycle.Mermaid(),
		"refresh-family": tokens.FamilyLifecycle.Mermaid(),
		"agent":          fleet.Lifecycle.Mermaid(),
		"deletion":       closing.Lifecycle.Mermaid(),
		"dedicated":      dedicated.Lifecycle.Mermaid(),
		"invitation":     invitations.Lifecycle.Mermaid(),
		"mail":           notify.Lifecycle.Mermaid(),
		"move":           migration.Lifecycle.Mermaid(),
		"payment-notice": billing.NoticeLifecycle.Mermaid(),
		"plan-change":    billing.ChangeLifecycle.Mermaid(),
		"placement":      provisioning.Lifecycle.Mermaid(),
		"sign-up":        signup.Lifecycle.Mermaid(),
		"tenant":         tenancy.Lifecycle.Mermaid(),
	} {
		path := filepath.Join("..", "..", "..", "docs", "lifecycles", name+".mmd")
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(path, []byte(diagram), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		drawn, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(drawn) != diagram {
			t.Errorf("%s is stale; UPDATE=1 go test redraws it", path)
		}
	}
}
