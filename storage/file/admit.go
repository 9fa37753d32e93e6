package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// admit makes sure, before anyone reads it, that a file which this process did not write, or which is no longer the one it
// knew, is a whole payload; it then is an entry like the others. What has expired or is damaged is removed.
func (s *Store) admit(ctx context.Context, key storage.Key, f *os.File, info fs.FileInfo) error {
	if s.removeExpired(key, info) {
		return storage.ErrNotFound
	}
	switch err := verify(ctx, f, info.Size()); {
	case errors.Is(err, errDamaged):
		s.removeDamaged(key, info, err)
		return storage.ErrNotFound
	case err != nil:
		return fmt.Errorf("checking payload: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.Check(0); err != nil {
		return err
	}
	if !s.inPlace(key, identify(info)) {
		return nil // deleted or replaced meanwhile: it can be read, but is no entry of ours
	}
	if s.index.Add(key, payloadSize(info), time.Now(), newState(identify(info), info.ModTime())) != nil {
		s.index.Remove(key) // no room, but maybe in the process that put it there: likewise
		return nil
	}
	if e := s.index.Get(key); e != nil {
		s.stampIfDue(e)
	}
	return nil
}

// removeExpired removes a file that is not in the index and was last used longer ago than payloads are kept.
func (s *Store) removeExpired(key storage.Key, info fs.FileInfo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index.Check(0) != nil || s.index.Get(key) != nil || !s.index.Expired(info.ModTime()) {
		return false
	}
	if s.inPlace(key, identify(info)) {
		s.remove(key)
	}
	return true
}

// removeDamaged removes a damaged file, unless a good one has taken its place meanwhile.
func (s *Store) removeDamaged(key storage.Key, info fs.FileInfo, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inPlace(key, identify(info)) {
		s.logger.Warn("a stored payload was damaged and is removed", "key", shorten(key), "error", reason)
		s.index.Remove(key)
		s.remove(key)
	}
}

func (s *Store) remove(key storage.Key) {
	if err := s.removePayload(key); err != nil {
		s.logger.Warn("cannot remove a payload", "key", shorten(key), "error", err)
	}
}

// forget takes out an entry whose file has gone.
func (s *Store) forget(key storage.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := regular(os.Lstat(s.path(key))); isAbsent(err) {
		s.index.Remove(key)
	}
}

// inPlace tells whether the file is still the one under key.
func (s *Store) inPlace(key storage.Key, file identity) bool {
	info, err := os.Lstat(s.path(key))
	return err == nil && file.is(info)
}
