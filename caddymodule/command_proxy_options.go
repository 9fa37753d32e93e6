package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// proxyOptions are the flags of dash-proxy, read.
type proxyOptions struct {
	from  httpcaddyfile.Address // with scheme and port
	proxy *reverseproxy.Handler
	tls   bool // to the app
	stash *Handler
	place string // where data is kept, in words

	insecure, disableRedirects, internalCerts, accessLog, debug bool
}

func proxyFromFlags(cmd *cobra.Command) (*proxyOptions, error) {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	o := &proxyOptions{
		insecure: flags.Bool("insecure"), disableRedirects: flags.Bool("disable-redirects"),
		internalCerts: flags.Bool("internal-certs"), accessLog: flags.Bool("access-log"), debug: flags.Bool("debug"),
	}
	var err error
	if o.from, err = parseFrom(flags.String("from")); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	to, err := flags.GetStringSlice("to")
	if err != nil {
		return nil, err
	}
	if err := o.parseTo(to, flags.Bool("change-host-header")); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	stores, err := flags.GetStringArray("stores")
	if err != nil {
		return nil, err
	}
	exclude, err := flags.GetStringArray("exclude")
	if err != nil {
		return nil, err
	}
	o.stash = &Handler{Stores: splitIDs(stores), Exclude: splitIDs(exclude), DryRun: flags.Bool("dry-run")}
	if o.stash.StorageRaw, o.place, err = parseStorage(flags.String("storage")); err != nil {
		return nil, fmt.Errorf("--storage: %w", err)
	}
	return o, nil
}

// parseFrom assumes what an address leaves out as `caddy reverse-proxy` does.
func parseFrom(from string) (httpcaddyfile.Address, error) {
	if _, err := strconv.ParseUint(from, 10, 16); err == nil {
		from = ":" + from
	}
	address, err := httpcaddyfile.ParseAddress(from)
	switch {
	case err != nil:
		return address, err
	case address.Path != "":
		return address, fmt.Errorf("%s has a path: leave it out", from)
	case address.Scheme != "" && address.Scheme != "http" && address.Scheme != "https":
		return address, fmt.Errorf("%s is neither http:// nor https://", from)
	case address.Host == "" && address.Port == "":
		return address, errors.New("write it as :8080, or as the host name of the site")
	}
	httpPort, httpsPort := strconv.Itoa(caddyhttp.DefaultHTTPPort), strconv.Itoa(caddyhttp.DefaultHTTPSPort)
	if address.Scheme == "" {
		address.Scheme = "https"
		if address.Port == httpPort || address.Host == "" {
			address.Scheme = "http"
		}
	}
	if address.Port == "" {
		address.Port = map[string]string{"http": httpPort, "https": httpsPort}[address.Scheme]
	}
	return address, nil
}

// parseTo sets up the proxy, by what the directive reverse_proxy takes.
func (o *proxyOptions) parseTo(to []string, changeHost bool) error {
	if len(to) == 0 {
		return errors.New("the address of the app is missing: write it as " + defaultTo)
	}
	o.tls = strings.HasPrefix(to[0], "https://")
	block := "reverse_proxy {\n"
	if changeHost && !o.tls { // with TLS it is so anyway
		block += "header_up Host {http.reverse_proxy.upstream.hostport}\n"
	}
	if o.tls && o.insecure {
		block += "transport http {\ntls_insecure_skip_verify\n}\n"
	}
	tokens, err := caddyfile.Tokenize([]byte(block+"}"), "--to")
	if err != nil {
		return err
	}
	directive := tokens[:1:1]
	for _, address := range to {
		if _, err := strconv.ParseUint(address, 10, 16); err == nil {
			address = "127.0.0.1:" + address
		}
		directive = append(directive, caddyfile.Token{File: "--to", Line: 1, Text: strings.TrimSuffix(address, "/")})
	}
	o.proxy = new(reverseproxy.Handler)
	if err := o.proxy.UnmarshalCaddyfile(caddyfile.NewDispenser(append(directive, tokens[1:]...))); err != nil {
		return cause(err)
	}
	for _, upstream := range o.proxy.Upstreams {
		if host, port, err := net.SplitHostPort(upstream.Dial); err == nil && port == o.from.Port && isHere(host) {
			return fmt.Errorf("%s is the port of --from, too: have one of them be another", upstream.Dial)
		}
	}
	return nil
}

