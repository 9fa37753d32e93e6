package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/nearcache"
)

// defaultNear is a near layer of 64 MiB.
const defaultNear = `{"backend":"memory","max_size":67108864}`

// Near is what storages on a server have in common: a layer on this machine in front of them, so that data which was made or read
// here is not fetched again.
type Near struct {
	// The storage on this machine that is the layer: `memory`, or `file` with a directory of its own. It is a copy of what is on
	// the server, and may be small. Default: `memory` of 64 MiB.
	NearRaw json.RawMessage `json:"near,omitempty" caddy:"namespace=http.handlers.dash_stash.storage inline_key=backend"`

	// Whether there is no such layer: data is fetched from the server each time. Default: false.
	NearOff bool `json:"near_off,omitempty"`

	ttl    time.Duration
	near   Backend // nil: there is none
	limits storage.Limits
}

// provision sets the layer up. storage is the module that has it.
func (n *Near) provision(ctx caddy.Context, storageModule any) error {
	n.ttl, _ = ctx.Value(ttlKey{}).(time.Duration)
	if n.NearOff {
		if n.NearRaw != nil {
			return errors.New("near_off: there is a near storage: leave one of them out")
		}
		return nil
	}
	if n.NearRaw == nil {
		n.NearRaw = json.RawMessage(defaultNear)
	}
	module, err := ctx.LoadModule(storageModule, "NearRaw")
	if err != nil {
		return fmt.Errorf("near: %w", err)
	}
	switch local := module.(type) {
	case *MemoryStorage:
		n.near, n.limits = local, storage.Limits{MaxSize: local.MaxSize, MaxEntries: local.MaxEntries}
	case *FileStorage:
		if local.Path == filepath.Join(caddy.AppDataDir(), "dash_stash") {
			return errors.New("near: give it a directory of its own, as in: near file /var/cache/dash_stash")
		}
		n.near, n.limits = local, storage.Limits{MaxSize: local.MaxSize, MaxEntries: local.MaxEntries}
	default:
		return fmt.Errorf("near: %T is not on this machine: use memory or file", module)
	}
	return nil
}

// identity is what of the layer makes two configurations mean one store.
func (n *Near) identity() string {
	if n.near == nil {
		return "off"
	}
	return fmt.Sprint(n.near.Identity(), n.limits)
}

// open opens the layer in front of the store on the server.
func (n *Near) open(far storage.Limiter, logger *slog.Logger) (storage.Limiter, error) {
	if n.near == nil {
		return far, nil
	}
	near, err := n.near.Open(logger)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("near: %w", err), far.Close())
	}
	return nearcache.New(near, far, n.limits), nil
}

// Shared is true: the server is there for several machines.
func (*Near) Shared() bool { return true }

// Limits are the handler's ttl.
func (n *Near) Limits() storage.Limits { return storage.Limits{TTL: n.ttl} }

// Apply sets how long data is kept.
func (n *Near) Apply(store storage.Limiter) { store.SetLimits(n.Limits()) }

// option reads the option near.
func (n *Near) option(d *caddyfile.Dispenser) (err error) {
	if d.NextArg() {
		if d.Val() == "off" {
			return flagOption(&n.NearOff)(d)
		}
		d.Prev()
	}
	n.NearRaw, err = storageArg(d)
	return err
}

// addressesOf returns addresses with their placeholders replaced. Each has a port, or is the path of a Unix socket.
func addressesOf(values []string, examplePort string) ([]string, error) {
	var addresses []string
	for _, value := range values {
		address, err := replaced("address", value)
		if err != nil {
			return nil, err
		}
		if _, _, err := net.SplitHostPort(address); err != nil && !strings.HasPrefix(address, "/") {
			return nil, fmt.Errorf("address: %q has no port: write it as host:%s", address, examplePort)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}
