package app

import (
	"errors"
	"net"
	"strings"
	"time"

	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/secret"
)

// Config is everything an operator can set, with its default beside it.
type Config struct {
	Features features.Features

	Listen        string // HOST:PORT; port 0 takes any
	Metrics       string // HOST:PORT of /metrics, not for the public; "" serves none
	Data          string // directory of everything this process keeps
	BaseURL       string // as people type it; "" means http and the address listened on
	Production    bool   // ENVIRONMENT=production: no sandbox, no outbox page, https only
	AgentProgram  string // dyocense-agent; "" means the one beside this program
	PoolAgent     bool   // start an agent for the pool as a child process
	PoolTokenFile string // where an external pool agent finds its join token; "" writes none

	DedicatedLimit int // dedicated environments run on this machine at most

	SecretKey   secret.Text // master keys, newest first; "" means a file in Data
	MongoURI    secret.Text // "" means SQLite in Data
	CoreURL     string      // "" means embedded
	CoreCreds   string      // file
	CoreServers int         // how many keep each stream
	EdgeListen  string      // of the embedded edge
	EdgeURL     string      // as agents reach it; "" means what is listened on
	SMTP        SMTP
	Stripe      Stripe
	Neo4jURI    string
	QdrantURL   string
	KeycloakURL string

	MoveSoak   time.Duration // in which a customer can go back after a move
	MoveGently bool          // copies leave most of the time to the neighbours
	MoveKeep   time.Duration // of the old copy after that
	CloseGrace time.Duration // in which a closed company can be opened again
}

// SMTP says how mails leave. Without Address they stay in the outbox page.
type SMTP struct {
	Address  string // HOST:PORT
	Security string // starttls, tls or plain
	User     string
	Password secret.Text
	From     string
}

// Stripe says whom we bill through. Without a key it is the sandbox.
type Stripe struct {
	Key            secret.Text
	WebhookSecret  secret.Text
	WebhookSecret2 secret.Text // the next one, while they are being rotated
	Tax            bool        // Stripe reckons taxes; Stripe Tax must be set up there
}

// LoadConfig reads the settings; all mistakes come in one error.
func LoadConfig(getenv func(string) string) (Config, error) {
	e := &environment{get: getenv}
	f, err := features.Load(getenv)
	if err != nil {
		e.mistakes = append(e.mistakes, err)
	}
	c := Config{
		Features:       f,
		Listen:         e.address("DYOCENSE_LISTEN", "127.0.0.1:8080"),
		Metrics:        e.text("DYOCENSE_METRICS_LISTEN", ""),
		Data:           e.text("DYOCENSE_DATA", "data"),
		BaseURL:        strings.TrimSuffix(e.url("DYOCENSE_BASE_URL", "https", "http"), "/"),
		Production:     e.choice("ENVIRONMENT", "development", "production") == "production",
		AgentProgram:   e.text("DYOCENSE_AGENT_PROGRAM", ""),
		PoolAgent:      e.choice("DYOCENSE_POOL_AGENT", "child", "external") == "child",
		PoolTokenFile:  e.text("DYOCENSE_POOL_JOIN_TOKEN_FILE", ""),
		DedicatedLimit: e.count("DYOCENSE_DEDICATED_LIMIT", 16, 0, 1000),
		SecretKey:      e.secret("DYOCENSE_SECRET_KEY"),
		MongoURI:       secret.Text(e.url("MONGODB_URI", "mongodb", "mongodb+srv")),
		CoreURL:        e.url("NATS_CORE_URL", "nats", "tls"),
		CoreCreds:      e.text("NATS_CORE_CREDS", ""),
		CoreServers:    e.count("NATS_CORE_REPLICAS", 1, 1, 5),
		EdgeListen:     e.address("NATS_EDGE_LISTEN", "127.0.0.1:0"),
		EdgeURL:        e.url("NATS_EDGE_URL", "nats", "tls", "ws", "wss"),
		SMTP: SMTP{
			Address:  e.text("SMTP_ADDRESS", ""),
			Security: e.choice("SMTP_SECURITY", "starttls", "tls", "plain"),
			User:     e.text("SMTP_USER", ""),
			Password: e.secret("SMTP_PASSWORD"),
			From:     e.text("MAIL_FROM", "Dyocense <no-reply@localhost>"),
		},
		Stripe: Stripe{
			Key:            e.secret("STRIPE_API_KEY"),
			WebhookSecret:  e.secret("STRIPE_WEBHOOK_SECRET"),
			WebhookSecret2: e.secret("STRIPE_WEBHOOK_SECRET_NEXT"),
			Tax:            e.choice("STRIPE_TAX", "off", "on") == "on",
		},
		Neo4jURI:    e.url("NEO4J_URI", "neo4j", "neo4j+s", "bolt", "bolt+s"),
		QdrantURL:   e.url("QDRANT_URL", "http", "https"),
		KeycloakURL: e.url("KEYCLOAK_ISSUER", "https", "http"),
		CloseGrace:  e.span("DYOCENSE_CLOSE_GRACE", 30*24*time.Hour, time.Second, 365*24*time.Hour),
		MoveSoak:    e.span("DYOCENSE_MOVE_SOAK", 7*24*time.Hour, time.Second, 90*24*time.Hour),
		MoveGently:  e.choice("DYOCENSE_MOVE_PACE", "full", "gentle") == "gentle",
		MoveKeep:    e.span("DYOCENSE_MOVE_KEEP", 24*time.Hour, time.Second, 90*24*time.Hour),
	}
	c.together(e)
	return c, errors.Join(e.mistakes...)
}

// together checks what single settings cannot tell.
func (c Config) together(e *environment) {
	if c.SMTP.Address != "" {
		e.address("SMTP_ADDRESS", "")
	}
	if c.Metrics != "" {
		e.address("DYOCENSE_METRICS_LISTEN", "")
	}
	if c.Stripe.Key.Set() && !c.Stripe.WebhookSecret.Set() {
		e.wrong("STRIPE_API_KEY is set but STRIPE_WEBHOOK_SECRET is not: without it nobody can tell Stripe's messages from forged ones")
	}
	if !c.Production {
		return
	}
	if !strings.HasPrefix(c.BaseURL, "https://") {
		e.wrong("ENVIRONMENT is production, so DYOCENSE_BASE_URL must be set and begin with https://")
	}
	if !c.Stripe.Key.Set() {
		e.wrong("ENVIRONMENT is production, so STRIPE_API_KEY must be set: the sandbox takes no money")
	}
	if c.MongoURI.Set() && !c.SecretKey.Set() {
		e.wrong("ENVIRONMENT is production and MONGODB_URI is set, so DYOCENSE_SECRET_KEY must be set: every replica needs the same key, and a file is on one machine only")
	}
	if c.SMTP.Address == "" {
		e.wrong("ENVIRONMENT is production, so SMTP_ADDRESS must be set: the outbox page shows mails to anybody")
	}
}

// Secure says whether people reach us over https.
func (c Config) Secure() bool { return strings.HasPrefix(c.BaseURL, "https://") }

// OwnURL is where this process is reached on its own machine.
func (c Config) OwnURL() string {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "" // LoadConfig has refused it
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// loopback says whether only this machine can reach us.
func (c Config) loopback() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
