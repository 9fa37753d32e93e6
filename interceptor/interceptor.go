// Package interceptor knows the wire protocol between Dash's renderer, in the browser, and a Dash app: where a callback's
// messages carry the data of a dcc.Store, how a token stands in for it, and what an app consists of. It moves that data
// into a [storage.Store] on its way to the browser ([Interceptor.Offload]) and puts it back on its way to the app
// ([Interceptor.Rehydrate]).
//
// It knows neither Caddy nor HTTP handlers: a new version of Dash touches this package alone.
package interceptor

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// Errors of [Interceptor.Rehydrate].
var (
	// ErrTooLarge: with its payloads put back, the request would be larger than Config.MaxRequest; or it has more tokens, or is
	// nested deeper, than any browser's.
	ErrTooLarge = errors.New("request too large with its data put back")
	// ErrEncoding: the request is not in UTF-8, which JSON must be (RFC 8259, 8.1): what it holds could not be seen here, while
	// Python reads it all the same.
	ErrEncoding = errors.New("callback request is not in UTF-8")
	// ErrUnavailable: the storage could not be asked.
	ErrUnavailable = errors.New("storage is unavailable")
	// ErrDamaged: a payload read back is not what was stored. It comes out of [Body.Reader], before the payload's end.
	ErrDamaged = errors.New("payload is damaged")
)

// Config is what an [Interceptor] is to do.
type Config struct {
	// Namespace keeps interceptors apart that share a storage, an app or a secret.
	Namespace string
	// Secrets are what tokens are made with; at least one. The first makes tokens, each opens those that it made.
	Secrets [][]byte
	// Selection says which Stores are offloaded.
	Selection Selection
	// MinSize is the size in bytes from which data is offloaded.
	MinSize int64
	// MaxPayload is the size in bytes up to which data is offloaded.
	MaxPayload int64
	// MaxRequest is the size in bytes up to which a request may grow.
	MaxRequest int64
	// TTL is how long data is kept after its last use.
	TTL time.Duration
	// Logger gets warnings, each once. It never gets a token or any data.
	Logger *slog.Logger
}

// An Interceptor rewrites the messages of Dash callbacks. Its methods may be called at the same time.
type Interceptor struct {
	Config
	keys   *keyring
	savers []*saver // of the secrets
	folds  *folds

	mu    sync.Mutex
	noted recent[struct{}] // what was logged once
}

// New returns an interceptor.
func New(config Config) *Interceptor {
	ic := &Interceptor{
		Config: config,
		keys:   newKeyring(config.Namespace, config.Secrets),
		folds:  newFolds(),
		noted:  recent[struct{}]{most: maxStores},
	}
	for _, secret := range config.Secrets {
		ic.savers = append(ic.savers, newSaver(secret))
	}
	return ic
}

// Session identifies the app and the user whose messages are rewritten, and the storage that keeps their data.
type Session struct {
	Store storage.Store
	// Facts is where what is known of the app is saved.
	Facts storage.Store
	App   *App
	// Scope is what tokens are made for, besides the app: one made for a scope opens in no other.
	Scope string
	// Unscoped says that the user's scope is not known, though there should be one: nothing is offloaded, and no token opens.
	Unscoped bool
	// Visitor returns what tells apart whom the app may show other parts of itself. It decides only when the app is asked about
	// itself, and is called only then; nil: all are one.
	Visitor func() string
	// Client tells browsers apart as well as an address can: two may share one. It is a hint, on which it depends who waits for
	// whom, and nothing else.
	Client string
	// Shown is what the browser has shown in this request or, of a WebSocket, on this connection; nil: nothing is noted.
	Shown *Shown
}

func (s Session) visitor() string {
	if s.Visitor == nil {
		return ""
	}
	return s.Visitor()
}

// audience is whom the session's tokens are made for.
func (s Session) audience() audience {
	return audience{site: s.App.Site, app: s.App.Name, scope: s.Scope, nobody: s.Unscoped}
}

// CheckNames logs, once each, the ids that the option stores names and that the app, as far as it is known, does not have.
func (ic *Interceptor) CheckNames(app *App) {
	for _, id := range app.unseen(ic.Selection.ids) {
		ic.warnOnce(app, id, "no component of the app has this id, which the option stores names: check its spelling")
	}
}

// decide says what is done with a Store's data, and logs once why it is not offloaded where that could surprise.
func (ic *Interceptor) decide(session Session, id string) Reason {
	app := session.App
	reason := ic.Selection.decide(app, id)
	switch reason {
	case Offloaded:
		if session.Unscoped {
			return NoScope
		}
	case Ambiguous:
		ic.warnOnce(app, id, "Store stays in the browser, because another component of the app has its id: give each an id of its own")
	case Clientside:
		ic.warnOnce(app, id, "Store stays in the browser, because a clientside callback uses its data there")
	case StorageType:
		ic.once(app, "", slog.LevelInfo,
			"the app has session or local Stores, which stay in the browser; to offload them too: stores auto memory session local")
	}
	return reason
}

func (ic *Interceptor) warnOnce(app *App, id, message string) {
	ic.once(app, id, slog.LevelWarn, message)
}

// WarnOnce logs a warning about an app, the first time.
func (ic *Interceptor) WarnOnce(app *App, message string, args ...any) {
	ic.once(app, "", slog.LevelWarn, message, args...)
}

// NamespaceID is a short name of the namespace, fit for a URL.
func (ic *Interceptor) NamespaceID() string { return hex.EncodeToString(ic.keys.namespaceID[:]) }

// once logs a message about an app, and a Store of it if id is not empty, the first time.
func (ic *Interceptor) once(app *App, id string, level slog.Level, message string, args ...any) {
	key := appKey(app.Site, app.Name) + "\x00" + id + "\x00" + message
	ic.mu.Lock()
	_, noted := ic.noted.get(key)
	if !noted {
		ic.noted.put(key, struct{}{})
	}
	ic.mu.Unlock()
	if noted {
		return
	}
	args = append(args, "app", app.Name)
	if id != "" {
		args = append(args, "store", id)
	}
	ic.Logger.Log(context.Background(), level, message, args...)
}
