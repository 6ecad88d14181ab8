package mongostore_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/dyocense/dyocense/shared/docstore"
	"github.com/dyocense/dyocense/shared/docstore/mongostore"
	"github.com/dyocense/dyocense/shared/docstore/mongotest"
	"github.com/dyocense/dyocense/shared/docstore/storetest"
)

// TestKill kills the server under writers and starts it again on the same data.
func TestKill(t *testing.T) {
	t.Parallel()
	server := mongotest.StartOwn(t)
	var lines []string
	for round := range 3 {
		s, err := mongostore.Open(t.Context(), server.URI, "crash", mongostore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ensure(t.Context(), storetest.Things()); err != nil {
			t.Fatal(err)
		}
		storetest.CheckWitnessed(t, s, lines)
		heard := &listener{enough: 30 + 17*round, heardEnough: make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			storetest.WriteUnderWitness(t.Context(), s, fmt.Sprint("round", round), 4, heard)
		}()
		<-heard.heardEnough
		server.Kill()
		// The driver retries until it may no longer; closing is not what ends the
		// writers, the server's return is: their next writes fail or succeed for
		// real. So start it again first, then stop them.
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		<-done
		lines = append(lines, heard.all()...)
	}
	s, err := mongostore.Open(t.Context(), server.URI, "crash", mongostore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Ensure(t.Context(), storetest.Things()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged writes, all present", storetest.CheckWitnessed(t, s, lines))
}

// TestUnreachable speaks to a server that is gone.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	_, err := mongostore.Open(t.Context(), "mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=200", "x", mongostore.Options{})
	wantErr(t, "open", err, docstore.ErrUnavailable)
	for _, uri := range []string{"", "http://x", "mongodb://user:hunter2@", "mongodb://user:hun%ter2@host/"} {
		_, err := mongostore.Open(t.Context(), uri, "x", mongostore.Options{})
		wantErr(t, uri, err, docstore.ErrInvalid)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// listener collects acknowledgements and says when there are enough.
type listener struct {
	mu          sync.Mutex
	said        bytes.Buffer
	lines       int
	enough      int
	heardEnough chan struct{}
}

func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines++; l.lines == l.enough {
		close(l.heardEnough)
	}
	return l.said.Write(p)
}

func (l *listener) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.said.String()), "\n")
}
