package caddymodule

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dashstash/dashstash/storage"
)

// A faulty app is one like that of newDash, but it answers a callback byte for byte with a text, and then closes the
// connection.
type faulty struct {
	net.Listener
	answer string
	last   atomic.Pointer[string] // body that came
}

func startFaulty(t *testing.T, answer string) *faulty {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	f := &faulty{Listener: listener, answer: answer}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go f.serve(conn)
		}
	}()
	return f
}

func (f *faulty) serve(conn net.Conn) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer := f.answer
	switch r.URL.Path {
	case "/_dash-layout":
		answer = whole(layout)
	case "/_dash-dependencies":
		answer = whole(dependencies)
	default:
		f.last.Store(new(string(body)))
	}
	_, _ = io.WriteString(conn, answer)
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, conn) // else what has been sent may be lost
}

// proxy is the directive that leads to the app.
func (f *faulty) proxy() string { return "reverse_proxy " + f.Addr().String() }

// openSite is a site in front of the app, with the page open.
func (f *faulty) openSite(t *testing.T, directive string) *site {
	t.Helper()
	s := newSite(t, directive, f.proxy())
	s.open(t)
	return s
}

const good = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"

// whole is a good answer with a body.
func whole(body string) string { return withLength(len(body), body) }

func withLength(length int, body string) string {
	return good + fmt.Sprintf("Content-Length: %d\r\n\r\n", length) + body
}

// inChunks is an answer in one chunk, and what stands behind it.
func inChunks(body, end string) string {
	return good + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(body), body) + end
}

// A faulty answer is to the browser what it is without us, and nothing of it is stored.
func TestFaultyAnswers(t *testing.T) {
	t.Parallel()
	data := repeated(5000)
	body := setting("df", data)
	answers := map[string]string{
		"error page":               "HTTP/1.1 500 Oh No\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<pre>Traceback</pre>",
		"error in JSON":            strings.Replace(whole(body), "200 OK", "400 Bad Request", 1),
		"try again":                "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
		"asks for a password":      "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
		"another status below 300": strings.Replace(whole(body), "200 OK", "299 Well", 1),
		"no such status":           strings.Replace(whole(body), "200 OK", "999 Well", 1),
		"status of two digits":     strings.Replace(whole(body), "200 OK", "20 OK", 1),
		"no status text":           strings.Replace(whole("{}"), "200 OK", "200", 1),
		"switches protocols":       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + body,
		"nothing":                  "",
		"no HTTP":                  body,
		"half a status line":       "HTTP/1.1 20",
		"half a header":            good,
		"no colon in the header":   good + "oops\r\n\r\n" + body,
		"NUL in the header":        good + "X-A: a\x00b\r\n\r\n" + body,
		"a header without end":     good + "X-A: " + strings.Repeat("a", 11<<20),
		"length too small":         withLength(len(body)-10, body),
		"length too small by one":  withLength(len(body)-1, body),
		"length too large":         withLength(len(body)+1, body),
		"length of no number":      good + "Content-Length: x\r\n\r\n" + body,
		"negative length":          good + "Content-Length: -1\r\n\r\n" + body,
		"two lengths":              good + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + body,
		"unknown transfer coding":  good + "Transfer-Encoding: own\r\n\r\n" + body,
		"no last chunk":            inChunks(body, ""),
		"half a last chunk":        inChunks(body, "0\r"),
		"no chunk size":            good + "Transfer-Encoding: chunked\r\n\r\n" + body,
		"huge chunk size":          inChunks(body, "ffffffffffffffff\r\nx"),
		"trailer without colon":    inChunks(body, "0\r\noops\r\n\r\n"),
		"type in doubt":            strings.Replace(whole(body), "application/json", "application/json, text/plain", 1),
		"type that is none":        strings.Replace(whole(body), "application/json", "json", 1),
		"coding that it is not in": good + "Content-Encoding: gzip\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body,
	}
	for name, broken := range brokenBodies(body) {
		answers["held, "+name] = whole(broken)
		answers["in chunks, "+name] = inChunks(broken, "0\r\n\r\n")
		if strings.HasPrefix(broken, "{") && !strings.Contains(broken, `:`+data) { // else a part has gone when the fault comes
			answers["streamed, "+name] = whole(lengthened(broken))
		}
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, directive := startFaulty(t, answer), stash()
			want, wantErr := newSite(t, app.proxy()).try(t, reading())
			got, err := app.openSite(t, directive).try(t, reading())
			if wantErr != nil || want.err != nil || want.StatusCode == http.StatusBadGateway { // broken off, before or in the body
				require.False(t, err == nil && got.err == nil && got.StatusCode == http.StatusOK, "got %.300s", got.body)
			} else {
				require.NoError(t, err)
				for _, r := range []*response{&want, &got} { // what is rewritten has a length where that is known
					r.Header.Del("Content-Length")
					r.ContentLength, r.TransferEncoding = 0, nil
				}
				requireSame(t, want, got)
			}
			require.Equal(t, storage.Stats{}, statsOf(t, directive))
		})
	}
}

// lengthened makes an object longer than what is held.
func lengthened(body string) string {
	return `{"response":{"graph":{"figure":` + noise(100<<10) + `}},` + strings.TrimPrefix(body, "{")
}

