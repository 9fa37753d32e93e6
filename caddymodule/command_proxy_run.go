package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// liveInterval is how often the live line is written.
const liveInterval = time.Second

// A statusSource tells what Dashstash has done so far.
type statusSource func() (Status, error)

// liveStatus is that of this process.
func liveStatus() (Status, error) {
	l, err := liveLedger()
	if err != nil {
		return Status{}, err
	}
	return l.status(), nil
}

// A proxyRun is a dash-proxy that runs.
type proxyRun struct {
	options *proxyOptions
	screen  *screen
	status  statusSource

	mu   sync.Mutex
	last *Status // the last one that was told; nil: none
}

func newProxyRun(options *proxyOptions, out io.Writer) *proxyRun {
	return &proxyRun{options: options, screen: newScreen(out), status: liveStatus}
}

// run runs until a signal ends it.
func (p *proxyRun) run() error {
	address, other := adminAddress()
	admin, err := newAdminClient(address)
	if err != nil {
		return err
	}
	var writer json.RawMessage
	if p.screen.terminal {
		caddy.RegisterModule(screenWriter{p.screen})
		writer = json.RawMessage(`{"output":"` + screenWriterName + `"}`)
	}
	caddy.BufferedLog() // until the configuration says what is shown, and then that much
	if err := caddy.Run(p.options.config(address, writer)); err != nil {
		return err
	}
	url := ""
	if p.screen.terminal { // else it would be in a log, with the key in it
		page, err := startPage(admin, 0)
		if err != nil {
			return err
		}
		defer page.close()
		url = page.url()
	}
	p.greet(address, other, url)
	caddy.OnExit(func(context.Context) { p.sumUp() }) // by `caddy stop`

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := p.watchApps(ctx); err != nil {
		return err
	}
	p.showLive(ctx)
	cancel() // another signal ends the process at once
	p.update()
	slow := time.AfterFunc(liveInterval, func() { p.screen.printf("waiting for requests under way, not longer than %s …", stopGrace) })
	err = caddy.Stop()
	slow.Stop()
	certmagic.CleanUpOwnLocks(context.Background(), caddy.Log())
	p.sumUp()
	return err
}

// adminAddress is where the admin endpoint listens: at the default address, or, if that is taken, at a free port. Caddy itself would
// end with an error.
func adminAddress() (address string, other bool) {
	parsed, err := caddy.ParseNetworkAddress(caddy.DefaultAdminListen)
	if err != nil || parsed.IsUnixNetwork() || parsed.IsFdNetwork() {
		return caddy.DefaultAdminListen, false // Caddy says what is wrong with it
	}
	listener, err := net.Listen(parsed.Network, parsed.JoinHostPort(0))
	if err == nil {
		_ = listener.Close()
		return caddy.DefaultAdminListen, false
	}
	if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return caddy.DefaultAdminListen, false
	}
	defer listener.Close()
	return listener.Addr().String(), true
}

// greet says where things are. Without a page it says how to get one.
func (p *proxyRun) greet(admin string, other bool, page string) {
	o := p.options
	to := make([]string, len(o.proxy.Upstreams))
	for i, upstream := range o.proxy.Upstreams {
		to[i] = upstream.Dial
	}
	ask := func(subcommand string) string {
		command := os.Args[0] + " dash-stash " + subcommand
		if admin != caddy.DefaultAdminListen {
			command += " --address " + admin
		}
		return command
	}
	p.screen.printf("Dashstash: %s", o.open())
	p.screen.printf("  the app   %s", strings.Join(to, ", "))
	p.screen.printf("  its data  %s", o.place)
	p.screen.printf("  watch it  %s", cmp.Or(page, ask("page")))
	p.screen.printf("            %s", ask("status"))
	if other {
		p.screen.printf("%s is taken, by another Caddy perhaps: the admin endpoint of this one is at %s.", caddy.DefaultAdminListen, admin)
	}
	if o.stash.DryRun {
		p.screen.printf("This is a dry run: nothing is changed, and the figures are what would be.")
	}
}

// open is what to open in a browser.
func (o *proxyOptions) open() string {
	a := o.from
	if a.Host == "" {
		return fmt.Sprintf("%s://localhost:%s/, and at this machine's other addresses", a.Scheme, a.Port)
	}
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if (a.Scheme == "http" && a.Port != "80") || (a.Scheme == "https" && a.Port != "443") {
		host += ":" + a.Port
	}
	return a.Scheme + "://" + host + "/"
}

// watchApps looks at each app in the background, until the context ends.
func (p *proxyRun) watchApps(ctx context.Context) error {
	for _, upstream := range p.options.proxy.Upstreams {
		probe, err := newProbe(upstream.Dial, p.options.tls, p.options.insecure)
		if err != nil {
			return err
		}
		go probe.watch(ctx, p.screen.printf)
	}
	return nil
}

// showLive keeps the live line up to date, if there is one, until the context ends. The figures are asked for all the same: when
// `caddy stop` ends the process, it is too late for that.
func (p *proxyRun) showLive(ctx context.Context) {
	ticker := time.NewTicker(liveInterval)
	defer ticker.Stop()
	for {
		p.screen.setLive(p.update())
		select {
		case <-ctx.Done():
			p.screen.setLive("")
			return
		case <-ticker.C:
		}
	}
}

// update asks for the figures, and returns them as a line; empty, if there are none.
func (p *proxyRun) update() string {
	status, err := p.status()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.last = &status
	}
	if p.last == nil {
		return ""
	}
	return summary(*p.last, p.options.stash.DryRun)
}

// sumUp writes the last figures, once.
func (p *proxyRun) sumUp() {
	p.screen.setLive("")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil {
		p.screen.printf("In %s: %s", formatDuration(p.last.Now.Sub(p.last.Since)), summary(*p.last, p.options.stash.DryRun))
		p.last = nil
	}
}

// summary is a status in one line.
func summary(s Status, dryRun bool) string {
	figures, saved := s.Live, "saved"
	if dryRun {
		figures, saved = s.DryRun, "would be saved"
	}
	stores := int64(0)
	for _, app := range s.Apps {
		for _, store := range app.Stores {
			if store.Decision == "offloaded" && store.LastUsed != nil {
				stores++
			}
		}
	}
	bytes := figures.Saved.Up + figures.Saved.Down
	of := figures.Up.Without + figures.Down.Without
	return fmt.Sprintf("%s · %s offloaded · %s %s (%s) · %s", count(figures.Callbacks, "callback", "callbacks"),
		count(stores, "Store", "Stores"), formatSize(bytes), saved, formatPercent(float64(bytes), float64(of)),
		count(sum(figures.Missed), "miss", "misses"))
}
