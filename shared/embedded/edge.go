package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/dyocense/dyocense/shared/contract"
)

// EdgeConfig is what the embedded edge needs.
type EdgeConfig struct {
	Dir       string   // keys, claims and the resolver's copy go below it
	Listen    string   // host:port; port 0 takes a free one and keeps it over restarts
	WebSocket string   // host:port of a plain WebSocket listener behind TLS; "" for none
	Advertise []string // URLs that agents are told; empty means where it listens
	Keys      Keyring  // nil means files below Dir
	Log       *slog.Logger
}

// Edge is the public system: inside the process (StartEdge) or outside of it
// (ReachEdge). Its connections live in the control plane's account.
type Edge struct {
	authority *Authority
	dial      func(name string, more ...nats.Option) (*nats.Conn, error)
	urls      []string
	server    *server.Server // nil when it runs outside
}

var _ System = (*Edge)(nil)

// StartEdge starts the edge and returns when it serves and knows every account.
func StartEdge(ctx context.Context, c EdgeConfig) (*Edge, error) {
	e, err := startEdge(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("start edge: %w", err)
	}
	return e, nil
}

func startEdge(ctx context.Context, c EdgeConfig) (*Edge, error) {
	if c.Keys == nil {
		keys, err := OpenKeyring(filepath.Join(c.Dir, "keys"))
		if err != nil {
			return nil, err
		}
		c.Keys = keys
	}
	claims, err := OpenClaims(filepath.Join(c.Dir, "accounts"))
	if err != nil {
		return nil, err
	}
	op := operator{c.Keys}
	options, err := edgeOptions(ctx, c, op, claims)
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(c.Dir, "port")
	s, err := listen(options, kept, c.Log)
	if err != nil {
		return nil, err
	}
	urls := c.Advertise
	if len(urls) == 0 {
		urls = []string{s.ClientURL()}
		if ws := s.WebsocketURL(); c.WebSocket != "" && ws != "" {
			urls = append(urls, ws)
		}
	}
	e := &Edge{urls: urls, server: s}
	inside := nats.InProcessServer(s)
	e.dial = func(name string, more ...nats.Option) (*nats.Conn, error) {
		return dial(context.Background(), op, c.Log, nameControlPlane, "", name, append(more, inside)...)
	}
	system, err := dial(ctx, op, c.Log, nameSystem, "", "authority", inside)
	if err != nil {
		stop(s)
		return nil, err
	}
	e.authority = &Authority{operator: op, claims: claims, system: system, servers: 1}
	return e, nil
}

func edgeOptions(ctx context.Context, c EdgeConfig, op operator, claims Claims) (*server.Options, error) {
	trusted, err := op.claims(ctx)
	if err != nil {
		return nil, err
	}
	resolver, err := server.NewDirAccResolver(filepath.Join(c.Dir, "resolver"), 0, 2*time.Minute, server.RenameDeleted)
	if err != nil {
		return nil, fmt.Errorf("open account resolver: %w", err)
	}
	for _, name := range []string{nameSystem, nameControlPlane} {
		own, err := op.own(ctx, name)
		if err != nil {
			return nil, err
		}
		token, err := op.sign(ctx, own)
		if err != nil {
			return nil, err
		}
		if err := resolver.Store(own.Subject, token); err != nil {
			return nil, fmt.Errorf("store account %s: %w", name, err)
		}
	}
	kept, err := claims.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, token := range kept {
		account, err := jwt.DecodeAccountClaims(token)
		if err != nil {
			return nil, fmt.Errorf("kept claims: %w", err)
		}
		if err := resolver.Store(account.Subject, token); err != nil {
			return nil, fmt.Errorf("store account %s: %w", account.Name, err)
		}
	}
	host, port, err := hostPort(c.Listen)
	if err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName:       "edge",
		Host:             host,
		Port:             port,
		MaxPayload:       contract.MaxPayload,
		MaxPending:       256 << 20, // a hundred tunnelled bodies at once, each with its window
		AuthTimeout:      20,        // seconds; shorter ones fail when a whole fleet comes back at once
		TrustedOperators: []*jwt.OperatorClaims{trusted},
		SystemAccount:    trusted.SystemAccount,
		AccountResolver:  resolver,
	}
	if c.WebSocket != "" {
		host, port, err := hostPort(c.WebSocket)
		if err != nil {
			return nil, err
		}
		o.Websocket = server.WebsocketOpts{Host: host, Port: port, NoTLS: true, AuthTimeout: 20}
	}
	return o, nil
}

// listen starts the server. With a free port wanted it takes the one of the last
// time if it still can, so that agents find the edge again after a restart.
func listen(o *server.Options, kept string, log *slog.Logger) (*server.Server, error) {
	if o.Port != server.RANDOM_PORT {
		return start(o, log)
	}
	last, err := keptPort(kept)
	if err != nil {
		return nil, err
	}
	if last != 0 && free(o.Host, last) {
		o.Port = last
		return start(o, log)
	}
	s, err := start(o, log)
	if err != nil {
		return nil, err
	}
	port := s.Addr().(*net.TCPAddr).Port
	if err := writeOver(kept, []byte(strconv.Itoa(port))); err != nil {
		stop(s)
		return nil, fmt.Errorf("keep port: %w", err)
	}
	return s, nil
}

func keptPort(path string) (int, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read kept port: %w", err)
	}
	if port, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && port > 0 && port <= 65535 {
		return port, nil
	}
	return 0, nil // not a port: take a new one
}

func free(host string, port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func hostPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: want host:port, such as 127.0.0.1:0: %w", address, err)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("address %q: the port is a number from 0 to 65535", address)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// dial connects one of our own accounts with a key that lives as long as the
// connection.
func dial(ctx context.Context, op operator, log *slog.Logger, account, url, name string, more ...nats.Option) (*nats.Conn, error) {
	token, key, err := op.ours(ctx, account, name)
	if err != nil {
		return nil, err
	}
	options := append(lasting(name, log), more...)
	options = append(options, nats.UserJWT(
		func() (string, error) { return token, nil },
		func(nonce []byte) ([]byte, error) { return key.Sign(nonce) },
	))
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("connect %s to edge: %w", name, err)
	}
	return nc, nil
}

// Authority decides who may connect.
func (e *Edge) Authority() *Authority { return e.authority }

// URLs is where agents connect.
func (e *Edge) URLs() []string { return append([]string(nil), e.urls...) }

// Connect implements System, in the control plane's account.
func (e *Edge) Connect(name string, more ...nats.Option) (*nats.Conn, error) {
	return e.dial(name, more...)
}

// Stop implements System.
func (e *Edge) Stop() {
	e.authority.system.Close()
	if e.server != nil {
		stop(e.server)
	}
}
