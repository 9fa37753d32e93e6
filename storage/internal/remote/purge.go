package remote

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// Lister is a [Server] that can list what it keeps.
type Lister interface {
	Server
	// Nodes returns all nodes that keep values. It need not call any.
	Nodes(ctx context.Context) ([]Node, error)
}

// Node is a node of a [Lister].
type Node interface {
	// Name is what Server.Node calls it.
	Name() string
	// List returns some of the keys that begin with a prefix, and where to go on: from 0 until that is 0 again. It may return a key
	// more than once, and none though there are more to come.
	List(ctx context.Context, prefix string, from uint64) (keys []string, next uint64, err error)
	// Look returns, for each of some keys, the first size bytes of its value, and how long that is kept. A value that cannot be ours
	// is [Absent].
	Look(ctx context.Context, keys []string, size int) ([]Glimpse, error)
	// Remove removes keys, and tells of each whether it was there.
	Remove(ctx context.Context, keys []string) ([]bool, error)
}

// Glimpse is what [Node] says of a value.
type Glimpse struct {
	Head []byte
	Left time.Duration // a duration, [Forever] or [Absent]
}

// Purge deletes the payloads of which match says so, and fails with [errors.ErrUnsupported] if the server cannot list them. When
// a payload was last used follows from how long it is kept, so by a tenth of the TTL match may be told too early a time, and none
// where the payload was stored with a longer TTL. Of a large payload, who reads it loses what is still to come.
func (s *Store) Purge(ctx context.Context, match func(key storage.Key, lastUse time.Time) bool) (purged storage.Stats, err error) {
	if err := s.usable(ctx); err != nil {
		return purged, err
	}
	lister, ok := s.server.(Lister)
	if !ok {
		return purged, errors.ErrUnsupported
	}
	// Not through a circuit, since whoever knows them already calls nobody, which says nothing of the server.
	nodes, err := lister.Nodes(ctx)
	if err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
		}
		return purged, err
	}
	p := purge{Store: s, match: match}
	for _, node := range nodes {
		if err := p.node(ctx, node); err != nil {
			return p.purged, err
		}
	}
	return p.purged, nil
}

// purge is a purge under way.
type purge struct {
	*Store
	match  func(key storage.Key, lastUse time.Time) bool
	purged storage.Stats
}

// node purges what is on one node.
func (p *purge) node(ctx context.Context, node Node) error {
	for from, first := uint64(0), true; first || from != 0; first = false {
		var keys []string
		err := p.callNode(ctx, node.Name(), func() (err error) {
			keys, from, err = node.List(ctx, p.Prefix, from)
			return err
		})
		if err != nil {
			return err
		}
		if err := p.some(ctx, node, p.records(keys)); err != nil {
			return err
		}
	}
	return nil
}

// records picks the keys of records from those of a server.
func (s *Store) records(names []string) (keys []storage.Key) {
	for _, name := range names {
		if key, ok := s.parseRecordKey(name); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// parseRecordKey is the reverse of recordKey.
func (s *Store) parseRecordKey(name string) (key storage.Key, ok bool) {
	digits, ok := strings.CutPrefix(name, s.Prefix)
	if !ok || len(digits) != hex.EncodedLen(storage.KeySize) {
		return storage.Key{}, false
	}
	if _, err := hex.Decode(key[:], []byte(digits)); err != nil || s.recordKey(key) != name {
		return storage.Key{}, false
	}
	return key, true
}

// some purges some of what is on one node.
func (p *purge) some(ctx context.Context, node Node, keys []storage.Key) error {
	if len(keys) == 0 {
		return nil
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = p.recordKey(key)
	}
	var glimpses []Glimpse
	err := p.callNode(ctx, node.Name(), func() (err error) {
		glimpses, err = node.Look(ctx, names, headerSize)
		return err
	})
	if err != nil {
		return err
	}
	var payloads []glimpsed
	for i, key := range keys {
		left := glimpses[i].Left
		rec, err := parseHeader(glimpses[i].Head)
		// Under a key like ours, there may be what is not ours. If it is, whoever opens it drops it.
		if err == nil && left != Absent && p.match(key, p.lastUse(left)) {
			payloads = append(payloads, glimpsed{key, rec, left})
		}
	}
	return p.remove(ctx, node, payloads)
}

// lastUse is when a payload was last used that is kept so long from now; the zero time if that does not tell.
func (s *Store) lastUse(left time.Duration) time.Time {
	ttl := s.TTL()
	if left < 0 || left > ttl {
		return time.Time{}
	}
	return time.Now().Add(left - ttl)
}

// glimpsed is a payload of which the record was seen.
type glimpsed struct {
	key    storage.Key
	record record
	left   time.Duration
}

// remove deletes payloads whose records are on one node. What it has begun to delete it does not leave half done and uncounted when
// the caller goes.
func (p *purge) remove(ctx context.Context, node Node, payloads []glimpsed) error {
	if err := ctx.Err(); err != nil || len(payloads) == 0 {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	names := make([]string, len(payloads))
	for i, payload := range payloads {
		names[i] = p.recordKey(payload.key)
	}
	var there []bool
	err := p.callNode(ctx, node.Name(), func() (err error) {
		there, err = node.Remove(ctx, names)
		return err
	})
	if err != nil {
		return err
	}
	var parts []string
	for i, payload := range payloads {
		if there[i] { // else another has deleted it, and counted that
			p.count(ctx, payload.left, payload.record, -1)
			p.purged.Entries++
			p.purged.Bytes += payload.record.size
		}
		parts = append(parts, p.keys(payload.key, payload.record)[1:]...)
	}
	for names := range slices.Chunk(parts, maxNames) {
		if err := p.delete(ctx, names); err != nil {
			return err
		}
	}
	return nil
}

// maxNames is how many parts are deleted at once.
const maxNames = 1000
