package caddymodule

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain <id> [--app <name>] [--namespace <name>] [--json] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Tells why a Store is offloaded, or is not",
		Long: `
Tells what is done with the data of a dcc.Store and why, how large its data is,
and how often it was offloaded, restored, left inline and missed. A dict id is
written as JSON, in quotes for the shell.

Only Stores of apps that were used since Caddy was started are known. The exit
status is 1 if there is no such Store.`,
		Example: "  caddy dash-stash explain df\n  caddy dash-stash explain '{\"index\":1,\"type\":\"df\"}' --app localhost:8080",
		Args:    explainArgs,
		RunE:    runExplain,
	}
	cmd.Flags().StringP("app", "", "", "Only of this app, as status names it (host and prefix)")
	cmd.Flags().StringP("namespace", "", "", "Only in this namespace")
	addJSONFlag(cmd)
	addAddressFlags(cmd)
	return cmd
}

func explainArgs(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("explain takes the id of one Store, not %d: %q", len(args), args)
	}
	return nil
}

func runExplain(cmd *cobra.Command, args []string) error {
	admin, err := adminFromFlags(cmd)
	if err != nil {
		return err
	}
	query := url.Values{"id": {args[0]}}
	for _, name := range []string{"app", "namespace"} {
		if cmd.Flags().Changed(name) { // the empty namespace is one, too
			query.Set(name, caddycmd.Flags{FlagSet: cmd.Flags()}.String(name))
		}
	}
	var explanation Explanation
	text, err := admin.get("store?"+query.Encode(), &explanation)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		if err := printJSON(w, text); err != nil {
			return err
		}
	} else {
		printStores(w, explanation.Stores, time.Now())
	}
	if len(explanation.Stores) == 0 {
		return neverSeen(args[0], explanation.Similar)
	}
	return nil
}

func neverSeen(id string, similar []string) error {
	message := fmt.Sprintf("no Store %q has been seen: its app was not used since Caddy was started, or has no such Store", id)
	if len(similar) > 0 {
		message += "; similar ids: " + printable(strings.Join(similar, ", "))
	}
	return fmt.Errorf("%s", message)
}

func printStores(w io.Writer, stores []ExplainedStore, now time.Time) {
	for i, s := range stores {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printStore(w, s, now)
	}
}

func printStore(w io.Writer, s ExplainedStore, now time.Time) {
	of := s.App
	if s.Namespace != "" {
		of += ", namespace " + s.Namespace
	}
	if s.Mode == modeDryRun {
		of += ", dry run"
	}
	fmt.Fprintf(w, "Store %s of %s\n%s\n", printable(s.ID), printable(of), printable(s.Explanation))
	t := table{heads: []string{"", ""}}
	add := func(name, value string) { t.add("  "+name, value) }
	if s.StorageType != "" {
		add("storage type", s.StorageType)
	}
	if s.Clientside != "" {
		add("read by", s.Clientside)
	}
	if s.LastUsed != nil {
		add("last value", formatSize(s.LastBytes)+", "+ago(*s.LastUsed, now))
	}
	f := s.Figures
	add("offloaded", formatValues(f.Offloaded))
	add("restored", formatValues(f.Restored))
	for _, reason := range slices.Sorted(maps.Keys(f.Inline)) {
		add("inline", formatValues(f.Inline[reason])+": "+reason)
	}
	for _, cause := range slices.Sorted(maps.Keys(f.Missed)) {
		add("missed", humanize.Comma(f.Missed[cause])+": "+cause)
	}
	add("saved", fmt.Sprintf("%s to the server, %s to the browser", formatSize(f.Saved.Up), formatSize(f.Saved.Down)))
	t.write(w)
}

func formatValues(v Values) string {
	return count(v.Values, "value", "values") + ", " + formatSize(v.Bytes)
}
