package file

import "github.com/dashstash/dashstash/storage"

// SyncPlace is what a Commit does at last.
func (s *Store) SyncPlace(key storage.Key) error { return s.syncPlace(key) }
