package lru

import (
	"context"
	"time"

	"github.com/dashstash/dashstash/storage"
)

// Purge takes out the entries of which match says so, once its owner has removed what each stands for, and returns how many
// there were and their size. They count as neither evicted nor expired. With an error, of remove or of the context or
// [storage.ErrClosed], some may be left.
//
// Alone of all calls it lets go of the mutex in between, after each entry, so that nobody waits for it while it goes through a
// million of them. Each entry that is there all the time is looked at once; what comes or is used meanwhile may be, too.
func (x *Index[V]) Purge(
	ctx context.Context, match func(key storage.Key, lastUse time.Time) bool, remove func(*Entry[V]) error,
) (purged storage.Stats, err error) {
	x.expire()
	// Not in order of use, which others change under way: of a map, Go promises all of the above.
	for _, e := range x.entries {
		if err := ctx.Err(); err != nil {
			return purged, err
		}
		entry := e.Value.(*Entry[V])
		if match(entry.Key, entry.LastUse) {
			if err := remove(entry); err != nil {
				return purged, err
			}
			x.remove(e)
			purged.Entries++
			purged.Bytes += entry.Size
		}
		x.mu.Unlock()
		x.mu.Lock()
	}
	return purged, x.Check(0)
}
