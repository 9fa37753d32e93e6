package caddymodule

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A fault behind the data of a Store in an answer that is too long to be held: the browser has the token by then. It has no
// more use for it than it would have had for the data, since the answer as a whole is no JSON.
func TestFaultBehindLongAnswer(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	for name, broken := range brokenBodies(setting("df", data)) {
		if strings.HasPrefix(broken, "{") && strings.Contains(broken, `:`+data) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				answer := lengthened(broken)
				got := startFaulty(t, whole(answer)).openSite(t, stash()).callback(t, reading())
				require.NoError(t, got.err)
				require.False(t, json.Valid([]byte(got.body)))
				require.Equal(t, answer, strings.Replace(got.body, tokenIn(t, got.body), data, 1))
			})
		}
	}
}

// An answer that comes little by little is the same in the end, and is on its way to the browser as soon as it is too long to
// be held.
func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	data, figure := repeated(5000), noise(100<<10)
	arrived := make(chan struct{})
	app := newDash(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		send := func(text string) {
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
		}
		for _, b := range []byte(`{"response":{"df":{"data":`) {
			send(string(b))
			time.Sleep(time.Millisecond)
		}
		send(data + `},"graph":{"figure":` + figure)
		select {
		case <-arrived:
		case <-r.Context().Done():
		}
		send(`}}}`)
	})
	s := app.openSite(t, stash())
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotFirstResponseByte: func() { close(arrived) }})
	got := s.send(t, s.request(t, http.MethodPost, callbackPath, strings.NewReader(reading())).WithContext(ctx))
	require.NoError(t, got.err)
	require.True(t, `{"response":{"df":{"data":`+tokenIn(t, got.body)+`},"graph":{"figure":`+figure+`}}}` == got.body)
}

// However deep or long a part of an answer is, it takes little memory, and passes if it cannot be stored.
func TestEndlessAnswersInLittleMemory(t *testing.T) { // not parallel: it measures the heap
	const (
		size  = 32 << 20
		steps = 8
		most  = 24 << 20 // a patch is held as far as it may be one
	)
	inTempDir(t)
	for name, answer := range map[string][2]string{
		"depth":                   {`{"x":`, "["},
		"depth in the data":       {`{"response":{"df":{"data":`, "["},
		"objects in the data":     {`{"response":{"df":{"data":`, `{"a":`},
		"a key":                   {`{"`, "k"},
		"an id":                   {`{"response":{"`, "k"},
		"a prop":                  {`{"response":{"df":{"`, "k"},
		"a key in the data":       {`{"response":{"df":{"data":{"`, "k"},
		"an escaped key":          {`{"response":{"`, `\u0064`},
		"many keys in the data":   {`{"response":{"df":{"data":{`, `"1":2,`},
		"a number in the data":    {`{"response":{"df":{"data":`, "1"},
		"backslashes in the data": {`{"response":{"df":{"data":"`, `\\`},
		"white space":             {`{"response":`, " "},
		"depth in a patch":        {`{"response":{"df":{"data":{"__dash_patch_update":"__dash_patch_update","operations":[`, `{"a":`},
	} {
		t.Run(name, func(t *testing.T) {
			part := []byte(strings.Repeat(answer[1], size/steps/len(answer[1])))
			var start, peak int64
			app := startDash(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					return // no page
				}
				_, _ = io.Copy(io.Discard, r.Body)
				start, peak = liveHeap(), 0
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, answer[0])
				for range steps {
					_, _ = w.Write(part)
					peak = max(peak, liveHeap())
				}
			})
			s := app.openSite(t, fmt.Sprintf("dash_stash {\n secret %q\n storage file %s\n}", testSecret, t.TempDir()))
			got, err := s.client.Do(s.request(t, http.MethodPost, callbackPath, strings.NewReader(reading())))
			require.NoError(t, err)
			defer got.Body.Close()
			n, err := io.Copy(io.Discard, got.Body)
			require.NoError(t, err)
			require.Equal(t, int64(len(answer[0])+steps*len(part)), n)
			require.Less(t, peak-start, int64(most))
		})
	}
}
