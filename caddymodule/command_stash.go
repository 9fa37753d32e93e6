package caddymodule

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "dash-stash",
		Usage: "<command>",
		Short: "Shows and controls what Dashstash does in a running Caddy",
		Long: `
Shows what Dashstash does in a Caddy that runs: what it saves, which Stores of
which apps are offloaded, why the others are not, and what is stored; and
removes what is stored. All of it goes through Caddy's admin endpoint.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Example = "  caddy dash-stash status\n  caddy dash-stash explain df\n  caddy dash-stash purge --older-than 2h\n" +
				"  caddy dash-stash page"
			cmd.Args = cobra.ArbitraryArgs // RunE tells of them
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return fmt.Errorf("dash-stash has no command %q: use one of status, explain, purge, page", args[0])
				}
				return cmd.Help()
			}
			for _, sub := range []*cobra.Command{statusCommand(), explainCommand(), purgeCommand(), pageCommand()} {
				sub.Long = strings.TrimSpace(sub.Long)
				cmd.AddCommand(sub)
			}
		},
	})
}

// addJSONFlag adds the flag for the output of programs.
func addJSONFlag(cmd *cobra.Command) {
	cmd.Flags().BoolP("json", "j", false, "Print what the admin API says, as JSON")
}

// printJSON prints an answer of the admin API as it came.
func printJSON(w io.Writer, text []byte) error {
	_, err := fmt.Fprintln(w, strings.TrimRight(string(text), "\n"))
	return err
}
