package caddymodule

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/dashstash/dashstash/storage"
	"github.com/dashstash/dashstash/storage/redis"
)

func init() { caddy.RegisterModule(new(RedisStorage)) }

// RedisStorage keeps data on a Redis server, or what speaks its protocol, which several Caddys may share. How much that keeps,
// and what it drops when it is full, is for it to say (maxmemory, maxmemory-policy). All texts may hold global placeholders such
// as `{env.REDIS_PASSWORD}`.
type RedisStorage struct {
	// The addresses, host and port: of the server; of nodes of a Redis Cluster; or of Sentinels. A single one may be a URL
	// instead, such as `redis://user:password@host:6379/0`, or `rediss://` for TLS; or the path of a Unix socket. Default:
	// `127.0.0.1:6379`.
	Addresses []string `json:"addresses,omitempty"`

	// The user that the server knows. Default: empty, its default user.
	Username string `json:"username,omitempty"`

	// The password of that user. Default: empty, it needs none.
	Password string `json:"password,omitempty"`

	// The number of the database. A cluster has only 0. Default: 0.
	DB int `json:"db,omitempty"`

	// What each key begins with. Default: `dash_stash:`.
	Prefix string `json:"prefix,omitempty"`

	// Whether the server is a Redis Cluster; more than one address say so, too. Default: false.
	Cluster bool `json:"cluster,omitempty"`

	// The name of the master that the Sentinels at the addresses watch. Default: empty, they are no Sentinels.
	Sentinel string `json:"sentinel,omitempty"`

	// The user that the Sentinels know. Default: empty, their default user.
	SentinelUsername string `json:"sentinel_username,omitempty"`

	// The password of that user. Default: empty, it needs none.
	SentinelPassword string `json:"sentinel_password,omitempty"`

	// How to connect with TLS. Default: null, without TLS.
	TLS *RedisTLS `json:"tls,omitempty"`

	// How long connecting, and a command, may take. Default: 1s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many connections are kept, to each node of a cluster. Default: 10 for each CPU.
	PoolSize int `json:"pool_size,omitempty"`

	Near

	options  redis.Options
	identity string
}

