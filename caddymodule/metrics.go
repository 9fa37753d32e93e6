package caddymodule

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage"
)

const (
	metricsNamespace = "caddy"
	metricsSubsystem = "dash_stash"
)

// meters are the collectors of this process. They are made once, and registered with the registry of each configuration, which is
// how counters live through reloads. No label takes a value that comes from outside.
var meters = sync.OnceValue(newMetrics)

type metricSet struct {
	callbacks, bytes, plainBytes, values, valueBytes, inline, misses *prometheus.CounterVec

	callbackSeconds, ownSeconds, operationSeconds *prometheus.HistogramVec
	modes                                         map[string]*modeMetrics
}

// modeMetrics are those that nearly every callback changes, with their labels.
type modeMetrics struct {
	callbacks, up, down, plainUp, plainDown prometheus.Counter
	seconds, own                            prometheus.Observer
}

func newMetrics() *metricSet {
	secondsBuckets := prometheus.ExponentialBuckets(0.0001, 4, 10) // 0.1 ms to 26 s
	m := &metricSet{
		callbacks:  newCounter("callbacks_total", "Callbacks that were answered.", "mode"),
		bytes:      newCounter("bytes_total", "Bytes of callbacks and layouts between browser and Caddy.", "mode", "direction"),
		plainBytes: newCounter("plain_bytes_total", "The same without Dashstash.", "mode", "direction"),
		values:     newCounter("values_total", "Values of Stores that went to the storage or came back.", "mode", "outcome"),
		valueBytes: newCounter("value_bytes_total", "Their size.", "mode", "outcome"),
		inline:     newCounter("inline_total", "Values of Stores that stayed in the browser.", "mode", "reason"),
		misses:     newCounter("misses_total", "Tokens whose data was missing.", "cause"),

		callbackSeconds:  newHistogram("callback_seconds", "How long callbacks took, from request to answer.", secondsBuckets, "mode"),
		ownSeconds:       newHistogram("own_seconds", "How much of that was spent in Dashstash.", secondsBuckets, "mode"),
		operationSeconds: newHistogram("storage_operation_seconds", "How long operations of storages took.", secondsBuckets, "storage", "operation", "outcome"),
		modes:            make(map[string]*modeMetrics),
	}
	for _, mode := range []string{modeLive, modeDryRun} {
		m.modes[mode] = &modeMetrics{
			callbacks: m.callbacks.WithLabelValues(mode),
			up:        m.bytes.WithLabelValues(mode, "up"),
			down:      m.bytes.WithLabelValues(mode, "down"),
			plainUp:   m.plainBytes.WithLabelValues(mode, "up"),
			plainDown: m.plainBytes.WithLabelValues(mode, "down"),
			seconds:   m.callbackSeconds.WithLabelValues(mode),
			own:       m.ownSeconds.WithLabelValues(mode),
		}
		for _, outcome := range []string{"offloaded", "restored"} {
			m.values.WithLabelValues(mode, outcome)
			m.valueBytes.WithLabelValues(mode, outcome)
		}
	}
	for _, cause := range []interceptor.Cause{interceptor.Gone, interceptor.Unreadable, interceptor.Damaged, interceptor.Doubt} {
		m.misses.WithLabelValues(string(cause))
	}
	return m
}

func newCounter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: name, Help: help,
	}, labels)
}

func newHistogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: metricsNamespace, Subsystem: metricsSubsystem, Name: name, Help: help, Buckets: buckets,
	}, labels)
}

func (m *metricSet) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.callbacks, m.bytes, m.plainBytes, m.values, m.valueBytes, m.inline, m.misses,
		m.callbackSeconds, m.ownSeconds, m.operationSeconds, storageCollector{},
	}
}

// register adds the metrics to the registry of a configuration.
func (m *metricSet) register(registry *prometheus.Registry) error {
	for _, collector := range m.collectors() {
		err := registry.Register(collector)
		if _, already := errors.AsType[prometheus.AlreadyRegisteredError](err); err != nil && !already {
			return err
		}
	}
	return nil
}

