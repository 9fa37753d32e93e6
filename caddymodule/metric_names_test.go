package caddymodule

// metricNames is what metrics.go is to provide, from the collectors that are registered. Until then it is here: this file goes
// when that comes.
func metricNames() []string {
	return []string{
		"caddy_dash_stash_callbacks_total",
		"caddy_dash_stash_bytes_total",
		"caddy_dash_stash_plain_bytes_total",
		"caddy_dash_stash_values_total",
		"caddy_dash_stash_value_bytes_total",
		"caddy_dash_stash_inline_total",
		"caddy_dash_stash_misses_total",
		"caddy_dash_stash_callback_seconds",
		"caddy_dash_stash_own_seconds",
		"caddy_dash_stash_storage_operation_seconds",
		"caddy_dash_stash_storage_bytes",
		"caddy_dash_stash_storage_entries",
		"caddy_dash_stash_storage_max_bytes",
		"caddy_dash_stash_storage_evicted_total",
		"caddy_dash_stash_storage_expired_total",
		"caddy_dash_stash_storage_circuit_open",
	}
}
