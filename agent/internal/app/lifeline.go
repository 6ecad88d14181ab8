package app

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dyocense/dyocense/agent/internal/session"
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

// JoinToken is where the join token comes from, nil when from nowhere, which is
// enough for an agent that has its identity already. From standard input it is
// read now, since what follows it there is the lifeline; from a file when it is
// asked for, since the file may be gone once it was used.
func (c Config) JoinToken(in *Stdin) (func(context.Context) (secret.Text, error), error) {
	switch {
	case in != nil && in.Token:
		reader := bufio.NewReaderSize(in.From, maxToken)
		token, err := firstLine(reader)
		if err != nil {
			return nil, fmt.Errorf("read the join token from standard input: %w", err)
		}
		in.From = reader
		return func(context.Context) (secret.Text, error) { return token, nil }, nil
	case c.JoinTokenFile != "":
		return func(context.Context) (secret.Text, error) {
			f, err := os.Open(c.JoinTokenFile)
			if err != nil {
				return "", fmt.Errorf("open the file with the join token: %w", err)
			}
			defer func() { _ = f.Close() }()
			token, err := firstLine(bufio.NewReaderSize(f, maxToken))
			if err != nil {
				return "", fmt.Errorf("read the file with the join token: %w", err)
			}
			return token, nil
		}, nil
	}
	return nil, nil
}

// firstLine is the token on the first line, which need not be ended.
func firstLine(r *bufio.Reader) (secret.Text, error) {
	line, err := r.ReadSlice('\n')
	if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
		return "", err
	}
	token := secret.Text(bytes.TrimSpace(line))
	if !token.Set() {
		return "", session.ErrNoToken
	}
	return token, nil
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
