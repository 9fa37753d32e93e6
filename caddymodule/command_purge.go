package caddymodule

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func purgeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "purge --all | [--namespace <name>] [--app <name>] [--store <id>] [--older-than <duration>]\n" +
			"    [--yes] [--json] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Removes stored data",
		Long: `
Removes what is stored: all of it, or what all of the flags given apply to.
Pages that are open and still need it do what the option on_missing says, which
by default is a reload. On a terminal it asks first, unless --yes says so.

Data that several Caddys share on a server is gone for all of them.`,
		Example: "  caddy dash-stash purge --older-than 2h\n  caddy dash-stash purge --app localhost:8080 --store df\n" +
			"  caddy dash-stash purge --all --yes",
		Args: cobra.NoArgs,
		RunE: runPurge,
	}
	flags := cmd.Flags()
	flags.BoolP("all", "", false, "All data of all apps")
	flags.StringP("namespace", "", "", "Data of this namespace; the empty one is that of handlers without one")
	flags.StringP("app", "", "", "Data of this app, as status names it (host and prefix)")
	flags.StringP("store", "", "", "Data of the Store with this id; a dict id as JSON")
	flags.StringP("older-than", "", "", "Data that was not used for so long, as 30m, 2h or 7d")
	flags.BoolP("yes", "y", false, "Do not ask")
	addJSONFlag(cmd)
	addAddressFlags(cmd)
	return cmd
}

func runPurge(cmd *cobra.Command, _ []string) error {
	request, what, err := purgeFromFlags(cmd)
	if err != nil {
		return err
	}
	admin, err := adminFromFlags(cmd)
	if err != nil {
		return err
	}
	if yes, _ := cmd.Flags().GetBool("yes"); !yes && term.IsTerminal(int(os.Stdin.Fd())) {
		question := fmt.Sprintf("Remove %s from the storage of the Caddy at %s? [y/N] ", what, admin.address)
		if !confirmed(cmd.InOrStdin(), cmd.ErrOrStderr(), question) {
			return errors.New("nothing was removed")
		}
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	text, err := admin.call(http.MethodPost, pageRoot+"purge", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return printJSON(cmd.OutOrStdout(), text)
	}
	var purged Purged
	if err := json.Unmarshal(text, &purged); err != nil {
		return fmt.Errorf("the answer of the Caddy at %s: %w", admin.address, err)
	}
	printPurged(cmd.OutOrStdout(), purged)
	return nil
}

// purgeFromFlags returns what goes, and that in words.
func purgeFromFlags(cmd *cobra.Command) (request PurgeRequest, what string, err error) {
	flags := cmd.Flags()
	var parts []string
	for _, flag := range []struct {
		name, words string
		set         func(string)
	}{
		{"namespace", "of namespace", func(v string) { request.Namespace = &v }},
		{"app", "of app", func(v string) { request.App = v }},
		{"store", "of Store", func(v string) { request.Store = v }},
		{"older-than", "not used for", func(v string) { request.OlderThan = v }},
	} {
		if !flags.Changed(flag.name) {
			continue
		}
		value, _ := flags.GetString(flag.name)
		if value == "" && flag.name != "namespace" {
			return request, "", fmt.Errorf("--%s is empty", flag.name) // a script's variable may be unset: that must not mean all
		}
		flag.set(value)
		parts = append(parts, fmt.Sprintf("%s %q", flag.words, value))
	}
	request.All, _ = flags.GetBool("all")
	switch {
	case request.All && len(parts) > 0:
		return request, "", errors.New("--all goes alone: leave it out, or the other flags")
	case request.All:
		return request, "all data of all apps", nil
	case len(parts) == 0:
		return request, "", errors.New("what is to go? use --all, or some of --namespace, --app, --store, --older-than")
	}
	return request, "data " + strings.Join(parts, ", "), nil
}

// confirmed asks, and reports whether the answer is yes.
func confirmed(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprint(out, question)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

func printPurged(w io.Writer, p Purged) {
	fmt.Fprintf(w, "Removed %s, %s\n", count(p.Entries, "entry", "entries"), formatSize(p.Bytes))
	if len(p.Storages) < 2 {
		return
	}
	t := table{heads: []string{"storage", ">entries", ">size", "place"}}
	for _, s := range p.Storages {
		t.add(s.Storage, humanize.Comma(s.Entries), formatSize(s.Bytes), orNone(s.Place))
	}
	t.write(w)
}
