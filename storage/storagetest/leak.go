package storagetest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package, then checks that they have left nothing: no goroutine, no open file or connection, no
// temporary file, and no more of the heap than a few large payloads take. A package uses it as
//
//	func TestMain(m *testing.M) { storagetest.Main(m) }
//
// It sets the directory for temporary files to one of its own while the tests run.
func Main(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL: after all tests:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	temps, err := os.MkdirTemp("", "storagetest-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(temps)
	if err := os.Setenv("TMPDIR", temps); err != nil {
		return 1, err
	}
	files, heap := openFiles(), heapInUse()
	if code = m.Run(); code != 0 {
		return code, nil // a test that has failed may well leave something
	}
	return code, settled(func() error {
		if left, err := os.ReadDir(temps); err != nil {
			return err
		} else if len(left) > 0 {
			return fmt.Errorf("temporary files are left: %v", left)
		}
		if left := goroutines(); len(left) > 0 {
			return fmt.Errorf("%d goroutines are left:\n\n%s", len(left), strings.Join(left, "\n\n"))
		}
		for _, file := range openFiles() {
			if !slices.Contains(files, file) {
				return fmt.Errorf("%s is still open", file)
			}
		}
		const enough = 8 << 20
		if grown := heapInUse() - heap; grown > enough {
			return fmt.Errorf("%d bytes more than before are in use", grown)
		}
		return nil
	})
}

// settled gives what ends by itself a moment to do so.
func settled(check func() error) (err error) {
	for wait := time.Millisecond; wait < 5*time.Second; wait *= 2 {
		if err = check(); err == nil {
			return nil
		}
		time.Sleep(wait)
	}
	return err
}

// goroutines returns the stacks of all goroutines but this one, and that of os/signal, which never ends once it has started.
func goroutines() []string {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	return slices.DeleteFunc(strings.Split(string(all), "\n\n")[1:], func(stack string) bool {
		return strings.Contains(stack, "os/signal.loop")
	})
}

// openFiles returns what this process has open, where the system tells: files and connections, and not what the Go runtime
// keeps for itself.
func openFiles() (files []string) {
	const open = "/proc/self/fd"
	// The testing package does not close what it writes a profile to.
	profile, _ := filepath.Abs(flag.Lookup("test.cpuprofile").Value.String())
	entries, _ := os.ReadDir(open)
	for _, entry := range entries {
		// The descriptor with which the directory itself was read is closed by now.
		file, err := os.Readlink(filepath.Join(open, entry.Name()))
		if err != nil || strings.HasPrefix(file, "anon_inode:") || file == profile {
			continue
		}
		files = append(files, file)
	}
	return files
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // what had a finalizer goes the second time
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
