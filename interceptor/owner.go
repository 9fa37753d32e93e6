package interceptor

import (
	"hash"

	"github.com/dashstash/dashstash/storage"
)

// An owner says whose a payload is. It begins the payload's key in the storage, so that what an app or a Store has there can be
// found, and purged, without any index, by another machine too:
//
//	namespace  2 bytes
//	app        4 bytes
//	Store      4 bytes; zero for what is saved of an app, which is no payload
//
// each the beginning of a BLAKE3 that is keyed by the secret. They are short: two Stores may have the same. All that this does is
// that one is purged with the other, and its pages reload.
type owner [ownerSize]byte

const (
	ownerSize    = storage.OwnerSize
	ownerAppAt   = 2
	ownerStoreAt = 6
)

// noStore stands in the place of the Store in a key that is no payload's.
var noStore [ownerSize - ownerStoreAt]byte

// ownerOf is the owner of what is stored now for a Store of an app, by its canonical id; "" if the id cannot be told.
func (k *keyring) ownerOf(app *App, id string) owner {
	return k.keys[0].ownerOf(k.namespace, app.Name, id)
}

func (p *keyPair) ownerOf(namespace, app, id string) (o owner) {
	copy(o[:ownerAppAt], p.ownerPart("namespace", namespace))
	copy(o[ownerAppAt:ownerStoreAt], p.ownerPart("app", app))
	copy(o[ownerStoreAt:], p.ownerPart("store", id))
	if [len(noStore)]byte(o[ownerStoreAt:]) == noStore {
		o[ownerStoreAt] = 1
	}
	return o
}

func (p *keyPair) ownerPart(kind, name string) []byte {
	h := newKeyed(&p.owner)
	h.Write([]byte(kind + "\x00" + name))
	return h.Sum(nil)
}

// key is that of the payload over which a hash is the sum.
func (o owner) key(h hash.Hash) (key storage.Key) {
	copy(key[:], o[:])
	copy(key[ownerSize:], h.Sum(nil))
	return key
}

// isOf reports whether a payload over which a hash is the sum is the one that a key names.
func isOf(h hash.Hash, key storage.Key) bool { return owner(key[:ownerSize]).key(h) == key }

// A Part is what of the payloads in a storage is meant: all that fits what is not nil.
type Part struct {
	Namespace, App, Store *string // the Store by its id as Dash or a person writes it
}

// In returns a function that reports whether a key of the storage is that of a payload in a part, stored with one of the
// interceptor's secrets. What is saved of an app is no payload.
func (ic *Interceptor) In(part Part) func(storage.Key) bool {
	name := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text
	}
	owners := make([]owner, len(ic.keys.keys))
	for i := range owners {
		owners[i] = ic.keys.keys[i].ownerOf(name(part.Namespace), name(part.App), canonicalID(name(part.Store)))
	}
	return func(key storage.Key) bool {
		if !IsPayload(key) {
			return false
		}
		for _, o := range owners {
			if (part.Namespace == nil || string(key[:ownerAppAt]) == string(o[:ownerAppAt])) &&
				(part.App == nil || string(key[ownerAppAt:ownerStoreAt]) == string(o[ownerAppAt:ownerStoreAt])) &&
				(part.Store == nil || string(key[ownerStoreAt:ownerSize]) == string(o[ownerStoreAt:])) {
				return true
			}
		}
		return false
	}
}

// IsPayload reports whether a key of the storage is that of a payload, and not of what is saved of an app.
func IsPayload(key storage.Key) bool {
	return [len(noStore)]byte(key[ownerStoreAt:ownerSize]) != noStore
}
