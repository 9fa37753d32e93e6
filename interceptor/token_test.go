package interceptor

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

func keysOf(namespace string, secrets ...string) *keyring {
	var raw [][]byte
	for _, s := range secrets {
		raw = append(raw, []byte(s))
	}
	return newKeyring(namespace, raw)
}

// textOf returns the text in a token's JSON.
func textOf(t testing.TB, token []byte) []byte {
	t.Helper()
	var object map[string]string
	require.NoError(t, json.Unmarshal(token, &object))
	require.Len(t, object, 1)
	return []byte(object["$dashstash"])
}

// A token opens to the payload it was made for, and is JSON of at most 200 bytes whose text has 80 characters, whatever the
// payload's length.
func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	keys := keysOf("ns", "secret")
	for _, length := range []int64{0, 1, 255, 256, 1 << 32, maxPayloadSize} {
		ref := payloadRef{storage.Key{1, 2, 31: 255}, length}
		token := keys.token(ref, testAudience)
		require.LessOrEqual(t, len(token), 200)
		text := textOf(t, token)
		require.Len(t, text, 80)
		require.Equal(t, TokenSize, len(text))
		require.True(t, isTokenText(text))

		got, newHash, err := keys.open(payloadToken, text, testAudience)
		require.NoError(t, err)
		require.Equal(t, ref, got)
		require.Equal(t, keys.digest(testAudience)().Sum(nil), newHash().Sum(nil), "the hash that checks is not the one that made the key")
		require.Equal(t, token, keys.token(ref, testAudience), "an equal payload has another token")
	}
}

// A token is bound to all that it was made of: whatever differs makes another token, and it does not open there.
func TestTokenIsBound(t *testing.T) {
	t.Parallel()
	key := storage.Key{7}
	token := keysOf("ns", "secret").token(payloadRef{key, 5}, testAudience)
	tests := []struct {
		name string
		keys *keyring
		ref  payloadRef
		to   audience
		open error // of the token above, by these keys in this scope; nil: only the token differs
	}{
		{"digest", keysOf("ns", "secret"), payloadRef{storage.Key{8}, 5}, testAudience, nil},
		{"length", keysOf("ns", "secret"), payloadRef{key, 6}, testAudience, nil},
		{"scope", keysOf("ns", "secret"), payloadRef{key, 5}, audience{app: testApp, scope: "ad"}, errInvalid},
		{"no scope", keysOf("ns", "secret"), payloadRef{key, 5}, audience{app: testApp, scope: ""}, errInvalid},
		{"site", keysOf("ns", "secret"), payloadRef{key, 5}, audience{site: "other", app: testApp, scope: "ada"}, errInvalid},
		{"app", keysOf("ns", "secret"), payloadRef{key, 5}, audience{app: "ap", scope: "ada"}, errInvalid},
		{"app and scope run together", keysOf("ns", "secret"), payloadRef{key, 5}, audience{app: "appa", scope: "da"}, errInvalid},
		{"secret", keysOf("ns", "Secret"), payloadRef{key, 5}, testAudience, errInvalid},
		{"namespace", keysOf("sn", "secret"), payloadRef{key, 5}, testAudience, errForeign},
		{"no namespace", keysOf("", "secret"), payloadRef{key, 5}, testAudience, errForeign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.NotEqual(t, string(token), string(tt.keys.token(tt.ref, tt.to)))
			if tt.open != nil {
				_, _, err := tt.keys.open(payloadToken, textOf(t, token), tt.to)
				require.ErrorIs(t, err, tt.open)
			}
		})
	}
}

// Equal data under different secrets has different keys in the storage.
func TestTokenDigestIsKeyed(t *testing.T) {
	t.Parallel()
	one, two := refOf(keysOf("ns", "a"), "data"), refOf(keysOf("ns", "b"), "data")
	require.NotEqual(t, one.key, two.key)
	require.NotEqual(t, refOf(keysOf("ns", "a"), "date").key, one.key)
}

