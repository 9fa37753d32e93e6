package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// adminTimeout is how long a call may take: a purge of a large storage needs its time.
const adminTimeout = time.Minute

// An adminClient calls the admin endpoint of a running Caddy. It differs from caddycmd.AdminAPIRequest in that answers of any
// status are handed on, and may stream.
type adminClient struct {
	address string // as it is told to the user
	origin  string
	http    *http.Client
}

func newAdminClient(address string) (*adminClient, error) {
	parsed, err := caddy.ParseNetworkAddressWithDefaults(address, "tcp", 2019)
	if err != nil || parsed.PortRangeSize() > 1 {
		return nil, fmt.Errorf("%q is no address of an admin endpoint: write it as localhost:2019 or unix//path/to/socket", address)
	}
	c := &adminClient{address: address, origin: "http://" + parsed.JoinHostPort(0)}
	dial := parsed.JoinHostPort(0)
	if parsed.IsUnixNetwork() || parsed.IsFdNetwork() {
		c.origin = "http://127.0.0.1"              // net/http wants one: Caddy does not check it there
		dial, _, _ = strings.Cut(parsed.Host, "|") // the rest are the permissions of the socket
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, parsed.Network, dial)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// do sends a request, whatever the status of the answer. Its body must be closed.
func (c *adminClient) do(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.origin+path, body) //nolint:gosec // to where the user says
	if err != nil {
		return nil, err
	}
	request.Header.Set("Origin", c.origin)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.http.Do(request) //nolint:gosec // to where the user says
	if err != nil {
		if context.Cause(ctx) != nil {
			return nil, err
		}
		return nil, fmt.Errorf("no Caddy answers at %s: is it running? another address: --address (%w)", c.address, cause(err))
	}
	return response, nil
}

// cause is the innermost error, without the names of what was called.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// call sends a request and returns the body of the answer. An answer that is an error becomes one in the API's own words.
func (c *adminClient) call(method, path string, body io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	contentType := ""
	if body != nil {
		contentType = jsonType
	}
	response, err := c.do(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("the answer of the Caddy at %s broke off: %w", c.address, err)
	}
	return text, c.complaint(response.StatusCode, text)
}

// complaint is the error that an answer is, if it is one.
func (c *adminClient) complaint(status int, text []byte) error {
	if status < http.StatusBadRequest {
		return nil
	}
	var told caddy.APIError
	if err := json.Unmarshal(text, &told); err == nil && told.Message != "" {
		return errors.New(told.Message)
	}
	if status == http.StatusNotFound {
		return fmt.Errorf("the Caddy at %s has no dash_stash in it, or an older one: see `caddy list-modules` there", c.address)
	}
	return fmt.Errorf("the Caddy at %s answered with %d %s", c.address, status, http.StatusText(status))
}

// get reads what the admin API has at a path into a value, unless that is nil, and returns it as it came.
func (c *adminClient) get(path string, into any) ([]byte, error) {
	text, err := c.call(http.MethodGet, pageRoot+path, nil)
	if err != nil || into == nil {
		return text, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return nil, fmt.Errorf("what answers at %s is no Caddy with dash_stash: %w", c.address, err)
	}
	return text, nil
}

// addAddressFlags adds the flags that say where the admin endpoint is, as those of `caddy reload`.
func addAddressFlags(cmd *cobra.Command) {
	cmd.Flags().StringP("address", "", "", "Address of the admin endpoint, if not the default one or that of the config")
	cmd.Flags().StringP("config", "c", "", "Configuration file, to take the address of the admin endpoint from")
	cmd.Flags().StringP("adapter", "a", "", "Name of config adapter to apply to it")
}

// adminFromFlags returns the client for the endpoint that the flags of addAddressFlags name.
func adminFromFlags(cmd *cobra.Command) (*adminClient, error) {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	address, err := caddycmd.DetermineAdminAPIAddress(flags.String("address"), nil, flags.String("config"), flags.String("adapter"))
	if err != nil {
		return nil, fmt.Errorf("the address of the admin endpoint: %w", err)
	}
	return newAdminClient(address)
}
