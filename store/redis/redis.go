// Package redis keeps online rows in Redis, which is what production uses.
//
// The rows of an entity are the fields of one hash, one for each table (keys.go); their values are packed rows. A
// look-up of one entity in many views is therefore one HMGET. A hash of a few short fields is kept as one piece of
// memory, a listpack, if the server's settings allow for it, and then takes the least memory (encoding.go).
// directory.go says which field is whose. Rows that older versions have stored, in layout 1, are in older.go.
//
// Two rules need the server's help. The newest row wins whatever order writes come in (R14): the check and the write
// are one script, newestwins.lua, which Redis runs without interruption. A row that has been expired for longer than
// the retention is forgotten (R13): hashes, or fields if the server can do that, have a time to live.
//
// batches.go lets reads share round trips, slots.go groups keys for a cluster, circuit.go answers at once for a server
// that is gone, upkeep.go counts and removes the rows of a view, url.go reads what a project says of its servers.
package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
)

// Store is an online store in Redis: one server, a primary that Sentinel names, or a cluster. It implements
// online.Store.
type Store struct {
	client goredis.UniversalClient
	// spread says that keys have to go to Redis slot by slot. That is so for a cluster, and also for Sentinel if replicas
	// answer reads: the driver's client for that is the one for clusters.
	spread bool
	// replicas says that replicas answer reads too.
	replicas bool
	address  string
	now      func() time.Time
	// tables has a *tableEntry for each online.Table.
	tables sync.Map
	// batcher is for a single server. batchers has a *batcher for each node of a cluster.
	batcher  batcher
	batchers sync.Map
	// withoutHGet says that the servers' user may not HGET.
	withoutHGet atomic.Bool
}

var _ online.Store = (*Store)(nil)

// Option changes how a store is opened.
type Option func(*Store)

// WithClock makes the store read the time from now, which is the machine's clock otherwise.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

// Open connects to the servers of a URL: redis://, redis+sentinel:// or redis+cluster://, or rediss for redis in these
// for TLS. Options such as read_timeout=1s may be given in its query. It fails with a *fault.InputError if the URL is
// not valid, and with an error that wraps fault.ErrUnavailable if no server answers.
func Open(ctx context.Context, url string, options ...Option) (*Store, error) {
	target, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	s := &Store{
		address: strings.Join(target.options.Addrs, ","),
		spread:  target.layout == cluster || target.replicas, replicas: target.replicas,
		now: time.Now, //nolint:forbidigo // The clock if none is injected.
	}
	for _, option := range options {
		option(s)
	}
	if s.client, err = newClient(target, s.now); err != nil {
		return nil, err
	}
	s.batcher.client = s.client
	if err := s.client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(s.explain(ctx, "connect", err), s.client.Close())
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("redis at %s: close: %w", s.address, err)
	}
	return nil
}

// explain says in one sentence what went wrong with which server. It decides what wraps fault.ErrUnavailable, which
// callers try again after: the server was not reached, or says of itself that it will answer later. The context comes
// first, since a call that its caller gave up says nothing about the server.
func (s *Store) explain(ctx context.Context, did string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("redis at %s: %s: %w", s.address, did, ctx.Err())
	}
	if _, ok := errors.AsType[*goneError](err); ok {
		return fmt.Errorf("redis at %s: %s: %w", s.address, did, err)
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return &absentError{fmt.Sprintf("no Redis answers at %s (online_store): %v; start it, or correct online_store in "+
			"plumb.yaml", s.address, dial.Err), err}
	}
	if _, ok := errors.AsType[goredis.Error](err); !ok {
		// Not the server's word, so the way to it is broken.
		return fmt.Errorf("redis at %s: %s: %w: %w", s.address, did, err, fault.ErrUnavailable)
	}
	for _, known := range replies {
		if says(err, known.prefix) {
			if known.passing {
				err = fmt.Errorf("%w: %w", err, fault.ErrUnavailable)
			}
			return fmt.Errorf("redis at %s: %s: %w", s.address, did, &fault.RefusedError{Advice: known.advice, Err: err})
		}
	}
	return fmt.Errorf("redis at %s: %s: %w", s.address, did, err)
}

// says reports whether a server's error is of a kind. Before version 7 a script's error has the kind in its middle.
func says(err error, prefix string) bool {
	return goredis.HasErrorPrefix(err, prefix) || strings.Contains(err.Error(), ": -"+prefix+" ")
}

// absentError says that no server listens at the address.
type absentError struct {
	message string
	cause   error
}

func (e *absentError) Error() string { return e.message }

func (e *absentError) Unwrap() []error { return []error{fault.ErrUnavailable, e.cause} }

// replies are the errors of a server that say something about the server rather than about the command. A passing one
// may be gone at the next call.
var replies = []struct {
	prefix, advice string
	passing        bool
}{
	{"OOM", "it is out of memory; raise its maxmemory, or give views a ttl so that old rows go", false},
	{"The user executing the script can't", "this user may not do that; grant it the keys and commands that " +
		"docs/configuration.md lists", false},
	{"ACL failure in script", "this user may not do that; grant it the keys and commands that docs/configuration.md lists",
		false},
	{"READONLY", "it is a read-only replica; connect to its primary", false},
	{"MISCONF", "it cannot save to disk and so takes no writes", false},
	{"NOAUTH", "it wants a password; give one in the URL", false},
	{"WRONGPASS", "it does not take this user and password", false},
	{"NOPERM", "this user may not do that; grant it the keys and commands that docs/configuration.md lists", false},
	{"MOVED", "it is a node of a cluster; write redis+cluster:// for redis:// in the URL", false},
	{"CROSSSLOT", "it is a node of a cluster; write redis+cluster:// for redis:// in the URL", false},
	{"WRONGTYPE", "there is something else under the key of a row; use a database of its own", false},
	{"LOADING", "it is still loading its data", true},
	{"MASTERDOWN", "it is a replica that has lost its primary", true},
	{"CLUSTERDOWN", "its cluster is down", true},
	{"TRYAGAIN", "a slot of its cluster moves", true},
	{"BUSY", "a script keeps it busy", true},
	{"max number of clients reached", "it has as many clients as it takes", true},
}
