package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// Security is how the connection to a mail server is protected.
type Security string

// The kinds of protection.
const (
	StartTLS Security = "starttls" // usual on port 587; a server without it is refused
	TLS      Security = "tls"      // from the first byte, usual on port 465
	Plain    Security = "plain"    // only to this machine, or inside a private network
)

// SMTP is a mail server that takes our mails.
type SMTP struct {
	Host     string
	Port     int
	Security Security
	User     string // "" to send without signing in
	Password string
	From     string // "Name <address>"
	// Trust overrides how certificates are checked; nil checks them as usual.
	Trust *tls.Config

	from *mail.Address
}

// exchangeMax bounds one whole delivery.
const exchangeMax = 30 * time.Second

// NewSMTP checks the settings.
func NewSMTP(s SMTP) (*SMTP, error) {
	var wrong []error
	if s.Host == "" || s.Port < 1 || s.Port > 65535 {
		wrong = append(wrong, errors.New("the mail server needs a host and a port from 1 to 65535"))
	}
	switch s.Security {
	case StartTLS, TLS:
	case Plain:
		if s.Password != "" && !isLoopback(s.Host) {
			wrong = append(wrong, errors.New("a password is not sent over a plain connection; use starttls or tls"))
		}
	default:
		wrong = append(wrong, fmt.Errorf("security of the mail server must be starttls, tls or plain, not %q", s.Security))
	}
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		wrong = append(wrong, fmt.Errorf("read sender %q: %w", s.From, err))
	}
	s.from = from
	return &s, errors.Join(wrong...)
}

// Carry implements Carrier.
func (s *SMTP) Carry(ctx context.Context, m Mail) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeMax)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("connect to mail server: %w", err)
	}
	defer func() { _ = c.Close() }() // after Quit this is a no-op that fails
	// The smtp package knows no context: closing the connection ends what waits.
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()

	if s.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("the mail server offers no STARTTLS")
		}
		if err := c.StartTLS(s.tls()); err != nil {
			return fmt.Errorf("start TLS with mail server: %w", err)
		}
	}
	if s.User != "" {
		if err := c.Auth(smtp.PlainAuth("", s.User, s.Password, s.Host)); err != nil {
			return fmt.Errorf("sign in to mail server: %w", err) // our settings are wrong, not the mail
		}
	}
	if err := c.Mail(s.from.Address); err != nil {
		return fmt.Errorf("name sender: %w", err)
	}
	if err := c.Rcpt(m.To); err != nil {
		return verdict("name receiver", err)
	}
	body, err := s.message(m)
	if err != nil {
		return &Refusal{Err: err}
	}
	w, err := c.Data()
	if err != nil {
		return verdict("begin message", err)
	}
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	if err := w.Close(); err != nil {
		return verdict("end message", err)
	}
	_ = c.Quit() // the message is accepted; how the goodbye goes changes nothing
	return nil
}

func (s *SMTP) dial(ctx context.Context) (*smtp.Client, error) {
	address := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	var conn net.Conn
	var err error
	if s.Security == TLS {
		conn, err = (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // only fails on a closed connection, which the next call finds
	}
	c, err := smtp.NewClient(conn, s.Host)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func (s *SMTP) tls() *tls.Config {
	if s.Trust != nil {
		c := s.Trust.Clone()
		c.ServerName = s.Host
		return c
	}
	return &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
}

// message is the mail as it travels (RFC 5322), text first so that plain readers
// show it.
func (s *SMTP) message(m Mail) ([]byte, error) {
	to := mail.Address{Address: m.To}
	if strings.ContainsAny(m.To+m.Subject, "\r\n") {
		return nil, errors.New("a line break in a header")
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	for _, h := range [][2]string{
		{"From", s.from.String()},
		{"To", to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Date", m.At.Format(time.RFC1123Z)},
		{"Message-ID", "<" + string(m.ID) + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", `multipart/alternative; boundary="` + parts.Boundary() + `"`},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	for _, p := range [][2]string{{"text/plain; charset=utf-8", m.Text}, {"text/html; charset=utf-8", m.HTML}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {p[0]}, "Content-Transfer-Encoding": {"quoted-printable"}})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(p[1])); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	if err := parts.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// verdict tells a refusal for good (5xx) from one for now.
func verdict(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code >= 500 {
		return &Refusal{Err: err}
	}
	return err
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
