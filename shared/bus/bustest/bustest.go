// Package bustest starts a real core in the test process.
//
// It owns nothing but the set-up: the server is the one that the product embeds.
package bustest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dyocense/dyocense/shared/embedded"
)

// Core is a core that ends with the test.
type Core struct {
	dir  string
	core *embedded.Core
}

// New starts a core with an empty store.
func New(t testing.TB) *Core {
	t.Helper()
	c := &Core{dir: t.TempDir()}
	c.Start(t)
	t.Cleanup(c.Stop)
	return c
}

// Start starts a stopped core on what is left of its store.
func (c *Core) Start(t testing.TB) {
	t.Helper()
	core, err := embedded.StartCore(embedded.CoreConfig{Dir: c.dir})
	if err != nil {
		t.Fatal(err)
	}
	c.core = core
}

// Stop stops the server; open connections are cut.
func (c *Core) Stop() { c.core.Stop() }

// Wipe deletes every stream's files. The core has to be stopped.
func (c *Core) Wipe(t testing.TB) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(c.dir, "jetstream")); err != nil {
		t.Fatal(err)
	}
}

// Connect opens a connection that is closed at the end of the test.
func (c *Core) Connect(t testing.TB) *nats.Conn {
	t.Helper()
	nc, err := c.core.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// JetStream is Connect with JetStream on top.
func (c *Core) JetStream(t testing.TB) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(c.Connect(t))
	if err != nil {
		t.Fatal(err)
	}
	return js
}
