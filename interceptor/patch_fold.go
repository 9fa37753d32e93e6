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
	maxLongKept = 1 << 4  // long chains that a browser has shown and that are known, at least
)

// folds keeps what has been made of patched data. It only saves work: what is not known is made again. Its methods may be
// called at the same time.
type folds struct {
	turns *turns // of making values: as many at a time as there are processors

	mu   sync.Mutex
	made recent[payloadRef] // the value of a chain, by chain.keys
}

func newFolds() *folds {
	return &folds{
		turns: newTurns(runtime.GOMAXPROCS(0)),
		made:  recent[payloadRef]{most: maxMadeKept},
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

// Shown is the long chains of records that a browser has just shown. Folding keeps the data in a browser from growing with each
// Patch: the answer to a request that has shown a long chain, with its Patch puts one record, a fold, in their place: see
// foldElements. A fold gives all that the chain gives, so nobody else may get it: Shown is of one request, or of one WebSocket.
// Its methods may be called at the same time.
type Shown struct {
	after int // so many records are a long chain

	mu   sync.Mutex
	long recent[longChain] // by the Store's canonical id
}

// A longChain is a list of records that a browser has, and its value.
type longChain struct {
	elements []byte // with commas
	value    payloadRef
}

// NewShown returns what a browser has shown that has shown nothing yet.
func NewShown() *Shown { return &Shown{after: foldAfter, long: recent[longChain]{most: maxLongKept}} }

// isLong reports whether so many records are to be folded.
func (s *Shown) isLong(records int) bool { return s != nil && records >= s.after }

// learn notes what records the browser has of a Store, and their value.
func (s *Shown) learn(storeID string, elements [][]byte, value payloadRef) {
	if s == nil || storeID == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := longChain{bytes.Join(elements, []byte(",")), value}
	if !s.isLong(len(elements)) || len(known.elements) > maxFolded {
		s.long.remove(storeID)
		return
	}
	s.long.put(storeID, known)
}

// take returns what learn has noted of a Store, if that is to be folded, and forgets it.
func (s *Shown) take(storeID string) (longChain, bool) {
	if s == nil {
		return longChain{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.long.get(storeID)
	s.long.remove(storeID)
	return known, ok
}
