package spool

import (
	"errors"
	"math"
	"sync"
)

// ErrNoRoom says that a [Spool] may have no more on disk for now.
var ErrNoRoom = errors.New("too much is on its way at once to be held on disk")

// Disk is the account of this process.
var Disk = NewAccount(2 << 30)

// An Account bounds what spools have on disk together. A holder, say a client, may have as much of it as it leaves free to others:
// one alone gets a half, two that want all get a third each, and whoever comes next finds as much as any of them has. All methods may
// be called at the same time.
type Account struct {
	mu    sync.Mutex
	limit int64
	held  int64
	of    map[string]int64 // what each holder has, unless that is nothing
}

// NewAccount returns an account of so many bytes.
func NewAccount(limit int64) *Account {
	return &Account{limit: limit, of: make(map[string]int64)}
}

// Raise sees to it that a holder that is alone can have two things of so many bytes, such as a request and what it is decoded to.
func (a *Account) Raise(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limit = max(a.limit, 4*min(n, math.MaxInt64/4))
}

// Held is how many bytes are on disk.
func (a *Account) Held() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held
}

func (a *Account) take(holder string, n int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if free := a.limit - a.held - n; a.of[holder]+n > free {
		return ErrNoRoom
	}
	a.held += n
	a.of[holder] += n
	return nil
}

func (a *Account) giveBack(holder string, n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held -= n
	if a.of[holder] -= n; a.of[holder] == 0 {
		delete(a.of, holder)
	}
}
