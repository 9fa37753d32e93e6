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
//		on_missing  reload | null | prevent_update | error
//		scope       <placeholder>
//		namespace   <name>
//		secret      <secret> [<older secret>...]
//		encrypt
//		dry_run
//		storage     file | memory | redis | memcached ...
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive
	if d.NextArg() {
		return d.Errf("dash_stash takes a matcher and a block, not %q", d.Val())
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
		*h.MinSize, err = sizeArg(d, 0)
	case "max_payload":
		h.MaxPayload, err = sizeArg(d, 1)
	case "max_request":
		h.MaxRequest, err = sizeArg(d, 1)
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
	case "encrypt":
		err = flagOption(&h.Encrypt)(d)
	case "dry_run":
		err = flagOption(&h.DryRun)(d)
	case "storage":
		h.StorageRaw, err = storageArg(d)
	default:
		return d.Errf("unrecognized subdirective %q: use one of stores, exclude, min_size, max_payload, max_request, ttl, "+
			"on_missing, scope, namespace, secret, encrypt, dry_run, storage", option)
	}
	return err
}

// storageArg loads a storage module by its name, the value of an option.
func storageArg(d *caddyfile.Dispenser) (json.RawMessage, error) {
	option, name := d.Val(), ""
	if d.NextArg() {
		name = d.Val()
	}
	id := storageNamespace + "." + name
	if _, err := caddy.GetModule(id); err != nil {
		modules := caddy.GetModules(storageNamespace)
		names := make([]string, len(modules))
		for i, module := range modules {
			names[i] = module.ID.Name()
		}
		return nil, d.Errf("%s %q is unknown: use one of %s", option, name, strings.Join(names, ", "))
	}
	module, err := caddyfile.UnmarshalModule(d, id)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(module, "backend", name, nil), nil
}

// oneArg returns the value of an option that takes one.
func oneArg(d *caddyfile.Dispenser) (string, error) {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		return "", d.Errf("%s takes one value, not %d: %q", option, len(args), args)
	}
	return args[0], nil
}

// someArgs returns the values of an option that takes one or more.
func someArgs(d *caddyfile.Dispenser) ([]string, error) {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) == 0 {
		return nil, d.Errf("%s takes one value or more: leave the line out for the default", option)
	}
	return args, nil
}

// sizeArg returns the value of an option that takes a size, of least bytes or more.
func sizeArg(d *caddyfile.Dispenser, least uint64) (int64, error) {
	option := d.Val()
	arg, err := oneArg(d)
	if err != nil {
		return 0, err
	}
	size, err := humanize.ParseBytes(arg)
	if err != nil || size > math.MaxInt64 {
		return 0, d.Errf("%s: %q is not a size: write a number and a unit, like 512KiB or 1GiB", option, arg)
	}
	if size < least { // a zero in JSON means the default
		return 0, d.Errf("%s: %q is too small: use %dB or more, or leave the line out for the default", option, arg, least)
	}
	return int64(size), nil
}

// durationArg returns the value of an option that takes a duration.
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
	if duration <= 0 { // a zero in JSON means the default
		return 0, d.Errf("%s: %q is too short: use 1s or more, or leave the line out for the default", option, arg)
	}
	return caddy.Duration(duration), nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Handler)(nil)