// brokenBodies are bodies that are no JSON, or not of a callback. All but the first few hold the data of a Store, as body does.
func brokenBodies(body string) map[string]string {
	data := `{"multi":true,"response":{"df":{"data":`
	return map[string]string{
		"empty":                      "",
		"null":                       "null",
		"a list":                     "[" + body + "]",
		"a text":                     `"{}"`,
		"white space":                " \n",
		"a byte order mark":          "\xef\xbb\xbf" + body,
		"another one behind it":      body + body,
		"a comma behind it":          body + ",",
		"NUL behind it":              body + "\x00",
		"ends in the data":           body[:2000],
		"ends in an escape":          data + `"` + strings.Repeat("x", 3000) + `\`,
		"ends in an escaped letter":  data + `"` + strings.Repeat("x", 3000) + `\u00`,
		"ends in a character":        data + `"` + strings.Repeat("x", 3000) + "\xc3",
		"ends in a token-sized text": data + `{"$dashstash":"` + strings.Repeat("A", 79),
		"ends behind a token":        data + `{"$dashstash":"` + strings.Repeat("A", 80) + `"`,
		"ends in a number":           data + "[" + strings.Repeat("1,", 2000) + "12",
		"ends in a key":              data + "[" + strings.Repeat("1,", 2000) + `{"ke`,
		"ends in a long key":         data + `{"` + strings.Repeat("k", 1<<20),
		"ends in depth":              data + strings.Repeat("[", 50_000),
		"ends behind the data":       strings.TrimSuffix(body, "}}}"),
		"ends at the last byte":      strings.TrimSuffix(body, "}"),
		"mismatched brackets":        data + "[" + strings.Repeat("1,", 2000) + "1}}}}",
		"a comma at the end":         data + "[" + strings.Repeat("1,", 2000) + "]}}}",
		"a leading zero":             data + "[" + strings.Repeat("1,", 2000) + "01]}}}",
		"a word that is none":        data + "[" + strings.Repeat("1,", 2000) + "nul]}}}",
		"broken behind the data":     strings.TrimSuffix(body, "}") + `,"x":}`,
		"no colon":                   strings.Replace(body, `"data":`, `"data" `, 1),
		"quotes of the wrong kind":   strings.ReplaceAll(body, `"`, `'`),
	}
}

// What is odd but good goes out with tokens, which come back as the data that would have gone out. Trailers that were not announced
// are lost.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	data, other := repeated(5000), noise(6000)
	long := strings.Repeat("k", 1<<20)
	tests := map[string]struct {
		answer string
		tokens int // in it; 0 means 1
	}{
		"no length":              {good + "\r\n" + setting("df", data), 0},
		"HTTP/1.0":               {strings.Replace(good, "1.1", "1.0", 1) + "\r\n" + setting("df", data), 0},
		"no type":                {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + setting("df", data), 0},
		"a length and chunks":    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + inChunks(setting("df", data), "0\r\n\r\n")[17:], 0},
		"unannounced trailers":   {inChunks(setting("df", data), "0\r\nX-Sum: 1\r\n\r\n"), 0},
		"chunk extensions":       {inChunks(setting("df", data), "0;x=y\r\n\r\n"), 0},
		"many hints":             {strings.Repeat("HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n", 4) + whole(setting("df", data)), 0},
		"100 and 102":            {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + whole(setting("df", data)), 0},
		"a Store twice":          {whole(`{"response":{"df":{"data":` + data + `},"df":{"data":` + other + `}}}`), 2},
		"data twice":             {whole(`{"response":{"df":{"data":` + data + `,"data":` + other + `}}}`), 2},
		"data and then null":     {whole(`{"response":{"df":{"data":` + data + `,"data":null}}}`), 0},
		"response twice":         {whole(`{"response":{"df":{"data":` + data + `}},"response":{}}`), 0},
		"white space everywhere": {whole(" { \"response\"\t:\r\n{ \"df\" : { \"data\" : " + data + " } } } \n"), 0},
		"escapes in keys":        {whole(`{"respons\u0065":{"d\u0066":{"\u0064ata":` + data + `}}}`), 0},
		"a long key before":      {whole(`{"` + long + `":1,"response":{"df":{"data":` + data + `}}}`), 0},
		"a long id":              {whole(`{"response":{"` + long + `":{"data":1},"df":{"data":` + data + `}}}`), 0},
		"a long prop":            {whole(`{"response":{"df":{"` + long + `":1,"data":` + data + `}}}`), 0},
		"a long key in the data": {whole(setting("df", `{"`+long+`":1}`)), 0},
		"depth in the data":      {whole(setting("df", nested(100_000))), 0},
		"depth before":           {whole(`{"x":` + nested(100_000) + `,"response":{"df":{"data":` + data + `}}}`), 0},
		"a lone surrogate":       {whole(setting("df", `"\ud800`+data[1:])), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := startFaulty(t, test.answer)
			ours := app.openSite(t, stash())
			want, wantHints := hinted(t, newSite(t, app.proxy()))
			got, hints := hinted(t, ours)
			require.Equal(t, want.StatusCode, got.StatusCode)
			require.Equal(t, wantHints, hints)
			require.Equal(t, want.Header["Content-Type"], got.Header["Content-Type"])
			tokens := 0
			back := tokenPattern.ReplaceAllStringFunc(got.body, func(token string) string {
				tokens++
				_, err := ours.try(t, reading(token))
				require.NoError(t, err)
				before, after, _ := strings.Cut(reading("|"), "|")
				return strings.TrimSuffix(strings.TrimPrefix(*app.last.Load(), before), after)
			})
			require.Equal(t, max(test.tokens, 1), tokens)
			require.True(t, want.body == back, "got %.300s", got.body)
		})
	}
}

// nested is a list in a list and so on.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// hinted sends a callback, and returns what came before the response, too.
func hinted(t *testing.T, s *site) (got response, hints []string) {
	t.Helper()
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, header))
			return nil
		},
	})
	got = s.send(t, s.request(t, http.MethodPost, callbackPath, strings.NewReader(reading())).WithContext(ctx))
	require.NoError(t, got.err)
	return got, hints
}
