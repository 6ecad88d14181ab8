package dedicated_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/dyocense/dyocense/shared/bus"
	"github.com/dyocense/dyocense/shared/contract"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/id"
)

// The test program is also the agent program, when this variable says so: it
// enrols, beats and ends as dyocense-agent does. What the real one does beyond
// that is tested in e2e.
const (
	varFake = "DEDICATED_TEST_AGENT"
	varMode = "DEDICATED_TEST_MODE" // overrides the mode of the settings
)

func TestMain(m *testing.M) {
	if os.Getenv(varFake) == "" {
		os.Exit(m.Run())
	}
	if err := fakeAgent(); err != nil {
		fmt.Fprintln(os.Stderr, "fake agent:", err)
		os.Exit(1)
	}
}

// life is what a fake agent leaves in its directory for the tests.
type life struct {
	PID  int
	Args []string
	Env  []string
}

func fakeAgent() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	data, plane, name := set.String("data", "", ""), set.String("control-plane", "", ""), set.String("name", "", "")
	set.Bool("join-token-stdin", false, "")
	if len(os.Args) < 2 || os.Args[1] != "run" {
		return errors.New("want run")
	}
	if err := set.Parse(os.Args[2:]); err != nil {
		return err
	}
	getenv, err := features.Environment(os.Getenv)
	if err != nil {
		return err
	}
	f, err := features.Load(getenv)
	if err != nil {
		return err
	}
	if m := os.Getenv(varMode); m != "" {
		f.Mode = features.Mode(m)
	}
	in := bufio.NewReader(os.Stdin)
	token, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*data, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(*data, "agent.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	key, err := fakeKey(filepath.Join(*data, "seed"))
	if err != nil {
		return err
	}
	nc, me, err := fakeEnrol(ctx, *plane, strings.TrimSpace(token), *name, f.Mode, key)
	if err != nil {
		return err
	}
	defer nc.Close()
	told, err := json.Marshal(life{PID: os.Getpid(), Args: os.Args, Env: os.Environ()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*data, "life.json"), told, 0o600); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, in)
	}()
	tick := time.NewTicker(contract.BeatEvery)
	defer tick.Stop()
	for started := time.Now().UTC(); ; {
		_, err := bus.Ask[contract.Ack](ctx, nc, contract.Ask(me, contract.VerbBeat), contract.Beat{
			V: contract.Version, Program: "test", Mode: f.Mode, Started: started,
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-gone:
			return nil
		case <-tick.C:
		}
	}
}

func fakeKey(path string) (nkeys.KeyPair, error) {
	if seed, err := os.ReadFile(path); err == nil {
		return nkeys.FromSeed(seed)
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	seed, err := key.Seed()
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, seed, 0o600)
}

func fakeEnrol(ctx context.Context, plane, token, name string, mode features.Mode, key nkeys.KeyPair) (*nats.Conn, id.Agent, error) {
	public, err := key.PublicKey()
	if err != nil {
		return nil, "", err
	}
	var c contract.Challenge
	if err := post(ctx, plane+"/agent/v1/challenge", "", contract.ChallengeRequest{V: contract.Version, PublicKey: public}, &c); err != nil {
		return nil, "", err
	}
	signature, err := key.Sign([]byte(c.Nonce))
	if err != nil {
		return nil, "", err
	}
	var e contract.Enrolled
	err = post(ctx, plane+"/agent/v1/enrol", token, contract.EnrolRequest{
		V: contract.Version, PublicKey: public, Nonce: c.Nonce, Signature: base64.RawURLEncoding.EncodeToString(signature),
		Name: name, Program: "test", Mode: mode,
	}, &e)
	if err != nil {
		return nil, "", err
	}
	nc, err := nats.Connect(strings.Join(e.Servers, ","), nats.CustomInboxPrefix(contract.InboxPrefix(e.Agent)), nats.UserJWT(
		func() (string, error) { return e.JWT, nil },
		func(nonce []byte) ([]byte, error) { return key.Sign(nonce) }))
	return nc, e.Agent, err
}

func post(ctx context.Context, url, token string, q, a any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(response.Body)
		return fmt.Errorf("%s: %s %s", url, response.Status, said)
	}
	return json.NewDecoder(response.Body).Decode(a)
}
