package caddymodule

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// A pageServer has the live page of an admin endpoint for a browser. Caddy's admin endpoint refuses browsers that open its address:
// any site could have them do so. This one has an address that no site knows: below a random key, on the loopback interface.
// Whoever knows the key reaches what is below /dash_stash/ of the admin endpoint, and nothing else of it.
type pageServer struct {
	admin  *adminClient
	key    string
	host   string // what a browser that was given the URL sends
	server *http.Server
}

// startPage starts a server on a loopback port, 0 for any that is free.
func startPage(admin *adminClient, port int) (*pageServer, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("the page cannot be served on port %d: %w", port, cause(err))
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	p := &pageServer{
		admin: admin, key: base64.RawURLEncoding.EncodeToString(random), host: listener.Addr().String(),
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // ends with close
	return p, nil
}

// url is what the user opens.
func (p *pageServer) url() string { return "http://" + p.host + "/" + p.key + "/" }

// close ends all that is under way, too.
func (p *pageServer) close() { _ = p.server.Close() }

// ServeHTTP forwards what is below the key.
func (p *pageServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "same-origin") // the key is in the address
	header.Set("X-Content-Type-Options", "nosniff")
	path, ok := p.forwarded(r)
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	var body io.Reader
	if r.ContentLength != 0 {
		body = r.Body
	}
	response, err := p.admin.do(r.Context(), r.Method, path, r.Header.Get("Content-Type"), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Security-Policy", "Allow"} {
		if value := response.Header.Get(name); value != "" {
			header.Set(name, value)
		}
	}
	w.WriteHeader(response.StatusCode)
	if err := copyFlushing(w, response.Body); err != nil {
		panic(http.ErrAbortHandler) // the browser is to see that it broke off
	}
}

// forwarded is where a request goes to at the admin endpoint, if anywhere.
func (p *pageServer) forwarded(r *http.Request) (string, bool) {
	key, path, ok := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	if !ok || r.Host != p.host || subtle.ConstantTimeCompare([]byte(key), []byte(p.key)) != 1 || !isPlain(path) {
		return "", false
	}
	path = pageRoot + path
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return path, true
}

// isPlain reports whether a path cannot lead up, however it is read: the API has no names with other characters.
func isPlain(path string) bool {
	return !strings.Contains(path, "..") && !strings.ContainsFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-/", r)
	})
}

// copyFlushing copies what comes as it comes, so that events are not held back.
func copyFlushing(w http.ResponseWriter, from io.Reader) error {
	controller := http.NewResponseController(w)
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			if err := controller.Flush(); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func pageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "page [--port <port>] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Serves the live page to a browser on this machine",
		Long: `
Serves the page on which to watch what Dashstash does: what is saved, which
Stores are offloaded and why others are not, what is stored, what was missed.

A browser cannot open Caddy's admin endpoint by its address: Caddy refuses
that, since any web site could make a browser do it. So this command serves
the page on 127.0.0.1, below a random key that only its output tells, and
forwards what the page needs to the admin endpoint, until Ctrl-C. Keep the
address to yourself: with it, stored data can be purged. It is told on a
terminal only, not to a log or a file.

A Caddy on another machine:
  ssh -L 2019:localhost:2019 that-machine
  caddy dash-stash page`,
		Example: "  caddy dash-stash page\n  caddy dash-stash page --port 9000 --address unix//run/caddy/admin.sock",
		Args:    cobra.NoArgs,
		RunE:    runPage,
	}
	cmd.Flags().IntP("port", "p", 0, "Port on 127.0.0.1 to serve the page on (default: one that is free)")
	addAddressFlags(cmd)
	return cmd
}

// errNoTerminal is what page ends with where its output may be kept.
var errNoTerminal = errors.New("the address of the page has a key in it that is not for a log or a file: run this on a terminal")

func runPage(cmd *cobra.Command, _ []string) error {
	if !isTerminal(cmd.OutOrStdout()) {
		return errNoTerminal
	}
	admin, err := adminFromFlags(cmd)
	if err != nil {
		return err
	}
	if _, err := admin.get("status", nil); err != nil {
		return err
	}
	page, err := startPage(admin, caddycmd.Flags{FlagSet: cmd.Flags()}.Int("port"))
	if err != nil {
		return err
	}
	defer page.close()
	fmt.Fprintf(cmd.OutOrStdout(), "The page of the Caddy at %s, until Ctrl-C:\n%s\n", admin.address, page.url())
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	<-ctx.Done()
	return nil
}
