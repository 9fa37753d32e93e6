package caddymodule

import (
	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// What the flags of dash-proxy are by default: an unprivileged port, and where `app.run()` of Dash listens.
const (
	defaultFrom = ":8080"
	defaultTo   = "127.0.0.1:8050"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name: "dash-proxy",
		Usage: "[--from <addr>] [--to <addr>...] [--storage <where>] [--stores <which>] [--exclude <ids>] [--dry-run] " +
			"[--change-host-header] [--insecure] [--internal-certs] [--disable-redirects] [--access-log] [--debug]",
		Short: "A reverse proxy for Dash apps that keeps the data of their Stores",
		Long: `
A reverse proxy in front of a Dash app, as it is: the data of its dcc.Stores
stays on this side, and browsers get small tokens instead. It needs no
Caddyfile, and shows what it saves until Ctrl-C.

The --from address is where browsers come. With a host name, it is served over
HTTPS, with a certificate that Caddy gets by itself, and plain HTTP leads there;
with only a port, over HTTP.

The --to address is where the app listens; it may come up later. Several of them
(repeat the flag) share the load: Dash apps keep no state in their process.

Data is kept in files in Caddy's data directory, or where --storage says:
  file                            the default
  memory                          until this command ends
  ./directory                     files there
  redis://user:password@host/0    a Redis server; rediss:// is with TLS
  memcached://host:11211,host2:11211
A password is better not written there, where ps shows it, but as
'redis://user:{env.REDIS_PASSWORD}@host/0'.

Without --stores, all Stores of storage type memory are offloaded, but those
that a clientside callback reads. --stores takes what the option stores does:
  --stores "auto memory session"  by storage type
  --stores df,agg-*               by id
--exclude takes ids that are not offloaded.

With --dry-run nothing is changed: only shown, what would be saved.

For HTTPS:
  --internal-certs has Caddy's own CA issue the certificate.
  --disable-redirects leaves the HTTP port alone.

For proxying:
  --change-host-header sets the Host header to the address of the app.
  --insecure disables TLS verification with the app. WARNING: THIS DISABLES
    SECURITY BY NOT VERIFYING THE APP'S CERTIFICATE.

All else that Dashstash can do takes a Caddyfile.
`,
		CobraFunc: func(cmd *cobra.Command) {
			flags := cmd.Flags()
			flags.StringP("from", "f", defaultFrom, "Address on which to receive traffic")
			flags.StringSliceP("to", "t", []string{defaultTo}, "Address(es) of the app")
			flags.StringP("storage", "s", "file", "Where data is kept: file, memory, a directory, or the URL of a server")
			flags.StringArrayP("stores", "", nil, "Which Stores are offloaded: auto, storage types, or ids")
			flags.StringArrayP("exclude", "", nil, "Ids of Stores that are not offloaded")
			flags.BoolP("dry-run", "n", false, "Change nothing, and show what would be saved")
			flags.BoolP("change-host-header", "c", false, "Set the Host header to the address of the app")
			flags.BoolP("insecure", "", false, "Disable TLS verification (WARNING: DISABLES SECURITY BY NOT VERIFYING TLS CERTIFICATES!)")
			flags.BoolP("disable-redirects", "r", false, "Disable HTTP->HTTPS redirects")
			flags.BoolP("internal-certs", "i", false, "Use internal CA for issuing certs")
			flags.BoolP("access-log", "", false, "Enable the access log")
			flags.BoolP("debug", "v", false, "Enable verbose debug logs")
			cmd.Example = "  caddy dash-proxy\n  caddy dash-proxy --from app.example.com --to 127.0.0.1:8050 --to 127.0.0.1:8051\n" +
				"  caddy dash-proxy --from :9000 --storage redis://localhost --dry-run"
			cmd.Args = cobra.NoArgs
			cmd.RunE = runProxy
		},
	})
}

// runProxy returns its errors to cobra, which prints them as they are: to Caddy's logger they would be lines of JSON.
func runProxy(cmd *cobra.Command, _ []string) error {
	options, err := proxyFromFlags(cmd)
	if err != nil {
		return err
	}
	if err := options.checkPorts(); err != nil {
		return err
	}
	return newProxyRun(options, cmd.ErrOrStderr()).run()
}
