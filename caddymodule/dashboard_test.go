package caddymodule

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestReferenceMetrics(t *testing.T) {
	t.Parallel()
	named := slices.DeleteFunc(firstColumn(section(t, "Metrics")), func(name string) bool {
		return !strings.HasPrefix(name, "caddy_") // a label
	})
	require.ElementsMatch(t, metricNames(), named)
}

// A query of the dashboard names no metric that there is not, and each metric is in one of them.
func TestDashboardMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/grafana-dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels     []panel
		Templating struct {
			List []struct{ Name, Type string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	used, ids := make(map[string]bool), make(map[int]bool)
	for _, p := range dashboard.Panels {
		require.False(t, ids[p.ID], "%s: two panels have id %d", p.Title, p.ID)
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		require.NotEmpty(t, p.Description, p.Title)
		require.NotEmpty(t, p.FieldConfig.Defaults.Unit, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			require.Equal(t, "${datasource}", target.Datasource.UID, p.Title)
			names := found(target.Expr, `\b(caddy_dash_stash_[a-z_]+)`)
			require.NotEmpty(t, names, "%s: %s", p.Title, target.Expr)
			for _, name := range names {
				base := regexp.MustCompile(`(_seconds)_(bucket|sum|count)$`).ReplaceAllString(name, "$1")
				require.Contains(t, metricNames(), base, p.Title)
				require.Equal(t, strings.HasSuffix(base, "_seconds"), base != name, "%s: %s: a histogram is read by its parts", p.Title, name)
				used[base] = true
			}
		}
	}
	for _, name := range metricNames() {
		require.True(t, used[name], "no panel shows %s", name)
	}
	variables := make(map[string]string)
	for _, variable := range dashboard.Templating.List {
		variables[variable.Name] = variable.Type
	}
	require.Equal(t, map[string]string{"datasource": "datasource", "mode": "custom"}, variables)
}

// metricNames are the names of all metrics.
func metricNames() (names []string) {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		for _, collector := range meters().collectors() {
			collector.Describe(descs)
		}
	}()
	for desc := range descs {
		names = append(names, found(desc.String(), `fqName: "(\w+)"`)...)
	}
	return names
}

// A panel of the dashboard.
type panel struct {
	ID                       int
	Type, Title, Description string
	Targets                  []struct {
		Expr       string
		Datasource struct{ UID string }
	}
	FieldConfig struct {
		Defaults struct{ Unit string }
	}
}
