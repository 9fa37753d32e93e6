package interceptor

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"

	"github.com/zeebo/blake3"

	"github.com/dashstash/dashstash/storage"
)

// A token stands in the browser for a payload that is in the storage: {"$dashstash":"<text>"}. The text is base64url of
//
//	version    1 byte, 3
//	namespace  4 bytes, the beginning of the namespace's BLAKE3: tells handlers in a row whose token it is
//	length     7 bytes, big endian: the payload's, so that a request's size is known before anything is looked up
//	key       32 bytes, that of the payload in the storage: 10 bytes that say whose it is (see owner), and 22 of its keyed
//	          BLAKE3, which check what is read back
//	tag       16 bytes, keyed BLAKE3 of namespace, site, app, scope, length, key and kind: nobody else can make a token, and
//	          one that was made for one site, app or scope does not open in another, nor one of a kind as one of another
//
// Nothing in it depends on time or place: equal data of a Store has an equal token, as dcc.Store's own comparison needs it.
const (
	tokenKey     = `"$dashstash"`
	tokenPrefix  = `{` + tokenKey + `:"`
	tokenSuffix  = `"}`
	tokenVersion = 3

	versionAt   = 0
	namespaceAt = versionAt + 1
	lengthAt    = namespaceAt + 4
	keyAt       = lengthAt + 7
	tagAt       = keyAt + storage.KeySize
	tokenSize   = tagAt + 16

	// TokenSize is the length of a token's text in characters.
	TokenSize = tokenSize / 3 * 4

	// maxPayloadSize is the largest length that a token can tell, in bytes.
	maxPayloadSize = 1<<56 - 1

	// tokenLength is the length in bytes of the JSON that stands for a payload.
	tokenLength = len(tokenPrefix) + TokenSize + len(tokenSuffix)
)

// A tokenKind is what a token stands for.
type tokenKind byte

const (
	payloadToken tokenKind = iota // a Store's data
	recordToken                   // a Patch of it: see patchedKey
	foldToken                     // data and its Patches
)

var (
	errForeign = errors.New("token of another namespace")
	errInvalid = errors.New("token that was not made with this secret, for this site, app and scope")
)

// An audience is whom tokens are made for.
type audience struct {
	site, app, scope string
	nobody           bool // no token opens
}

// A payloadRef is what a token says: which payload, and how many bytes it has.
type payloadRef struct {
	key    storage.Key
	length int64
}

// A keyring makes and opens the tokens of one namespace.
type keyring struct {
	namespace   string
	namespaceID [4]byte
	keys        []keyPair // the first makes tokens, each opens them
}

// A keyPair is what is derived from one secret.
type keyPair struct{ digest, tag, owner [32]byte }

func newKeyring(namespace string, secrets [][]byte) *keyring {
	k := &keyring{namespace: namespace, keys: make([]keyPair, len(secrets))}
	id := blake3.Sum256([]byte(namespace))
	copy(k.namespaceID[:], id[:])
	for i, secret := range secrets {
		blake3.DeriveKey("github.com/dashstash/dashstash v1 payload digest", secret, k.keys[i].digest[:])
		blake3.DeriveKey("github.com/dashstash/dashstash v1 token tag", secret, k.keys[i].tag[:])
		blake3.DeriveKey("github.com/dashstash/dashstash v1 payload owner", secret, k.keys[i].owner[:])
	}
	return k
}

// A newHash makes the hash whose sum over a payload is in its key.
type newHash func() hash.Hash

// digest returns the newHash of payloads that get their token now.
func (k *keyring) digest(to audience) newHash { return k.keys[0].digestFor(to) }

// digestFor returns the newHash of payloads for an audience. Users of several scopes share no payload: who has guessed what another has
// would learn by its being kept that the guess is right.
func (p *keyPair) digestFor(to audience) newHash {
	return func() hash.Hash {
		h := newKeyed(&p.digest)
		if to.scope != "" {
			writeFields(h, to.scope)
		}
		return h
	}
}

// refOf returns what a token for a payload of an owner says to an audience.
func (k *keyring) refOf(payload []byte, of owner, to audience) payloadRef {
	h := k.digest(to)()
	h.Write(payload)
	return payloadRef{of.key(h), int64(len(payload))}
}

// token returns the JSON that stands for a payload.
func (k *keyring) token(ref payloadRef, to audience) []byte {
	text := make([]byte, 0, tokenLength)
	text = append(text, tokenPrefix...)
	text = k.appendText(text, payloadToken, ref, to)
	return append(text, tokenSuffix...)
}

// quotedText returns the text of a token of a kind, as JSON.
func (k *keyring) quotedText(kind tokenKind, ref payloadRef, to audience) []byte {
	return append(k.appendText([]byte{'"'}, kind, ref, to), '"')
}

func (k *keyring) appendText(dst []byte, kind tokenKind, ref payloadRef, to audience) []byte {
	var raw [tokenSize]byte
	binary.BigEndian.PutUint64(raw[lengthAt-1:], uint64(ref.length))
	raw[versionAt] = tokenVersion
	copy(raw[namespaceAt:lengthAt], k.namespaceID[:])
	copy(raw[keyAt:], ref.key[:])
	copy(raw[tagAt:], k.keys[0].tagOf(kind, k.namespace, to, raw[lengthAt:tagAt]))
	return base64.RawURLEncoding.AppendEncode(dst, raw[:])
}

// open returns what the text of a token of a kind stands for, and the hash that checks it. It fails with errForeign or
// errInvalid.
func (k *keyring) open(kind tokenKind, text []byte, to audience) (payloadRef, newHash, error) {
	var raw [tokenSize]byte
	if len(text) != TokenSize {
		return payloadRef{}, nil, errInvalid
	}
	if n, err := base64.RawURLEncoding.Decode(raw[:], text); err != nil || n != tokenSize || raw[versionAt] != tokenVersion {
		return payloadRef{}, nil, errInvalid
	}
	if [4]byte(raw[namespaceAt:lengthAt]) != k.namespaceID {
		return payloadRef{}, nil, errForeign
	}
	if to.nobody {
		return payloadRef{}, nil, errInvalid
	}
	for i := range k.keys {
		if subtle.ConstantTimeCompare(raw[tagAt:], k.keys[i].tagOf(kind, k.namespace, to, raw[lengthAt:tagAt])) == 1 {
			length := binary.BigEndian.Uint64(raw[lengthAt-1:]) & maxPayloadSize
			return payloadRef{storage.Key(raw[keyAt:tagAt]), int64(length)}, k.keys[i].digestFor(to), nil
		}
	}
	return payloadRef{}, nil, errInvalid
}

// tagOf authenticates a token's length and key for a kind, a namespace and an audience.
func (p *keyPair) tagOf(kind tokenKind, namespace string, to audience, lengthAndKey []byte) []byte {
	h := newKeyed(&p.tag)
	writeFields(h, namespace, to.site, to.app, to.scope)
	h.Write(lengthAndKey)
	h.Write([]byte{byte(kind)})
	return h.Sum(nil)[:tokenSize-tagAt]
}

// writeFields writes texts in a way that keeps ("ab", "c") and ("a", "bc") apart.
func writeFields(h hash.Hash, fields ...string) {
	for _, field := range fields {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		h.Write(size[:])
		h.Write([]byte(field))
	}
}

func newKeyed(key *[32]byte) hash.Hash {
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic(err) // only for a key that is not 32 bytes long
	}
	return h
}

// isTokenText reports whether text has a token's exact shape.
func isTokenText(text []byte) bool {
	if len(text) != TokenSize {
		return false
	}
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
