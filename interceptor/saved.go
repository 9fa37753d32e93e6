package interceptor

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"github.com/zeebo/blake3"

	"github.com/dashstash/dashstash/storage"
)

// What is known of an app is kept in the storage, so that a restarted or a second proxy knows it too. The bytes are
//
//	version  1 byte, 1
//	facts    savedFacts as JSON
//	tag     32 bytes, keyed BLAKE3 of the entry's key and all before
//
// under a key that is a keyed digest of the namespace and the app's name. Both keys are derived from the secret and serve
// nothing else: no token can be made for the entry, and no payload is taken for one. Losing it costs no more than asking the
// app again.
const (
	savedVersion = 1
	maxSaved     = 4 << 20 // bytes of an app's facts; more are not saved
)

// savedFacts is what is saved of an app.
type savedFacts struct {
	Stores      []savedStore `json:"stores"`
	Carriers    []string     `json:"carriers"`
	IDs         []string     `json:"ids"`          // that callbacks name
	BrowserIDs  []string     `json:"browser_ids"`  // whose data the browser uses
	BrowserDict []string     `json:"browser_dict"` // the same by wildcard
}

type savedStore struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Patched bool   `json:"patched,omitempty"`
}

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
	var size [8]byte // keeps ("ab", "c") and ("a", "bc") apart
	binary.BigEndian.PutUint64(size[:], uint64(len(namespace)))
	h.Write(size[:])
	h.Write([]byte(namespace))
	h.Write([]byte(app.Name))
	return storage.Key(h.Sum(nil))
}

func (s *saver) tagOf(key storage.Key, content []byte) []byte {
	h := newKeyed(&s.tag)
	h.Write(key[:])
	h.Write(content)
	return h.Sum(nil)
}

// Unsaved reports whether more is known of an app than was saved by an interceptor of this namespace.
func (ic *Interceptor) Unsaved(app *App) bool {
	app.mu.Lock()
	defer app.mu.Unlock()
	return app.unsaved(ic.Namespace)
}

func (a *App) unsaved(namespace string) bool {
	return a.layout && a.dependencies != nil && a.saved[namespace] != a.revision
}

// SaveApp saves what is known of an app, if it has changed since the last time. A failure is logged once, and leaves it for
// the next change.
func (ic *Interceptor) SaveApp(ctx context.Context, store storage.Store, app *App) {
	app.saving.Lock() // in turn: of two that replace each other the later must be the one that knows more
	defer app.saving.Unlock()
	facts, ok := app.toSave(ic.Namespace)
	if !ok {
		return
	}
	if err := ic.save(ctx, store, app, facts); err != nil {
		ic.once(app, "", slog.LevelWarn, "what is known of the app could not be saved: after a restart the app is asked again",
			"error", err)
	}
}

func (ic *Interceptor) save(ctx context.Context, store storage.Store, app *App, facts savedFacts) error {
	content, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	if len(content) > maxSaved {
		return fmt.Errorf("%d bytes are more than the %d that are saved", len(content), maxSaved)
	}
	saver := newSaver(ic.Secrets[0])
	key := saver.key(ic.Namespace, app)
	content = slices.Concat([]byte{savedVersion}, content)
	content = append(content, saver.tagOf(key, content)...)
	w, err := store.Create(ctx)
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		return err
	}
	// This key, unlike a payload's, does not name the content, and Commit keeps what a key has already.
	if err := store.Delete(ctx, key); err != nil {
		return err
	}
	return w.Commit(key)
}

// toSave returns what is known of the app, and notes it as saved; ok is false if it was already, or too little is known.
func (a *App) toSave(namespace string) (facts savedFacts, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.unsaved(namespace) {
		return facts, false
	}
	if a.saved == nil {
		a.saved = make(map[string]uint64)
	}
	a.saved[namespace] = a.revision
	for id, store := range a.stores.all() {
		facts.Stores = append(facts.Stores, savedStore{id, store.storageType, store.patched})
	}
	facts.Carriers = slices.Collect(maps.Keys(a.carriers.all()))
	facts.IDs = slices.Collect(maps.Keys(a.dependencies.ids))
	facts.BrowserIDs = slices.Collect(maps.Keys(a.dependencies.browserIDs))
	for _, pattern := range a.dependencies.browserDict {
		facts.BrowserDict = append(facts.BrowserDict, pattern.text)
	}
	return facts, true
}

// LoadApp fills in what is not known of an app from what was saved of it, and reports whether there was anything. What the
// app itself says, then or later, takes its place.
func (ic *Interceptor) LoadApp(ctx context.Context, store storage.Store, app *App) bool {
	for i, secret := range ic.Secrets {
		facts, err := ic.load(ctx, store, app, newSaver(secret))
		switch {
		case err == nil:
			app.restore(facts, ic.Namespace, i == 0)
			return true
		case !errors.Is(err, storage.ErrNotFound):
			ic.once(app, "", slog.LevelWarn, "what was saved of the app could not be loaded: the app is asked instead", "error", err)
		}
	}
	return false
}

var errNotSavedHere = errors.New("it was not saved with this secret, or by another version")

func (ic *Interceptor) load(ctx context.Context, store storage.Store, app *App, saver *saver) (facts savedFacts, err error) {
	key := saver.key(ic.Namespace, app)
	r, err := store.Open(ctx, key)
	if err != nil {
		return facts, err
	}
	defer r.Close()
	size := r.Size() - int64(len(saver.tag))
	if size < 1 || size > 1+maxSaved {
		return facts, errNotSavedHere
	}
	content, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		return facts, err
	}
	content, tag := content[:size], content[size:]
	if content[0] != savedVersion || subtle.ConstantTimeCompare(tag, saver.tagOf(key, content)) != 1 {
		return facts, errNotSavedHere
	}
	return facts, json.NewDecoder(bytes.NewReader(content[1:])).Decode(&facts)
}

// restore adds saved facts where nothing is known. If that is all that is known then, and a save in the namespace would save
// the same, it is noted as saved.
func (a *App) restore(facts savedFacts, namespace string, asSaved bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	blank := a.revision == 0
	if !a.layout { // else the app may have said already that an id is no Store
		a.layout = true
		for _, store := range facts.Stores {
			if _, known := a.stores.get(store.ID); !known {
				a.stores.put(store.ID, &storeFacts{storageType: store.Type, patched: store.Patched})
			}
		}
	}
	for _, key := range facts.Carriers {
		a.carriers.put(key, struct{}{})
	}
	if a.dependencies == nil {
		a.dependencies = facts.dependencies()
		a.loaded = true
	}
	a.revision++
	if blank && asSaved {
		a.saved = map[string]uint64{namespace: a.revision}
	}
}

func (f *savedFacts) dependencies() *dependencies {
	d := &dependencies{ids: setOf(f.IDs), browserIDs: setOf(f.BrowserIDs)}
	for _, text := range f.BrowserDict {
		if pattern, err := parseIDPattern(text); err == nil {
			d.browserDict = append(d.browserDict, pattern)
		}
	}
	return d
}

func setOf(texts []string) map[string]bool {
	set := make(map[string]bool, len(texts))
	for _, text := range texts {
		set[text] = true
	}
	return set
}
