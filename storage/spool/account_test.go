package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/spool"
)

// withAccount gives a serial test an account of its own.
func withAccount(t *testing.T, limit int64) *spool.Account {
	t.Helper()
	before := spool.Disk
	t.Cleanup(func() { spool.Disk = before })
	spool.Disk = spool.NewAccount(limit)
	return spool.Disk
}

// fill writes pieces until there is no room, and tells how many bytes went to the disk.
func fill(t *testing.T, s *spool.Spool, piece int) int64 {
	t.Helper()
	for {
		n, err := s.Write(make([]byte, piece))
		if err != nil {
			require.ErrorIs(t, err, spool.ErrNoRoom)
			require.Zero(t, n)
			return s.Size()
		}
	}
}

// Whoever takes all that they can leaves as much to the next, however many they are and however many spools they have.
func TestShares(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const limit, piece = 24 << 20, 64 << 10
	account := withAccount(t, limit)
	var all []*spool.Spool
	for holders := 1; holders <= 4; holders++ {
		var has int64
		for range 3 {
			s := &spool.Spool{Holder: fmt.Sprint(holders)}
			all = append(all, s)
			if size := fill(t, s, piece); size > spool.InMemory {
				has += size
			}
		}
		free := limit - account.Held()
		require.GreaterOrEqual(t, free, has)
		require.Less(t, free-has, int64(2*(piece+spool.InMemory)), "it stops no earlier")
	}
	for _, s := range all {
		require.NoError(t, s.Close())
	}
	require.Zero(t, account.Held())
}

// Raise is for two things of one that is alone, and never takes anything away.
func TestRaise(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	account := withAccount(t, 4<<20)
	account.Raise(5 << 20)
	account.Raise(1 << 20)
	s := new(spool.Spool)
	_, err := s.Write(make([]byte, 2*5<<20))
	require.NoError(t, err)
	_, err = s.Write(make([]byte, 1))
	require.ErrorIs(t, err, spool.ErrNoRoom)
	account.Raise(math.MaxInt64)
	_, err = s.Write(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Zero(t, account.Held())
}

// Whatever happens to spools, in whatever order: what was written can be read, no more is on disk than there may be, the account
// has what the files have, and nothing when all are closed.
func TestAccountIsGivenBack(t *testing.T) {
	const limit = 12 << 20
	account := withAccount(t, limit)
	places := []string{t.TempDir(), t.TempDir() + "/missing"}
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 0))
		spools := make([]*spool.Spool, 6)
		written := make([]bytes.Buffer, len(spools))
		for i := range spools {
			spools[i] = &spool.Spool{Holder: fmt.Sprint(i % 3)}
		}
		for range 40 {
			i := random.IntN(len(spools))
			t.Setenv("TMPDIR", places[random.IntN(8)/7])
			data := bytes.Repeat([]byte{byte(random.Int())}, 1+random.IntN(1<<(1+random.IntN(21))))
			var err error
			switch random.IntN(8) {
			case 0:
				_ = spools[i].Close()
				spools[i], written[i] = &spool.Spool{Holder: fmt.Sprint(i % 3)}, bytes.Buffer{}
				continue
			case 1:
				_ = spools[i].Close() // a use after Close fails, and takes nothing for good
				_, _ = spools[i].Write(data)
				_ = spools[i].Close()
				spools[i], written[i] = new(spool.Spool), bytes.Buffer{}
				continue
			case 2, 3:
				_, err = spools[i].ReadFrom(bytes.NewReader(data))
			default:
				_, err = spools[i].Write(data)
			}
			if _, noPlace := errors.AsType[*fs.PathError](err); err != nil && !noPlace {
				require.ErrorIs(t, err, spool.ErrNoRoom)
			}
			kept := data[:spools[i].Size()-int64(written[i].Len())] // a ReadFrom that fails has read more than it could keep
			written[i].Write(kept)

			var onDisk int64
			for _, s := range spools {
				if s.Bytes() == nil {
					onDisk += s.Size()
				}
			}
			require.Equal(t, onDisk, account.Held())
			require.LessOrEqual(t, onDisk, int64(limit))
		}
		for i, s := range spools {
			got := make([]byte, s.Size())
			if len(got) > 0 {
				_, err := s.ReadAt(got, 0)
				require.NoError(t, err)
			}
			require.True(t, bytes.Equal(written[i].Bytes(), got))
			_ = s.Close()
		}
		require.Zero(t, account.Held(), "seed %d", seed)
	}
}

// Many at once keep within the bound, and leave nothing behind.
func TestAccountAtOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const limit = 16 << 20
	account := withAccount(t, limit)
	var workers sync.WaitGroup
	for worker := range 16 {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 20 {
				s := &spool.Spool{Holder: fmt.Sprint(worker % 5)}
				for range random.IntN(30) {
					if _, err := s.Write(make([]byte, 100<<10)); err != nil {
						break
					}
				}
				if held := account.Held(); held > limit {
					t.Errorf("%d bytes are held", held)
				}
				_ = s.Close()
			}
		})
	}
	workers.Wait()
	require.Zero(t, account.Held())
}

// An announced size takes no memory: that grows with what has come.
func TestGrowsWithWhatComes(t *testing.T) {
	const spools = 500
	allocated := func() uint64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.TotalAlloc
	}
	for _, came := range []int{0, 100, 10_000, 100_000} {
		data := make([]byte, came)
		before := allocated()
		for range spools {
			s := new(spool.Spool)
			s.Grow(1 << 40)
			_, err := s.ReadFrom(bytes.NewReader(data))
			require.NoError(t, err)
		}
		each := (allocated() - before) / spools
		require.Less(t, each, uint64(64<<10+5*came), "%d bytes have come", came)
	}
}
