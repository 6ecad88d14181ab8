package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// System is a NATS system that this process may use.
type System interface {
	// Connect opens a connection under a name that shows in the server's lists.
	// The caller closes it.
	Connect(name string, more ...nats.Option) (*nats.Conn, error)
	// Stop ends it; connections still open are cut.
	Stop()
}

// readyWithin bounds the start of a server.
const readyWithin = 10 * time.Second

// CoreConfig is what the embedded core needs.
type CoreConfig struct {
	Dir      string // JetStream's files go below it
	MaxStore int64  // bytes of all streams; 0 means 1 GiB
	Log      *slog.Logger
}

// Core is the private system inside the process.
type Core struct {
	server *server.Server
	log    *slog.Logger
}

var _ System = (*Core)(nil)

// StartCore starts it and returns when it serves.
func StartCore(c CoreConfig) (*Core, error) {
	if c.MaxStore == 0 {
		c.MaxStore = 1 << 30
	}
	s, err := start(&server.Options{
		ServerName:         "core",
		DontListen:         true,
		JetStream:          true,
		StoreDir:           filepath.Join(c.Dir, "jetstream"),
		JetStreamMaxMemory: 64 << 20,
		JetStreamMaxStore:  c.MaxStore,
		SyncAlways:         true,
	}, c.Log)
	if err != nil {
		return nil, fmt.Errorf("start core: %w", err)
	}
	return &Core{s, c.Log}, nil
}

// Connect implements System.
func (c *Core) Connect(name string, more ...nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect("", append(lasting(name, c.log), append(more, nats.InProcessServer(c.server))...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to core: %w", err)
	}
	return nc, nil
}

// Stop implements System.
func (c *Core) Stop() { stop(c.server) }

// Outside is a system that others run.
type Outside struct {
	URL   string // nats:// or wss://, several with commas
	Creds string // path of a .creds file; "" for none
	Log   *slog.Logger
}

var _ System = Outside{}

// Connect implements System.
func (o Outside) Connect(name string, more ...nats.Option) (*nats.Conn, error) {
	options := append(lasting(name, o.Log), more...)
	if o.Creds != "" {
		options = append(options, nats.UserCredentials(o.Creds))
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}

// Stop implements System; what others run is not ours to stop.
func (Outside) Stop() {}

// lasting are the options of a connection that comes back for as long as the
// process lives. Nothing is buffered while it is away: a publish then fails at
// once, and its caller knows.
func lasting(name string, log *slog.Logger) []nats.Option {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("connection", name)
	return []nats.Option{
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			log.Warn("NATS connection", "subject", subject, "err", err)
		}),
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(20 * time.Second),
	}
}

func start(o *server.Options, log *slog.Logger) (*server.Server, error) {
	o.NoSigs = true
	o.NoLog = log == nil
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	if log != nil {
		s.SetLogger(serverLog{log.With("nats", o.ServerName)}, false, false)
	}
	s.Start()
	if !s.ReadyForConnections(readyWithin) {
		stop(s)
		return nil, errors.New("the server was not ready in time")
	}
	return s, nil
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// serverLog gives the server's lines to slog. Its notices tell of every start in
// twenty lines, so they count as debugging.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("NATS server", "line", fmt.Sprintf(format, v...))
}

func (l serverLog) Warnf(format string, v ...any) {
	l.log.Warn("NATS server", "line", fmt.Sprintf(format, v...))
}

func (l serverLog) Errorf(format string, v ...any) {
	l.log.Warn("NATS server", "line", fmt.Sprintf(format, v...))
}

func (l serverLog) Fatalf(format string, v ...any) {
	l.log.Error("NATS server", "line", fmt.Sprintf(format, v...))
}
func (l serverLog) Debugf(string, ...any) {}
func (l serverLog) Tracef(string, ...any) {}
