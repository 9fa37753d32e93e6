package storagetest

import (
	"slices"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// model is the contract in its plainest form. It decides everything by walking through a slice.
type model struct {
	limits  storage.Limits
	entries []entry // by last use, the most recently used last
	dropped storage.Stats
}

type entry struct {
	sample
	lastUse time.Time
}

// remove tells whether the payload was there.
func (m *model) remove(s sample) bool {
	before := len(m.entries)
	m.entries = slices.DeleteFunc(m.entries, func(e entry) bool { return e.key == s.key })
	return len(m.entries) < before
}

// use counts a use, and tells whether the payload is there.
func (m *model) use(s sample) bool {
	if !m.remove(s) {
		return false
	}
	m.entries = append(m.entries, entry{s, time.Now()})
	return true
}

// purge tells what went.
func (m *model) purge(match func(entry) bool) (purged storage.Stats) {
	m.entries = slices.DeleteFunc(m.entries, func(e entry) bool {
		if !match(e) {
			return false
		}
		purged.Entries++
		purged.Bytes += int64(len(e.data))
		return true
	})
	return purged
}

func (m *model) stats() storage.Stats {
	stats := m.dropped
	for _, e := range m.entries {
		stats.Entries++
		stats.Bytes += int64(len(e.data))
	}
	return stats
}

// fits tells whether entries and one more payload are within the limits.
func (m *model) fits(entries []entry, more ...sample) bool {
	bytes := 0
	for _, e := range entries {
		bytes += len(e.data)
	}
	for _, s := range more {
		bytes += len(s.data)
	}
	return (m.limits.MaxSize == 0 || int64(bytes) <= m.limits.MaxSize) &&
		(m.limits.MaxEntries == 0 || int64(len(entries)+len(more)) <= m.limits.MaxEntries)
}

func (m *model) tooLarge(s sample) bool {
	return m.limits.MaxSize != 0 && int64(len(s.data)) > m.limits.MaxSize
}

// put commits a payload, where reads tells what is being read.
func (m *model) put(s sample, reads func(sample) bool) error {
	switch {
	case m.tooLarge(s):
		return storage.ErrTooLarge
	case m.use(s):
		return nil
	}
	left := slices.Clone(m.entries)
	for i := 0; !m.fits(left, s); {
		switch {
		case i == len(left):
			return storage.ErrFull
		case reads(left[i].sample) || time.Since(left[i].lastUse) < m.limits.Protect:
			i++
		default:
			left = slices.Delete(left, i, i+1)
		}
	}
	m.dropped.Evicted += int64(len(m.entries) - len(left))
	m.entries = append(left, entry{s, time.Now()})
	return nil
}

// shrink applies limits that have changed.
func (m *model) shrink() {
	m.expire()
	before := len(m.entries)
	m.entries = slices.DeleteFunc(m.entries, func(e entry) bool { return m.tooLarge(e.sample) })
	for !m.fits(m.entries) {
		m.entries = m.entries[1:]
	}
	m.dropped.Evicted += int64(before - len(m.entries))
}

func (m *model) expire() {
	before := len(m.entries)
	m.entries = slices.DeleteFunc(m.entries, func(e entry) bool {
		return m.limits.TTL != 0 && time.Since(e.lastUse) >= m.limits.TTL
	})
	m.dropped.Expired += int64(before - len(m.entries))
}
