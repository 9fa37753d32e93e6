package caddymodule

import "time"

// Status is what the admin API tells of all dash_stash handlers of this Caddy: GET /dash_stash/status. Lists are never null. All
// sizes are bytes.
type Status struct {
	Since    time.Time       `json:"since"` // counting began
	Now      time.Time       `json:"now"`
	Live     Figures         `json:"live"`    // of all apps
	DryRun   Figures         `json:"dry_run"` // of all apps in a dry run: what would have been
	Apps     []AppStatus     `json:"apps"`    // most recently used first, 100 at the most
	Storages []StorageStatus `json:"storages"`
	Misses   []Miss          `json:"misses"` // the last ones, newest first
}

// Modes of an app.
const (
	modeLive   = "live"
	modeDryRun = "dry_run"
)

// AppStatus is an app, as a handler of one namespace and mode sees it.
type AppStatus struct {
	App       string        `json:"app"`  // host and prefix, as localhost:8080/reports
	Site      string        `json:"site"` // which of the sites that this Caddy serves: see Handler.siteOf
	Namespace string        `json:"namespace"`
	Mode      string        `json:"mode"` // live or dry_run
	LastUsed  time.Time     `json:"last_used"`
	Figures   Figures       `json:"figures"`
	Stores    []StoreStatus `json:"stores"` // by bytes saved, most first
}

// StoreStatus is a Store of an app: what is done with its data, and why.
type StoreStatus struct {
	ID          string     `json:"id"`           // a dict id is its JSON text
	StorageType string     `json:"storage_type"` // memory, session, local, several with commas, or empty: not known
	Decision    string     `json:"decision"`     // offloaded or inline
	Reason      string     `json:"reason"`
	Explanation string     `json:"explanation"`          // a sentence
	Clientside  string     `json:"clientside,omitempty"` // the callback that reads it, as "clientside.draw -> graph.figure"
	LastBytes   int64      `json:"last_bytes"`           // of the last value seen
	LastUsed    *time.Time `json:"last_used"`            // null: never
	Figures     Figures    `json:"figures"`              // without what is not told per Store: callbacks, up and down, seconds
}

// Figures are what was counted. In a dry run, with and saved are what would have been.
type Figures struct {
	Callbacks int64             `json:"callbacks"`
	Up        Traffic           `json:"up"`   // browser to server
	Down      Traffic           `json:"down"` // server to browser
	Saved     Saved             `json:"saved"`
	Offloaded Values            `json:"offloaded"`
	Restored  Values            `json:"restored"`
	Missed    map[string]int64  `json:"missed"` // by cause; only those that occurred
	Inline    map[string]Values `json:"inline"` // by reason; only those that occurred
	Seconds   Seconds           `json:"seconds"`
}

// Traffic is the size of what passes in one direction, with Dashstash and without.
type Traffic struct {
	With    int64 `json:"with"`
	Without int64 `json:"without"`
}

// Saved is how many bytes less pass than without Dashstash.
type Saved struct {
	Up   int64 `json:"up"`
	Down int64 `json:"down"`
}

// Values are values of Stores, and their size.
type Values struct {
	Values int64 `json:"values"`
	Bytes  int64 `json:"bytes"`
}

// Seconds are how long so many callbacks took, from request to answer, and how much of that was spent in Dashstash. Those over a
// WebSocket are not timed.
type Seconds struct {
	Callbacks int64   `json:"callbacks"`
	Total     float64 `json:"total"`
	Own       float64 `json:"own"`
}

// StorageStatus is a storage: where data is kept, and how much. Null is what it cannot tell.
type StorageStatus struct {
	Storage    string `json:"storage"` // file, memory, redis or memcached
	Place      string `json:"place"`   // the directory, the addresses; never a password
	Entries    *int64 `json:"entries"`
	Bytes      *int64 `json:"bytes"`
	MaxBytes   int64  `json:"max_bytes"`   // 0: no bound here
	MaxEntries int64  `json:"max_entries"` // 0: no bound here
	Evicted    *int64 `json:"evicted"`     // for room
	Expired    *int64 `json:"expired"`     // by ttl
	Available  bool   `json:"available"`
}

// Miss is a token whose data was gone.
type Miss struct {
	Time      time.Time `json:"time"`
	App       string    `json:"app"`
	Namespace string    `json:"namespace"`
	Store     string    `json:"store"` // its id, or empty: not known
	Cause     string    `json:"cause"` // gone, unreadable, damaged or doubt
}

// Explanation tells of the Stores of an id: GET /dash_stash/store?id=ID.
type Explanation struct {
	Stores  []ExplainedStore `json:"stores"`  // empty: never seen
	Similar []string         `json:"similar"` // ids that look alike
}

// ExplainedStore is a Store, and whose it is.
type ExplainedStore struct {
	StoreStatus

	App       string `json:"app"`
	Namespace string `json:"namespace"`
	Mode      string `json:"mode"`
}

// PurgeRequest says which data goes: All, or what all other fields that are set apply to. POST /dash_stash/purge.
type PurgeRequest struct {
	All       bool    `json:"all,omitempty"`
	Namespace *string `json:"namespace,omitempty"` // the empty one is a namespace, too
	App       string  `json:"app,omitempty"`
	Store     string  `json:"store,omitempty"`
	OlderThan string  `json:"older_than,omitempty"` // a duration since the last use, as 2h or 7d
}

// Purged is what went.
type Purged struct {
	Entries  int64           `json:"entries"`
	Bytes    int64           `json:"bytes"`
	Storages []PurgedStorage `json:"storages"`
}

// PurgedStorage is what went from one storage.
type PurgedStorage struct {
	Storage string `json:"storage"`
	Place   string `json:"place"`
	Entries int64  `json:"entries"`
	Bytes   int64  `json:"bytes"`
}
