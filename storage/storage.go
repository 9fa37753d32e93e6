// Package storage keeps immutable runs of bytes ("payloads") under keys that name their content.
//
// A payload is written once, through a [Writer], and gets its [Key] only when all its bytes are known. Since a key names
// its content, two payloads under one key are equal: storing one again is a use of the one that is there, entries never
// go stale, and no two processes can disagree about what a key holds.
//
// Every [Store] passes the conformance suite in package storagetest.
package storage

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Errors that callers test for, with errors.Is.
var (
	// ErrNotFound: the store holds nothing under the key. It never did, or the payload was evicted, has expired or was
	// found damaged.
	ErrNotFound = errors.New("payload not found")
	// ErrTooLarge: the payload alone is larger than all that the store may hold.
	ErrTooLarge = errors.New("payload larger than the whole store")
	// ErrFull: there is no room for the payload, since all that would have to go for it is in use. There may be later.
	ErrFull = errors.New("store has no room")
	// ErrUnavailable: the server that keeps the payloads cannot be reached now. What it holds may still be there.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store is closed")
)

// KeySize is the length of a [Key] in bytes.
const KeySize = 32

// OwnerSize is how many bytes of a [Key] say whose the payload is. They come first, so that all of one owner's payloads can be
// told from the others, see [Purger]. What an owner is, callers decide.
const OwnerSize = 10

// Key names a payload: its owner, and a digest of its bytes, both of which the caller computes. Stores never look into it.
type Key [KeySize]byte

// String returns the key in lower-case hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Store keeps payloads until they are deleted, not used for the time to live, or the least recently used when room is
// needed. All methods may be called at the same time from many goroutines; after Close they fail with [ErrClosed].
type Store interface {
	// Create starts a payload. The context bounds all that the writer does.
	Create(ctx context.Context) (Writer, error)
	// Open returns the payload under key, held open, and counts as a use of it. It fails with [ErrNotFound] if there is
	// none. The context bounds what has to be fetched, then or when the reader is read.
	Open(ctx context.Context, key Key) (Reader, error)
	// Delete removes the payload under key. Removing what is not there is no error. Readers that are open go on.
	Delete(ctx context.Context, key Key) error
	// Stats returns what the store holds now, which is nothing once it is closed, and what it has dropped.
	Stats() Stats
	// Close frees what the store holds on to. Readers that are open go on; writers can still be read back and aborted.
	Close() error
}

// Writer takes the bytes of one payload, in order. A writer belongs to one goroutine and ends with a successful Commit or
// with Abort. Until it has ended, also after a failed Write or Commit, ReadAt gives back the bytes that Write accepted, so
// that a caller can send elsewhere what could not be stored. A writer that has ended fails all calls but Abort.
type Writer interface {
	// Write accepts all of p or, with an error, the part of it that it reports; [ErrTooLarge] as soon as the payload can
	// no longer fit. It keeps no reference to p. After an error, what follows would leave a gap: Write and Commit fail too.
	io.Writer
	io.ReaderAt
	// Commit makes the payload readable under key, whole or not at all. If the store has that key already, the new bytes
	// are dropped and the entry counts as used. It fails with [ErrFull] where there is no room now.
	Commit(key Key) error
	// Abort drops the bytes. After a successful Commit, or a second time, it does nothing.
	Abort()
}

// Reader is a payload held open. A local store's stays readable until Close, whatever happens to the entry meanwhile; what is
// fetched from a server as it is read may be lost on the way: ReadAt then fails, and never gives other bytes than those
// stored. ReadAt may be called from many goroutines.
type Reader interface {
	io.ReaderAt
	io.Closer
	// Size is the payload's length in bytes.
	Size() int64
}

// Stats is what a store holds, and what it has dropped by itself, as far as it can tell. What a server drops, nobody is told: of a
// store on one, Evicted and Expired are always zero, and so is all of it where the server does not count, as memcached.
type Stats struct {
	Entries int64 // payloads that are there; 0 once the store is closed
	Bytes   int64 // their total size
	// Evicted is how many payloads this process had to drop since it opened the store, for others or for limits that were lowered.
	Evicted int64
	// Expired is how many it dropped since then because they were not used for the time to live.
	Expired int64
}

// Limits bound a store; each zero value means no bound. A store on a server knows TTL alone: the server has bounds of its own.
type Limits struct {
	// MaxSize is how many bytes of payloads are kept. The least recently used go first.
	MaxSize int64
	// MaxEntries is how many payloads are kept, likewise.
	MaxEntries int64
	// TTL is how long a payload is kept after its last use.
	TTL time.Duration
	// Protect is how long a payload is safe after its last use from having to go for another; one that is being read is
	// safe in any case. A payload for which there is no room then is refused, with [ErrFull].
	Protect time.Duration
}

// Limiter is a [Store] whose limits can be changed while it is in use.
type Limiter interface {
	Store
	// SetLimits applies at once: what no longer fits is evicted, whether it is in use or not.
	SetLimits(Limits)
}

// Purger is a [Store] that can delete what its caller picks.
type Purger interface {
	// Purge deletes the payloads of which match says so, in use or not, and returns how many there were and their size, in Entries and
	// Bytes; of what is stored meanwhile, it may miss some. Readers that are open go on, as after Delete. With an error,
	// at least what it returns is gone; it is [errors.ErrUnsupported], and nothing is, where what is there cannot be listed.
	//
	// match is called for one payload at a time. It must be quick, and must not call the store. Of the key, it may only look at the
	// first OwnerSize bytes: the others may be the store's own. lastUse is zero where it is not known; on a server, it may be too early
	// by a fifth of the time to live.
	Purge(ctx context.Context, match func(key Key, lastUse time.Time) bool) (Stats, error)
}

// Purge is [Purger.Purge] of a store, of one that is no Purger, too.
func Purge(ctx context.Context, store Store, match func(key Key, lastUse time.Time) bool) (Stats, error) {
	if purger, ok := store.(Purger); ok {
		return purger.Purge(ctx, match)
	}
	return Stats{}, fmt.Errorf("the storage cannot list what it keeps: %w", errors.ErrUnsupported)
}

// Countable is a [Store] that may be on a server which does not tell what it holds.
type Countable interface {
	// Counts is false where Stats is always zero.
	Counts() bool
}

// Availability is a [Store] that may be out of reach for a while.
type Availability interface {
	// Available is false while a server is not called, because it has failed a few times in a row. It calls nobody.
	Available() bool
}
