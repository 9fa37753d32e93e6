package interceptor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Endpoints are known by method and the end of the path, whatever the app's prefix.
func TestEndpointOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, path string
		want         Endpoint
		prefix       string
	}{
		{"POST", "/_dash-update-component", CallbackEndpoint, ""},
		{"POST", "/a/b/_dash-update-component", CallbackEndpoint, "/a/b"},
		{"GET", "/a/_dash-layout", LayoutEndpoint, "/a"},
		{"GET", "/_dash-dependencies", DependenciesEndpoint, ""},
		{"GET", "/a/_dash-ws-callback", SocketEndpoint, "/a"},
		{"CONNECT", "/_dash-ws-callback", SocketEndpoint, ""},
		{"post", "/_dash-update-component", CallbackEndpoint, ""},
		{"PoSt", "/a/_dash-update-component", CallbackEndpoint, "/a"},
		{"POST", "/a/_dash-update-component\n", CallbackEndpoint, "/a"},
		{"GET", "/_dash-ws-callback\n", SocketEndpoint, ""},
		{"POST", "/_dash-update-component\n\n", OtherEndpoint, ""},
		{"POST", "/_dash-update-component\r", OtherEndpoint, ""},
		{"POSTS", "/_dash-update-component", OtherEndpoint, ""},
		{"POST", "/_dash-ws-callback", OtherEndpoint, ""},
		{"GET", "/_dash-update-component", OtherEndpoint, ""},
		{"POST", "/_dash-layout", OtherEndpoint, ""},
		{"HEAD", "/_dash-layout", OtherEndpoint, ""},
		{"POST", "/_dash-update-component/", OtherEndpoint, ""},
		{"POST", "/x_dash-update-component", OtherEndpoint, ""},
		{"GET", "/_dash-component-suites/dash/_dash-layout.js", OtherEndpoint, ""},
		{"GET", "", OtherEndpoint, ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			endpoint, prefix := EndpointOf(tt.method, tt.path)
			require.Equal(t, tt.want, endpoint)
			require.Equal(t, tt.prefix, prefix)
		})
	}
}
