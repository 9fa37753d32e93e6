package caddymodule

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// pageFiles are the page that shows the status, and what it loads.
//
//go:embed page
var pageFiles embed.FS

const pageRoot = "/dash_stash/"

// pagePolicy lets the page load what is beside it, and nothing else, and be in no other page, where somebody could be led to click.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageRoutes are the routes of the page.
func pageRoutes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: pageRoot, Handler: only(http.MethodGet, servePage)},
		{Pattern: "/dash_stash", Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			http.Redirect(w, r, pageRoot, http.StatusPermanentRedirect)
			return nil
		})},
	}
}

func servePage(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Path[len(pageRoot):]
	if name == "" {
		name = "index.html"
	}
	file, err := fs.ReadFile(pageFiles, "page/"+name)
	if err != nil {
		return apiError(http.StatusNotFound, "there is no %s: the page is %s, and its data %sstatus", r.URL.Path, pageRoot, pageRoot)
	}
	header := w.Header()
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("Referrer-Policy", "same-origin") // by which Caddy tells the page's requests from those of other sites
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file))
	return nil
}
