package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"

	"github.com/zeebo/blake3"

	"github.com/dashstash/dashstash/storage"
)

// Keys are what payloads are sealed and opened with.
type Keys struct{ list []*key }

// NewKeys derives the keys of secrets, of which there must be one at least. The first seals, each opens what it has sealed.
func NewKeys(secrets [][]byte) *Keys {
	keys := new(Keys)
	for _, secret := range secrets {
		k := new(key)
		blake3.DeriveKey("github.com/dashstash/dashstash v1 sealed payload place", secret, k.place[:])
		blake3.DeriveKey("github.com/dashstash/dashstash v1 sealed payload salt", secret, k.salt[:])
		blake3.DeriveKey("github.com/dashstash/dashstash v1 sealed payload chunk", secret, k.chunk[:])
		keys.list = append(keys.list, k)
	}
	return keys
}

// A sealed payload is a row of chunks. Each holds 64 KiB of the payload, but for the last, which holds the rest; that of an empty
// payload holds nothing. A chunk is
//
//	ciphertext  as long as what it holds
//	tag         16 bytes
//	salt        32 bytes, keyed BLAKE3 of the payload from its start to the chunk's end; of the last, also of the storage key
//
// sealed with AES-256-GCM:
//
//	key    derived from the salt, by HKDF-SHA256
//	nonce  11 bytes, big endian: the chunk's number, from 0; 1 byte: 1 for the last, else 0
//	data   the salt of the chunk before, if any; and of the last, the storage key
//
// The nonce is that of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse
// Misuse-Resistance, 2015), which age and Tink use, too: chunks that are left out, appended or in another order are noticed. That
// the key is derived from what is sealed is the idea of SIV (Rogaway, Shrimpton: Deterministic Authenticated-Encryption, 2006;
// RFC 5297, RFC 8452): no key and nonce seal two different things, and no random number is needed. Since a chunk names that before
// it, and the last the storage key, chunks of two payloads do not go together, nor does a payload in the place of another.
//
// What that shows to who sees sealed payloads is which of them are equal in their first 64 KiB, their first 128 KiB, and so on.
//
// A sealed payload is kept under another key than its storage key, which depends on the secret: nothing that was not sealed is
// taken for it, and what is kept unsealed is not in its way. Only whose it is stays as it was, so that an owner's payloads can be
// found. So who sees sealed payloads sees which of them have one owner, which may be an app, or one Store of an app: how many there
// are, how large, and when they are stored and used. What the owner's bytes themselves tell is up to who makes them.
type key struct {
	place [32]byte // for the key in the store below
	salt  [32]byte
	chunk [32]byte
}

const (
	chunkSize = 64 << 10 // bytes of a payload
	tagSize   = 16
	saltSize  = 32
	overhead  = tagSize + saltSize
	stride    = chunkSize + overhead
)

// payloadSize is the size of the payload that is sealed in so many bytes. It is -1 if none can be: such a chunk does not open.
func payloadSize(sealed int64) int64 {
	chunks := (sealed + stride - 1) / stride
	size := sealed - chunks*overhead
	if size < 0 || chunks > 1 && size <= (chunks-1)*chunkSize {
		return -1
	}
	return size
}

// placeOf is under which key of the store below a sealed payload is: its owner, and what is derived from the whole storage key.
func (k *key) placeOf(key storage.Key) storage.Key {
	place := storage.Key(derive(&k.place, key[:]))
	copy(place[:storage.OwnerSize], key[:])
	return place
}

// A position is where a chunk is.
type position struct {
	number int64
	before []byte       // the salt of the chunk before, if any
	end    *storage.Key // of the last: the storage key
}

// seal appends a chunk.
func (k *key) seal(dst, plain []byte, at position, salt []byte) []byte {
	dst = slices.Grow(dst, len(plain)+overhead)
	dst = k.aead(salt).Seal(dst, at.nonce(), plain, at.data())
	return append(dst, salt...)
}

// open returns what a chunk holds, in the chunk's place. It is not ok if that is not exactly what was sealed there.
func (k *key) open(chunk []byte, at position) (plain []byte, ok bool) {
	box, salt := chunk[:len(chunk)-saltSize], chunk[len(chunk)-saltSize:]
	plain, err := k.aead(salt).Open(box[:0], at.nonce(), box, at.data())
	return plain, err == nil
}

func (k *key) aead(salt []byte) cipher.AEAD {
	block, err := aes.NewCipher(derive(&k.chunk, salt))
	if err != nil {
		panic(err) // only for a key that is not 32 bytes long
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for another cipher than AES
	}
	return aead
}

func (p position) nonce() []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint64(nonce[3:], uint64(p.number))
	if p.end != nil {
		nonce[11] = 1
	}
	return nonce
}

func (p position) data() []byte {
	data := append(make([]byte, 0, saltSize+storage.KeySize), p.before...)
	if p.end != nil {
		data = append(data, p.end[:]...)
	}
	return data
}

// derive returns the key that one has for a purpose.
func derive(key *[32]byte, info []byte) []byte {
	derived, err := hkdf.Expand(sha256.New, key[:], string(info), len(key))
	if err != nil {
		panic(err) // only for a key that is longer than 255 hashes
	}
	return derived
}

// newHash returns the hash whose sums are salts.
func (k *key) newHash() hash.Hash {
	h, err := blake3.NewKeyed(k.salt[:])
	if err != nil {
		panic(err) // only for a key that is not 32 bytes long
	}
	return h
}