// The end of the namespace and the beginning of the scope are not to be mistaken for each other. The namespace's identifier in
// the token is set aside here, as it tells them apart by itself.
func TestTokenFieldsAreApart(t *testing.T) {
	t.Parallel()
	pair := keysOf("", "secret").keys[0]
	tag := func(namespace, scope string) string {
		return string(pair.tagOf(payloadToken, namespace, audience{scope: scope}, []byte("rest")))
	}
	require.NotEqual(t, tag("ab", "c"), tag("a", "bc"))
	require.NotEqual(t, tag("", "abc"), tag("abc", ""))
	require.NotEqual(t, tag("", "rest"), tag("rest", ""))
	require.Equal(t, tag("ab", "c"), tag("ab", "c"))
}

// A token with one bit flipped, anywhere, does not open.
func TestTokenFlippedBits(t *testing.T) {
	t.Parallel()
	keys := keysOf("ns", "secret")
	text := textOf(t, keys.token(payloadRef{storage.Key{1}, 1000}, testAudience))
	raw, err := base64.RawURLEncoding.DecodeString(string(text))
	require.NoError(t, err)
	require.Len(t, raw, tokenSize)
	for bit := range 8 * tokenSize {
		raw[bit/8] ^= 1 << (bit % 8)
		_, _, err := keys.open(payloadToken, []byte(base64.RawURLEncoding.EncodeToString(raw)), testAudience)
		raw[bit/8] ^= 1 << (bit % 8)
		want := errInvalid
		if namespaceAt <= bit/8 && bit/8 < lengthAt {
			want = errForeign
		}
		require.ErrorIs(t, err, want, "bit %d", bit)
	}
	for i := range text {
		for _, c := range []byte("\x00\n\r =+/.\"\xff") {
			changed := append([]byte(nil), text...)
			changed[i] = c
			_, _, err := keys.open(payloadToken, changed, testAudience)
			require.ErrorIs(t, err, errInvalid, "%q at %d", c, i)
			require.False(t, isTokenText(changed))
		}
	}
	for _, wrong := range []string{"", string(text[1:]), string(text) + "A", strings.Repeat("A", TokenSize), strings.Repeat("_", TokenSize)} {
		_, _, err := keys.open(payloadToken, []byte(wrong), testAudience)
		require.ErrorIs(t, err, errInvalid, wrong)
	}
}

// Of several secrets the first makes tokens, and each opens its own, checking payloads by its own digest.
func TestTokenRotation(t *testing.T) {
	t.Parallel()
	before, during, after := keysOf("ns", "old"), keysOf("ns", "new", "old"), keysOf("ns", "new")
	ref := payloadRef{storage.Key{1}, 5}
	oldToken, newToken := before.token(ref, audience{}), during.token(ref, audience{})
	require.Equal(t, after.token(ref, audience{}), newToken)
	require.NotEqual(t, oldToken, newToken)

	for _, tt := range []struct {
		name  string
		token []byte
		maker *keyring
	}{{"old", oldToken, before}, {"new", newToken, after}} {
		got, newHash, err := during.open(payloadToken, textOf(t, tt.token), audience{})
		require.NoError(t, err, tt.name)
		require.Equal(t, ref, got)
		require.Equal(t, tt.maker.digest(audience{})().Sum(nil), newHash().Sum(nil), tt.name)
	}
	_, _, err := after.open(payloadToken, textOf(t, oldToken), audience{})
	require.ErrorIs(t, err, errInvalid)
}

// No text opens but the one token that a payload has, and none panics.
func FuzzToken(f *testing.F) {
	keys := keysOf("ns", "secret")
	good := textOf(f, keys.token(payloadRef{storage.Key{1}, 1000}, testAudience))
	f.Add(good, "ada")
	f.Add(good, "other")
	f.Add([]byte(strings.Repeat("A", TokenSize)), "")
	f.Add([]byte(strings.Repeat("\n", TokenSize)), "")
	f.Add([]byte(nil), "")
	f.Fuzz(func(t *testing.T, text []byte, scope string) {
		ref, newHash, err := keys.open(payloadToken, text, audience{app: testApp, scope: scope})
		if err != nil {
			require.True(t, err == errForeign || err == errInvalid)
			require.Zero(t, ref)
			require.Nil(t, newHash)
			return
		}
		require.Equal(t, `{"$dashstash":"`+string(text)+`"}`, string(keys.token(ref, audience{app: testApp, scope: scope})))
		require.Equal(t, string(good), string(text), "somebody made a token without the secret")
	})
}
