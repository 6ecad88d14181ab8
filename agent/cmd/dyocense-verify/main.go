// Command dyocense-verify compares two SQLite files of one tenant, row by row and
// against the journal in each.
//
// It is written from docs/guides/bundle.md and shares no code with the agent's
// store: plain SQL, bytes, and a chain hash of its own. What both would get wrong
// in one way is thereby found. It opens files for reading alone, beside agents
// that work on them.
//
// Exit codes: 0 both agree, 1 they differ or cannot be read, 2 bad usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/shared/buildinfo"
)

const (
	exitDiffers = 1
	exitBadUse  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, root()))
}

// exit ends the program with a code; without a text all has been said.
type exit struct {
	code int
	text string
}

func (e exit) Error() string { return e.text }

func execute(ctx context.Context, c *cobra.Command) int {
	err := c.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if err.Error() != "" {
		c.PrintErrf("dyocense-verify: %v\n", err)
	}
	var e exit
	if errors.As(err, &e) {
		return e.code
	}
	return exitDiffers
}

type settings struct {
	until        int64
	json         bool
	report, seed string
}

func root() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "dyocense-verify SOURCE.db TARGET.db",
		Short: "Compare two files of one tenant, row by row and with their journals",
		Long: `Compare two SQLite files of one tenant: the two sides of a move, or a tenant and
its restored copy. Both are held against their own journals, whose hash chains are
computed anew, and then against each other. Nothing is changed; agents may be
working on the files.

Exit codes: 0 both agree, 1 they differ or cannot be read, 2 bad usage.`,
		Example: `  dyocense-verify old/tenants/ten_x.db new/tenants/ten_x.db
  dyocense-verify a.db b.db --until 1200 --report proof.json --sign-seed agent-data/identity/agent.nk`,
		Version:       fmt.Sprintf("%s (commit %s)", buildinfo.Version(), buildinfo.Commit()),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return exit{exitBadUse, "write it so: dyocense-verify SOURCE.db TARGET.db"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("until") && s.until < 1 {
				return exit{exitBadUse, fmt.Sprintf("--until is %d; slots begin at 1", s.until)}
			}
			if s.seed != "" && s.report == "" {
				return exit{exitBadUse, "--sign-seed signs the file that --report names"}
			}
			return run(c, args[0], args[1], s)
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit{exitBadUse, err.Error()} })
	f := c.Flags()
	f.Int64Var(&s.until, "until", 0, "slot up to which both must agree; default: to the end of both")
	f.BoolVar(&s.json, "json", false, "print the report as JSON")
	f.StringVar(&s.report, "report", "", "file to write the report to")
	f.StringVar(&s.seed, "sign-seed", "", "file with an nkey seed; FILE.sig of --report is signed with it")
	return c
}

func run(c *cobra.Command, source, target string, s settings) error {
	key, err := readSeed(s.seed)
	if err != nil {
		return exit{exitBadUse, err.Error()}
	}
	r, err := compare(c.Context(), source, target, s.until, time.Now().UTC())
	if err != nil {
		return err
	}
	if s.report != "" {
		if err := writeReport(s.report, r, key); err != nil {
			return err
		}
	}
	if err := show(c.OutOrStdout(), r, s.json); err != nil {
		return err
	}
	if !r.Same {
		return exit{code: exitDiffers}
	}
	return nil
}

func show(w io.Writer, r *report, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.print(w)
}
