package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/plumbstore/plumb/internal/fault"
)

const (
	// connectTimeout bounds the way to a connection, unless the URL has a connect_timeout.
	connectTimeout = 5 * time.Second
	// callTimeout bounds one call. A server whose machine is gone says nothing, and the kernel waits for minutes.
	callTimeout = 30 * time.Second
	// connections are few: a process asks once a second whether there is a new revision.
	connections = 4
	// collisions is how often a transaction is tried while others stand in its way.
	collisions = 10
	// defaultSchema holds the tables, unless the URL has a search_path.
	defaultSchema = "plumb"
	// migrationLock is the advisory lock that is held while the tables are made or migrated.
	migrationLock = 0x706c756d62
)

// postgresEngine keeps a registry in a schema of a PostgreSQL database.
type postgresEngine struct {
	name   string
	schema string
	// pool connects when it is first asked.
	pool *sql.DB
}

func newPostgres(address string) (*postgresEngine, error) {
	config, err := parsePostgres(address)
	if err != nil {
		return nil, err
	}
	schema, err := schemaOf(config)
	if err != nil {
		return nil, err
	}
	always := func(context.Context, stdlib.ShouldPingParams) bool { return true }
	// A connection that was lost while it was idle is noticed before anything is sent over it.
	pool := stdlib.OpenDB(*config, stdlib.OptionShouldPing(always))
	pool.SetMaxOpenConns(connections)
	return &postgresEngine{name: nameOf(config), schema: schema, pool: pool}, nil
}

func parsePostgres(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		if file, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, fault.Inputf("registry", "the URL names a file that cannot be read: %v", file)
		}
		// What the parser says can quote any part of the URL, and so of the password.
		return nil, fault.Inputf("registry", "is not a PostgreSQL URL; write "+
			"postgres://user:password@host:port/database, with the special characters of a password percent-encoded, "+
			"and options as in ?sslmode=verify-full&sslrootcert=ca.pem")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "plumb"
	}
	// A stricter level would fail statements, reads too, that here only wait.
	config.RuntimeParams["default_transaction_isolation"] = "read committed"
	return config, nil
}

var schemaForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// schemaOf makes sure that the tables are found in one schema and nowhere else.
func schemaOf(config *pgx.ConnConfig) (string, error) {
	schema, ok := config.RuntimeParams["search_path"]
	if !ok {
		schema = defaultSchema
	}
	if !schemaForm.MatchString(schema) {
		return "", fault.Inputf("registry", "search_path must name one schema, in small letters, digits and _, not %q",
			schema)
	}
	config.RuntimeParams["search_path"] = schema
	return schema, nil
}

func nameOf(config *pgx.ConnConfig) string {
	if strings.HasPrefix(config.Host, "/") {
		return fmt.Sprintf("%s in PostgreSQL at %s", config.Database, config.Host)
	}
	address := url.URL{Scheme: "postgres", User: url.User(config.User), Path: "/" + config.Database,
		Host: net.JoinHostPort(config.Host, fmt.Sprint(config.Port))}
	return address.String()
}

func (e *postgresEngine) String() string { return e.name }

func (e *postgresEngine) close() error { return e.pool.Close() }

func (e *postgresEngine) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}

// patiently tries again what collided with another transaction: PostgreSQL has rolled it back.
func (e *postgresEngine) patiently(ctx context.Context, try func() error) error {
	for range collisions - 1 {
		if err := try(); !isCollision(err) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return try()
}

func (e *postgresEngine) existing(ctx context.Context) (*sql.DB, error) {
	version, err := e.version(ctx)
	if version == 0 || err != nil {
		return nil, err
	}
	return e.create(ctx)
}

// create makes the tables or migrates them. Of several processes one does it, and the others wait for it.
func (e *postgresEngine) create(ctx context.Context) (*sql.DB, error) {
	provider, err := newProvider(e.pool, goose.DialectPostgres, "postgres")
	if err != nil {
		return nil, err
	}
	if current, err := e.isCurrent(ctx, provider); current || err != nil {
		return e.pool, err
	}
	// The lock goes with its transaction, however this ends.
	lock, err := e.pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer lock.Rollback()
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
		return nil, err
	}
	if current, err := e.isCurrent(ctx, provider); current || err != nil {
		return e.pool, err
	}
	if err := e.makeSchema(ctx); err != nil {
		return nil, err
	}
	_, err = provider.Up(ctx)
	return e.pool, err
}

func (e *postgresEngine) isCurrent(ctx context.Context, provider *goose.Provider) (bool, error) {
	version, err := e.version(ctx)
	if err != nil {
		return false, err
	}
	return isCurrent(provider, version)
}

// makeSchema does nothing if the schema exists: creating one takes a right on the database, which is then not needed.
func (e *postgresEngine) makeSchema(ctx context.Context) error {
	var count int
	err := e.pool.QueryRowContext(ctx, "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = $1",
		e.schema).Scan(&count)
	if err != nil || count > 0 {
		return err
	}
	_, err = e.pool.ExecContext(ctx, "CREATE SCHEMA "+e.schema)
	return err
}

// version is 0 for a database that has no registry in it yet. The catalogue shows what exists even to users who may not
// read it; they then fail at the table, and do not take the registry for an empty one.
func (e *postgresEngine) version(ctx context.Context) (int64, error) {
	var tables, version int64
	err := e.pool.QueryRowContext(ctx, `SELECT count(*) FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
		e.schema, versionTable).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = e.pool.QueryRowContext(ctx,
		fmt.Sprintf("SELECT coalesce(max(version_id), 0) FROM %s.%s", e.schema, versionTable)).Scan(&version)
	return version, err
}
