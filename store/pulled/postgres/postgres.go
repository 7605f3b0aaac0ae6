// Package postgres reads a query in PostgreSQL as rows to pull: in one read-only transaction, by COPY in its binary
// format.
//
// A query is never run as it is. It is first prepared alone, which PostgreSQL does for one statement only; then it
// stands in parentheses in ours, which it cannot leave, since it was whole by itself. Values are never put into a
// statement: COPY takes no parameters, so the bounds of a window are bound to settings of the transaction, which the
// statement reads (window.go).
package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/pulled"
)

const (
	// connectTimeout bounds the way to a connection, unless the URL has a connect_timeout.
	connectTimeout = 10 * time.Second
	// patience is how long the server has to react to a cancellation, and to the end of a session.
	patience = 5 * time.Second
	// maxMessage bounds a message of the server, and so a row.
	maxMessage = 256 << 20
)

// Source is what is read.
type Source struct {
	// Name is that of the source, and Connection that of the database, for messages.
	Name, Connection string
	// Address is the URL, with credentials.
	Address string
	// Query is a SELECT, and By a column of it, or empty.
	Query, By string
}

// Snapshot implements pulled.Snapshot. It is used by one goroutine at a time.
type Snapshot struct {
	source     Source
	connection *pgconn.PgConn
	origin     pulled.Origin
	columns    []column
	// by is the type of the column of times.
	by uint32
}

var _ pulled.Snapshot = (*Snapshot)(nil)

// Open connects and begins the transaction. What is wrong with the address or the query is a *fault.InputError; a
// server that cannot be reached is fault.ErrUnavailable.
func Open(ctx context.Context, source Source) (*Snapshot, error) {
	config, err := parse(source)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{source: source}
	s.origin.Address = addressOf(config)
	if s.connection, err = pgconn.ConnectConfig(ctx, config); err != nil {
		return nil, s.explain(ctx, err)
	}
	s.connection.Frontend().SetMaxBodyLen(maxMessage)
	err = s.begin(ctx)
	if err == nil {
		err = s.describe(ctx)
	}
	if err != nil {
		s.Close(ctx)
		return nil, err
	}
	return s, nil
}

func parse(source Source) (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig(source.Address)
	if err != nil {
		field := "databases." + source.Connection
		if file, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, fault.Inputf(field, "the URL names a file that cannot be read: %v", file)
		}
		// What the parser says can quote any part of the URL, and so of the password.
		return nil, fault.Inputf(field, "is not a PostgreSQL URL; write postgres://user:password@host:port/database, with "+
			"the special characters of a password percent-encoded, and options as in ?sslmode=verify-full&sslrootcert=ca.pem")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "plumb pull"
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	// A query that is cancelled is told so: the server would notice a closed connection only once it sends a row.
	config.BuildContextWatcherHandler = func(connection *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: connection, DeadlineDelay: patience}
	}
	return config, nil
}

// addressOf is the address of a database without user and password.
func addressOf(config *pgconn.Config) string {
	if strings.HasPrefix(config.Host, "/") {
		return fmt.Sprintf("postgres:///%s?host=%s", config.Database, config.Host)
	}
	return "postgres://" + net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database
}

// begin begins the transaction, whose state of the database everything that follows sees.
func (s *Snapshot) begin(ctx context.Context) error {
	// Whoever may not ask this has no identity to compare.
	rows, err := s.ask(ctx, "SELECT system_identifier::text || '/' || (SELECT oid FROM pg_catalog.pg_database WHERE "+
		"datname = current_database())::text FROM pg_catalog.pg_control_system()")
	if err == nil && len(rows) == 1 {
		s.origin.Identity = string(rows[0][0])
	} else if _, refused := errors.AsType[*pgconn.PgError](err); err != nil && !refused {
		return s.explain(ctx, err)
	}
	// Settings of the session that decide what a query returns are the same everywhere (R1).
	err = s.connection.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; "+
		"SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; "+
		"SET LOCAL bytea_output = 'hex'").Close()
	if err != nil {
		return s.explain(ctx, err)
	}
	rows, err = s.ask(ctx, "SELECT (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint")
	if err != nil {
		return s.explain(ctx, err)
	}
	at, err := strconv.ParseInt(string(rows[0][0]), 10, 64)
	if err != nil {
		return fmt.Errorf("the clock of %s: %w", s.origin.Address, err)
	}
	s.origin.At = feature.Instant(at)
	return nil
}

// ask runs a statement of ours with bound values, and returns its rows as text. Each has at least one column.
func (s *Snapshot) ask(ctx context.Context, statement string, values ...string) ([][][]byte, error) {
	parameters := make([][]byte, len(values))
	for i, value := range values {
		parameters[i] = []byte(value)
	}
	result := s.connection.ExecParams(ctx, statement, parameters, nil, nil, nil).Read()
	return result.Rows, result.Err
}

// Close ends the transaction and the connection.
func (s *Snapshot) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = s.connection.Close(ctx) // The transaction was only read in.
}

// Origin implements pulled.Snapshot.
func (s *Snapshot) Origin() pulled.Origin { return s.origin }

// Columns implements pulled.Snapshot.
func (s *Snapshot) Columns() []pulled.Column {
	columns := make([]pulled.Column, len(s.columns))
	for i, c := range s.columns {
		columns[i] = pulled.Column{Name: c.name, Type: c.typeName}
	}
	return columns
}

// Fields implements pulled.Snapshot.
func (s *Snapshot) Fields() []arrow.Field {
	fields := make([]arrow.Field, len(s.columns))
	for i, c := range s.columns {
		fields[i] = arrow.Field{Name: c.name, Type: c.kind.stored, Nullable: true}
	}
	return fields
}

// Zoneless are the columns whose times have no zone, which are taken as UTC (R1).
func (s *Snapshot) Zoneless() []string {
	var names []string
	for _, c := range s.columns {
		if c.oid == oidTimestamp || c.oid == oidTimestampArray {
			names = append(names, c.name)
		}
	}
	return names
}

// bigEndian reads the numbers of the protocol.
var bigEndian = binary.BigEndian
