package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/internal/app"
	"github.com/dyocense/dyocense/agent/internal/command/bundlecmd"
	"github.com/dyocense/dyocense/shared/buildinfo"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/telemetry"
)

// run is the command that serves tenants.
func run() *cobra.Command {
	given := map[string]string{} // on the command line, by variable
	var tokenOnStdin, lifeline bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Enrol at a control plane and serve its tenants",
		Long: "Enrol at a control plane and serve its tenants.\n\n" +
			"The join token is needed once. It comes as the first line of standard input, or in the\n" +
			"file that DYOCENSE_JOIN_TOKEN_FILE names; it is never an argument. Every flag is also an\n" +
			"environment variable; ENV_FILE names a file with settings. MONGODB_URI puts tenants' data\n" +
			"into MongoDB instead of one SQLite file each.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("parent-pid-watch") {
				lifeline = tokenOnStdin
			}
			var in *app.Stdin
			if tokenOnStdin || lifeline {
				in = &app.Stdin{From: c.InOrStdin(), Token: tokenOnStdin, Lifeline: lifeline}
			}
			return serve(c, given, in)
		},
	}
	setting := func(flag, variable, usage string) {
		c.Flags().Func(flag, usage+" ("+variable+")", func(v string) error {
			given[variable] = v
			return nil
		})
	}
	setting("data", "DYOCENSE_AGENT_DATA", "directory of everything that is kept, default agent-data")
	setting("control-plane", "DYOCENSE_CONTROL_PLANE", "base URL of the control plane")
	setting("name", "DYOCENSE_AGENT_NAME", "name for people, default the host's")
	setting("slots", "DYOCENSE_AGENT_SLOTS", "decisions worked on at a time, default one a core")
	c.Flags().BoolVar(&tokenOnStdin, "join-token-stdin", false, "read the join token from the first line of standard input")
	c.Flags().BoolVar(&lifeline, "parent-pid-watch", false, "end when standard input ends, as it does when the parent dies; default: with --join-token-stdin")
	return c
}

// open is what the agent of a directory keeps, for the commands that work on it.
func open(ctx context.Context, dir string, alone bool) (*bundlecmd.Data, error) {
	environment, err := features.Environment(os.Getenv)
	if err != nil {
		return nil, err
	}
	return app.OpenData(ctx, func(name string) string {
		if name == "DYOCENSE_AGENT_DATA" && dir != "" {
			return dir
		}
		return environment(name)
	}, alone)
}

func serve(c *cobra.Command, given map[string]string, in *app.Stdin) error {
	environment, err := features.Environment(os.Getenv)
	if err != nil {
		return err
	}
	getenv := func(name string) string {
		if v, ok := given[name]; ok {
			return v
		}
		return environment(name)
	}
	log, err := telemetry.Logger(c.ErrOrStderr(), program, getenv)
	if err != nil {
		return err
	}
	config, err := app.LoadConfig(getenv)
	if err != nil {
		return fmt.Errorf("the settings are not right:\n%w", err)
	}
	flush, err := telemetry.Traces(c.Context(), program, buildinfo.Version(), getenv)
	if err != nil {
		return err
	}
	err = app.Run(c.Context(), config, in, log)
	last, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 5*time.Second)
	defer cancel()
	return errors.Join(err, flush(last))
}
