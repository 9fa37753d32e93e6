package caddymodule

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("dash_stash", parseCaddyfile)
	// Behind encode, which then compresses what leaves here; before reverse_proxy.
	httpcaddyfile.RegisterDirectiveOrder("dash_stash", httpcaddyfile.After, "encode")
}

func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	return handler, handler.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	dash_stash [<matcher>] {
//		stores      auto [memory] [session] [local] | <id>...
//		exclude     <id>...
//		min_size    <size>
//		max_payload <size>
//		max_request <size>
//		ttl         <duration>
//		on_missing  null | error
//		scope       <placeholder>
//		namespace   <name>
//		secret      <secret> [<older secret>...]
//		dry_run
//		storage     file [<directory>] | memory [<name>] {
//			max_size <size>
//		}
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive
	if d.NextArg() {
		return d.ArgErr()
	}
	seen := make(map[string]bool)
	for d.NextBlock(0) {
		option := d.Val()
		if seen[option] {
			return d.Errf("%s is given twice: keep one", option)
		}
		seen[option] = true
		if err := h.unmarshalOption(d, option); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) unmarshalOption(d *caddyfile.Dispenser, option string) (err error) {
	switch option {
	case "stores":
		h.Stores, err = someArgs(d)
	case "exclude":
		h.Exclude, err = someArgs(d)
	case "min_size":
		h.MinSize = new(int64)
		*h.MinSize, err = sizeArg(d)
	case "max_payload":
		h.MaxPayload, err = sizeArg(d)
	case "max_request":
		h.MaxRequest, err = sizeArg(d)
	case "ttl":
		h.TTL, err = durationArg(d)
	case "on_missing":
		h.OnMissing, err = oneArg(d)
	case "scope":
		h.Scope, err = oneArg(d)
	case "namespace":
		h.Namespace, err = oneArg(d)
	case "secret":
		h.Secrets, err = someArgs(d)
	case "dry_run":
		h.DryRun = true
		if d.NextArg() {
			err = d.ArgErr()
		}
	case "storage":
		h.StorageRaw, err = storageArg(d)
	default:
		return d.Errf("unrecognized subdirective %q: use one of stores, exclude, min_size, max_payload, max_request, ttl, "+
			"on_missing, scope, namespace, secret, dry_run, storage", option)
	}
	return err
}

// storageArg loads a storage module by its name.
func storageArg(d *caddyfile.Dispenser) (json.RawMessage, error) {
	if !d.NextArg() {
		return nil, d.ArgErr()
	}
	name := d.Val()
	id := storageNamespace + "." + name
	if _, err := caddy.GetModule(id); err != nil {
		var names []string
		for _, module := range caddy.GetModules(storageNamespace) {
			names = append(names, module.ID.Name())
		}
		return nil, d.Errf("storage %q is unknown: use one of %s", name, strings.Join(names, ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, id)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, "backend", name, nil), nil
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	file [<directory>] {
//		max_size <size>
//	}
func (f *FileStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return unmarshalStorage(d, &f.Path, &f.MaxSize)
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	memory [<name>] {
//		max_size <size>
//	}
func (m *MemoryStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return unmarshalStorage(d, &m.Name, &m.MaxSize)
}

func unmarshalStorage(d *caddyfile.Dispenser, place *string, maxSize *int64) (err error) {
	d.Next() // the module's name
	if d.NextArg() {
		*place = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "max_size":
			if *maxSize, err = sizeArg(d); err != nil {
				return err
			}
		default:
			return d.Errf("unrecognized storage option %q: use max_size", d.Val())
		}
	}
	return nil
}

func oneArg(d *caddyfile.Dispenser) (arg string, err error) {
	if !d.AllArgs(&arg) {
		return "", d.ArgErr()
	}
	return arg, nil
}

func someArgs(d *caddyfile.Dispenser) ([]string, error) {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return nil, d.ArgErr()
	}
	return args, nil
}

func sizeArg(d *caddyfile.Dispenser) (int64, error) {
	option := d.Val()
	arg, err := oneArg(d)
	if err != nil {
		return 0, err
	}
	size, err := humanize.ParseBytes(arg)
	if err != nil || size > math.MaxInt64 {
		return 0, d.Errf("%s: %q is not a size: write a number and a unit, like 512KiB or 1GiB", option, arg)
	}
	return int64(size), nil
}

func durationArg(d *caddyfile.Dispenser) (caddy.Duration, error) {
	option := d.Val()
	arg, err := oneArg(d)
	if err != nil {
		return 0, err
	}
	duration, err := caddy.ParseDuration(arg)
	if err != nil {
		return 0, d.Errf("%s: %q is not a duration: write a number and a unit, like 30m, 24h or 7d", option, arg)
	}
	return caddy.Duration(duration), nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*Handler)(nil)
	_ caddyfile.Unmarshaler = (*FileStorage)(nil)
	_ caddyfile.Unmarshaler = (*MemoryStorage)(nil)
)
