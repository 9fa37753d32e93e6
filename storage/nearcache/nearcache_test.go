package nearcache_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/servertest"
	"github.com/dashstash/dashstash/storage/memory"
	"github.com/dashstash/dashstash/storage/nearcache"
	"github.com/dashstash/dashstash/storage/redis"
	"github.com/dashstash/dashstash/storage/storagetest"
)

func TestMain(m *testing.M) { storagetest.Main(m) }

// The suite, on a real server; some payloads are larger than what near may hold.
func TestStore(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	storagetest.Run(t, storagetest.Backend{
		Open: func(_ testing.TB, place string, limits storage.Limits) storage.Store {
			far := redis.Open(redis.Options{Addresses: []string{server.Addr}, Prefix: place}, nil)
			store := nearcache.New(memory.New(storage.Limits{}), far, storage.Limits{MaxSize: 1 << 20})
			store.SetLimits(limits)
			return store
		},
		Purges: true,
	})
}

// far is a store in memory in the place of one on a server.
type far struct {
	*memory.Store
	opens   atomic.Int64
	failing atomic.Pointer[error] // all calls fail so
}

func (f *far) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	f.opens.Add(1)
	if err := f.failing.Load(); err != nil {
		return nil, *err
	}
	return f.Store.Open(ctx, key)
}

func (f *far) Create(ctx context.Context) (storage.Writer, error) {
	if err := f.failing.Load(); err != nil {
		return nil, *err
	}
	return f.Store.Create(ctx)
}

func newStore(nearLimits, limits storage.Limits) (store *nearcache.Store, near *memory.Store, server *far) {
	near, server = memory.New(storage.Limits{}), &far{Store: memory.New(storage.Limits{})}
	store = nearcache.New(near, server, nearLimits)
	store.SetLimits(limits)
	return store, near, server
}

// What was made here is read here, also while the server is away; what was made elsewhere is fetched once.
func TestNear(t *testing.T) {
	t.Parallel()
	store, near, server := newStore(storage.Limits{MaxSize: 1000}, storage.Limits{})
	require.NoError(t, storagetest.NewPayload(1, 500).Put(t, store))
	require.NoError(t, storagetest.NewPayload(2, 500).Put(t, server))
	for range 3 {
		require.NoError(t, storagetest.NewPayload(1, 500).Get(t, store))
		require.NoError(t, storagetest.NewPayload(2, 500).Get(t, store))
	}
	require.EqualValues(t, 1, server.opens.Load())
	require.Equal(t, storage.Stats{Entries: 2, Bytes: 1000}, near.Stats())

	server.failing.Store(new(error(storage.ErrUnavailable)))
	require.NoError(t, storagetest.NewPayload(1, 500).Get(t, store))
	require.ErrorIs(t, storagetest.NewPayload(3, 500).Get(t, store), storage.ErrUnavailable)
	_, err := store.Create(t.Context())
	require.ErrorIs(t, err, storage.ErrUnavailable, "what only near would have is for nobody else")
}

// What near cannot hold is read from the server, each time, and stored there.
func TestLargerThanNear(t *testing.T) {
	t.Parallel()
	store, near, server := newStore(storage.Limits{MaxSize: 1000}, storage.Limits{})
	require.NoError(t, storagetest.NewPayload(1, 1001).Put(t, store))
	require.NoError(t, storagetest.NewPayload(1, 1001).Get(t, store))
	require.NoError(t, storagetest.NewPayload(1, 1001).Get(t, store))
	require.EqualValues(t, 2, server.opens.Load())
	require.Zero(t, near.Stats())
	require.Equal(t, storage.Stats{Entries: 1, Bytes: 1001}, store.Stats())
}

// A near layer that fails is no loss.
func TestNearFails(t *testing.T) {
	t.Parallel()
	store, near, _ := newStore(storage.Limits{}, storage.Limits{})
	require.NoError(t, storagetest.NewPayload(1, 100).Put(t, store))
	near.SetLimits(storage.Limits{MaxSize: 1})
	require.NoError(t, storagetest.NewPayload(1, 100).Get(t, store))
	require.NoError(t, storagetest.NewPayload(2, 100).Put(t, store))
	require.NoError(t, storagetest.NewPayload(2, 100).Get(t, store))
}

func TestDelete(t *testing.T) {
	t.Parallel()
	store, near, _ := newStore(storage.Limits{}, storage.Limits{})
	require.NoError(t, storagetest.NewPayload(1, 100).Put(t, store))
	key := storagetest.NewPayload(1, 100).Key
	require.NoError(t, store.Delete(t.Context(), key))
	require.ErrorIs(t, storagetest.NewPayload(1, 100).Get(t, store), storage.ErrNotFound)
	require.Zero(t, near.Stats())
	require.Zero(t, store.Stats())
}

// What is only ever read near does not expire on the server meanwhile.
func TestUseNearIsUseFar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, _, server := newStore(storage.Limits{}, storage.Limits{TTL: time.Hour})
		defer store.Close()
		require.NoError(t, storagetest.NewPayload(1, 100).Put(t, store))
		require.NoError(t, storagetest.NewPayload(2, 100).Put(t, server))
		require.NoError(t, storagetest.NewPayload(2, 100).Get(t, store))
		for range 100 {
			time.Sleep(3 * time.Minute)
			require.NoError(t, storagetest.NewPayload(1, 100).Get(t, store))
			require.NoError(t, storagetest.NewPayload(2, 100).Get(t, store))
		}
		require.NoError(t, storagetest.NewPayload(1, 100).Get(t, server))
		require.NoError(t, storagetest.NewPayload(2, 100).Get(t, server))
		require.Less(t, server.opens.Load(), int64(2*60), "once in a tenth of the time to live")
	})
}

// Many who want a payload at once have it fetched once.
func TestFetchedOnce(t *testing.T) {
	t.Parallel()
	store, _, server := newStore(storage.Limits{}, storage.Limits{})
	require.NoError(t, storagetest.NewPayload(1, 1_000_000).Put(t, server))
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			if err := storagetest.NewPayload(1, 1_000_000).Get(t, store); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	require.EqualValues(t, 1, server.opens.Load())
	for range 2 {
		require.ErrorIs(t, storagetest.NewPayload(2, 10).Get(t, store), storage.ErrNotFound, "whoever waited for nothing may ask again")
	}
}

// Who waits for what another fetches need not wait longer than its own request lasts.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	near, server := memory.New(storage.Limits{}), newStuck()
	store := nearcache.New(near, server, storage.Limits{})
	key := storagetest.NewPayload(1, 10).Key
	first := make(chan error)
	go func() {
		_, err := store.Open(context.Background(), key)
		first <- err
	}()
	<-server.begun
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := store.Open(ctx, key)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	close(server.goOn)
	require.ErrorIs(t, <-first, storage.ErrNotFound)
}

// stuck is a store that opens nothing until it is told to go on.
type stuck struct {
	*memory.Store
	begun, goOn chan struct{}
}

func newStuck() *stuck {
	return &stuck{memory.New(storage.Limits{}), make(chan struct{}, 1), make(chan struct{})}
}

func (s *stuck) Open(ctx context.Context, key storage.Key) (storage.Reader, error) {
	s.begun <- struct{}{}
	<-s.goOn
	return s.Store.Open(ctx, key)
}
