package interceptor

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// What an app stores is found again by namespace, app and Store, and nothing else with it.
func TestIn(t *testing.T) {
	t.Parallel()
	ic := newTestInterceptor()
	catalog := NewCatalog()
	names := []string{"one.example", "two.example"}
	ids := []string{"df", `{"index":1,"type":"df"}`, ""}
	keys := make(map[string]storage.Key)
	for _, name := range names {
		for _, id := range ids {
			keys[name+" "+id] = ic.keys.refOf([]byte("[1]"), ic.keys.ownerOf(catalog.App("", name), id), testAudience).key
		}
	}
	facts := ic.savers[0].key(ic.Namespace, catalog.App("", names[0]))
	tests := []struct {
		name string
		part Part
		want func(app, id string) bool
	}{
		{"all", Part{}, func(string, string) bool { return true }},
		{"namespace", Part{Namespace: new("test")}, func(string, string) bool { return true }},
		{"another namespace", Part{Namespace: new("")}, func(string, string) bool { return false }},
		{"app", Part{App: new(names[1])}, func(app, _ string) bool { return app == names[1] }},
		{"Store", Part{Store: new("df")}, func(_, id string) bool { return id == "df" }},
		{"dict id, as a person writes it", Part{Store: new(`{"type": "df", "index": 1}`)}, func(_, id string) bool { return id == ids[1] }},
		{"all of them", Part{new("test"), new(names[0]), new("df")}, func(app, id string) bool { return app == names[0] && id == "df" }},
		{"no such Store", Part{Store: new("d")}, func(string, string) bool { return false }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := ic.In(tt.part)
			for _, name := range names {
				for _, id := range ids {
					require.Equal(t, tt.want(name, id), in(keys[name+" "+id]), "%s %q", name, id)
				}
			}
			require.False(t, in(facts), "what is known of an app is no payload")
		})
	}
}

// What was stored with an older secret is found, too; what others have stored is not.
func TestInOtherSecrets(t *testing.T) {
	t.Parallel()
	of := func(secrets ...string) *Interceptor {
		return newTestInterceptor(func(c *Config) {
			c.Secrets = nil
			for _, secret := range secrets {
				c.Secrets = append(c.Secrets, []byte(secret))
			}
		})
	}
	app := NewCatalog().App("", testApp)
	old, stranger := of("old"), of("stranger")
	in := of("new", "old").In(Part{App: new(testApp)})
	require.True(t, in(old.keys.refOf([]byte("[1]"), old.keys.ownerOf(app, "df"), testAudience).key))
	require.False(t, in(stranger.keys.refOf([]byte("[1]"), stranger.keys.ownerOf(app, "df"), testAudience).key))
}

func TestIsPayload(t *testing.T) {
	t.Parallel()
	ic, catalog := newTestInterceptor(), NewCatalog()
	for n := range 1000 {
		app := catalog.App("", fmt.Sprint(n))
		require.True(t, IsPayload(ic.keys.refOf([]byte("[1]"), ic.keys.ownerOf(app, fmt.Sprint(n)), testAudience).key))
		require.False(t, IsPayload(ic.savers[0].key(ic.Namespace, app)))
	}
}
