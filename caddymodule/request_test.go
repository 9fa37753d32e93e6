package caddymodule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage/spool"
)

// chunked is a body whose length is not known beforehand.
func chunked(body string) io.Reader { return io.MultiReader(strings.NewReader(body)) }

// What holds no token reaches the app byte for byte, with its length.
func TestRequestBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":          "",
		"callback":       reading("1", "null"),
		"not JSON":       "a=1&b=\xff\x00",
		"gzip":           string(encoded(t, "gzip", reading(repeated(5000)))),
		"like a token":   reading(`{"$dashstash":"too short"}`, `"{\"$dashstash\":\"x\"}"`, `{"$dashstash"`),
		"at the spill":   reading(repeated(spool.InMemory - len(reading()))),
		"past the spill": reading(repeated(spool.InMemory)),
	} {
		for kind, reader := range map[string]func(string) io.Reader{
			"sized":   func(body string) io.Reader { return strings.NewReader(body) },
			"chunked": chunked,
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				app := newDash(t, answering(`{}`))
				s := newSite(t, stash(), app.proxy())
				got := s.do(t, http.MethodPost, callbackPath, reader(body), "X-Own: yes")
				require.Equal(t, "{}", got.body)
				require.Empty(t, got.Header.Get("Server-Timing"))
				request := app.last(t)
				require.True(t, body == request.body)
				require.Equal(t, int64(len(body)), request.length)
				require.Empty(t, request.transfer)
				require.Equal(t, "yes", request.header.Get("X-Own"))
			})
		}
	}
}

// A handler in front, and the routes for errors, see the request as it came.
func TestRequestIsCopied(t *testing.T) {
	t.Parallel()
	h := provisioned(t, `{"storage":{"backend":"memory","name":"request is copied"}}`)
	r := httptest.NewRequest(http.MethodPost, callbackPath, chunked(untold))
	r.ContentLength = -1
	r.TransferEncoding = []string{"chunked"}
	r.Header.Set("Expect", "100-continue")
	r.Header.Set("Accept-Encoding", "gzip")
	before := r.Header.Clone()
	require.NoError(t, serve(h, httptest.NewRecorder(), r, func(_ http.ResponseWriter, forwarded *http.Request) error {
		if isAsk(forwarded) {
			return errors.New("it says nothing of itself")
		}
		require.Equal(t, http.Header{"Accept-Encoding": {"identity"}, "Content-Length": {fmt.Sprint(len(untold))}}, forwarded.Header)
		require.Nil(t, forwarded.TransferEncoding)
		for range 2 { // a transport may begin anew
			body, err := forwarded.GetBody()
			require.NoError(t, err)
			read, err := io.ReadAll(body)
			require.NoError(t, err)
			require.Equal(t, untold, string(read))
		}
		return nil
	}))
	require.Equal(t, before, r.Header)
	require.Equal(t, int64(-1), r.ContentLength)
	require.Equal(t, []string{"chunked"}, r.TransferEncoding)
}

func TestMaxRequest(t *testing.T) {
	t.Parallel()
	const limit = 6000
	fits := reading(repeated(limit - len(reading("")))) // one byte more does not
	require.Len(t, fits, limit)
	app := newDash(t, answering(setting("df", repeated(4000))))
	s := app.openSite(t, stash(fmt.Sprint("max_request ", limit)))
	token := storeData(t, s)
	tests := map[string]struct {
		body   io.Reader
		status int
	}{
		"declared, fits":      {strings.NewReader(fits), http.StatusOK},
		"declared, too long":  {strings.NewReader(fits + " "), http.StatusRequestEntityTooLarge},
		"chunked, fits":       {chunked(fits), http.StatusOK},
		"chunked, too long":   {chunked(fits + " "), http.StatusRequestEntityTooLarge},
		"chunked, endless":    {io.LimitReader(neverending{}, 1<<30), http.StatusRequestEntityTooLarge},
		"rehydrated, fits":    {strings.NewReader(reading(token)), http.StatusOK},
		"rehydrated, too big": {strings.NewReader(reading(token, token)), http.StatusRequestEntityTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			calls := app.calls()
			got, err := s.trySend(s.request(t, http.MethodPost, callbackPath, test.body))
			if err == nil { // a server may close the connection before it has read an endless body
				require.Equal(t, test.status, got.StatusCode)
			}
			require.Equal(t, test.status == http.StatusOK, app.calls() > calls, "whether the app is called")
		})
	}
}

type neverending struct{}

func (neverending) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// The largest limit there is lets bodies pass, which it once emptied.
func TestLargestMaxRequest(t *testing.T) {
	t.Parallel()
	held, err := holdRequest(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, callbackPath, strings.NewReader("body")), math.MaxInt64)
	require.NoError(t, err)
	require.Equal(t, int64(4), held.Size())
}

// A handler in front that has its own limit, as request_body has, keeps its status.
func TestLimitInFront(t *testing.T) {
	t.Parallel()
	app := newDash(t, answering(`{}`))
	s := newSite(t, "request_body {\n max_size 1KB\n}", stash(), app.proxy())
	got := s.do(t, http.MethodPost, callbackPath, chunked(repeated(2000)))
	require.Equal(t, http.StatusRequestEntityTooLarge, got.StatusCode)
	require.Zero(t, app.calls())
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"deadline": {os.ErrDeadlineExceeded, "HTTP 408"},
		"broken":   {io.ErrUnexpectedEOF, "HTTP 400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, head := range []int{0, 10, 2 * spool.InMemory} {
				body := io.MultiReader(bytes.NewReader(make([]byte, head)), failing{test.err})
				_, err := holdRequest(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, callbackPath, body), 1<<30)
				require.ErrorContains(t, err, test.want)
				require.ErrorIs(t, err, test.err)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
