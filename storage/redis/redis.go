// Package redis keeps payloads on a Redis server or what speaks its protocol: one server, a master that Sentinels watch, or a
// cluster. Several processes, on several machines, may share it.
//
// Payloads expire by Redis's own expiry. What bounds them is the server's maxmemory; with a policy such as allkeys-lru it drops
// what was not used for the longest time, with noeviction it refuses what is new. See package remote for how a payload is kept.
package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/internal/remote"
)

// partSize is how many bytes of a payload go into one value. With what is around them that is 512 KiB at most: one byte more, and
// Redis's allocator takes a fifth more for each (jemalloc's size classes).
const partSize = 512<<10 - 64

// Defaults of [Options].
const (
	DefaultAddress = "127.0.0.1:6379"
	DefaultTimeout = time.Second
)

// Options say which server to use, and how.
type Options struct {
	// Addresses are host:port of the server, of nodes of a cluster, or of Sentinels; or the path of a Unix socket. More than one
	// that are no Sentinels' are a cluster's. Default: [DefaultAddress].
	Addresses []string
	// Cluster says that the server is a Redis Cluster.
	Cluster bool
	// Sentinel is the name of the master that the Sentinels at Addresses watch. Default: empty, there are none.
	Sentinel string
	// Username and Password are for the server. Default: empty, it wants none.
	Username, Password string
	// SentinelUsername and SentinelPassword are for the Sentinels. Default: empty, they want none.
	SentinelUsername, SentinelPassword string
	// DB is the number of the database; a cluster has only 0. Default: 0.
	DB int
	// Prefix begins each key. Default: empty.
	Prefix string
	// TLS is for a server that wants TLS. Default: nil, it does not.
	TLS *tls.Config
	// Timeout bounds connecting, and each command. Default: [DefaultTimeout].
	Timeout time.Duration
	// PoolSize is how many connections are kept, to each node of a cluster. Default: 10 for each CPU.
	PoolSize int
}

// ParseURL returns what a URL such as redis://user:password@host:6379/0 says, or rediss:// for TLS, or unix:// for a socket.
func ParseURL(url string) (Options, error) {
	parsed, err := redis.ParseURL(url)
	if err != nil {
		return Options{}, fmt.Errorf("parsing the URL of Redis: %w", err)
	}
	return Options{
		Addresses: []string{parsed.Addr}, Username: parsed.Username, Password: parsed.Password, DB: parsed.DB, TLS: parsed.TLSConfig,
	}, nil
}

// Open returns the store on a server. It does not call the server: one that is not up yet is found when it is. The logger gets
// one line when the server cannot be reached any more, and one when it can be again; nil logs nothing.
func Open(options Options, logger *slog.Logger) storage.Limiter {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if len(options.Addresses) == 0 {
		options.Addresses = []string{DefaultAddress}
	}
	if options.Timeout == 0 {
		options.Timeout = DefaultTimeout
	}
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:            options.Addresses,
		IsClusterMode:    options.Cluster,
		MasterName:       options.Sentinel,
		Username:         options.Username,
		Password:         options.Password,
		SentinelUsername: options.SentinelUsername,
		SentinelPassword: options.SentinelPassword,
		DB:               options.DB,
		TLSConfig:        options.TLS,
		PoolSize:         options.PoolSize,

		DialTimeout:           options.Timeout,
		ReadTimeout:           options.Timeout,
		WriteTimeout:          options.Timeout,
		PoolTimeout:           options.Timeout,
		ContextTimeoutEnabled: true,
		DialerRetries:         1, // commands are retried as a whole, and then there is the circuit breaker
		MaxRetries:            1,

		// Old servers, and others that speak the protocol, do not know these commands.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	counted := &counts{client: client, key: options.Prefix + "counts"}
	return remote.New(&server{client, strings.Join(options.Addresses, ","), counted}, remote.Options{Prefix: options.Prefix, PartSize: partSize, Logger: logger})
}

func init() { redis.SetLogger(silent{}) }

// silent keeps go-redis from writing to stderr, past the logger: what it has to say is in the errors that it returns.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
