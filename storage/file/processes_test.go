//go:build unix

package file_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
)

// shared are the limits of all processes in these tests: about half of the payloads that they use fit.
var shared = storage.Limits{MaxSize: 300_000, MaxEntries: 60}

// numbered is a payload of up to 10 KB; there are 100 of them.
func numbered(n uint64) (data []byte, key storage.Key) {
	data = make([]byte, n%100*100)
	rand.NewChaCha8([32]byte{byte(n % 100)}).Read(data)
	return data, sha256.Sum256(data)
}

// inOwnProcess runs the test that calls it again, in a process of its own, which must have the test pass. It is true there.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	const inner = "DASHSTASH_TEST_IN_OWN_PROCESS"
	if os.Getenv(inner) != "" {
		return true
	}
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), inner+"=1")
	output, err := child.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: "+t.Name()+"/", "it must really have run")
	return false
}

// worker starts TestWorker in a process of its own, which works in dir, at most until the test ends.
func worker(t *testing.T, dir string, seed int, operations string) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWorker$")
	child.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "DASHSTASH_TEST_WORKER="+dir,
		"DASHSTASH_TEST_SEED="+strconv.Itoa(seed), "DASHSTASH_TEST_OPERATIONS="+operations)
	return child
}

// TestWorker is what a worker does. Alone, it does nothing. It says so as soon as it has written half of a payload; that stays
// so to its end.
func TestWorker(t *testing.T) {
	dir := os.Getenv("DASHSTASH_TEST_WORKER")
	if dir == "" {
		return
	}
	seed, err := strconv.ParseUint(os.Getenv("DASHSTASH_TEST_SEED"), 10, 64)
	require.NoError(t, err)
	operations, err := strconv.Atoi(os.Getenv("DASHSTASH_TEST_OPERATIONS"))
	require.NoError(t, err)
	store, err := file.Open(dir, shared, nil)
	require.NoError(t, err)
	half, err := store.Create(t.Context())
	require.NoError(t, err)
	_, err = half.Write(payload[:len(payload)/2])
	require.NoError(t, err)
	_, err = os.Stdout.WriteString("half written\n")
	require.NoError(t, err)
	work(t, dir, store, rand.New(rand.NewPCG(5, seed)), operations)
	half.Abort()
	require.NoError(t, store.Close())
}

// work does random operations in dir, where store is, and requires that all that is found is right.
func work(t *testing.T, dir string, store *file.Store, random *rand.Rand, operations int) {
	t.Helper()
	for range operations {
		if random.IntN(50) == 0 { // somebody starts
			other, err := file.Open(dir, shared, nil)
			require.NoError(t, err)
			require.NoError(t, other.Close())
		}
		data, key := numbered(random.Uint64())
		switch random.IntN(8) {
		case 0:
			require.NoError(t, store.Delete(t.Context(), key))
		case 1, 2, 3:
			w, err := store.Create(t.Context())
			require.NoError(t, err)
			_, err = w.Write(data[:len(data)/2])
			require.NoError(t, err)
			_, err = w.Write(data[len(data)/2:])
			require.NoError(t, err)
			require.NoError(t, w.Commit(key))
		default:
			r, err := store.Open(t.Context(), key)
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			require.NoError(t, err)
			got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
			require.NoError(t, err)
			require.Equal(t, key, storage.Key(sha256.Sum256(got)), "these are not the bytes of the key")
			require.NoError(t, r.Close())
		}
		stats := store.Stats()
		require.LessOrEqual(t, stats.Bytes, shared.MaxSize)
		require.LessOrEqual(t, stats.Entries, shared.MaxEntries)
	}
}

// requireAllRight reads every payload in dir with a store of its own.
func requireAllRight(t *testing.T, dir string) {
	t.Helper()
	store, log := open(t, dir, storage.Limits{})
	found := int64(0)
	for n := range uint64(100) {
		data, key := numbered(n)
		r, err := store.Open(t.Context(), key)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		require.NoError(t, err)
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		require.NoError(t, err)
		require.Equal(t, data, got)
		require.NoError(t, r.Close())
		found++
	}
	require.Equal(t, found, store.Stats().Entries, "nothing else is there")
	require.Empty(t, log.String(), "nothing is damaged")
	require.NoError(t, store.Close())
}

// Several processes put, get, delete and evict in one directory at once.
func TestProcessesTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var workers []*exec.Cmd
	for seed := range 3 {
		workers = append(workers, worker(t, dir, seed, "1000"))
	}
	results := make(chan error)
	for _, child := range workers {
		go func() {
			output, err := child.CombinedOutput()
			if err != nil {
				err = errors.New(string(output))
			}
			results <- err
		}()
	}
	for range workers {
		require.NoError(t, <-results)
	}
	requireAllRight(t, dir)
	require.Empty(t, tempsIn(t, dir))
}

// A process is killed in the middle of its work, again and again, while another goes on.
func TestProcessKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, _ := open(t, dir, shared)
	random := rand.New(rand.NewPCG(5, 1000))
	w := start(t, store)
	mine := tempsIn(t, dir)
	require.Len(t, mine, 1)
	for round := range 10 {
		child := worker(t, dir, round, "100000")
		output, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		line, err := bufio.NewReader(output).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "half written\n", line)
		work(t, dir, store, random, 100)
		require.NoError(t, child.Process.Kill())
		require.Error(t, child.Wait())

		require.Greater(t, len(tempsIn(t, dir)), 1, "it died while it wrote")
		requireAllRight(t, dir)
		require.Equal(t, mine, tempsIn(t, dir), "what the living write stays, and nothing else")
	}
	require.NoError(t, w.Commit(key))
	requireHas(t, store)
}
