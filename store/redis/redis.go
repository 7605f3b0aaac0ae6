// Package redis keeps online rows in Redis, which is what production uses.
package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// Store is an online store in a Redis server. It implements store.Online.
type Store struct {
	// client is an interface so that Sentinel and Cluster clients fit too.
	client  goredis.UniversalClient
	address string
}

var _ store.Online = (*Store)(nil)

// Open connects to the server of a redis:// or rediss:// URL. Options such as read_timeout=1s may be given in its
// query. It fails with a *registry.InputError for what is no such URL, and with an error that wraps
// registry.ErrUnavailable where the server does not answer.
func Open(ctx context.Context, url string) (*Store, error) {
	options, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	s := &Store{client: goredis.NewClient(options), address: options.Addr}
	if err := s.client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(s.explain(ctx, "connect", err), s.client.Close())
	}
	return s, nil
}

func parseURL(url string) (*goredis.Options, error) {
	options, err := goredis.ParseURL(url)
	if err != nil || options.Network != "tcp" {
		// What the parser says can quote any part of the URL, and so of the password.
		return nil, registry.Inputf("online_store", "is not a Redis URL; write "+
			"redis://[user:password@]host:port[/database], or rediss:// for TLS, "+
			"with the special characters of a password percent-encoded, and options as in ?read_timeout=1s")
	}
	options.ContextTimeoutEnabled = true
	// A server that is gone is reported soon: the caller knows better than this client how long to go on trying.
	options.DialerRetries = 1
	if options.MaxRetries == 0 {
		options.MaxRetries = 1
	}
	if options.DialTimeout == 0 {
		options.DialTimeout = 2 * time.Second
	}
	return options, nil
}

// Close ends all connections.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("redis at %s: close: %w", s.address, err)
	}
	return nil
}

// explain says in one sentence what went wrong with which server.
func (s *Store) explain(ctx context.Context, did string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("redis at %s: %s: %w", s.address, did, ctx.Err())
	}
	if _, ok := errors.AsType[goredis.Error](err); !ok {
		// Not the server's word, so the way to it is broken.
		return fmt.Errorf("redis at %s: %s: %w: %w", s.address, did, err, registry.ErrUnavailable)
	}
	for _, known := range replies {
		if goredis.HasErrorPrefix(err, known.prefix) {
			if known.passing {
				err = fmt.Errorf("%w: %w", err, registry.ErrUnavailable)
			}
			return fmt.Errorf("redis at %s: %s: %s: %w", s.address, did, known.advice, err)
		}
	}
	return fmt.Errorf("redis at %s: %s: %w", s.address, did, err)
}

// replies are the errors of a server that say something about the server rather than about the command. A passing one
// may be gone at the next call.
var replies = []struct {
	prefix, advice string
	passing        bool
}{
	{"OOM", "it is out of memory; raise its maxmemory, or give views a ttl so that old rows go", false},
	{"READONLY", "it is a read-only replica; connect to its primary", false},
	{"MISCONF", "it cannot save to disk and so takes no writes", false},
	{"NOAUTH", "it wants a password; give one in the URL", false},
	{"WRONGPASS", "it does not take this user and password", false},
	{"NOPERM", "this user may not do that", false},
	{"MOVED", "it is a node of a cluster, which cannot be used by the URL of one node", false},
	{"CROSSSLOT", "it is a node of a cluster, which cannot be used by the URL of one node", false},
	{"WRONGTYPE", "there is something else under the key of a row; use a database of its own", false},
	{"LOADING", "it is still loading its data", true},
	{"MASTERDOWN", "it is a replica that has lost its primary", true},
	{"CLUSTERDOWN", "its cluster is down", true},
	{"BUSY", "a script keeps it busy", true},
	{"max number of clients reached", "it has as many clients as it takes", true},
}
