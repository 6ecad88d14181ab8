// Package forecastcmd is the command `dyocense-agent forecast FILE.csv`.
//
// It owns the file format, the flags and the output of that command. It does
// not own the forecasting, which is kernel/forecast, nor the exit of the
// process: a wrong file or a wrong flag comes back as an error with exit code 2.
package forecastcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/agent/kernel/forecast"
	"github.com/dyocense/dyocense/shared/fault"
)

const help = `Forecast every series of a CSV file.

The file has a header and the columns id, period, horizon and values. A period
is the number of observations in a season (1 for none) or one of YEARLY,
QUARTERLY, MONTHLY, WEEKLY, DAILY, HOURLY and OTHER. Values are separated by
spaces, oldest first. Where there is a column kind, rows of kind actual are
ignored. FILE may be - for standard input.

A series without negative values is taken as demand: nothing in its forecast is
below zero. With --json every series is one object on one line.`

// New is the command, to be added to a root that prints what it returns.
func New() *cobra.Command {
	var (
		method string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:     "forecast FILE.csv",
		Short:   "Forecast the series of a CSV file",
		Long:    help,
		Example: "  dyocense-agent forecast demand.csv --method auto --json",
		// the root prints an error once; usage would bury it
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badInput(fmt.Errorf("name one file, or - for standard input; %d were named", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			m := forecast.Method(strings.ToLower(method))
			if !known(m) {
				return badInput(fmt.Errorf("--method %q is not known: use one of %s", method, methodNames()))
			}
			return run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), args[0], m, asJSON)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badInput(err) })
	cmd.Flags().StringVar(&method, "method", string(forecast.Auto), "one of "+methodNames())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a series instead of a table")
	return cmd
}

func methodNames() string {
	names := make([]string, 0, len(forecast.Methods()))
	for _, m := range forecast.Methods() {
		names = append(names, string(m))
	}
	return strings.Join(names, ", ")
}

func known(m forecast.Method) bool {
	for _, k := range forecast.Methods() {
		if m == k {
			return true
		}
	}
	return false
}

func run(ctx context.Context, stdin io.Reader, out io.Writer, path string, m forecast.Method, asJSON bool) error {
	rows, err := open(stdin, path)
	if err != nil {
		return badInput(err)
	}
	forecasts, err := forecastRows(ctx, rows, m)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(out, forecasts)
	}
	return printTable(out, forecasts)
}

func open(stdin io.Reader, path string) ([]row, error) {
	if path == "-" {
		return read(stdin, "standard input", maxBytes)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the series: %w", err)
	}
	rows, err := read(file, path, maxBytes)
	if closing := file.Close(); err == nil && closing != nil {
		err = fmt.Errorf("close the series: %w", closing)
	}
	return rows, err
}

// alike are the rows that RunAll can take together.
type alike struct {
	horizon int
	demand  bool
}

// forecastRows forecasts rows that may differ in their horizon, in file order.
func forecastRows(ctx context.Context, rows []row, m forecast.Method) ([]forecast.Forecast, error) {
	var order []alike
	members := map[alike][]int{}
	for i, r := range rows {
		key := alike{r.horizon, r.demand()}
		if members[key] == nil {
			order = append(order, key)
		}
		members[key] = append(members[key], i)
	}
	forecasts := make([]forecast.Forecast, len(rows))
	for _, key := range order {
		series := make([]forecast.Series, 0, len(members[key]))
		for _, i := range members[key] {
			series = append(series, rows[i].series)
		}
		group, err := forecast.RunAll(ctx, series, key.horizon, forecast.Options{Method: m, NonNegative: key.demand}, nil)
		if err != nil {
			return nil, located(err, rows)
		}
		for k, i := range members[key] {
			forecasts[i] = group[k]
		}
	}
	return forecasts, nil
}

// located turns a refusal of one series into words with its line.
func located(err error, rows []row) error {
	var refused *fault.Error
	if !errors.As(err, &refused) {
		return err
	}
	for _, d := range refused.Details {
		for _, r := range rows {
			if d.Location == "series "+r.series.ID {
				return badInput(fmt.Errorf("line %d, series %s, %s: %s", r.line, r.series.ID, d.Message, refused.Message))
			}
		}
	}
	return badInput(errors.New(refused.Message))
}
