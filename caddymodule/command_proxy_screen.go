package caddymodule

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/caddyserver/caddy/v2"
)

// A screen is where dash-proxy and Caddy's logs write to. If it is a terminal, its last line is a live one, which all that is written
// leaves below it. All methods may be called at the same time.
type screen struct {
	out      io.Writer
	terminal bool
	width    func() int

	mu   sync.Mutex
	live string
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, terminal: isTerminal(out)}
	if s.terminal {
		s.width = func() int {
			width, _, err := term.GetSize(int(out.(*os.File).Fd()))
			if err != nil || width < 1 {
				return 80
			}
			return width
		}
	}
	return s
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// printf writes a line or more.
func (s *screen) printf(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// Write writes whole lines above the live one.
func (s *screen) Write(lines []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != "" {
		s.clear()
		defer s.draw()
	}
	return s.out.Write(lines)
}

// setLive writes the live line anew; empty, it goes. Without a terminal there is none.
func (s *screen) setLive(line string) {
	if !s.terminal {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != "" {
		s.clear()
	}
	s.live = line
	s.draw()
}

// clear takes the live line away. It has no more than the width of the terminal, so that it is one line; if the window has become
// narrower since, some of it stays behind.
func (s *screen) clear() { fmt.Fprint(s.out, "\r\x1b[K") }

func (s *screen) draw() {
	if s.live != "" {
		fmt.Fprint(s.out, cut(s.live, s.width()-1))
	}
}

// levelFormat is how console logs write levels.
func levelFormat() string {
	if os.Getenv("NO_COLOR") != "" {
		return "upper"
	}
	return "color"
}

// A screenWriter has Caddy's logs go to a screen. It is a module of Caddy only while dash-proxy runs on a terminal.
type screenWriter struct{ *screen }

const screenWriterName = "dash_proxy_screen"

// CaddyModule returns the Caddy module information.
func (w screenWriter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.writers." + screenWriterName,
		New: func() caddy.Module { return &w },
	}
}

func (screenWriter) String() string    { return "the terminal" }
func (screenWriter) WriterKey() string { return screenWriterName }

// OpenWriter returns the screen, which outlives the configuration.
func (w screenWriter) OpenWriter() (io.WriteCloser, error) { return screenLog(w), nil }

type screenLog struct{ *screen }

func (screenLog) Close() error { return nil }

// Interface guards
var _ caddy.WriterOpener = screenWriter{}
