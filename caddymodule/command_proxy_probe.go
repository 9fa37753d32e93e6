package caddymodule

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/dashstash/dashstash/interceptor"
)

const (
	probeInterval = time.Second
	dialTimeout   = 5 * time.Second
	probeTimeout  = 30 * time.Second // an app may be slow to lay out its first page
	maxProbed     = 8 << 20          // bytes of a page that are read
)

// A probe finds out whether a Dash app listens at an address.
type probe struct {
	address string // to dial
	origin  string
	http    *http.Client
}

func newProbe(address string, overTLS, insecure bool) (*probe, error) {
	parsed, err := caddy.ParseNetworkAddressWithDefaults(address, "tcp", 0)
	if err != nil {
		return nil, err
	}
	dial, scheme, host := parsed.JoinHostPort(0), "http", parsed.JoinHostPort(0)
	if parsed.IsUnixNetwork() {
		dial, host = parsed.Host, "localhost"
	}
	if overTLS {
		scheme = "https"
	}
	return &probe{address: address, origin: scheme + "://" + host, http: &http.Client{
		Timeout: probeTimeout,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, parsed.Network, dial)
			},
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}, //nolint:gosec // as the flag says
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// watch waits until the app answers, tells of it, and warns if it is no Dash app.
func (p *probe) watch(ctx context.Context, tell func(format string, args ...any)) {
	layout, err := p.get(ctx, interceptor.LayoutEndpoint.Path(""))
	if isAway(err) {
		tell("waiting for the app at %s …", p.address)
		ticker := time.NewTicker(probeInterval)
		defer ticker.Stop()
		for isAway(err) {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				layout, err = p.get(ctx, interceptor.LayoutEndpoint.Path(""))
			}
		}
		tell("the app is there: %s", p.address)
	}
	if ctx.Err() != nil {
		return
	}
	if found := p.judge(ctx, layout, err); found != "" {
		tell("warning: what answers at %s does not look like a Dash app: %s. It is proxied all the same.", p.address, found)
	}
}

// isAway reports whether an error means that nothing listens. Where a container publishes a port, something accepts connections before
// the app does, and breaks them off.
func isAway(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial" || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

// An answered is what a path was answered with.
type answered struct {
	path, mediaType string
	status          int
	body            []byte
}

func (a answered) isLayout() bool { return a.status == http.StatusOK && a.mediaType == jsonType }

func (a answered) String() string {
	kind := a.mediaType
	if kind == "" {
		kind = "no content type"
	}
	return fmt.Sprintf("GET %s answered %d (%s)", a.path, a.status, kind)
}

func (p *probe) get(ctx context.Context, path string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.origin+path, nil)
	if err != nil {
		return answered{}, err
	}
	response, err := p.http.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxProbed))
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return answered{path, mediaType, response.StatusCode, body}, err
}

// judge returns what speaks against a Dash app, if anything. layout is what its path was answered with if the app has no prefix.
func (p *probe) judge(ctx context.Context, layout answered, err error) string {
	if err != nil {
		return "it did not answer GET " + interceptor.LayoutEndpoint.Path("") + ": " + cause(err).Error()
	}
	if layout.isLayout() {
		return ""
	}
	page, err := p.get(ctx, "/")
	if err != nil {
		return fmt.Sprintf("%s, and GET / did not: %s", layout, cause(err))
	}
	prefix, ok := prefixIn(page.body)
	if !ok {
		return fmt.Sprintf("%s, and %s is no page of Dash. "+
			"An app under a prefix of its own, or behind a login, cannot be told from here", layout, page)
	}
	path := interceptor.LayoutEndpoint.Path(strings.TrimSuffix(prefix, "/"))
	if layout, err = p.get(ctx, path); err != nil {
		return "it did not answer GET " + path + ": " + cause(err).Error()
	}
	if layout.isLayout() {
		return ""
	}
	return fmt.Sprintf("its page says that its prefix is %s, but %s", prefix, layout)
}

var dashConfig = regexp.MustCompile(`(?s)<script[^>]*\bid="_dash-config"[^>]*>(.*?)</script>`)

// prefixIn returns the prefix of the app whose page this is.
func prefixIn(page []byte) (string, bool) {
	script := dashConfig.FindSubmatch(page)
	if script == nil {
		return "", false
	}
	var config struct {
		Prefix    string `json:"requests_pathname_prefix"`
		URLPrefix string `json:"url_base_pathname"`
	}
	if err := json.Unmarshal(script[1], &config); err != nil {
		return "", false
	}
	if config.Prefix == "" {
		config.Prefix = config.URLPrefix
	}
	return config.Prefix, config.Prefix != "" && config.Prefix[0] == '/'
}
