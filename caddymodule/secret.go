package caddymodule

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

const (
	minSecret  = 16 // characters
	secretName = "dash_stash/secret.key"
)

// loadSecrets returns the secrets that are configured or, if there are none, the one in Caddy's storage.
func (h *Handler) loadSecrets(ctx caddy.Context) ([][]byte, error) {
	if len(h.Secrets) == 0 {
		secret, err := storedSecret(ctx, ctx.Storage())
		if err != nil {
			return nil, fmt.Errorf("secret: cannot keep one in Caddy's storage (%w): configure one, for example "+
				"secret {env.DASH_STASH_SECRET}", err)
		}
		return [][]byte{secret}, nil
	}
	var secrets [][]byte
	for _, text := range h.Secrets {
		secret, err := caddy.NewReplacer().ReplaceOrErr(text, true, true)
		if err != nil {
			return nil, fmt.Errorf("secret: %w: give it a value of %d characters or more", err, minSecret)
		}
		if len(secret) < minSecret {
			return nil, fmt.Errorf("secret: has %d characters: use %d or more, for example those of: openssl rand -base64 32",
				len(secret), minSecret)
		}
		secrets = append(secrets, []byte(secret))
	}
	return secrets, nil
}

// storedSecret returns the secret in Caddy's storage. The first to come makes it.
func storedSecret(ctx context.Context, store certmagic.Storage) (secret []byte, err error) {
	if err := store.Lock(ctx, secretName); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Unlock(context.WithoutCancel(ctx), secretName)) }()

	secret, err = store.Load(ctx, secretName)
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, 32)
		rand.Read(secret)
		err = store.Store(ctx, secretName, secret)
	}
	if err == nil && len(secret) < minSecret {
		err = fmt.Errorf("%s is damaged: remove it", secretName)
	}
	return secret, err
}
