package interceptor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"time"
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

// Page returns what is known of the app's page, and whether anything is. If it is not, ask is called, which is to send the page
// through [App.LearnPage]; an ask that was of no use is not repeated for a minute. The context is the browser's.
func (a *App) Page(ctx context.Context, ask func()) (Page, bool) {
	a.paging.Lock()
	defer a.paging.Unlock()
	if a.page.Load() == nil && time.Since(a.pagedInVain) > askAgain {
		if ask(); a.page.Load() == nil && ctx.Err() == nil { // a browser that went away says nothing of the app
			a.pagedInVain = time.Now()
		}
	}
	page := a.page.Load()
	if page == nil {
		return Page{}, false
	}
	return *page, true
}

// ForgetPage says that the app's page may be another by now, as it is after a redeploy.
func (a *App) ForgetPage() { a.page.Store(nil) }

// LearnPage returns a writer that takes the app's page, and learns from it when it is closed.
func (a *App) LearnPage() io.WriteCloser { return &pageWriter{app: a} }

type pageWriter struct {
	app  *App
	html bytes.Buffer
}

var errLongPage = errors.New("the page is too long")

func (p *pageWriter) Write(b []byte) (int, error) {
	if p.html.Len()+len(b) > maxPage {
		return 0, errLongPage
	}
	return p.html.Write(b)
}

// A renderer is one of Dash's own files (build_fingerprint in dash/fingerprint.py), in Dash 1 one of the package dash_renderer,
// or with serve_locally=False that package on a CDN, where 1.21.0 goes with Dash 2.18.0.
var (
	localRenderer  = regexp.MustCompile(`dash_renderer\.v(\d+)_(\d+)`)
	remoteRenderer = regexp.MustCompile(`dash-renderer@(\d+)\.(\d+)`)
	pagePrefix     = regexp.MustCompile(`"requests_pathname_prefix":\s*("(?:[^"\\]|\\.)*")`)
)

func (p *pageWriter) Close() error {
	page := new(Page)
	if prefix := pagePrefix.FindSubmatch(p.html.Bytes()); prefix != nil {
		page.Prefix = unquote(prefix[1])
	}
	local, remote := localRenderer.FindSubmatch(p.html.Bytes()), remoteRenderer.FindSubmatch(p.html.Bytes())
	switch {
	case page.Prefix == "" || local == nil && remote == nil:
		return nil // no page of Dash's
	case local != nil:
		page.RunsScripts = isFrom(local, 2, 18)
	default:
		page.RunsScripts = isFrom(remote, 1, 21)
	}
	p.app.page.Store(page)
	return nil
}

// isFrom reports whether what a pattern has found, a version's first two numbers, is at least that of two others.
func isFrom(version [][]byte, major, minor int) bool {
	x, _ := strconv.Atoi(string(version[1]))
	y, _ := strconv.Atoi(string(version[2]))
	return x > major || x == major && y >= minor
}
