package notify_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dyocense/dyocense/controlplane/internal/notify"
	"github.com/dyocense/dyocense/controlplane/internal/tenancy/tenancytest"
	"github.com/dyocense/dyocense/shared/docstore"
)

var confirm = notify.ConfirmAddress{Company: `Herons <b>& Söhne`, Link: "http://127.0.0.1/verify#token=abc", Hours: 24}

// server is a mail server of the test. It speaks enough SMTP for one mail at a
// time, with STARTTLS and AUTH PLAIN.
type server struct {
	port    int
	trust   *tls.Config
	mu      sync.Mutex
	rcpt    string // answer to RCPT, "" takes it
	bare    bool   // offers no STARTTLS
	mails   []string
	to      []string
	auths   []string
	secured int
}

func serve(t *testing.T) *server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{port: listener.Addr().(*net.TCPAddr).Port, trust: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	identity := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			all.Go(func() { s.talk(conn, identity) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close() // ends Accept
		all.Wait()
	})
	return s
}

func (s *server) talk(conn net.Conn, identity *tls.Config) {
	defer func() { conn.Close() }() //nolint:errcheck // the client is gone
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	lines := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	secured := false
	say("220 mail.test ESMTP")
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		s.mu.Lock()
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-mail.test")
			if !secured && !s.bare {
				say("250-STARTTLS")
			}
			say("250-AUTH PLAIN")
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, identity)
			lines, secured = bufio.NewReader(conn), true
			s.secured++
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			s.auths = append(s.auths, string(raw))
			say("235 welcome")
		case "MAIL", "RSET":
			say("250 ok")
		case "RCPT":
			if s.rcpt != "" {
				say(s.rcpt)
				break
			}
			s.to = append(s.to, rest)
			say("250 ok")
		case "DATA":
			say("354 send")
			var b strings.Builder
			for {
				l, err := lines.ReadString('\n')
				if err != nil || l == ".\r\n" {
					break
				}
				b.WriteString(strings.TrimPrefix(l, "."))
			}
			s.mails = append(s.mails, b.String())
			say("250 taken")
		case "QUIT":
			say("221 bye")
			s.mu.Unlock()
			return
		default:
			say("500 what")
		}
		s.mu.Unlock()
	}
}

func (s *server) answerRcpt(a string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcpt = a
}

func (s *server) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