// add counts a visit to an app in a mode.
func (m *metricSet) add(mode string, v *visit, f *Figures) {
	modal := m.modes[mode]
	modal.up.Add(float64(f.Up.With))
	modal.down.Add(float64(f.Down.With))
	modal.plainUp.Add(float64(f.Up.Without))
	modal.plainDown.Add(float64(f.Down.Without))
	if f.Callbacks > 0 {
		modal.callbacks.Add(float64(f.Callbacks))
	}
	if v.total > 0 {
		modal.seconds.Observe(v.total.Seconds())
		modal.own.Observe(v.own.Seconds())
	}
}

// note counts what became of a value.
func (m *metricSet) note(mode string, e *interceptor.Event) {
	switch {
	case e.Stored:
		m.values.WithLabelValues(mode, "offloaded").Inc()
		m.valueBytes.WithLabelValues(mode, "offloaded").Add(float64(e.Bytes))
	case e.Restored:
		m.values.WithLabelValues(mode, "restored").Inc()
		m.valueBytes.WithLabelValues(mode, "restored").Add(float64(e.Bytes))
	case e.Missed != "":
		m.misses.WithLabelValues(string(e.Missed)).Inc()
	default:
		m.inline.WithLabelValues(mode, string(e.Inline)).Inc()
	}
}

// operation notes how long an operation of a storage took.
func (m *metricSet) operation(kind, operation, outcome string, took time.Duration) {
	m.operationSeconds.WithLabelValues(kind, operation, outcome).Observe(took.Seconds())
}

// storageCollector tells, when it is asked, of the storages that are open then. Those of one kind are added up.
type storageCollector struct{}

var (
	storageBytes    = storageDesc("storage_bytes", "Bytes of data in the storage.")
	storageEntries  = storageDesc("storage_entries", "Entries in the storage.")
	storageMaxBytes = storageDesc("storage_max_bytes", "How many bytes the storage may hold; 0 where a server says that.")
	storageEvicted  = storageDesc("storage_evicted_total", "Entries that went for others, since the storage was opened.")
	storageExpired  = storageDesc("storage_expired_total", "Entries that were not used for the ttl, since the storage was opened.")
	storageCircuit  = storageDesc("storage_circuit_open", "1 while the storage is not called, because it has failed.")
)

func storageDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(metricsNamespace, metricsSubsystem, name), help, []string{"storage"}, nil)
}

func (storageCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{storageBytes, storageEntries, storageMaxBytes, storageEvicted, storageExpired, storageCircuit} {
		descs <- desc
	}
}

func (storageCollector) Collect(out chan<- prometheus.Metric) {
	type sums struct {
		storage.Stats
		maxBytes  int64
		openCount int
	}
	kinds := make(map[string]*sums)
	for _, s := range openStores() {
		sum, ok := kinds[s.kind]
		if !ok {
			sum = new(sums)
			kinds[s.kind] = sum
		}
		stats := s.Stats()
		sum.Bytes += stats.Bytes
		sum.Entries += stats.Entries
		sum.Evicted += stats.Evicted
		sum.Expired += stats.Expired
		sum.maxBytes += s.limits().MaxSize
		if !s.available() {
			sum.openCount = 1
		}
	}
	for kind, sum := range kinds {
		gauge := func(desc *prometheus.Desc, value int64) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), kind)
		}
		gauge(storageBytes, sum.Bytes)
		gauge(storageEntries, sum.Entries)
		gauge(storageMaxBytes, sum.maxBytes)
		gauge(storageCircuit, int64(sum.openCount))
		out <- prometheus.MustNewConstMetric(storageEvicted, prometheus.CounterValue, float64(sum.Evicted), kind)
		out <- prometheus.MustNewConstMetric(storageExpired, prometheus.CounterValue, float64(sum.Expired), kind)
	}
}
