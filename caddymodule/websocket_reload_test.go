package caddymodule

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

// A reload closes WebSockets, as reverse_proxy does by itself, and then no store is held on to. One that it leaves open for a
// while goes on with the store that it has.
func TestSocketReload(t *testing.T) {
	start := counts()
	data := repeated(5000)
	app, ends := socketApp(t, data)
	directive := stash()
	r := run(t, directive, app.proxy())
	r.open(t)
	token := storeData(t, &r.site)

	browser, _ := r.dial(t, ends)
	require.NoError(t, r.load(t, directive, app.proxy()+" {\n stream_close_delay 1h\n}"))
	require.Equal(t, ws.StatusGoingAway, browser.closed(t))

	browser, server := r.dial(t, ends)
	for _, directives := range [][]string{{strings.Replace(directive, "{", "{\n min_size 0", 1), app.proxy()}, {app.proxy()}} {
		require.NoError(t, r.load(t, directives...))
		browser.send(t, text(callbackRequest(token)))
		require.Equal(t, callbackRequest(data), server.message(t))
		server.send(t, text(setProps("df", data)))
		require.Equal(t, setProps("df", token), browser.message(t))
	}
	require.NoError(t, browser.conn.Close())
	server.closed(t)
	require.Eventually(t, func() bool { return len(counts()) == len(start) }, patience, interval)
	require.NoError(t, caddy.Stop())
	require.Equal(t, start, counts())
}

// A WebSocket that comes anew to a proxy that knows nothing, as after a restart, has the app asked about itself.
func TestSocketLearns(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app, ends := socketApp(t, data)
	browser, server := newSite(t, stash(), app.proxy()).dial(t, ends)
	server.send(t, text(setProps("df", data)))
	tokenIn(t, browser.message(t))

	// What a message brings of components is learnt too.
	added := `{"props":{"id":"added"},"type":"Store","namespace":"dash_core_components"}`
	server.send(t, text(strings.Replace(setProps("page", added), "data", "children", 1)), text(setProps("added", data)))
	require.Contains(t, browser.message(t), added)
	tokenIn(t, browser.message(t))
}
