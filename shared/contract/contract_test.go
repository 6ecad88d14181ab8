package contract_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/fault"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

const (
	agent   = id.Agent("agt_01m2a4pqwxyzabcdefghjkmnpq")
	run     = id.Run("run_01m2a4pqwxyzabcdefghjkmnpq")
	tenant  = id.Tenant("ten_01m2a4pqwxyzabcdefghjkmnpq")
	account = "ABYSX2TQDBTKSJ4QOFZ63RTXD3GCMQ5EFM4LYBKSFQ6JCVGGWBFLEQ7C"
)

var when = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func pin[T contract.Message](t *testing.T, name string, m T) {
	t.Helper()
	t.Run(name+" keeps its bytes", func(t *testing.T) {
		t.Parallel()
		got, err := contract.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".json")
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), string(got)); diff != "" {
			t.Errorf("the bytes changed; give the shape a new version (-pinned +now):\n%s", diff)
		}
		back, err := contract.Decode[T](want)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Errorf("reading gives something else (-sent +read):\n%s", diff)
		}
	})
}

func TestEveryMessage(t *testing.T) { // not parallel: TestEveryPinnedFile reads what it may write
	v := contract.Version
	pin(t, "desired_request", contract.DesiredRequest{V: v, Have: 41})
	pin(t, "desired", contract.Desired{V: v, Revision: 42, More: true, Tenants: []contract.WantedTenant{
		{Tenant: tenant, Revision: 42, State: contract.TenantServing, Plan: "growth", Name: "Käse & Söhne"},
		{Tenant: tenant, Revision: 43, State: contract.TenantDropped, Plan: "growth", Name: "Käse & Söhne", Moves: []string{"mov_1.1"}},
	}})
	pin(t, "report", contract.Report{V: v, Tenant: tenant, Revision: 42, State: contract.TenantServing, OK: true, Steps: []contract.Step{{Name: "create store", Millis: 2.7}}})
	pin(t, "report_refused", contract.Report{V: v, Tenant: tenant, Revision: 42, State: contract.TenantServing, Reason: "The disk is full."})
	pin(t, "ack", contract.Ack{V: v})
	pin(t, "beat", contract.Beat{
		V: v, Program: "1.0.0", Mode: features.SMB, Started: when, Have: 42, Tenants: 7, Runs: 1,
		Components: []features.Component{{Name: "solver", State: features.Degraded, Reason: "embedded engine only"}},
	})
	pin(t, "renew", contract.Renew{V: v, PublicKey: "UKEY"})
	pin(t, "renewed", contract.Renewed{V: v, JWT: "a.b.c", Expires: when})
	pin(t, "changed", contract.Changed{V: v, Revision: 42})
	pin(t, "challenge_request", contract.ChallengeRequest{V: v, PublicKey: "UKEY"})
	pin(t, "challenge", contract.Challenge{V: v, Nonce: "bm9uY2U", Expires: when})
	pin(t, "enrol_request", contract.EnrolRequest{V: v, PublicKey: "UKEY", Nonce: "bm9uY2U", Signature: "c2ln", Name: "shop-1", Program: "1.0.0", Mode: features.Platform})
	pin(t, "enrolled", contract.Enrolled{
		V: v, Agent: agent, Environment: "env_01m2a4pqwxyzabcdefghjkmnpq", JWT: "a.b.c", Expires: when,
		Servers: []string{"nats://127.0.0.1:4222"},
	})
	pin(t, "event", contract.Event{
		V: v, ID: "evt_01m2a4pqwxyzabcdefghjkmnpq", Type: "billing.subscription_activated", Tenant: tenant, At: when,
		Data: json.RawMessage(`{"plan":"growth"}`),
	})
	pin(t, "carried_runs", contract.CarriedRuns{V: v, Next: 7, More: true, Runs: []contract.CarriedRun{
		{Run: run, Attempt: 1, Version: 6, Live: json.RawMessage(`{"stage":"solve"}`)},
		{Run: run, Attempt: 2, Version: 7, Live: json.RawMessage(`{"stage":""}`), Ended: &contract.CarriedEnd{
			How: "finish", Status: "optimal", Headline: "Order 7 of A.", Result: []byte(`{"status":"optimal"}`),
		}},
	}})
	pin(t, "carried_answers", contract.CarriedAnswers{V: v, Answers: []contract.CarriedAnswer{
		{Run: run, Attempt: 1, Cancel: true}, {Run: run, Attempt: 2, Settled: true},
	}})
}