func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// splitIDs splits values at blanks and commas, except within a dict id.
func splitIDs(values []string) (ids []string) {
	for _, value := range values {
		depth, quoted, escaped := 0, false, false
		ids = append(ids, strings.FieldsFunc(value, func(r rune) bool {
			switch {
			case escaped:
				escaped = false
			case quoted && r == '\\':
				escaped = true
			case depth > 0 && r == '"':
				quoted = !quoted
			case !quoted && r == '{':
				depth++
			case !quoted && r == '}':
				depth--
			}
			return depth <= 0 && (r == ' ' || r == ',' || r == '\t' || r == '\n')
		})...)
	}
	return ids
}

// parseStorage reads --storage: a kind of storage, a directory, or a URL. It also returns the place in words, without a password.
func parseStorage(value string) (raw json.RawMessage, place string, err error) {
	scheme, rest, isURL := strings.Cut(value, "://")
	switch {
	case value == "file":
		return storageObject("file", new(FileStorage)), "files in " + filepath.Join(caddy.AppDataDir(), "dash_stash"), nil
	case value == "memory":
		return storageObject("memory", new(MemoryStorage)), "memory, until this command ends", nil
	case isURL && (scheme == "redis" || scheme == "rediss"):
		place := "the Redis server that --storage names" // a URL with placeholders cannot be parsed yet, and may hold a password
		if parsed, err := url.Parse(value); err == nil {
			place = parsed.Redacted()
		}
		return storageObject("redis", &RedisStorage{Addresses: []string{value}}), place, nil
	case isURL && scheme == "memcached":
		addresses := strings.Split(strings.TrimSuffix(rest, "/"), ",")
		return storageObject("memcached", &MemcachedStorage{Addresses: addresses}), "memcached at " + strings.Join(addresses, ", "), nil
	case !isURL && strings.ContainsAny(value, `/\.`):
		directory, err := filepath.Abs(value)
		return storageObject("file", &FileStorage{Path: directory}), "files in " + directory, err
	}
	if isURL {
		value = scheme + "://" // the rest may hold a password
	}
	return nil, "", fmt.Errorf("%q is unknown: use file, memory, a directory (as ./%s), redis://host:6379, rediss://host:6379 or "+
		"memcached://host:11211", value, "data")
}

func storageObject(name string, storage any) json.RawMessage {
	return caddyconfig.JSONModuleObject(storage, "backend", name, nil)
}

// checkPorts says at once and in one sentence that a port cannot be had. Caddy itself would share the port with another Caddy: it
// listens in a way that allows that.
func (o *proxyOptions) checkPorts() error {
	if err := checkPort(o.from.Port); err != nil {
		return fmt.Errorf("%w: use another one, as --from %s", err, o.otherFrom())
	}
	httpPort := strconv.Itoa(caddyhttp.DefaultHTTPPort)
	if o.redirects() && o.from.Port != httpPort {
		if err := checkPort(httpPort); err != nil {
			return fmt.Errorf("%w: it is where HTTP leads to HTTPS: do without with --disable-redirects", err)
		}
	}
	return nil
}

func (o *proxyOptions) otherFrom() string {
	port, _ := strconv.Atoi(o.from.Port)
	if port < 1024 {
		port += 8000
	}
	if port++; port > 65535 {
		port = 8080
	}
	return o.from.Host + ":" + strconv.Itoa(port)
}

// redirects reports whether Caddy listens on the HTTP port, too.
func (o *proxyOptions) redirects() bool {
	return o.from.Scheme == "https" && o.from.Host != "" && !o.disableRedirects
}

// checkPort checks a port on all interfaces, and by itself on the loopback one: some systems allow the first while another has the
// second.
func checkPort(port string) error {
	for _, host := range []string{"", "127.0.0.1"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
		switch {
		case err == nil:
			_ = listener.Close()
		case errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("port %s is taken by another process", port)
		case errors.Is(err, syscall.EACCES):
			return fmt.Errorf("port %s is only for privileged users", port)
		default:
			return fmt.Errorf("port %s cannot be had: %w", port, cause(err))
		}
	}
	return nil
}
