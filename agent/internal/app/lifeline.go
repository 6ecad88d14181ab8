package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dyocense/dyocense/shared/secret"
)

// errParentGone ends the agent when the program that started it has ended.
var errParentGone = errors.New("the program that started this agent has ended")

// maxToken bounds a join token.
const maxToken = 4096

// Stdin is what the agent does with its standard input: the first line may be
// the join token, and its end may mean that the parent is gone. A pipe closes
// when its writer dies, on every system and however it dies.
type Stdin struct {
	From     io.Reader
	Token    bool // the first line is the join token
	Lifeline bool // the agent ends when the input ends
}

// JoinToken reads the token from where it was told to be: "" when nowhere, which
// is enough for an agent that has its identity already.
func (c Config) JoinToken(in *Stdin) (secret.Text, error) {
	if in != nil && in.Token {
		reader := bufio.NewReaderSize(in.From, maxToken)
		line, err := reader.ReadString('\n')
		if err != nil && !(errors.Is(err, io.EOF) && line != "") {
			return "", fmt.Errorf("read the join token from standard input: %w", err)
		}
		in.From = reader
		if len(line) > maxToken {
			return "", errors.New("the first line of standard input is too long for a join token")
		}
		return secret.Text(strings.TrimSpace(line)), nil
	}
	if c.JoinTokenFile == "" {
		return "", nil
	}
	f, err := os.Open(c.JoinTokenFile)
	if err != nil {
		return "", fmt.Errorf("open the file with the join token: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return "", fmt.Errorf("read the file with the join token: %w", err)
	}
	return secret.Text(strings.TrimSpace(string(raw))), nil
}

// watch returns errParentGone when the input ends, and nil with ctx. Its reading
// goroutine outlives ctx, as a read of standard input cannot be ended; the
// program is about to end then.
func (in *Stdin) watch(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, in.From) // how it ends does not matter
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return errParentGone
	}
}
