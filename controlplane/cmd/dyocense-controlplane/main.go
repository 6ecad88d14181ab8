// Command dyocense-controlplane sells and runs Dyocense. Without arguments it is
// the whole product on this machine: control plane, NATS, SQLite, and an agent for
// the pool as its child.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/controlplane/internal/app"
	"github.com/dyocense/dyocense/shared/buildinfo"
	"github.com/dyocense/dyocense/shared/features"
	"github.com/dyocense/dyocense/shared/telemetry"
)

const program = "dyocense-controlplane"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	flags := map[string]string{} // what was given on the command line, by variable
	root := &cobra.Command{
		Use:   program,
		Short: "Sells and runs Dyocense; without arguments, the whole product on this machine",
		Long: "Sells and runs Dyocense. Without arguments it is the whole product on this machine.\n\n" +
			"Every setting is an environment variable; .env.smb and .env.platform list them. A file\n" +
			"named in ENV_FILE, or .env in the working directory, is read under the environment.",
		Args:          cobra.NoArgs,
		Version:       fmt.Sprintf("%s (commit %s, engine %s)", buildinfo.Version(), buildinfo.Commit(), buildinfo.Engine()),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return serve(cmd, flags) },
	}
	root.Flags().Func("data", "directory of everything that is kept (DYOCENSE_DATA, default data)", set(flags, "DYOCENSE_DATA"))
	root.PersistentFlags().Func("listen", "HOST:PORT; port 0 takes any (DYOCENSE_LISTEN, default 127.0.0.1:8080)", set(flags, "DYOCENSE_LISTEN"))
	root.AddCommand(
		auditCommand(),
		&cobra.Command{
			Use: "openapi", Short: "Write the OpenAPI document of the whole API", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				document, err := app.Document()
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), string(document))
				return err
			},
		},
		&cobra.Command{
			Use: "health", Short: "Ask a running control plane how it is; fails unless it answers", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return askHealth(cmd, flags) },
		},
		billingCommand(flags),
	)
	return root
}

// billingCommand looks after the catalogue at the payment service.
func billingCommand(flags map[string]string) *cobra.Command {
	check := false
	apply := &cobra.Command{
		Use: "apply", Short: "Bring products, prices, meters and the billing portal at Stripe to the price list",
		Long: "Brings products, prices, meters and the settings of the billing portal at Stripe to the price\n" +
			"list in this program, and says what it did. It may be repeated. A price whose amount has changed\n" +
			"gets a successor; those who bought the earlier one keep it. Without STRIPE_API_KEY it is the sandbox.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return applyCatalogue(cmd, flags, check) },
	}
	apply.Flags().BoolVar(&check, "check", false, "change nothing; fail when something differs")
	apply.Flags().Func("data", "directory of everything that is kept (DYOCENSE_DATA, default data)", set(flags, "DYOCENSE_DATA"))
	group := &cobra.Command{Use: "billing", Short: "Look after what is sold", Args: cobra.NoArgs}
	group.AddCommand(apply)
	return group
}

func applyCatalogue(cmd *cobra.Command, flags map[string]string, check bool) error {
	getenv, err := settings(flags)
	if err != nil {
		return err
	}
	log, logMistake := telemetry.Logger(cmd.ErrOrStderr(), program, getenv)
	config, mistakes := app.LoadConfig(getenv)
	if err := errors.Join(logMistake, mistakes); err != nil {
		return fmt.Errorf("the settings are not right:\n%w", err)
	}
	return app.ApplyCatalogue(cmd.Context(), config, check, cmd.OutOrStdout(), log)
}

func set(flags map[string]string, variable string) func(string) error {
	return func(value string) error {
		flags[variable] = value
		return nil
	}
}

// settings are the flags over the environment over the settings file.
func settings(flags map[string]string) (func(string) string, error) {
	environment, err := features.Environment(os.Getenv)
	if err != nil {
		return nil, err
	}
	return func(name string) string {
		if v, given := flags[name]; given {
			return v
		}
		return environment(name)
	}, nil
}

func serve(cmd *cobra.Command, flags map[string]string) error {
	getenv, err := settings(flags)
	if err != nil {
		return err
	}
	log, logMistake := telemetry.Logger(cmd.ErrOrStderr(), program, getenv)
	config, mistakes := app.LoadConfig(getenv)
	if err := errors.Join(logMistake, mistakes); err != nil {
		return fmt.Errorf("the settings are not right:\n%w", err)
	}
	flush, err := telemetry.Traces(cmd.Context(), program, buildinfo.Version(), getenv)
	if err != nil {
		return err
	}
	err = app.Run(cmd.Context(), config, cmd.OutOrStdout(), log)
	last, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), 5*time.Second)
	defer cancel()
	return errors.Join(err, flush(last))
}

func askHealth(cmd *cobra.Command, flags map[string]string) error {
	getenv, err := settings(flags)
	if err != nil {
		return err
	}
	config, err := app.LoadConfig(getenv)
	if err != nil {
		return fmt.Errorf("the settings are not right:\n%w", err)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, config.OwnURL()+"/health", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the control plane: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the control plane answers %s", resp.Status)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), "serving")
	return err
}
