// Command dyocense-agent keeps tenants' data and makes their decisions. It dials
// out to a control plane and listens nowhere.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/internal/api"
	"github.com/dyocense/dyocense/agent/internal/app"
	"github.com/dyocense/dyocense/agent/internal/command"
	"github.com/dyocense/dyocense/agent/internal/command/bundlecmd"
	"github.com/dyocense/dyocense/agent/internal/command/forecastcmd"
	"github.com/dyocense/dyocense/agent/internal/command/solvecmd"
	"github.com/dyocense/dyocense/agent/internal/command/workercmd"
	"github.com/dyocense/dyocense/shared/buildinfo"
)

const program = "dyocense-agent"

// badUse is the exit code of a command line that cannot be understood.
const badUse = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, root()))
}

// execute runs the command and gives the exit code.
func execute(ctx context.Context, c *cobra.Command) int {
	err := c.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	text := err.Error()
	if text != "" { // a command that has said it all has no text
		c.PrintErrf("%s: %s\n", program, text)
	}
	if strings.HasPrefix(text, "unknown command") { // cobra has no value for it
		return badUse
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return command.CodeOf(err)
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           program,
		Short:         "Keeps tenants' data and makes their decisions",
		Version:       app.Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.AddCommand(
		run(), solvecmd.New(), forecastcmd.New(), workercmd.New(),
	)
	c.AddCommand(bundlecmd.New(open)...)
	c.AddCommand(
		&cobra.Command{
			Use: "openapi", Short: "Write the OpenAPI document of the tenant API", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				document, err := api.Document(buildinfo.Version())
				if err != nil {
					return err
				}
				_, err = c.OutOrStdout().Write(document)
				return err
			},
		},
		&cobra.Command{
			Use: "version", Short: "Tell version, commit and engine", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				_, err := fmt.Fprintf(c.OutOrStdout(), "%s version %s\n", program, app.Version())
				return err
			},
		},
	)
	return c
}
