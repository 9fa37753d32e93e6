package caddymodule

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// storageOptions are the options in a storage's block, and what reads each. The dispenser stands at the option's name.
type storageOptions map[string]func(d *caddyfile.Dispenser) error

// unmarshalStorage parses a storage: the values behind its name, most at most, and its block.
func unmarshalStorage(d *caddyfile.Dispenser, most int, options storageOptions) (values []string, err error) {
	d.Next() // the module's name
	name := d.Val()
	values = d.RemainingArgs()
	if len(values) > most {
		return nil, d.Errf("storage %s takes one value at most: %q is one too many", name, values[most])
	}
	return values, options.unmarshal(d, "storage "+name)
}

// unmarshal parses a block.
func (o storageOptions) unmarshal(d *caddyfile.Dispenser, block string) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		option, ok := o[name]
		if !ok {
			return d.Errf("unrecognized option %q of %s: use one of %s", name, block,
				strings.Join(slices.Sorted(maps.Keys(o)), ", "))
		}
		if seen[name] {
			return d.Errf("%s is given twice: keep one", name)
		}
		seen[name] = true
		if err := option(d); err != nil {
			return err
		}
	}
	return nil
}

func sizeOption(to *int64) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) (err error) {
		*to, err = sizeArg(d, 1)
		return err
	}
}

func textOption(to *string) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) (err error) {
		*to, err = oneArg(d)
		return err
	}
}

func durationOption(to *caddy.Duration) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) (err error) {
		*to, err = durationArg(d)
		return err
	}
}

// countOption reads a whole number, of least or more.
func countOption[N int | int64](to *N, least N) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		option := d.Val()
		arg, err := oneArg(d)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(arg, 10, 63)
		if err != nil || N(n) < least {
			return d.Errf("%s: %q is no whole number of %d or more", option, arg, least)
		}
		*to = N(n)
		return nil
	}
}

func flagOption(to *bool) func(*caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		option := d.Val()
		if d.NextArg() {
			return d.Errf("%s takes no value, not %q: leave the line out to turn it off", option, d.Val())
		}
		*to = true
		return nil
	}
}