func (s *server) carrier(t *testing.T, security notify.Security) *notify.SMTP {
	t.Helper()
	c, err := notify.NewSMTP(notify.SMTP{
		Host: "127.0.0.1", Port: s.port, Security: security, User: "dyocense", Password: "pass",
		From: "Dyocense <hello@dyocense.example>", Trust: s.trust,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, s docstore.Store, c notify.Carrier, clock *tenancytest.Clock) *notify.Mailbox {
	t.Helper()
	b, err := notify.New(s, c, clock.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newest(t *testing.T, b *notify.Mailbox) notify.Mail {
	t.Helper()
	mails, err := b.Newest(t.Context(), 1)
	if err != nil || len(mails) != 1 {
		t.Fatalf("%d mails, %v", len(mails), err)
	}
	return mails[0]
}

func TestMailboxOverSMTP(t *testing.T) {
	t.Parallel()
	t.Run("delivers text and HTML over a secured connection, once", func(t *testing.T) {
		t.Parallel()
		server, store, clock := serve(t), tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		b := open(t, store, server.carrier(t, notify.StartTLS), clock)
		for range 3 {
			if err := b.Post(t.Context(), "key", "ada@example.com", confirm); err != nil {
				t.Fatal(err)
			}
			if err := b.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := server.taken(); len(got) != 1 || server.secured != 1 || len(server.auths) != 1 || server.auths[0] != "\x00dyocense\x00pass" {
			t.Fatalf("%d mails, %d secured, auths %q", len(got), server.secured, server.auths)
		}
		if to := server.to; len(to) != 1 || !strings.Contains(to[0], "<ada@example.com>") {
			t.Errorf("to %q", to)
		}
		m, err := mail.ReadMessage(strings.NewReader(server.taken()[0]))
		if err != nil {
			t.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		parts := multipart.NewReader(m.Body, params["boundary"])
		var bodies []string
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(quotedprintable.NewReader(part))
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, string(raw))
		}
		if len(bodies) != 2 || !strings.Contains(bodies[0], confirm.Link) || !strings.Contains(bodies[0], confirm.Company) || !strings.Contains(bodies[1], confirm.Link) {
			t.Errorf("bodies = %q", bodies)
		}
		if strings.Contains(bodies[1], "<b>") || strings.Contains(bodies[1], "<img") {
			t.Error("the HTML holds what a visitor typed, or a picture")
		}
		if m.Header.Get("Message-ID") == "" || m.Header.Get("To") != "<ada@example.com>" || m.Header.Get("Subject") != confirm.Subject() {
			t.Errorf("header = %v", m.Header)
		}
		if kept := newest(t, b); kept.State != notify.Sent || kept.Text != "" || kept.HTML != "" {
			t.Errorf("the delivered mail keeps its body: %+v", kept)
		}
	})
	t.Run("tries again later when the server says so", func(t *testing.T) {
		t.Parallel()
		server, store, clock := serve(t), tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		b := open(t, store, server.carrier(t, notify.StartTLS), clock)
		server.answerRcpt("451 greylisted")
		if err := b.Post(t.Context(), "key", "ada@example.com", confirm); err != nil {
			t.Fatal(err)
		}
		for range 3 { // the second and third find nothing due
			if err := b.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if m := newest(t, b); m.State != notify.Queued || m.Attempts != 1 || !strings.Contains(m.Reason, "greylisted") {
			t.Errorf("mail = %+v", m)
		}
		server.answerRcpt("")
		clock.Move(10 * time.Second)
		if err := b.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m := newest(t, b); m.State != notify.Sent || len(server.taken()) != 1 {
			t.Errorf("mail = %+v", m)
		}
	})
	t.Run("gives up at once when the server refuses for good", func(t *testing.T) {
		t.Parallel()
		server, store, clock := serve(t), tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		b := open(t, store, server.carrier(t, notify.StartTLS), clock)
		server.answerRcpt("550 no such mailbox")
		if err := b.Post(t.Context(), "key", "ada@example.com", confirm); err != nil {
			t.Fatal(err)
		}
		if err := b.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m := newest(t, b); m.State != notify.Dead || !strings.Contains(m.Reason, "no such mailbox") || m.Text != "" {
			t.Errorf("mail = %+v", m)
		}
	})
	t.Run("gives up after fourteen attempts with the reason", func(t *testing.T) {
		t.Parallel()
		store, clock := tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		down := carrier(func(context.Context, notify.Mail) error { return errors.New("connection refused") })
		b := open(t, store, down, clock)
		if err := b.Post(t.Context(), "key", "ada@example.com", confirm); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if err := b.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.Move(6 * time.Hour)
		}
		if m := newest(t, b); m.State != notify.Dead || m.Attempts != 14 || m.Reason != "connection refused" {
			t.Errorf("mail = %+v", m)
		}
	})
	t.Run("sends no password to a server without TLS", func(t *testing.T) {
		t.Parallel()
		server, store, clock := serve(t), tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		server.bare = true
		b := open(t, store, server.carrier(t, notify.StartTLS), clock)
		if err := b.Post(t.Context(), "key", "ada@example.com", confirm); err != nil {
			t.Fatal(err)
		}
		if err := b.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m := newest(t, b); m.State != notify.Queued || len(server.auths) != 0 || !strings.Contains(m.Reason, "STARTTLS") {
			t.Errorf("mail = %+v, auths %q", m, server.auths)
		}
	})
	t.Run("takes up what a process left behind, and runs until it is told to stop", func(t *testing.T) {
		t.Parallel()
		store, clock := tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		sent := make(chan notify.Mail, 4)
		carry := carrier(func(_ context.Context, m notify.Mail) error { sent <- m; return nil })
		if err := open(t, store, carry, clock).Post(t.Context(), "before", "ada@example.com", confirm); err != nil {
			t.Fatal(err)
		}
		after := open(t, store, carry, clock)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- after.Run(ctx) }()
		if m := <-sent; m.To != "ada@example.com" {
			t.Errorf("sent %+v", m)
		}
		if err := after.Post(t.Context(), "running", "eve@example.com", notify.AlreadyRegistered{Link: "http://x/signin"}); err != nil {
			t.Fatal(err)
		}
		if m := <-sent; m.To != "eve@example.com" {
			t.Errorf("sent %+v", m)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Run("refuses settings that cannot work", func(t *testing.T) {
		t.Parallel()
		for _, wrong := range []notify.SMTP{
			{},
			{Host: "mail", Port: 587, Security: "none", From: "a@b.example"},
			{Host: "mail.example", Port: 25, Security: notify.Plain, Password: "secret", From: "a@b.example"},
			{Host: "mail", Port: 587, Security: notify.StartTLS, From: "nobody"},
			{Host: "mail", Port: 70000, Security: notify.TLS, From: "a@b.example"},
		} {
			if _, err := notify.NewSMTP(wrong); err == nil {
				t.Errorf("NewSMTP(%+v) works", wrong)
			}
		}
	})
}

type carrier func(context.Context, notify.Mail) error

func (c carrier) Carry(ctx context.Context, m notify.Mail) error { return c(ctx, m) }

func TestBuiltInOutbox(t *testing.T) {
	t.Parallel()
	t.Run("shows the newest fifty, newest first", func(t *testing.T) {
		t.Parallel()
		store, clock := tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		b := open(t, store, nil, clock)
		for i := range 60 {
			clock.Move(time.Second)
			if err := b.Post(t.Context(), string(rune('A'+i)), "ada@example.com", confirm); err != nil {
				t.Fatal(err)
			}
		}
		r, err := notify.NewOperations(b).Outbox(t.Context(), &notify.OutboxRequest{})
		if err != nil || len(r.Body.Mails) != 50 {
			t.Fatalf("%v", err)
		}
		if first := r.Body.Mails[0]; !first.At.Equal(clock.Now()) || !strings.Contains(first.Text, confirm.Link) || first.HTML == "" {
			t.Errorf("first = %+v", first)
		}
	})
	t.Run("is not there when a mail server delivers", func(t *testing.T) {
		t.Parallel()
		store, clock := tenancytest.Open(t, notify.Collections()), tenancytest.NewClock()
		b := open(t, store, carrier(func(context.Context, notify.Mail) error { return nil }), clock)
		if _, err := notify.NewOperations(b).Outbox(t.Context(), &notify.OutboxRequest{}); !errors.Is(err, notify.ErrNoOutbox) {
			t.Errorf("err = %v; want ErrNoOutbox", err)
		}
	})
}