// RedisTLS says how to connect with TLS.
type RedisTLS struct {
	// The file with the certificates, in PEM, of who may have signed the server's. Default: empty, those that the system trusts.
	CA string `json:"ca,omitempty"`

	// The file with the certificate, in PEM, to show to the server. Default: empty, none.
	Certificate string `json:"certificate,omitempty"`

	// The file with the key of that certificate, in PEM. Default: empty, none.
	Key string `json:"key,omitempty"`

	// The name that the server's certificate is for. Default: the host of the address.
	ServerName string `json:"server_name,omitempty"`

	// Whether any certificate will do: whoever is on the way can then read and change all. Default: false.
	InsecureSkipVerify bool `json:"insecure_skip_verify,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*RedisStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: storageNamespace + ".redis", New: func() caddy.Module { return new(RedisStorage) }}
}

// Provision sets the storage up.
func (r *RedisStorage) Provision(ctx caddy.Context) error {
	if r.Prefix == "" {
		r.Prefix = "dash_stash:"
	}
	for option, value := range map[string]*string{
		"username": &r.Username, "password": &r.Password, "prefix": &r.Prefix, "sentinel": &r.Sentinel,
		"sentinel_username": &r.SentinelUsername, "sentinel_password": &r.SentinelPassword,
	} {
		var err error
		if *value, err = replaced(option, *value); err != nil {
			return err
		}
	}
	if err := r.setOptions(); err != nil {
		return err
	}
	if err := r.provision(ctx, r); err != nil {
		return err
	}
	text, err := json.Marshal(r) //nolint:gosec // it stays in memory; LoadModule has taken the near storage out of it
	r.identity = fmt.Sprintf("redis:%s %v %s", text, r.options.Addresses, r.Near.identity())
	return err
}

// setOptions makes the options of the store of the module's, which take the place of what a URL says.
func (r *RedisStorage) setOptions() (err error) {
	r.options = redis.Options{}
	if len(r.Addresses) == 1 {
		address, err := replaced("address", r.Addresses[0])
		if err != nil {
			return err
		}
		if strings.Contains(address, "://") {
			if r.options, err = redis.ParseURL(address); err != nil {
				return errors.New("address: is no URL of Redis: write it as redis://user:password@host:6379/0") // and holds a password
			}
		}
	}
	o := &r.options
	if len(o.Addresses) == 0 {
		if o.Addresses, err = addressesOf(r.Addresses, "6379"); err != nil {
			return err
		}
	}
	if r.Username != "" {
		o.Username = r.Username
	}
	if r.Password != "" {
		o.Password = r.Password
	}
	if r.DB != 0 {
		o.DB = r.DB
	}
	if r.TLS != nil {
		if o.TLS, err = r.TLS.config(); err != nil {
			return fmt.Errorf("tls: %w", err)
		}
	}
	o.Cluster, o.Sentinel = r.Cluster, r.Sentinel
	o.SentinelUsername, o.SentinelPassword = r.SentinelUsername, r.SentinelPassword
	o.Prefix, o.Timeout, o.PoolSize = r.Prefix, time.Duration(r.Timeout), r.PoolSize
	return nil
}

func (t *RedisTLS) config() (*tls.Config, error) {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // only who asks for it gets it
	}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s has no certificate in PEM", t.CA)
		}
	}
	if t.Certificate != "" || t.Key != "" {
		certificate, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

// Validate checks the options.
func (r *RedisStorage) Validate() error {
	switch {
	case r.DB < 0:
		return fmt.Errorf("db: %d is no number of a database: use 0 or more", r.DB)
	case r.Cluster && r.Sentinel != "":
		return errors.New("cluster and sentinel: a server is one or the other: leave one of them out")
	case r.options.DB != 0 && r.Sentinel == "" && (r.Cluster || len(r.Addresses) > 1):
		return fmt.Errorf("db: a Redis Cluster has only database 0, not %d", r.options.DB)
	case r.Timeout < 0:
		return fmt.Errorf("timeout: %v is too short: use 1ms or more", time.Duration(r.Timeout))
	case r.PoolSize < 0 || r.PoolSize > math.MaxInt32:
		return fmt.Errorf("pool_size: %d is no number of connections: use 1 or more", r.PoolSize)
	}
	return nil
}

// Place is the addresses.
func (r *RedisStorage) Place() string {
	if len(r.options.Addresses) == 0 {
		return redis.DefaultAddress
	}
	return strings.Join(r.options.Addresses, " ")
}

// Identity is all that says which server, and how it is used.
func (r *RedisStorage) Identity() string { return r.identity }

// Open opens the store; the server need not be up.
func (r *RedisStorage) Open(logger *slog.Logger) (storage.Limiter, error) {
	return r.open(redis.Open(r.options, logger), logger)
}

// UnmarshalCaddyfile sets up the storage from Caddyfile tokens. Syntax:
//
//	redis [<address>...] {
//		username          <name>
//		password          <password>
//		db                <number>
//		prefix            <text>
//		cluster
//		sentinel          <master name>
//		sentinel_username <name>
//		sentinel_password <password>
//		tls {
//			ca          <file>
//			certificate <file>
//			key         <file>
//			server_name <name>
//			insecure_skip_verify
//		}
//		timeout           <duration>
//		pool_size         <number>
//		near              off | memory | file ...
//	}
func (r *RedisStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) (err error) {
	r.Addresses, err = unmarshalStorage(d, math.MaxInt, storageOptions{
		"username":          textOption(&r.Username),
		"password":          textOption(&r.Password),
		"db":                countOption(&r.DB, 0),
		"prefix":            textOption(&r.Prefix),
		"cluster":           flagOption(&r.Cluster),
		"sentinel":          textOption(&r.Sentinel),
		"sentinel_username": textOption(&r.SentinelUsername),
		"sentinel_password": textOption(&r.SentinelPassword),
		"tls":               r.tlsOption,
		"timeout":           durationOption(&r.Timeout),
		"pool_size":         countOption(&r.PoolSize, 1),
		"near":              r.option,
	})
	return err
}

func (r *RedisStorage) tlsOption(d *caddyfile.Dispenser) error {
	r.TLS = new(RedisTLS)
	if d.NextArg() {
		return d.Errf("tls takes a block, not %q", d.Val())
	}
	return storageOptions{
		"ca":                   textOption(&r.TLS.CA),
		"certificate":          textOption(&r.TLS.Certificate),
		"key":                  textOption(&r.TLS.Key),
		"server_name":          textOption(&r.TLS.ServerName),
		"insecure_skip_verify": flagOption(&r.TLS.InsecureSkipVerify),
	}.unmarshal(d, "tls")
}

// Interface guards
var (
	_ Backend               = (*RedisStorage)(nil)
	_ caddy.Provisioner     = (*RedisStorage)(nil)
	_ caddy.Validator       = (*RedisStorage)(nil)
	_ caddyfile.Unmarshaler = (*RedisStorage)(nil)
)
