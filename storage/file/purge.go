package file

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/lru"
)

// Purge deletes the payloads of which match says so, also those that other processes have put there. What they have used since
// they last wrote that down, a minute ago at most, it takes for used by then.
func (s *Store) Purge(ctx context.Context, match func(key storage.Key, lastUse time.Time) bool) (storage.Stats, error) {
	if err := ctx.Err(); err != nil {
		return storage.Stats{}, err
	}
	purged, err := s.purgeKnown(ctx, match)
	if err != nil {
		return purged, err
	}
	dirs, err := os.ReadDir(s.dir)
	if ignoreNotExist(err) != nil {
		return purged, fmt.Errorf("listing payloads: %w", err)
	}
	for _, dir := range dirs {
		payloads, err := s.listIn(dir, leaveLink)
		if err != nil {
			return purged, fmt.Errorf("listing payloads: %w", err)
		}
		for _, p := range payloads {
			if err := ctx.Err(); err != nil {
				return purged, err
			}
			gone, err := s.purgeUnknown(p, match)
			if err != nil {
				return purged, err
			}
			if gone {
				purged.Entries++
				purged.Bytes += p.size
			}
		}
	}
	return purged, nil
}

// purgeKnown purges what is in the index.
func (s *Store) purgeKnown(ctx context.Context, match func(storage.Key, time.Time) bool) (storage.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.Purge(ctx, match, func(e *lru.Entry[state]) error { return s.purgeFile(e.Key) })
}

// purgeUnknown purges a file unless it is in the index, and tells whether it did.
func (s *Store) purgeUnknown(p found, match func(storage.Key, time.Time) bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return false, err
	}
	if s.index.Get(p.key) != nil || !match(p.key, p.usedBy(time.Now())) {
		return false, nil
	}
	if _, err := regular(os.Lstat(s.path(p.key))); isAbsent(err) {
		return false, nil // gone since it was listed
	}
	err := s.purgeFile(p.key)
	return err == nil, err
}

func (s *Store) purgeFile(key storage.Key) error {
	if err := s.removePayload(key); err != nil {
		return fmt.Errorf("purging payloads: %w", err)
	}
	return nil
}
