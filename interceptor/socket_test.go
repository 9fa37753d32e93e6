package interceptor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRefuseMessage(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, message, toBrowser, toApp string }{
		{"callback", `{"type":"callback_request","rendererId":"a\"b","requestId":"1","payload":{"output":"x.y"}}`,
			`{"type":"callback_response","rendererId":"a\"b","requestId":"1","payload":{"message":"why","status":"error"}}`, ""},
		{"white space, cut off", ` { "requestId" : "1", "type" : "callback_request", "payload" : {"a":[` + strings.Repeat(" ", maxSocketHead),
			`{"type":"callback_response","rendererId":"","requestId":"1","payload":{"message":"why","status":"error"}}`, ""},
		{"prop", `{"type":"get_props_response","rendererId":"a","requestId":"1","payload":{"data":1}}`, "",
			`{"type":"get_props_response","rendererId":"a","requestId":"1","payload":"__disconnected__"}`},
		{"heartbeat", `{"type":"heartbeat"}`, "", ""},
		{"payload first", `{"payload":{"type":"callback_request"},"type":"callback_request"}`, "", ""},
		{"several", `[{"type":"callback_request"}]`, "", ""},
		{"no text", `{"type":["callback_request"]}`, "", ""},
		{"no JSON", `{"type"`, "", ""},
		{"empty", ``, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			toBrowser, toApp := RefuseMessage(strings.NewReader(test.message), int64(len(test.message)), "why")
			require.Equal(t, test.toBrowser, string(toBrowser))
			require.Equal(t, test.toApp, string(toApp))
		})
	}
}
