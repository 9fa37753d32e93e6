package file_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/file"
)

// deny makes a system call fail from now on unless its first argument is one of those given, for the goroutine that calls it alone: it
// stays on its thread, which ends with it. See seccomp(2).
func deny(t *testing.T, call uint32, errno syscall.Errno, but ...uint32) {
	t.Helper()
	runtime.LockOSThread()
	const (
		setNoNewPrivs, setSeccomp, modeFilter = 38, 22, 2
		retErrno, retAllow                    = 0x00050000, 0x7fff0000
	)
	filter := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: 0}, // the number of the call
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: call, Jf: uint8(2 + len(but))},
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: 16}, // its first argument
	}
	for i, argument := range but {
		filter = append(filter, syscall.SockFilter{
			Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: argument, Jt: uint8(len(but) - i),
		})
	}
	filter = append(filter,
		syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: retErrno | uint32(errno)},
		syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: retAllow},
	)
	program := &syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0)
	require.Zero(t, err)
	_, _, err = syscall.RawSyscall6(syscall.SYS_PRCTL, setSeccomp, modeFilter, uintptr(unsafe.Pointer(program)), 0, 0, 0)
	require.Zero(t, err)
}

// heedModes makes the modes of files hold for root too: likewise for the goroutine that calls it alone, and for processes that
// it starts. See capabilities(7).
func heedModes(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	const version3, override, readSearch = 0x20080522, 1 << 1, 1 << 2 // CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
	header := struct {
		version uint32
		pid     int32
	}{version: version3}
	var data [2]struct{ effective, permitted, inheritable uint32 }
	call := func(number uintptr) {
		_, _, err := syscall.RawSyscall(number, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
		require.Zero(t, err)
	}
	call(syscall.SYS_CAPGET)
	data[0].effective &^= override | readSearch
	call(syscall.SYS_CAPSET)
	const dropFromBoundingSet = 24
	for _, capability := range []uintptr{1, 2} { // who is not root may not, and has no need to
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, dropFromBoundingSet, capability, 0)
	}
}

// setModes changes the mode of dir and of all directories in it.
func setModes(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	var dirs []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	}))
	for _, dir := range dirs {
		require.NoError(t, os.Chmod(dir, mode))
	}
}

func TestNoPermission(t *testing.T) {
	heedModes(t)
	if !inOwnProcess(t) { // whose threads all start as this one is
		return
	}
	for _, name := range []string{"", "tmp", "tmp/store-1", "ab"} {
		t.Run("in "+name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(path, 0o700))
			require.NoError(t, os.Chmod(path, 0))
			store, err := file.Open(dir, storage.Limits{}, nil)
			require.NoError(t, os.Chmod(path, 0o700))
			require.Nil(t, store)
			require.ErrorIs(t, err, fs.ErrPermission)
			require.ErrorContains(t, err, "change its owner or mode")
		})
	}
}

// The file system becomes read-only under a store, and writable again.
func TestBecomesReadOnly(t *testing.T) {
	t.Parallel()
	heedModes(t)
	dir := t.TempDir()
	store, log := open(t, dir, storage.Limits{})
	put(t, store)
	w := start(t, store)
	other := storage.Key{1}
	setModes(t, dir, 0o500)
	t.Cleanup(func() { setModes(t, dir, 0o700) })

	_, err := store.Create(t.Context())
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorIs(t, w.Commit(other), fs.ErrPermission)
	requireReadBack(t, w)
	_, err = store.Open(t.Context(), other)
	require.ErrorIs(t, err, storage.ErrNotFound)
	requireHas(t, store)
	require.ErrorIs(t, store.Delete(t.Context(), key), fs.ErrPermission)
	require.Equal(t, storage.Stats{Entries: 1, Bytes: int64(len(payload))}, store.Stats(), "what is there counts")
	require.Empty(t, log.String())

	setModes(t, dir, 0o700)
	require.NoError(t, w.Commit(other))
	require.NoError(t, store.Delete(t.Context(), key))
	put(t, store)
	requireHas(t, store)
	require.Equal(t, storage.Stats{Entries: 2, Bytes: 2 * int64(len(payload))}, store.Stats())
	require.Empty(t, tempsIn(t, dir))
}

