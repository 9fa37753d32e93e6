// Package lru is the index that local stores share: which payloads there are, how large they are and when each was last
// used. It keeps them within [storage.Limits] and tells its owner what has to go. It holds no payload and does no I/O.
//
// Room for a new entry is made by evicting from the least recently used end, save what is pinned or was used less than
// Limits.Protect ago. All else takes no account of that: an entry expires, and goes when the limits are lowered, whether it is
// pinned or not, since whoever reads a payload of a local store keeps its bytes in any case.
package lru

import (
	"container/list"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// errInUse is what a user gets to read where a payload finds no room.
var errInUse = fmt.Errorf("%w: what is in it is in use now; raise max_size or max_entries", storage.ErrFull)

// Entry is one payload in an [Index]. The index owns the first three fields; Value is the owner's.
type Entry[V any] struct {
	Key     storage.Key
	Size    int64 // bytes that count against Limits.MaxSize
	LastUse time.Time
	Value   V
}

// Index keeps entries in the order of their last use. It belongs to a store and shares its mutex: the caller holds it
// during every call, so that the index and what it stands for (bytes, files) change together.
type Index[V any] struct {
	mu      sync.Locker
	limits  storage.Limits
	evicted func(*Entry[V])

	order   list.List // of *Entry[V], the most recently used at the front: so the first to expire is always at the back
	entries map[storage.Key]*list.Element
	bytes   int64
	dropped struct{ evicted, expired int64 } // see storage.Stats
	pins    map[storage.Key]int              // only what is pinned; by key, since all payloads under a key are the same

	closed bool
	timer  *time.Timer // removes what expires while nobody uses the store; nil until there is something to expire
	armed  bool
}

// New returns an empty index. Its timer takes mu when it fires. evicted is told, with mu held, of each entry that was
// removed because of the limits; it must not call the index.
func New[V any](mu sync.Locker, limits storage.Limits, evicted func(*Entry[V])) *Index[V] {
	return &Index[V]{
		mu: mu, limits: limits, evicted: evicted,
		entries: make(map[storage.Key]*list.Element), pins: make(map[storage.Key]int),
	}
}

// Get returns the entry under key, or nil if there is none or it has expired. It does not count as a use.
func (x *Index[V]) Get(key storage.Key) *Entry[V] {
	x.expire()
	if e, ok := x.entries[key]; ok {
		return e.Value.(*Entry[V])
	}
	return nil
}

// Use is [Index.Get] that counts as a use, now.
func (x *Index[V]) Use(key storage.Key) *Entry[V] {
	e := x.Get(key)
	if e != nil {
		e.LastUse = time.Now()
		x.order.MoveToFront(x.entries[key])
	}
	return e
}

// Pin keeps the entry under key, now or later, from having to go for another, until each Pin has had its Unpin. It may be
// called on a closed index.
func (x *Index[V]) Pin(key storage.Key) { x.pins[key]++ }

// Unpin takes back one [Index.Pin]. It may be called on a closed index.
func (x *Index[V]) Unpin(key storage.Key) {
	if x.pins[key]--; x.pins[key] == 0 {
		delete(x.pins, key)
	}
}

// Fits tells whether a payload of size bytes is within Limits.MaxSize on its own.
func (x *Index[V]) Fits(size int64) bool { return x.limits.MaxSize <= 0 || size <= x.limits.MaxSize }

// Check tells why a payload of size bytes cannot be put in: [storage.ErrClosed] or [storage.ErrTooLarge]. With size 0 it tells
// whether the index is open.
func (x *Index[V]) Check(size int64) error {
	switch {
	case x.closed:
		return storage.ErrClosed
	case !x.Fits(size):
		return storage.ErrTooLarge
	}
	return nil
}

// Expired tells whether a payload that was last used then is past Limits.TTL.
func (x *Index[V]) Expired(lastUse time.Time) bool {
	return x.limits.TTL > 0 && time.Since(lastUse) >= x.limits.TTL
}

// Room tells why an entry cannot be put in now: the errors of [Index.Check], or [storage.ErrFull]. It evicts nothing but what
// has expired.
func (x *Index[V]) Room(key storage.Key, size int64) error {
	x.expire()
	_, err := x.victims(key, size)
	return err
}

// Add puts in an entry, in place of one that has its key, and evicts what no longer fits beside it, never the one that is
// replaced. It fails as [Index.Room] does, and then changes nothing. No entry may have been used later than lastUse. One that
// has expired already is evicted at once.
func (x *Index[V]) Add(key storage.Key, size int64, lastUse time.Time, value V) error {
	victims, err := x.victims(key, size)
	if err != nil {
		return err
	}
	for _, e := range victims {
		x.drop(e, &x.dropped.evicted)
	}
	x.Remove(key)
	x.entries[key] = x.order.PushFront(&Entry[V]{Key: key, Size: size, LastUse: lastUse, Value: value})
	x.bytes += size
	x.expire()
	x.arm()
	return nil
}

// Remove takes out the entry under key, if there is one. It is not reported as evicted, nor counted so.
func (x *Index[V]) Remove(key storage.Key) {
	if e, ok := x.entries[key]; ok {
		x.remove(e)
	}
}

// SetLimits applies at once. An entry that alone is too large goes first, rather than all those used before it. On a closed
// index it does nothing.
func (x *Index[V]) SetLimits(limits storage.Limits) {
	if x.closed {
		return
	}
	x.limits = limits
	x.expire()
	var next *list.Element
	for e := x.order.Front(); e != nil; e = next {
		next = e.Next()
		if !x.Fits(e.Value.(*Entry[V]).Size) {
			x.drop(e, &x.dropped.evicted)
		}
	}
	for x.exceeds(x.bytes, len(x.entries)) {
		x.drop(x.order.Back(), &x.dropped.evicted)
	}
	x.armed = false // a timer set for the old TTL is set anew
	x.arm()
}

// Stats counts the entries that have not expired, and those that were dropped since the index was made.
func (x *Index[V]) Stats() storage.Stats {
	x.expire()
	return storage.Stats{
		Entries: int64(len(x.entries)), Bytes: x.bytes, Evicted: x.dropped.evicted, Expired: x.dropped.expired,
	}
}

// All yields the entries, the most recently used first.
func (x *Index[V]) All() iter.Seq[*Entry[V]] {
	return func(yield func(*Entry[V]) bool) {
		for e := x.order.Front(); e != nil; e = e.Next() {
			if !yield(e.Value.(*Entry[V])) {
				return
			}
		}
	}
}

// Close forgets all entries, without reporting them, and stops the timer. A timer that has already fired and waits for
// the mutex finds nothing to do.
func (x *Index[V]) Close() {
	x.closed = true
	x.order.Init()
	clear(x.entries)
	x.bytes = 0
	if x.timer != nil {
		x.timer.Stop()
	}
}

func (x *Index[V]) expire() {
	for e := x.order.Back(); e != nil && x.Expired(e.Value.(*Entry[V]).LastUse); e = x.order.Back() {
		x.drop(e, &x.dropped.expired)
	}
}

// victims returns what has to go for an entry of that key and size, the least recently used first.
func (x *Index[V]) victims(key storage.Key, size int64) (victims []*list.Element, err error) {
	if err := x.Check(size); err != nil {
		return nil, err
	}
	bytes, entries := x.bytes+size, len(x.entries)+1
	if old, ok := x.entries[key]; ok { // it is replaced
		bytes -= old.Value.(*Entry[V]).Size
		entries--
	}
	for e := x.order.Back(); x.exceeds(bytes, entries); e = e.Prev() {
		if e == nil {
			return nil, errInUse
		}
		entry := e.Value.(*Entry[V])
		switch {
		case time.Since(entry.LastUse) < x.limits.Protect: // as is all that was used since
			return nil, errInUse
		case entry.Key == key || x.pins[entry.Key] > 0:
			continue
		}
		victims = append(victims, e)
		bytes -= entry.Size
		entries--
	}
	return victims, nil
}

func (x *Index[V]) exceeds(bytes int64, entries int) bool {
	return !x.Fits(bytes) || x.limits.MaxEntries > 0 && int64(entries) > x.limits.MaxEntries
}

// drop removes an entry because of the limits, and counts it.
func (x *Index[V]) drop(e *list.Element, count *int64) {
	*count++
	x.remove(e)
	x.evicted(e.Value.(*Entry[V]))
}

func (x *Index[V]) remove(e *list.Element) {
	entry := e.Value.(*Entry[V])
	x.order.Remove(e)
	delete(x.entries, entry.Key)
	x.bytes -= entry.Size
}

// arm sets the timer to when the entry at the back expires as things stand. Uses do not move it: it then fires early,
// finds nothing expired and is set again, which costs less than moving it at every use.
func (x *Index[V]) arm() {
	back := x.order.Back()
	if x.armed || x.limits.TTL <= 0 || back == nil {
		return
	}
	x.armed = true
	wait := time.Until(back.Value.(*Entry[V]).LastUse.Add(x.limits.TTL))
	if x.timer == nil {
		x.timer = time.AfterFunc(wait, x.tick)
	} else {
		x.timer.Reset(wait)
	}
}

func (x *Index[V]) tick() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.armed = false
	x.expire()
	x.arm()
}
