package interceptor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// maxPage is how many bytes of a page are looked at for what it says of itself.
const maxPage = 1 << 20

// A Page is what the page of an app, the HTML at its prefix, says of the renderer in it.
type Page struct {
	// Prefix is the app's requests_pathname_prefix, as browsers see it; it ends with a slash.
	Prefix string
	// RunsScripts: its renderer runs the scripts that a callback's answer lists under "dist". Dash's does from 2.18 on.
	RunsScripts bool
}

// ReloadAnswer is the answer to a callback of the page that has the renderer run the script at a URL, and change nothing.
func ReloadAnswer(url string) []byte {
	answer, _ := json.Marshal(map[string]any{
		"multi":    true,
		"response": struct{}{},
		"dist":     []any{map[string]string{"type": "_js_dist", "url": url}},
	})
	return answer
}

// Page returns what is known of the app's page, and whether anything is.
func (a *App) Page() (Page, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.page == nil {
		return Page{}, false
	}
	return *a.page, true
}

// ForgetPage says that the app's page may be another by now, as it is after a redeploy. What is known of it counts until it is
// seen again.
func (a *App) ForgetPage() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pageStale = true
}

// LearnPage returns a writer that takes the app's page, and learns from it when it is closed.
func (a *App) LearnPage() io.WriteCloser { return &pageWriter{learn: a.learnPage} }

// LearnPage returns a writer that takes what may be the page of one of the apps of a site under a host, as it is at a path, and learns
// from it when it is closed. What says that it is the page of an app which is at another path teaches nothing: an app may serve
// what its users have put there.
func (c *Catalog) LearnPage(site, host, path string) io.WriteCloser {
	return &pageWriter{learn: func(page Page, children *childrenProps) {
		if page.Prefix == path {
			c.App(site, host+strings.TrimSuffix(path, "/")).learnPage(page, children)
		}
	}}
}

func (a *App) learnPage(page Page, children *childrenProps) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.page, a.pageStale = &page, false
	a.addChildren(children)
}

// addChildren adds to what is known of where components stand.
func (a *App) addChildren(children *childrenProps) {
	sum, news := a.children.plus(children)
	if news {
		a.children = sum
		a.revision++
	}
}

type pageWriter struct {
	learn func(Page, *childrenProps)
	html  bytes.Buffer
}

var errLongPage = errors.New("the page is too long")

func (p *pageWriter) Write(b []byte) (int, error) {
	if p.html.Len()+len(b) > maxPage {
		return 0, errLongPage
	}
	return p.html.Write(b)
}

// pageConfig is what is read of the configuration that a page has for its renderer (_generate_config_html in dash/dash.py).
type pageConfig struct {
	Prefix   string                         `json:"requests_pathname_prefix"`
	Children map[string]map[string][]string `json:"children_props"` // since Dash 2.5, by namespace and type
	Version  string                         `json:"dash_version"`   // since Dash 3.0
}

// A renderer is one of Dash's own files (build_fingerprint in dash/fingerprint.py), in Dash 1 one of the package dash_renderer,
// or with serve_locally=False that package on a CDN, where 1.21.0 goes with Dash 2.18.0.
var (
	localRenderer  = regexp.MustCompile(`dash_renderer\.v(\d+)_(\d+)`)
	remoteRenderer = regexp.MustCompile(`dash-renderer@(\d+)\.(\d+)`)
	configScript   = regexp.MustCompile(`(?s)<script[^>]*\bid="_dash-config"[^>]*>(.*?)</script>`)
)

func (p *pageWriter) Close() error {
	script := configScript.FindSubmatch(p.html.Bytes())
	local, remote := localRenderer.FindSubmatch(p.html.Bytes()), remoteRenderer.FindSubmatch(p.html.Bytes())
	var config pageConfig
	if script == nil || json.Unmarshal(script[1], &config) != nil || config.Prefix == "" || local == nil && remote == nil {
		return nil // no page of Dash's
	}
	page := Page{Prefix: config.Prefix}
	if local != nil {
		page.RunsScripts = isFrom(local, 2, 18)
	} else {
		page.RunsScripts = isFrom(remote, 1, 21)
	}
	p.learn(page, config.childrenProps())
	return nil
}

// isFrom reports whether what a pattern has found, a version's first two numbers, is at least that of two others.
func isFrom(version [][]byte, major, minor int) bool {
	x, _ := strconv.Atoi(string(version[1]))
	y, _ := strconv.Atoi(string(version[2]))
	return x > major || x == major && y >= minor
}
