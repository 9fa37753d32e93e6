// Package storagetest checks that a storage backend keeps the contract of package storage. A backend's own test is
//
//	func TestStore(t *testing.T) {
//		storagetest.Run(t, storagetest.Backend{
//			Open: func(_ testing.TB, _ string, limits storage.Limits) storage.Store { return memory.New(limits) },
//			Bounded: true,
//		})
//	}
//
// and as much again for [Benchmark].
package storagetest

import (
	"testing"

	"github.com/dashstash/dashstash/storage"
)

// Backend says how to open a store of a kind, and what to expect of it beyond [storage.Store]. Nothing is skipped: what a
// backend does not claim is not part of its suite.
type Backend struct {
	// Open returns the store at place: an empty one the first time. A place is the name of an existing, empty directory,
	// unlike that of any other test; a backend that keeps nothing in files may use it as a namespace, or not at all. Open
	// fails the test if it cannot. The suite closes the store.
	Open func(tb testing.TB, place string, limits storage.Limits) storage.Store

	// Bounded: the store keeps within its limits itself, to the byte, counts exactly in Stats and is a storage.Limiter.
	Bounded bool
	// Persistent: a store that is opened at the place of another, closed or not, has the same payloads.
	Persistent bool
	// Purges: the store is a storage.Purger that can list what it keeps. What Stats counts, it counts alike.
	Purges bool
	// Files: all that the store keeps is in files in place, one a payload, and nothing else. Such a store is Persistent,
	// and finds damage.
	Files bool
	// Values is set where payloads are on a server, which bounds them and lets them expire: it returns the values in which the
	// bytes of one are. Such a store is Persistent as long as the server runs, and finds damage.
	Values func(place string, key storage.Key) []Value
}

// Value is a value on a server.
type Value interface {
	// Load returns it; nil if it is not there.
	Load(tb testing.TB) []byte
	// Save puts bytes in its place. nil removes it.
	Save(tb testing.TB, bytes []byte)
}

func (b Backend) remote() bool { return b.Values != nil }

// Run runs the suite.
func Run(t *testing.T, b Backend) {
	groups := []struct {
		name  string
		in    bool
		tests []test
	}{
		{"Payload", true, payloadTests},
		{"Writer", true, writerTests},
		{"Store", true, storeTests},
		{"Limits", b.Bounded, limitTests},
		{"InUse", b.Bounded, inUseTests},
		{"Expiry", b.Bounded, expiryTests},
		{"Persistence", b.Persistent, persistenceTests},
		{"UsePersistence", b.Persistent && b.Bounded, usePersistenceTests},
		{"Purge", b.Purges, purgeTests},
		{"PurgeAtOnePlace", b.Purges && b.Persistent, purgePersistenceTests},
		{"PurgeAndLimits", b.Purges && b.Bounded, purgeLimitTests},
		{"Files", b.Files, fileTests},
		{"Damage", b.Files, damageTests},
		{"Server", b.remote(), serverTests},
	}
	for _, group := range groups {
		if !group.in {
			continue
		}
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, b)
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(*testing.T, Backend)
}
