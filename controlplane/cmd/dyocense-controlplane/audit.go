package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/dyocense/dyocense/controlplane/internal/audit"
)

// auditCommand checks exported audit logs. It reads files only: no store, no network.
func auditCommand() *cobra.Command {
	whole := &cobra.Command{Use: "audit", Short: "Check exported audit logs"}
	var (
		keys    []string
		earlier string
	)
	verify := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check an exported audit log: chain, signatures, nothing missing",
		Long: "Check an exported audit log: every hash, the chain of entries, the signed heads, and that\n" +
			"nothing is missing. A file that was changed fails, and the first wrong line is named. - reads\n" +
			"standard input.\n\n" +
			"Without --key the key in the file is believed. That finds damage; to find a forged file, keep\n" +
			"the key that the portal shows beside the result of Verify, and give it here.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			options := audit.CheckOptions{Keys: keys}
			if earlier != "" {
				before, err := checkFile(cmd.InOrStdin(), earlier, audit.CheckOptions{Keys: keys})
				if err != nil {
					return fmt.Errorf("%s: %w", earlier, err)
				}
				options.Earlier = &audit.Earlier{Slot: before.Entries, Hash: before.Hash}
			}
			r, err := checkFile(cmd.InOrStdin(), args[0], options)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "in order: %d entries of %s, %d signed heads\nlast entry: %s\nsigned with: key %s\n",
				r.Entries, r.Tenant, r.Heads, r.Hash, r.Key)
			return err
		},
	}
	verify.Flags().StringSliceVar(&keys, "key", nil, "public key to believe, 64 hex digits; may be given more than once")
	verify.Flags().StringVar(&earlier, "earlier", "", "a file that was exported before, of which nothing may be missing")
	whole.AddCommand(verify)
	return whole
}

func checkFile(stdin io.Reader, name string, o audit.CheckOptions) (audit.Report, error) {
	if name == "-" {
		return audit.CheckFile(stdin, o)
	}
	f, err := os.Open(name) //nolint:gosec // the file that the operator names
	if err != nil {
		return audit.Report{}, err
	}
	defer func() { _ = f.Close() }()
	return audit.CheckFile(f, o)
}
