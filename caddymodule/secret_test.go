package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/certmagic"
	"github.com/stretchr/testify/require"
)

func newSecretStorage(t *testing.T) (*certmagic.FileStorage, string) {
	dir := t.TempDir()
	return &certmagic.FileStorage{Path: dir}, filepath.Join(dir, filepath.FromSlash(secretName))
}

// The secret is made once, whoever asks first and however many do, and kept.
func TestStoredSecret(t *testing.T) {
	t.Parallel()
	store, path := newSecretStorage(t)
	secrets := make([][]byte, 10)
	var all sync.WaitGroup
	for i := range secrets {
		all.Go(func() { secrets[i], _ = storedSecret(t.Context(), store) })
	}
	all.Wait()
	require.Len(t, secrets[0], 32)
	for _, secret := range secrets {
		require.Equal(t, secrets[0], secret)
	}
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, secrets[0], kept)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "nobody else may read it")

	other, _ := newSecretStorage(t)
	secret, err := storedSecret(t.Context(), other)
	require.NoError(t, err)
	require.NotEqual(t, secrets[0], secret)
}

func TestStoredSecretFails(t *testing.T) {
	t.Parallel()
	t.Run("damaged", func(t *testing.T) {
		t.Parallel()
		store, path := newSecretStorage(t)
		require.NoError(t, store.Store(t.Context(), secretName, []byte("short")))
		_, err := storedSecret(t.Context(), store)
		require.ErrorContains(t, err, "dash_stash/secret.key is damaged: remove it")
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "short", string(kept), "it may be the only one there is")
	})
	for _, call := range []string{"Lock", "Load", "Store", "Unlock"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			store, _ := newSecretStorage(t)
			failing := &failingStorage{Storage: store, call: call}
			_, err := storedSecret(t.Context(), failing)
			require.ErrorIs(t, err, errStorage)
			require.Equal(t, call != "Lock", failing.unlocked)
		})
	}
}

var errStorage = errors.New("storage is down")

// A failingStorage fails in one call.
type failingStorage struct {
	certmagic.Storage
	call     string
	unlocked bool
}

func (f *failingStorage) fail(call string) error {
	if call == f.call {
		return errStorage
	}
	return nil
}

func (f *failingStorage) Lock(ctx context.Context, name string) error {
	return errors.Join(f.fail("Lock"), f.Storage.Lock(ctx, name))
}

func (f *failingStorage) Unlock(ctx context.Context, name string) error {
	f.unlocked = true
	return errors.Join(f.Storage.Unlock(ctx, name), f.fail("Unlock"))
}

func (f *failingStorage) Load(ctx context.Context, key string) ([]byte, error) {
	if err := f.fail("Load"); err != nil {
		return nil, err
	}
	return f.Storage.Load(ctx, key)
}

func (f *failingStorage) Store(ctx context.Context, key string, value []byte) error {
	if err := f.fail("Store"); err != nil {
		return err
	}
	return f.Storage.Store(ctx, key, value)
}

// Handlers without a secret of their own share the one in Caddy's storage, so that each opens the other's tokens, also when
// they are provisioned at the same time.
func TestHandlersShareStoredSecret(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	directive := fmt.Sprintf("dash_stash {\n storage memory test-%d\n}", unique.Add(1))
	sites := make([]*site, 4)
	var all sync.WaitGroup
	for i := range sites {
		all.Go(func() { sites[i] = app.openSite(t, directive) })
	}
	all.Wait()
	for _, s := range sites {
		s.host = sites[0].host
	}
	token := storeData(t, sites[0])
	for _, s := range sites {
		require.Equal(t, token, tokenIn(t, s.callback(t, reading(token)).body))
		require.Equal(t, reading(data), app.last(t).body)
	}
}

func TestSecretRotation(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	name := fmt.Sprintf("test-%d", unique.Add(1))
	with := func(secrets string) *site {
		return app.openSite(t, fmt.Sprintf("dash_stash {\n secret %s\n storage memory %s\n}", secrets, name))
	}
	old := with(`"the first secret"`)
	token := storeData(t, old)

	rotated := with(`"the second secret" "the first secret"`)
	rotated.host = old.host
	got := rotated.callback(t, reading(token))
	require.Equal(t, reading(data), app.last(t).body, "the older secret opens")
	newToken := tokenIn(t, got.body)
	require.NotEqual(t, token, newToken, "the newest secret makes tokens")

	done := with(`"the second secret"`)
	done.host = old.host
	done.callback(t, reading(newToken, token))
	require.Equal(t, reading(data, "null"), app.last(t).body, "the older one is out of use")
}

func TestSecretFromEnvironment(t *testing.T) {
	t.Setenv("DASH_STASH_TEST_SECRET", testSecret)
	data := repeated(5000)
	app := newDash(t, answering(setting("df", data)))
	directive := stash()
	s := app.openSite(t, directive)
	token := storeData(t, s)
	app.besideSite(t, s, strings.Replace(directive, `"`+testSecret+`"`, "{env.DASH_STASH_TEST_SECRET}", 1)).callback(t, reading(token))
	require.Equal(t, reading(data), app.last(t).body)
}
