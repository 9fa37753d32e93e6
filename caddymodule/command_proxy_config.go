package caddymodule

import (
	"encoding/json"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/encode"
	"github.com/caddyserver/caddy/v2/modules/caddytls"
)

// stopGrace is how long requests that are under way when dash-proxy ends may take.
const stopGrace = 10 * time.Second

// config is the configuration with the admin endpoint at an address. The logs go to a writer of Caddy's, null for the default.
func (o *proxyOptions) config(admin string, logs json.RawMessage) *caddy.Config {
	compress := encode.Encode{
		EncodingsRaw: caddy.ModuleMap{"zstd": json.RawMessage("{}"), "gzip": json.RawMessage("{}")},
		Prefer:       []string{"zstd", "gzip"},
	}
	route := caddyhttp.Route{HandlersRaw: []json.RawMessage{
		caddyconfig.JSONModuleObject(compress, "handler", "encode", nil),
		caddyconfig.JSONModuleObject(o.stash, "handler", "dash_stash", nil),
		caddyconfig.JSONModuleObject(o.proxy, "handler", "reverse_proxy", nil),
	}}
	if o.from.Host != "" {
		route.MatcherSetsRaw = []caddy.ModuleMap{{"host": caddyconfig.JSON(caddyhttp.MatchHost{o.from.Host}, nil)}}
	}
	server := &caddyhttp.Server{Routes: caddyhttp.RouteList{route}, Listen: []string{":" + o.from.Port}}
	if o.accessLog {
		server.Logs = new(caddyhttp.ServerLogConfig)
	}
	if o.from.Scheme == "http" {
		server.AutoHTTPS = &caddyhttp.AutoHTTPSConfig{Disabled: true}
		server.Protocols = []string{"h1"} // Caddy would warn that the others need TLS
	} else if o.disableRedirects {
		server.AutoHTTPS = &caddyhttp.AutoHTTPSConfig{DisableRedir: true}
	}
	apps := caddy.ModuleMap{"http": caddyconfig.JSON(caddyhttp.App{
		GracePeriod: caddy.Duration(stopGrace),
		Servers:     map[string]*caddyhttp.Server{"srv0": server}, // which is no name: see serverName
	}, nil)}
	if o.internalCerts && o.from.Host != "" {
		apps["tls"] = caddyconfig.JSON(caddytls.TLS{Automation: &caddytls.AutomationConfig{
			Policies: []*caddytls.AutomationPolicy{{
				SubjectsRaw: []string{o.from.Host}, IssuersRaw: []json.RawMessage{json.RawMessage(`{"module":"internal"}`)},
			}},
		}}, nil)
	}
	return &caddy.Config{
		Admin:   &caddy.AdminConfig{Listen: admin, Config: &caddy.ConfigSettings{Persist: new(false)}},
		Logging: &caddy.Logging{Logs: o.logs(logs)},
		AppsRaw: apps,
	}
}

// logs has warnings and worse in the log, and what flags ask for.
func (o *proxyOptions) logs(writer json.RawMessage) map[string]*caddy.CustomLog {
	log := func(level string) *caddy.CustomLog {
		log := &caddy.CustomLog{BaseLog: caddy.BaseLog{Level: level, WriterRaw: writer}}
		if writer != nil {
			log.EncoderRaw = json.RawMessage(`{"format":"console","time_format":"wall","level_format":"` + levelFormat() + `"}`)
		}
		return log
	}
	if o.debug {
		return map[string]*caddy.CustomLog{"default": log(zap.DebugLevel.CapitalString())}
	}
	logs := map[string]*caddy.CustomLog{"default": log(zap.WarnLevel.CapitalString())}
	if o.accessLog {
		const logger = "http.log.access"
		logs["default"].Exclude = []string{logger}
		logs["access"] = log(zap.InfoLevel.CapitalString())
		logs["access"].Include = []string{logger}
	}
	return logs
}
