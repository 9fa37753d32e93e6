// Package caddymodule is the Caddy module http.handlers.dash_stash: a handler that stands in front of an unmodified Dash app
// and keeps the data of its dcc.Stores on the server. What it knows of Dash is in package interceptor, and what it knows of
// storage in package storage; here are configuration, life cycle, bodies and headers.
package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/dashstash/dashstash/interceptor"
	"github.com/dashstash/dashstash/storage/sealed"
	"github.com/dashstash/dashstash/storage/spool"
)

func init() {
	caddy.RegisterModule(new(Handler))
}

// Defaults of a Handler.
const (
	defaultMinSize    = 1 << 10
	defaultMaxPayload = 256 << 20
	defaultMaxRequest = 512 << 20
	defaultTTL        = 24 * time.Hour
)

// Handler keeps the data of a Dash app's dcc.Stores on the server. It stands in front of the unmodified app: it takes marked
// data out of the app's callback responses, gives the browser a small token instead, and puts the data back into the
// requests in which the token returns. Whatever it does not know passes as it is.
type Handler struct {
	// Which Stores are offloaded. Either `auto`, alone for the Stores of storage type `memory` or followed by the storage
	// types wanted (`memory`, `session`, `local`); or ids: exact ones, globs with `*`, and dict ids as JSON in which `*`
	// stands for any value. Stores whose data a clientside callback uses always stay in the browser. Default: `auto`.
	Stores []string `json:"stores,omitempty"`

	// The ids of Stores that are not offloaded, written as in `stores`. Default: none.
	Exclude []string `json:"exclude,omitempty"`

	// The size in bytes from which data is offloaded; smaller data stays inline. Default: 1024.
	MinSize *int64 `json:"min_size,omitempty"`

	// The size in bytes up to which data is offloaded; larger data stays inline. Default: 268435456 (256 MiB).
	MaxPayload int64 `json:"max_payload,omitempty"`

	// The size in bytes up to which a callback request is accepted, counted with its data put back; a larger one is
	// answered with 413. Default: 536870912 (512 MiB).
	MaxRequest int64 `json:"max_request,omitempty"`

	// How long data is kept after its last use. Default: 24h.
	TTL caddy.Duration `json:"ttl,omitempty"`

	// What happens to a callback whose data is gone from the storage: `reload` has the browser drop what is gone and reload the
	// page (Dash 2.18 or newer; with an older one, or over a WebSocket, it is `null`); `null` gives the app null in its place,
	// as on a first visit; `prevent_update` changes nothing on the page; `error` answers with 410. Default: `reload`.
	OnMissing string `json:"on_missing,omitempty"`

	// Binds tokens to what this is in the request, for example `{http.auth.user.id}`: a token made for one value does not
	// open with another. It must hold a placeholder. Where one of its placeholders is empty or unknown in a request, nothing is
	// offloaded for it, and no token opens. Default: none, tokens open for whoever has them.
	Scope string `json:"scope,omitempty"`

	// Keeps handlers apart: a handler leaves the tokens of another namespace alone. Two handlers in one route need different
	// ones. Default: empty.
	Namespace string `json:"namespace,omitempty"`

	// What tokens are made with, at least 16 characters each. The first makes new tokens, the others still open the tokens
	// that they made. May hold global placeholders such as `{env.DASH_STASH_SECRET}`. Default: one that is made once and kept
	// in Caddy's storage, which instances of a cluster share.
	Secrets []string `json:"secrets,omitempty"`

	// Encrypts data in the storage, with keys that are derived from the secret: who can read the storage, and not the secret,
	// learns no more than sizes, times, and which data is equal. Data that was stored before this was turned on stays as it is
	// until its `ttl` ends; data that was stored before it was turned off is gone. Default: false.
	Encrypt bool `json:"encrypt,omitempty"`

	// Only logs what would be offloaded, and touches no response. Tokens that are out already are still opened.
	// Default: false.
	DryRun bool `json:"dry_run,omitempty"`

	// Where data is kept. Default: `file`, up to 1 GiB in the directory `dash_stash` of Caddy's data directory.
	StorageRaw json.RawMessage `json:"storage,omitempty" caddy:"namespace=http.handlers.dash_stash.storage inline_key=backend"`

	interceptor *interceptor.Interceptor
	catalog     *pooled[*catalogValue]
	store       *pooled[*storeValue]
	sealKeys    *sealed.Keys // nil: nothing is encrypted
	backend     Backend
	used        atomic.Pointer[usedStore] // nil: none yet
	logger      *zap.Logger

	siteOnce sync.Once
	site     string // see siteOf
}

