package caddymodule

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

const shownMisses = 10

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [--json] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Shows what is saved, offloaded, stored and missed",
		Long: `
Shows what Dashstash has done since Caddy was started: how many bytes pass
between browsers and Caddy, and how many would without it; each app's Stores,
whether they are offloaded and why not; what is stored where; and the last
times that stored data was gone.

Of an app in a dry run, all figures are what would have been.`,
		Example: "  caddy dash-stash status\n  caddy dash-stash status --json | jq .live.saved\n" +
			"  caddy dash-stash status --config /etc/caddy/Caddyfile",
		Args: cobra.NoArgs,
		RunE: runStatus,
	}
	addJSONFlag(cmd)
	addAddressFlags(cmd)
	return cmd
}

func runStatus(cmd *cobra.Command, _ []string) error {
	admin, err := adminFromFlags(cmd)
	if err != nil {
		return err
	}
	var status Status
	text, err := admin.get("status", &status)
	if err != nil {
		return err
	}
	if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
		return printJSON(cmd.OutOrStdout(), text)
	}
	printStatus(cmd.OutOrStdout(), status)
	return nil
}

func printStatus(w io.Writer, s Status) {
	fmt.Fprintf(w, "Since %s, for %s\n", s.Since.Local().Format(time.DateTime), formatDuration(s.Now.Sub(s.Since)))
	if len(s.Apps) == 0 {
		fmt.Fprintln(w, "\nNo app has been used yet: open one in a browser.")
	}
	if anyIn(s.Apps, modeLive) {
		printFigures(w, "Saved", "", s.Live)
	}
	if anyIn(s.Apps, modeDryRun) {
		printFigures(w, "Would be saved (dry run)", "would be ", s.DryRun)
	}
	for _, app := range s.Apps {
		printApp(w, app, s.Now)
	}
	printStorages(w, s.Storages)
	printMisses(w, s)
}

func anyIn(apps []AppStatus, mode string) bool {
	return slices.ContainsFunc(apps, func(app AppStatus) bool { return app.Mode == mode })
}

// printFigures says what was saved or, with "would be ", what would have been.
func printFigures(w io.Writer, title, would string, f Figures) {
	fmt.Fprintf(w, "\n%s\n", title)
	traffic := table{heads: []string{"", ">without", ">" + cmp.Or(strings.TrimSpace(would), "with"), ">saved", ">"}}
	for _, row := range []struct {
		name  string
		bytes Traffic
		saved int64
	}{{"browser to server", f.Up, f.Saved.Up}, {"server to browser", f.Down, f.Saved.Down}} {
		traffic.add(row.name, formatSize(row.bytes.Without), formatSize(row.bytes.With), formatSize(row.saved),
			formatPercent(float64(row.saved), float64(row.bytes.Without)))
	}
	traffic.write(w)
	fmt.Fprintf(w, "%s, %s of their time in Dashstash\n%s (%s) %soffloaded, %s (%s) restored; %s\n",
		count(f.Callbacks, "callback", "callbacks"), formatPercent(f.Seconds.Own, f.Seconds.Total),
		count(f.Offloaded.Values, "value", "values"), formatSize(f.Offloaded.Bytes), would,
		humanize.Comma(f.Restored.Values), formatSize(f.Restored.Bytes), count(sum(f.Missed), "miss", "misses"))
}

func printApp(w io.Writer, app AppStatus, now time.Time) {
	name := printable(app.App)
	if app.Namespace != "" {
		name += ", namespace " + printable(app.Namespace)
	}
	if app.Mode == modeDryRun {
		name += ", dry run"
	}
	fmt.Fprintf(w, "\n%s: %s, used %s\n", name, count(app.Figures.Callbacks, "callback", "callbacks"), ago(app.LastUsed, now))
	if len(app.Stores) == 0 {
		return
	}
	stores := table{heads: []string{"Store", "type", "decision", ">saved", ">last value", ">missed", "why"}}
	for _, s := range app.Stores {
		why := s.Reason
		if s.Decision == "offloaded" {
			why = inlineReasons(s.Figures.Inline) // of single values
		} else if s.Clientside != "" {
			why += ": " + s.Clientside
		}
		stores.add(cut(s.ID, 40), orNone(s.StorageType), s.Decision, formatSize(s.Figures.Saved.Up+s.Figures.Saved.Down),
			formatSize(s.LastBytes), humanize.Comma(sum(s.Figures.Missed)), why)
	}
	stores.write(w)
}

// inlineReasons is why values stayed inline, and how many did.
func inlineReasons(inline map[string]Values) string {
	parts := make([]string, 0, len(inline))
	for _, reason := range slices.Sorted(maps.Keys(inline)) {
		parts = append(parts, fmt.Sprintf("%s inline: %s", humanize.Comma(inline[reason].Values), reason))
	}
	return strings.Join(parts, ", ")
}

func printStorages(w io.Writer, storages []StorageStatus) {
	if len(storages) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table{heads: []string{"storage", ">entries", ">size", ">of", ">evicted", ">expired", "place"}}
	for _, s := range storages {
		bound := "-"
		if s.MaxBytes > 0 {
			bound = formatSize(s.MaxBytes)
		}
		place := s.Place
		if !s.Available {
			place += " (unavailable)"
		}
		t.add(s.Storage, orUnknown(s.Entries, humanize.Comma), orUnknown(s.Bytes, formatSize), bound,
			orUnknown(s.Evicted, humanize.Comma), orUnknown(s.Expired, humanize.Comma), orNone(place))
	}
	t.write(w)
}

func printMisses(w io.Writer, s Status) {
	if len(s.Misses) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table{heads: []string{"last misses", "cause", "Store", "app"}}
	for _, miss := range s.Misses[:min(len(s.Misses), shownMisses)] {
		t.add(ago(miss.Time, s.Now), miss.Cause, orNone(cut(miss.Store, 40)), miss.App)
	}
	t.write(w)
	if more := len(s.Misses) - shownMisses; more > 0 {
		fmt.Fprintf(w, "and %s more: --json lists them\n", humanize.Comma(int64(more)))
	}
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// sum is how many there were for all causes.
func sum(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}
