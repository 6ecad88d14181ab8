package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Claims keeps the newest signed claims of every account. They are the truth
// about an account; what a server knows is a copy. One process writes at a time.
type Claims interface {
	// Load returns "" when there are none under that name.
	Load(ctx context.Context, name string) (string, error)
	// Save returns when the claims are durable.
	Save(ctx context.Context, name, token string) error
	// All returns every kept token.
	All(ctx context.Context) ([]string, error)
}

// ClaimFiles is Claims as one file an account.
type ClaimFiles struct{ dir string }

// OpenClaims is the store in dir, which is made if missing.
func OpenClaims(dir string) (*ClaimFiles, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make claims directory: %w", err)
	}
	return &ClaimFiles{dir: dir}, nil
}

// Load implements Claims.
func (c *ClaimFiles) Load(_ context.Context, name string) (string, error) {
	b, err := os.ReadFile(c.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("load claims of %s: %w", name, err)
	}
	return string(b), nil
}

// Save implements Claims.
func (c *ClaimFiles) Save(_ context.Context, name, token string) error {
	if !keyName.MatchString(name) {
		return fmt.Errorf("account name %q: want lower-case letters, digits, - and _", name)
	}
	if err := writeOver(c.path(name), []byte(token)); err != nil {
		return fmt.Errorf("save claims of %s: %w", name, err)
	}
	return nil
}

// All implements Claims.
func (c *ClaimFiles) All(context.Context) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(c.dir, "*.jwt"))
	if err != nil {
		return nil, err
	}
	tokens := make([]string, 0, len(files))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("load claims: %w", err)
		}
		tokens = append(tokens, string(b))
	}
	return tokens, nil
}

func (c *ClaimFiles) path(name string) string { return filepath.Join(c.dir, name+".jwt") }