// With SetFsync, a Commit stands and falls with the syncing of the file, before anyone sees it, and of its directories.
func TestFsync(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		deny(t, syscall.SYS_FSYNC, syscall.EIO)
		dir := t.TempDir()
		store, _ := open(t, dir, storage.Limits{})
		store.SetFsync(true)
		w := start(t, store)
		require.ErrorIs(t, w.Commit(key), syscall.EIO)
		requireReadBack(t, w)
		require.NoFileExists(t, pathOf(dir, key))
		require.Equal(t, storage.Stats{}, store.Stats())
		store.SetFsync(false)
		require.NoError(t, w.Commit(key), "not asked to, it syncs nothing")
		requireHas(t, store)
	})
	for name, level := range map[string]func(dir string) string{
		"its directory": func(dir string) string { return filepath.Dir(pathOf(dir, key)) },
		"the store":     func(dir string) string { return dir },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heedModes(t)
			dir := t.TempDir()
			store, _ := open(t, dir, storage.Limits{})
			store.SetFsync(true)
			put(t, store)
			require.NoError(t, store.SyncPlace(key))
			require.NoError(t, os.Chmod(level(dir), 0o300)) // who may not open it cannot sync it
			require.ErrorIs(t, store.SyncPlace(key), fs.ErrPermission)
			require.NoError(t, os.Chmod(level(dir), 0o700))
		})
	}
	t.Run("a directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		store, _ := open(t, dir, storage.Limits{})
		store.SetFsync(true)
		w, again := start(t, store), start(t, store)
		deny(t, syscall.SYS_FSYNC, syscall.EIO, opened(t, dir)...)
		require.ErrorIs(t, w.Commit(key), syscall.EIO)
		requireReadBack(t, w)
		require.FileExists(t, pathOf(dir, key))
		_, err := w.Write([]byte("more"))
		require.ErrorIs(t, err, syscall.EIO, "the file is in place, so nothing may be added")
		require.ErrorIs(t, w.Commit(key), syscall.EIO)
		w.Abort()
		require.ErrorIs(t, again.Commit(key), syscall.EIO, "what is there may not last either")
		again.Abort()
		store.SetFsync(false)
		put(t, store)
		requireHas(t, store)
	})
}

// opened are the descriptors of the temporary files in dir.
func opened(t *testing.T, dir string) (descriptors []uint32) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, dir) && strings.HasSuffix(path, ".tmp") {
			descriptor, err := strconv.ParseUint(filepath.Base(link), 10, 32)
			require.NoError(t, err)
			descriptors = append(descriptors, uint32(descriptor))
		}
	}
	return descriptors
}

// Where directories cannot be locked, as on NFS, the age of a temporary file tells whether it was left.
func TestNoLocks(t *testing.T) {
	t.Parallel()
	deny(t, syscall.SYS_FLOCK, syscall.ENOLCK)
	dir := t.TempDir()
	one, _ := open(t, dir, storage.Limits{})
	w := start(t, one)
	leave(t, dir, map[string]time.Duration{"store-1/payload-1.tmp": 61 * time.Minute, "store-1/payload-2.tmp": 50 * time.Minute})
	two, _ := open(t, dir, storage.Limits{})
	require.Len(t, tempsIn(t, dir), 2)
	require.Contains(t, tempsIn(t, dir), "store-1/payload-2.tmp")
	require.NoError(t, w.Commit(key))

	open(t, dir, storage.Limits{}) // this one takes the empty directory of the first two, who find another
	put(t, one)
	put(t, two)
	requireHas(t, two)
	require.Len(t, tempsIn(t, dir), 1)
}