// CaddyModule returns the Caddy module information.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.dash_stash",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision sets the handler up.
func (h *Handler) Provision(ctx caddy.Context) error {
	h.logger = ctx.Logger()
	if h.MinSize == nil {
		h.MinSize = new(int64(defaultMinSize))
	}
	if h.MaxPayload == 0 {
		h.MaxPayload = defaultMaxPayload
	}
	if h.MaxRequest == 0 {
		h.MaxRequest = defaultMaxRequest
	}
	if h.TTL == 0 {
		h.TTL = caddy.Duration(defaultTTL)
	}
	if h.OnMissing == "" {
		h.OnMissing = missingReload
	}
	if h.StorageRaw == nil {
		h.StorageRaw = json.RawMessage(`{"backend":"file"}`)
	}
	selection, err := interceptor.ParseSelection(h.Stores, h.Exclude)
	if err != nil {
		return err
	}
	secrets, err := h.loadSecrets(ctx)
	if err != nil {
		return err
	}
	if h.Encrypt {
		h.sealKeys = sealed.NewKeys(secrets)
	}
	h.interceptor = interceptor.New(interceptor.Config{
		Namespace:  h.Namespace,
		Secrets:    secrets,
		Selection:  selection,
		MinSize:    *h.MinSize,
		MaxPayload: h.MaxPayload,
		MaxRequest: h.MaxRequest,
		TTL:        time.Duration(h.TTL),
		Logger:     ctx.Slogger(),
	})
	spool.Disk.Raise(max(h.MaxRequest, h.MaxPayload))
	if h.catalog, err = acquireCatalog(); err != nil {
		return err
	}
	if err := h.provisionStorage(ctx); err != nil {
		return err
	}
	h.catalog.value.ledger.enter(h)
	return meters().register(ctx.GetMetricsRegistry())
}

// Validate checks the options.
func (h *Handler) Validate() error {
	for _, size := range []struct {
		option string
		value  int64
		least  int64
	}{{"min_size", *h.MinSize, 0}, {"max_payload", h.MaxPayload, 1}, {"max_request", h.MaxRequest, 1}} {
		if size.value < size.least {
			return fmt.Errorf("%s: %d is not a size: use %d bytes or more", size.option, size.value, size.least)
		}
	}
	if *h.MinSize > h.MaxPayload {
		return fmt.Errorf("min_size: %d is more than max_payload, which is %d: nothing would be offloaded", *h.MinSize, h.MaxPayload)
	}
	if _, err := caddy.NewReplacer().ReplaceOrErr(h.Scope, false, true); h.Scope != "" && err == nil {
		return fmt.Errorf("scope: %q is the same in each request: use a placeholder of the request, such as {http.auth.user.id}", h.Scope)
	}
	if h.TTL < caddy.Duration(time.Second) {
		return fmt.Errorf("ttl: %v is too short: use 1s or more", time.Duration(h.TTL))
	}
	if !slices.Contains(onMissing, h.OnMissing) {
		return fmt.Errorf("on_missing: %q is unknown: use one of %s", h.OnMissing, strings.Join(onMissing, ", "))
	}
	return nil
}

// Cleanup lets go of what Provision acquired, as far as it came.
func (h *Handler) Cleanup() error {
	if h.catalog != nil {
		h.catalog.value.ledger.leave(h)
	}
	h.store.release()
	h.catalog.release()
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
