package features

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Features is what one deployment is and has.
type Features struct {
	Mode   Mode
	Strict bool // STRICT_MODE: a missing dependency of the mode stops the start
	Flags  map[Flag]bool
}

// Flag names something that a mode has or has not.
type Flag string

// The flags, each with its environment variable in flagVars.
const (
	EvidenceGraph Flag = "evidenceGraph" // Neo4j, or the embedded graph
	VectorSearch  Flag = "vectorSearch"  // Qdrant, or the embedded exact search
	SingleSignOn  Flag = "singleSignOn"  // Keycloak
	SolverChoice  Flag = "solverChoice"  // engines beyond the default
	Transactions  Flag = "transactions"  // many documents, all or nothing
)

// flags says which variable sets a flag, and what each mode has by default.
var flags = []struct {
	flag          Flag
	variable      string
	smb, platform bool
}{
	{EvidenceGraph, "ENABLE_EVIDENCE_GRAPH", false, true},
	{VectorSearch, "ENABLE_VECTOR_SEARCH", false, true},
	{SingleSignOn, "USE_KEYCLOAK", false, true},
	{SolverChoice, "ENABLE_SOLVER_CHOICE", false, true},
	{Transactions, "ENABLE_TRANSACTIONS", false, true},
}

// Has says whether the deployment has f.
func (f Features) Has(flag Flag) bool { return f.Flags[flag] }

// Load reads DEPLOYMENT_MODE (smb when unset), STRICT_MODE and the flags from
// getenv. All mistakes come in one error. A flag that the mode cannot have is a
// mistake, not a wish: smb has no graph, vectors or single sign-on.
func Load(getenv func(string) string) (Features, error) {
	f := Features{Mode: SMB, Flags: map[Flag]bool{}}
	var mistakes []error
	switch m := Mode(getenv("DEPLOYMENT_MODE")); m {
	case "", SMB:
	case Platform:
		f.Mode = Platform
	default:
		mistakes = append(mistakes, fmt.Errorf("DEPLOYMENT_MODE is %q; it must be smb or platform", m))
	}
	boolean := func(name string, otherwise bool) bool {
		text := getenv(name)
		if text == "" {
			return otherwise
		}
		v, err := strconv.ParseBool(text)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s is %q; it must be true or false", name, text))
		}
		return v
	}
	f.Strict = boolean("STRICT_MODE", false)
	for _, d := range flags {
		has := d.smb
		if f.Mode == Platform {
			has = d.platform
		}
		on := boolean(d.variable, has)
		if on && f.Mode == SMB && !d.smb {
			mistakes = append(mistakes, fmt.Errorf("%s is true, but smb mode does not have it: set DEPLOYMENT_MODE=platform or remove it", d.variable))
		}
		f.Flags[d.flag] = on
	}
	return f, errors.Join(mistakes...)
}

// File reads KEY=VALUE lines, as in .env.smb. Blank lines and lines that begin
// with # are skipped, quotes around a value are removed, nothing is expanded.
func File(path string) (map[string]string, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open settings: %w", err)
	}
	defer func() { _ = r.Close() }()
	return parse(r, path)
}

func parse(r io.Reader, name string) (map[string]string, error) {
	values := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(strings.TrimPrefix(key, "export "))
		if !ok || key == "" {
			return nil, fmt.Errorf("%s line %d: want KEY=VALUE", name, n)
		}
		value = strings.TrimSpace(value)
		if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		values[key] = value
	}
	return values, lines.Err()
}

// Environment is getenv over the process's environment, then over the settings
// file that ENV_FILE names, or .env when there is one in the working directory.
// The environment wins over the file.
func Environment(getenv func(string) string) (func(string) string, error) {
	path := getenv("ENV_FILE")
	values, err := map[string]string(nil), error(nil)
	if path != "" {
		values, err = File(path)
	} else if values, err = File(".env"); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return func(key string) string {
		if v := getenv(key); v != "" {
			return v
		}
		return values[key]
	}, nil
}

// Overall is the state of the whole: degraded as soon as one component is.
func Overall(components []Component) State {
	for _, c := range components {
		if c.State == Degraded {
			return Degraded
		}
	}
	return Ready
}
