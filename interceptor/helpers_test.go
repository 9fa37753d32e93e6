package interceptor

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/spool"
)

// testApp is the name of the apps of the tests.
const testApp = "app"

// testAudience is whom the tests' tokens are made for.
var testAudience = audience{app: testApp, scope: "ada"}

// chop cuts p into chunks of random sizes; some are empty.
func chop(r *rand.Rand, p []byte) (chunks [][]byte) {
	most := 1 + r.IntN(oneOf(r, 3, 20, 300, 1+len(p)))
	for len(p) > 0 {
		n := min(r.IntN(most+1), len(p))
		chunks = append(chunks, p[:n])
		p = p[n:]
	}
	return chunks
}

// chopEvery cuts p into chunks of n bytes.
func chopEvery(n int, p []byte) (chunks [][]byte) {
	for ; len(p) > n; p = p[n:] {
		chunks = append(chunks, p[:n])
	}
	return append(chunks, p)
}

// A logBook keeps what is logged, a line for each record without its time.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.FieldsFunc(l.text.String(), func(c rune) bool { return c == '\n' })
}

func (l *logBook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// testConfig offloads every memory Store, whatever its size, and logs nothing.
func testConfig() Config {
	return Config{
		Namespace:  "test",
		Secrets:    [][]byte{[]byte("the secret of the tests")},
		MaxPayload: 256 << 20,
		MaxRequest: 512 << 20,
		TTL:        24 * time.Hour,
		Logger:     slog.New(slog.DiscardHandler),
		Selection:  Selection{types: []string{storageMemory}},
	}
}

// usedBy are ids whose data a clientside callback uses.
func usedBy(ids ...string) map[string]browserUse {
	uses := make(map[string]browserUse)
	for _, id := range ids {
		use := browserUse{}
		use.seen.renew()
		uses[id] = use
	}
	return uses
}

func newTestInterceptor(change ...func(*Config)) *Interceptor {
	config := testConfig()
	for _, c := range change {
		c(&config)
	}
	return New(config)
}

// newTestApp returns an app with these memory Stores and no callbacks.
func newTestApp(stores ...string) *App {
	app := NewCatalog().App("", testApp)
	app.dependencies = newDependencies()
	app.dependencies.seen.renew()
	for _, id := range stores {
		app.learnStore(id, storageMemory)
	}
	return app
}

// testSession is a browser's with an app, which may be nil where it does not matter.
func testSession(store storage.Store, app *App) Session {
	if app == nil {
		app = NewCatalog().App("", testApp)
	}
	return Session{Store: store, App: app, Scope: testAudience.scope, Shown: NewShown()}
}

// feed writes chunks to w.
func feed(t testing.TB, w io.Writer, chunks [][]byte) {
	t.Helper()
	for _, chunk := range chunks {
		n, err := w.Write(chunk)
		require.NoError(t, err)
		require.Equal(t, len(chunk), n)
	}
}

// offload rewrites a response that comes in chunks, and returns what the browser gets.
func offload(t testing.TB, ic *Interceptor, store storage.Store, app *App, chunks ...[]byte) (string, Figures) {
	t.Helper()
	var out bytes.Buffer
	o := ic.Offload(t.Context(), testSession(store, app), Answer{}, &out)
	feed(t, o, chunks)
	rest := closeOffload(t, o)
	browser, figures := out.String()+rest, o.Figures()
	if !o.broken {
		require.EqualValues(t, len(bytes.Join(chunks, nil))-len(browser), figures.Saved(), "what is said to be saved is not what was")
	}
	return browser, sums(figures)
}

// closeOffload ends a response, and returns what of it had been held back.
func closeOffload(t testing.TB, o *Offload) string {
	t.Helper()
	body, err := o.Close()
	require.NoError(t, err)
	var rest bytes.Buffer
	n, err := io.Copy(&rest, body.Reader(false))
	require.NoError(t, err)
	require.Equal(t, body.Size(), n)
	require.NoError(t, body.Close())
	return rest.String()
}

// rehydrate puts a request's data back, and returns what the app gets.
func rehydrate(t testing.TB, ic *Interceptor, store storage.Store, request string) (string, Figures) {
	t.Helper()
	return rehydrateIn(t, ic, testSession(store, nil), request)
}

// held is a text as a request is held: in memory, if it is short enough.
func held(t testing.TB, text string) io.ReaderAt {
	t.Helper()
	s := new(spool.Spool)
	t.Cleanup(func() { _ = s.Close() })
	_, err := io.WriteString(s, text)
	require.NoError(t, err)
	return s
}

// rehydrateIn is rehydrate in a session.
func rehydrateIn(t testing.TB, ic *Interceptor, session Session, request string) (string, Figures) {
	t.Helper()
	body, figures, err := ic.Rehydrate(t.Context(), session, held(t, request), int64(len(request)))
	require.NoError(t, err)
	if body == nil {
		return request, sums(figures)
	}
	defer body.Close()
	got, err := io.ReadAll(body.Reader(false))
	require.NoError(t, err)
	require.Equal(t, body.Size(), int64(len(got)), "Size is not what was read")
	if figures.Missed == 0 {
		require.EqualValues(t, len(got)-len(request), figures.Saved(), "what is said to be saved is not what was")
	}
	return string(got), sums(figures)
}

// isUsedByBrowser reports whether a clientside callback uses the data of a Store.
func isUsedByBrowser(app *App, id string) bool {
	_, used := app.dependencies.usedByBrowser(id)
	return used
}

// sums are figures without the events that they are the sums of.
func sums(f Figures) Figures {
	f.Events = nil
	return f
}

// isGone reports whether data that a browser keeps is surely gone, also beside other data.
func isGone(t testing.TB, ic *Interceptor, session Session, data string) bool {
	t.Helper()
	list := `[0,` + data + `]`
	gone, err := ic.Gone(t.Context(), session, held(t, list), int64(len(list)))
	require.NoError(t, err)
	require.Len(t, gone, 2)
	require.False(t, gone[0])
	return gone[1]
}

// stash stores a payload, and returns the token for it.
func stash(t testing.TB, ic *Interceptor, store storage.Store, payload string) string {
	t.Helper()
	w, err := store.Create(t.Context())
	require.NoError(t, err)
	_, err = w.Write([]byte(payload))
	require.NoError(t, err)
	ref := refOf(ic.keys, payload)
	require.NoError(t, w.Commit(ref.key))
	return string(ic.keys.token(ref, testAudience))
}

func refOf(keys *keyring, payload string) payloadRef {
	return keys.refOf([]byte(payload), owner{}, testAudience)
}

func newMemory() *memory.Store { return memory.New(storage.Limits{}) }

func newFile(t testing.TB) *file.Store {
	t.Helper()
	store, err := file.Open(t.TempDir(), storage.Limits{}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	return store
}

// A spyStore is a storage that counts, and fails where it is told to.
type spyStore struct {
	storage.Store
	opens   int
	writers int // that have not ended
	readers int // that are not closed

	failCreate, failCommit, failOpen error
	failWrite                        error // from byte failAt on
	failAt                           int64
}

func (s *spyStore) Create(ctx context.Context) (storage.Writer, error) {
	if s.failCreate != nil {
		return nil, s.failCreate
	}
	w, err := s.Store.Create(ctx)
	if err == nil {
		s.writers++
	}
	return &spyWriter{Writer: w, store: s}, err
}

func (s *spyStore) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	s.opens++
	if s.failOpen != nil {
		return nil, s.failOpen
	}
	r, err := s.Store.Open(ctx, key)
	if err == nil {
		s.readers++
		r = &spyReader{r, s}
	}
	return r, err
}

type spyReader struct {
	storage.Reader
	store *spyStore
}

func (r *spyReader) Close() error {
	r.store.readers--
	return r.Reader.Close()
}

type spyWriter struct {
	storage.Writer
	store *spyStore
	size  int64
	ended bool
}

func (w *spyWriter) Write(p []byte) (int, error) {
	short := w.store.failWrite != nil && w.size+int64(len(p)) > w.store.failAt
	if short {
		p = p[:max(0, w.store.failAt-w.size)]
	}
	n, err := w.Writer.Write(p)
	w.size += int64(n)
	if err == nil && short {
		err = w.store.failWrite
	}
	return n, err
}

func (w *spyWriter) Commit(key storage.Key) error {
	if w.store.failCommit != nil {
		return w.store.failCommit
	}
	err := w.Writer.Commit(key)
	if err == nil {
		w.end()
	}
	return err
}

func (w *spyWriter) Abort() {
	w.Writer.Abort()
	w.end()
}

func (w *spyWriter) end() {
	if !w.ended {
		w.ended = true
		w.store.writers--
	}
}

// requireEmpty says that nothing is stored and nothing is still being written.
func requireEmpty(t testing.TB, store *spyStore, args ...any) {
	t.Helper()
	require.Zero(t, store.Stats(), args...)
	require.Zero(t, store.writers, args...)
}
