package app

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/mongotest"
)

func TestErasingADatabaseTakesThoseOfItsTenantsAndNoOther(t *testing.T) {
	t.Parallel()
	server := mongotest.StartOwn(t)
	ctx := t.Context()
	cluster, err := mongostore.Connect(ctx, server.URI)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	databases := func() []string {
		t.Helper()
		names, err := cluster.Databases(context.WithoutCancel(ctx), "dyo")
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		return names
	}
	for _, name := range []string{"dyo_abc", "dyo_abc_ten_1", "dyo_abc_ten_2", "dyo_abcd", "dyocense_agent"} {
		s, err := cluster.Store(name, mongostore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ensure(ctx, docstore.Collection{Name: "things"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Insert(ctx, "things", docstore.Document{ID: "x", Body: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if before := databases(); len(before) != 5 {
		t.Fatalf("databases are %v", before)
	}
	for range 2 {
		if err := eraseDatabase(ctx, server.URI, "dyo_abc"); err != nil {
			t.Fatal(err)
		}
		if left := databases(); !slices.Equal(left, []string{"dyo_abcd", "dyocense_agent"}) {
			t.Errorf("left are %v", left)
		}
	}
}

func TestAgentsBesideUsEnrolOnTheLoopback(t *testing.T) {
	t.Parallel()
	for listened, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"0.0.0.0:8080":   "http://127.0.0.1:8080",
		"[::]:8080":      "http://127.0.0.1:8080",
		"[::1]:8080":     "http://[::1]:8080",
	} {
		at, err := net.ResolveTCPAddr("tcp", listened)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachedAt(at); got != want {
			t.Errorf("%s: %s, want %s", listened, got, want)
		}
	}
}

func TestAChildKnowsNoKeyOfTheControlPlane(t *testing.T) {
	t.Setenv("STRIPE_API_KEY", "sk_hunter2")
	t.Setenv("SMTP_PASSWORD", "hunter2")
	if env := strings.Join(childEnvironment(Config{Stripe: Stripe{Key: "sk_hunter2"}, SMTP: SMTP{Password: "hunter2"}}), "\n"); strings.Contains(env, "hunter2") {
		t.Errorf("the child's environment is %s", env)
	}
}
