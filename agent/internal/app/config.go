package app

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/secret"
)

// The variables of the agent's own settings; each is mirrored by a flag of run,
// but those that hold or name a secret.
const (
	varData          = "DYOCENSE_AGENT_DATA"
	varControlPlane  = "DYOCENSE_CONTROL_PLANE"
	varName          = "DYOCENSE_AGENT_NAME"
	varSlots         = "DYOCENSE_AGENT_SLOTS"
	varJoinTokenFile = "DYOCENSE_JOIN_TOKEN_FILE"
	varMongo         = "MONGODB_URI"
	varMongoDatabase = "MONGODB_DATABASE"
)

// Config is everything an operator can set, with its default beside it.
type Config struct {
	Features features.Features

	Data          string // directory of everything this agent keeps; agent-data
	ControlPlane  string // base URL to enrol at; required
	Name          string // for people; the host's name
	Slots         int    // decisions worked on at a time; one a core
	JoinTokenFile string // holds the join token; "" with an identity or a token on standard input

	MongoURI      secret.Text // "" means one SQLite file a tenant in Data
	MongoDatabase string      // of the pool; dyocense_agent
}

// LoadConfig reads the settings; all mistakes come in one error.
func LoadConfig(getenv func(string) string) (Config, error) {
	c, mistakes := loadPlace(getenv)
	var err error
	c.ControlPlane, c.Name, c.Slots, c.JoinTokenFile = getenv(varControlPlane), getenv(varName), runtime.NumCPU(), getenv(varJoinTokenFile)
	if u, err := url.Parse(c.ControlPlane); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		mistakes = append(mistakes, fmt.Errorf("%s is %q; it must be the address of the control plane, such as https://app.example.com", varControlPlane, c.ControlPlane))
	}
	if c.Name == "" {
		if c.Name, err = os.Hostname(); err != nil {
			c.Name = "agent"
		}
	}
	if len(c.Name) > 100 {
		mistakes = append(mistakes, fmt.Errorf("%s is longer than 100 characters", varName))
	}
	if text := getenv(varSlots); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 256 {
			mistakes = append(mistakes, fmt.Errorf("%s is %q; it must be a number from 1 to 256", varSlots, text))
		}
		c.Slots = n
	}
	return c, errors.Join(mistakes...)
}

// loadPlace reads the settings that say where the data lies.
func loadPlace(getenv func(string) string) (c Config, mistakes []error) {
	f, err := features.Load(getenv)
	if err != nil {
		mistakes = append(mistakes, err)
	}
	c = Config{Features: f, Data: getenv(varData), MongoURI: secret.Text(getenv(varMongo)), MongoDatabase: getenv(varMongoDatabase)}
	if c.Data == "" {
		c.Data = "agent-data"
	}
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		mistakes = append(mistakes, fmt.Errorf("%s: %w", varData, err))
	}
	if c.MongoDatabase == "" {
		c.MongoDatabase = "dyocense_agent"
	}
	return c, mistakes
}