func TestEveryPinnedFile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := 40; len(files) != want {
		t.Errorf("%d pinned messages, want %d: pin a new message in TestEveryMessage", len(files), want)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes string
		want  error
	}{
		"refuses a newer version and says to wait": {`{"v":2}`, contract.ErrNewer},
		"refuses a newer version with new fields":  {`{"v":2,"colour":"red"}`, contract.ErrNewer},
		"refuses a message without version":        {`{"have":1}`, contract.ErrMalformed},
		"refuses a field nobody declared":          {`{"v":1,"have":1,"colour":"red"}`, contract.ErrMalformed},
		"refuses a second value":                   {`{"v":1,"have":1}{}`, contract.ErrMalformed},
		"refuses half a message":                   {`{"v":1,"have":`, contract.ErrMalformed},
		"refuses nothing at all":                   {``, contract.ErrMalformed},
		"refuses a number that does not fit":       {`{"v":1,"have":1e400}`, contract.ErrMalformed},
		"refuses more than a mebibyte":             {strings.Repeat(" ", contract.MaxPayload+1), contract.ErrTooLarge},
		"refuses nesting without end":              {strings.Repeat("[", 500_000), contract.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := contract.Decode[contract.DesiredRequest]([]byte(c.bytes)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	t.Run("refuses a message that forgot its version", func(t *testing.T) {
		t.Parallel()
		if _, err := contract.Encode(contract.Ack{}); !errors.Is(err, contract.ErrMalformed) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("lets a carried result be as large as any that is stored", func(t *testing.T) {
		t.Parallel()
		m := contract.CarriedRuns{V: contract.Version, Runs: []contract.CarriedRun{{
			Live: json.RawMessage(`{}`), Ended: &contract.CarriedEnd{How: "finish", Result: make([]byte, 2*contract.MaxPayload)},
		}}}
		b, err := contract.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := contract.Decode[contract.CarriedRuns](b); err != nil || len(back.Runs[0].Ended.Result) != 2*contract.MaxPayload {
			t.Errorf("reads %d runs, %v", len(back.Runs), err)
		}
	})
	t.Run("refuses what does not fit into one message", func(t *testing.T) {
		t.Parallel()
		r := contract.Report{V: contract.Version, Reason: strings.Repeat("x", contract.MaxPayload)}
		if _, err := contract.Encode(r); !errors.Is(err, contract.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	t.Run("keep kind, code, sentence and details across the wire", func(t *testing.T) {
		t.Parallel()
		sent := fault.New(fault.Exhausted, "runs.used_up", "No decision is left this month.").With(fault.Detail{Location: "body.goal", Message: "x"})
		kind, body := contract.EncodeFault(sent)
		got := contract.DecodeFault(body)
		if kind != fault.Exhausted || !reflect.DeepEqual(got, sent) {
			t.Errorf("got %s %+v", kind, got)
		}
	})
	t.Run("never carry the cause", func(t *testing.T) {
		t.Parallel()
		_, body := contract.EncodeFault(errors.New("password=hunter2"))
		if strings.Contains(string(body), "hunter2") {
			t.Errorf("leaked: %s", body)
		}
	})
	t.Run("that cannot be read become internal ones", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{"", "{}", "nonsense", `{"code":"x","kind":"made_up"}`} {
			if got := contract.DecodeFault([]byte(body)); got.Kind != fault.Internal {
				t.Errorf("%q became %v", body, got.Kind)
			}
		}
	})
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	t.Run("tell who speaks", func(t *testing.T) {
		t.Parallel()
		gotAccount, gotAgent, ok := contract.Speaker("cp.rpc." + account + "." + string(agent) + ".report")
		if !ok || gotAccount != account || gotAgent != agent {
			t.Errorf("got %q %q %v", gotAccount, gotAgent, ok)
		}
	})
	t.Run("that name nobody are refused", func(t *testing.T) {
		t.Parallel()
		for _, s := range []string{"", "cp.rpc.", "cp.rpc.A", "cp.rpc.A.b", "cp.rpc.A.b.", "cp.rpc..b.c", "cp.rpc.A..c", "cp.cmd.A.b.c"} {
			if a, b, ok := contract.Speaker(s); ok {
				t.Errorf("%q was read as %q %q", s, a, b)
			}
		}
	})
	t.Run("on both sides of a crossing are one subject", func(t *testing.T) {
		t.Parallel()
		for local, there := range map[string]string{
			contract.DownOf(agent):    contract.ToDown(account, agent),
			contract.ChangedOf(agent): contract.ToChanged(account, agent),
		} {
			c := contract.Commands(account)
			if got := across(c, local); got != there {
				t.Errorf("%s arrives from %s, but is sent to %s", local, got, there)
			}
		}
		for local, heard := range map[string]string{
			contract.Ask(agent, contract.VerbBeat): contract.Asked(contract.VerbBeat),
			contract.Up(agent, "g1"):               contract.UpOf("g1"),
		} {
			if got := across(contract.Requests(account), local); !matches(heard, got) {
				t.Errorf("%s arrives on %s, which %s does not hear", local, got, heard)
			}
		}
	})
	t.Run("of an agent are all allowed to it", func(t *testing.T) {
		t.Parallel()
		p := contract.AgentPermissions()
		for _, v := range []contract.Verb{contract.VerbDesired, contract.VerbReport, contract.VerbBeat, contract.VerbRenew} {
			allowed(t, p.Publish, contract.Ask(agent, v))
		}
		allowed(t, p.Publish, contract.Up(agent, "g1"))
		allowed(t, p.Subscribe, contract.DownOf(agent))
		allowed(t, p.Subscribe, contract.ChangedOf(agent))
		allowed(t, p.Subscribe, contract.InboxPrefix(agent)+".x")
	})
	t.Run("of one agent are not allowed to another", func(t *testing.T) {
		t.Parallel()
		for _, pattern := range append(contract.AgentPermissions().Publish, contract.AgentPermissions().Subscribe...) {
			for _, s := range []string{contract.Ask("agt_other", contract.VerbBeat), contract.DownOf("agt_other"), contract.InboxPrefix("agt_other") + ".x"} {
				if matches(strings.ReplaceAll(pattern, "{{name()}}", string(agent)), s) {
					t.Errorf("%s allows %s", pattern, s)
				}
			}
		}
	})
	t.Run("of events are in a stream", func(t *testing.T) {
		t.Parallel()
		e := contract.Event{Type: "billing.subscription_activated", Tenant: tenant}
		allowed(t, contract.Events().Subjects, e.Subject())
	})
}

func across(c contract.Crossing, local string) string {
	return strings.TrimSuffix(c.Import, ">") + strings.TrimPrefix(local, strings.TrimSuffix(c.Local, ">"))
}

func allowed(t *testing.T, patterns []string, subject string) {
	t.Helper()
	for _, p := range patterns {
		if matches(strings.ReplaceAll(p, "{{name()}}", string(agent)), subject) {
			return
		}
	}
	t.Errorf("%s is not allowed by %q", subject, patterns)
}

func matches(pattern, subject string) bool {
	p, s := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range p {
		switch {
		case token == ">":
			return i < len(s)
		case i >= len(s), token != "*" && token != s[i]:
			return false
		}
	}
	return len(p) == len(s)
}
