package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/memory"
)

// Whoever makes up host names, ids and tokens makes the ledger no larger than it may be, and the sums stay right.
func TestLedgerIsBounded(t *testing.T) {
	t.Parallel()
	l, h, catalog := newLedger(), new(Handler), interceptor.NewCatalog()
	for n := range maxAccounts + 10 {
		l.record(h, entered(t, catalog.App("", fmt.Sprint(n))), &visit{callbacks: 1, up: 10})
	}
	l.record(h, catalog.App("", "a name that nobody has answered for"), new(visit))
	require.Len(t, l.accounts, maxAccounts)
	require.EqualValues(t, maxAccounts+10, l.totals[modeLive].Callbacks)
	require.Contains(t, l.accounts, accountKey{"", fmt.Sprint(maxAccounts + 9), "", modeLive}, "the newest is not the one that goes")
	require.NotContains(t, l.accounts, accountKey{"", "0", "", modeLive}, "the one that was not used for the longest time goes")
	told := l.status().Apps
	require.Len(t, told, maxToldApps)
	require.Equal(t, fmt.Sprint(maxAccounts+9), told[0].App)

	app, v := entered(t, catalog.App("", "many")), new(visit)
	for n := range maxStoreAccounts + 10 {
		v.answer.Note(interceptor.Event{Store: fmt.Sprint(n), Stored: true, Bytes: 7, Saved: 5})
		v.request.Note(interceptor.Event{Missed: interceptor.Gone})
	}
	l.record(h, app, v)
	a := l.accounts[accountKey{"", "many", "", modeLive}]
	require.Len(t, a.stores, maxStoreAccounts+1)
	require.EqualValues(t, 10, a.stores[otherStores].figures.Offloaded.Values)
	require.EqualValues(t, maxStoreAccounts+10, a.figures.Offloaded.Values)
	require.EqualValues(t, 5*(maxStoreAccounts+10), a.figures.Saved.Down)
	require.Len(t, l.misses, maxMisses)
}

// entered returns an app that has answered.
func entered(t testing.TB, app *interceptor.App) *interceptor.App {
	t.Helper()
	listener := app.LearnDependencies("")
	_, err := listener.Write([]byte("[]"))
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return app
}

// A dry run's figures are what would be, and apart from those of a run.
func TestLedgerModes(t *testing.T) {
	t.Parallel()
	v := &visit{callbacks: 1, up: 1000, down: 5000}
	v.request.Note(interceptor.Event{Store: "df", Restored: true, Bytes: 900, Saved: 800})
	v.answer.Note(interceptor.Event{Store: "df", Stored: true, Bytes: 4500, Saved: 4000})
	for dry, want := range map[bool][2]Traffic{
		false: {{With: 1000, Without: 1800}, {With: 1000, Without: 5000}},
		true:  {{With: 200, Without: 1000}, {With: 1000, Without: 5000}},
	} {
		l, h := newLedger(), &Handler{DryRun: dry}
		l.record(h, interceptor.NewCatalog().App("", "app"), v)
		figures := l.totals[h.mode()]
		require.Equal(t, want, [2]Traffic{figures.Up, figures.Down})
		require.Equal(t, Saved{Up: 800, Down: 4000}, figures.Saved)
		require.Zero(t, l.totals[map[bool]string{false: modeDryRun, true: modeLive}[dry]].Callbacks)
	}
}

// The metrics of several configurations, one after the other, are the same ones.
func TestMetricsLiveThroughReloads(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for n := range 3 {
		registry := prometheus.NewPedanticRegistry()
		require.NoError(t, m.register(registry))
		require.NoError(t, m.register(registry), "two sites in one configuration")
		m.misses.WithLabelValues(string(interceptor.Gone)).Inc()
		families, err := registry.Gather()
		require.NoError(t, err)
		require.NotEmpty(t, families)
		require.EqualValues(t, n+1, testutil.ToFloat64(m.misses.WithLabelValues(string(interceptor.Gone))))
		problems, err := testutil.GatherAndLint(registry)
		require.NoError(t, err)
		require.Empty(t, problems)
	}
}

// Each operation of a storage is noted once, with what came of it.
func TestMeteredStore(t *testing.T) {
	t.Parallel()
	const kind = "test of metered"
	s := meteredStore{memory.New(storage.Limits{MaxSize: 100}), kind}
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(meters().operationSeconds))
	put := func(size int) error {
		w, err := s.Create(t.Context())
		require.NoError(t, err)
		defer w.Abort()
		if _, err := w.Write(make([]byte, size)); err != nil {
			return err
		}
		return w.Commit(storage.Key{1})
	}
	require.NoError(t, put(10))
	require.ErrorIs(t, put(1000), storage.ErrTooLarge)
	r, err := s.Open(t.Context(), storage.Key{1})
	require.NoError(t, err)
	_, err = r.ReadAt(make([]byte, 10), 0)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	_, err = s.Open(t.Context(), storage.Key{2})
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.NoError(t, s.Delete(t.Context(), storage.Key{1}))
	families, err := registry.Gather()
	require.NoError(t, err)
	noted := make(map[string]uint64)
	for _, metric := range families[0].GetMetric() {
		if labels := metric.GetLabel(); labels[2].GetValue() == kind {
			noted[labels[0].GetValue()+" "+labels[1].GetValue()] = metric.GetHistogram().GetSampleCount()
		}
	}
	require.Equal(t, map[string]uint64{"put ok": 1, "put full": 1, "get ok": 1, "get not_found": 1, "delete ok": 1}, noted)
	for err, want := range map[error]string{
		storage.ErrFull: "full", storage.ErrUnavailable: "unavailable", context.Canceled: "unavailable", errors.New("x"): "error",
	} {
		require.Equal(t, want, outcomeOf(err))
	}
}
