package interceptor

import (
	"bytes"
	"runtime"
	"sync"
)

const (
	// foldAfter is how many records a Store's data may have before they are folded.
	foldAfter = 16
	// maxFolded is how many bytes of records are folded at once.
	maxFolded = 512 << 10

	maxMadeKept = 1 << 13 // values of patched data that are known, at least
	maxLongKept = 1 << 7  // long chains that are known, at least
)

// folds keeps what has been made of patched data. It only saves work: what is not known is made again. Its methods may be
// called at the same time.
//
// Folding keeps the data in a browser from growing with each Patch. When a request has shown a long chain of records, the
// reply to the next Patch puts one record, a fold, in their place: see foldElements.
type folds struct {
	after int    // so many records are a long chain
	turns *turns // of making values: as many at a time as there are processors

	mu   sync.Mutex
	made recent[payloadRef] // the value of a chain, by chain.keys
	long recent[longChain]  // what a request has shown last, by foldKey
}

// A longChain is a list of records that a browser had, and its value.
type longChain struct {
	elements []byte // with commas
	value    payloadRef
}

func newFolds() *folds {
	return &folds{
		after: foldAfter,
		turns: newTurns(runtime.GOMAXPROCS(0)),
		made:  recent[payloadRef]{most: maxMadeKept},
		long:  recent[longChain]{most: maxLongKept},
	}
}

// find returns the value of a chain.
func (f *folds) find(key string) (payloadRef, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.made.get(key)
}

// keep notes the value of a chain.
func (f *folds) keep(key string, value payloadRef) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made.put(key, value)
}

// learn notes what records a browser has of a Store, and their value.
func (f *folds) learn(key string, elements [][]byte, value payloadRef) {
	if key == "" {
		return
	}
	known := longChain{bytes.Join(elements, []byte(",")), value}
	if len(elements) < f.after || len(known.elements) > maxFolded {
		known = longChain{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, is := f.long.get(key); is || known.elements != nil {
		f.long.put(key, known)
	}
}

// take returns what learn has noted of a Store, if that is to be folded, and forgets it.
func (f *folds) take(key string) (longChain, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, _ := f.long.get(key)
	if known.elements == nil {
		return known, false
	}
	f.long.put(key, longChain{})
	return known, true
}

// foldKey names a Store's data in the browser of a session; "" if that cannot be told.
func foldKey(s Session, storeID string) string {
	if storeID == "" {
		return ""
	}
	return s.App.Name + "\x00" + s.Address + "\x00" + s.UserAgent + "\x00" + s.Scope + "\x00" + storeID
}
