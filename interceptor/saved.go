package interceptor

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/zeebo/blake3"

	"github.com/dashstash/dashstash/storage"
)

// What is known of an app is kept in the storage, so that a restarted or a second proxy knows it too. The bytes are
//
//	version  1 byte, 2
//	facts    savedFacts as JSON
//	tag     32 bytes, keyed BLAKE3 of the entry's key and all before
//
// under a key that is a keyed digest of the namespace, the site and the app's name. Both keys are derived from the secret and serve
// nothing else: no token can be made for the entry, and no payload is taken for one. Losing it costs no more than asking the
// app again.
const (
	savedVersion = 2
	maxSaved     = 16 << 20 // bytes of an app's facts; more are not saved
)

// A saver is what saved facts are found and authenticated with, for one secret.
type saver struct{ place, tag [32]byte }

func newSaver(secret []byte) *saver {
	s := new(saver)
	blake3.DeriveKey("github.com/dashstash/dashstash v1 saved facts place", secret, s.place[:])
	blake3.DeriveKey("github.com/dashstash/dashstash v1 saved facts tag", secret, s.tag[:])
	return s
}

// key is where the facts of an app are.
func (s *saver) key(namespace string, app *App) storage.Key {
	h := newKeyed(&s.place)
	writeFields(h, namespace, app.Site, app.Name)
	key := storage.Key(h.Sum(nil))
	copy(key[ownerStoreAt:], noStore[:])
	return key
}

func (s *saver) tagOf(key storage.Key, content []byte) []byte {
	h := newKeyed(&s.tag)
	h.Write(key[:])
	h.Write(content)
	return h.Sum(nil)
}

// savedState is what is known of what is saved of an app in a namespace.
type savedState struct {
	revision uint64 // of the app, when it was all that was known; 0: it never was
	tag      string // of what was last saved or loaded
}

// Unsaved reports whether more is known of an app than was saved by an interceptor of this namespace.
func (ic *Interceptor) Unsaved(app *App) bool {
	app.mu.Lock()
	defer app.mu.Unlock()
	return app.unsaved(ic.Namespace)
}

func (a *App) unsaved(namespace string) bool {
	return a.layout && a.dependencies != nil && a.saved[namespace].revision != a.revision
}

// SaveApp saves what is known of an app, if it has changed since the last time, together with what others have saved of it
// meanwhile. A failure is logged once, and leaves it for the next change; where the storage cannot be reached, for the next call.
func (ic *Interceptor) SaveApp(ctx context.Context, store storage.Store, app *App) {
	app.saving.Lock() // in turn: of two that replace each other the later must be the one that knows more
	defer app.saving.Unlock()
	if !ic.Unsaved(app) {
		return
	}
	ic.FollowApp(ctx, store, app)
	facts, revision := app.facts()
	tag, err := ic.save(ctx, store, app, facts)
	switch {
	case errors.Is(err, storage.ErrUnavailable):
		return
	case err != nil:
		ic.once(app, "", slog.LevelWarn, "what is known of the app could not be saved: after a restart the app is asked again",
			"error", err)
	}
	app.noteSaved(ic.Namespace, savedState{revision, tag})
}

// save saves facts, and returns their tag.
func (ic *Interceptor) save(ctx context.Context, store storage.Store, app *App, facts savedFacts) (string, error) {
	content, err := json.Marshal(facts)
	if err != nil {
		return "", err
	}
	if len(content) > maxSaved { // what was saved before would be believed, though less is known by it
		_ = store.Delete(ctx, ic.savers[0].key(ic.Namespace, app))
		return "", fmt.Errorf("%d bytes are more than the %d that are saved", len(content), maxSaved)
	}
	saver := ic.savers[0]
	key := saver.key(ic.Namespace, app)
	content = slices.Concat([]byte{savedVersion}, content)
	tag := saver.tagOf(key, content)
	w, err := store.Create(ctx)
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if _, err := w.Write(append(content, tag...)); err != nil {
		return "", err
	}
	// This key, unlike a payload's, does not name the content, and Commit keeps what a key has already.
	if err := store.Delete(ctx, key); err != nil {
		return "", err
	}
	return string(tag), w.Commit(key)
}

// LoadApp fills in what is not known of an app from what was saved of it, and reports whether there was anything. What the
// app itself says, then or later, takes its place.
func (ic *Interceptor) LoadApp(ctx context.Context, store storage.Store, app *App) bool {
	for _, saver := range ic.savers {
		err := ic.load(ctx, store, app, saver)
		switch {
		case err == nil:
			app.enter() // it has answered before
			return true
		case !errors.Is(err, storage.ErrNotFound):
			ic.once(app, "", slog.LevelWarn, "what was saved of the app could not be loaded: the app is asked instead", "error", err)
		}
	}
	return false
}

// FollowApp takes in what others, who share the storage, have saved of an app since this was last called, and counts as a use of
// it. Where that fails, what is known stays; where it is lost, it is to be saved again.
func (ic *Interceptor) FollowApp(ctx context.Context, store storage.Store, app *App) {
	if ic.isLost(ctx, store, app) && app.isDue() {
		app.noteSaved(ic.Namespace, savedState{})
	}
}

// KeepApp is FollowApp, once a minute at most: it sees to it that what was saved of an app is in use, so that it is kept.
func (ic *Interceptor) KeepApp(ctx context.Context, store storage.Store, app *App) {
	if app.isDue() && ic.isLost(ctx, store, app) {
		app.noteSaved(ic.Namespace, savedState{})
	}
}

// isLost takes in what was saved of an app, and reports whether nothing is there.
func (ic *Interceptor) isLost(ctx context.Context, store storage.Store, app *App) bool {
	return errors.Is(ic.load(ctx, store, app, ic.savers[0]), storage.ErrNotFound)
}

// keepEvery is how often, in seconds, it is seen to that what was saved of an app is there.
const keepEvery = 60

// isDue reports whether that was last noted so long ago, and notes it.
func (a *App) isDue() bool {
	last, now := a.kept.Load(), time.Now().Unix()
	return now-last >= keepEvery && a.kept.CompareAndSwap(last, now)
}

var errNotSavedHere = errors.New("it was not saved with this secret, or by another version")

// load takes in what was saved of an app.
func (ic *Interceptor) load(ctx context.Context, store storage.Store, app *App, saver *saver) error {
	key := saver.key(ic.Namespace, app)
	r, err := store.Open(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	size := r.Size() - int64(len(saver.tag))
	if size < 1 || size > 1+maxSaved {
		return errNotSavedHere
	}
	content, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		return err
	}
	content, tag := content[:size], content[size:]
	if string(tag) == app.savedTag(ic.Namespace) {
		return nil
	}
	if content[0] != savedVersion || subtle.ConstantTimeCompare(tag, saver.tagOf(key, content)) != 1 {
		return errNotSavedHere
	}
	var facts savedFacts
	if err := json.Unmarshal(content[1:], &facts); err != nil {
		return err
	}
	app.takeIn(facts)
	known, revision := app.facts()
	if known.more(facts) || saver != ic.savers[0] {
		revision = 0 // it is to be saved
	}
	app.noteSaved(ic.Namespace, savedState{revision, string(tag)})
	return nil
}

func (a *App) noteSaved(namespace string, state savedState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.saved == nil {
		a.saved = make(map[string]savedState)
	}
	a.saved[namespace] = state
}

func (a *App) savedTag(namespace string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.saved[namespace].tag
}
