package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbstore/plumb/internal/fault"
)

// Codes of PostgreSQL, https://www.postgresql.org/docs/current/errcodes-appendix.html.

// isCollision reports whether a transaction was rolled back because of another one: a key that exists already, a
// serialization failure, a deadlock, a lock that could not be acquired.
func isCollision(err error) bool {
	switch codeOf(err) {
	case "23505", "40001", "40P01", "55P03":
		return true
	}
	return false
}

func codeOf(err error) string {
	if reply, ok := errors.AsType[*pgconn.PgError](err); ok {
		return reply.Code
	}
	return ""
}

// wrongAddress turns into the user's mistake what a connection string is to blame for when it is first used: codes that
// begin with 28 are about user and password, and 3D000 is a database that is not there. Once the registry is open the
// same codes are a fault, since the string was right before.
func wrongAddress(err error) error {
	if code := codeOf(err); strings.HasPrefix(code, "28") || code == "3D000" {
		return fault.Inputf("registry", "%v", err)
	}
	return err
}

// replies are what the server says about itself or the user rather than about the statement; %s is the schema. A
// passing one may be gone at the next call.
var replies = map[string]struct {
	advice  string
	passing bool
}{
	"28P01": {"it does not take this user and password", false},
	"28000": {"it does not let this user in from here; see its pg_hba.conf", false},
	"3D000": {"there is no such database; make it with CREATE DATABASE, or name another", false},
	"42501": {"this user may not do that; the schema %s and its tables have to be granted to the user", false},
	"42P01": {"a table is missing in schema %s, or this user lacks USAGE on it", false},
	"25006": {"it is read-only, such as a replica; name the primary", false},
	"53100": {"it was not changed, since its disk is full", false},
	"22P05": {"the database's encoding cannot hold this text; use a database in UTF8", false},
	"53300": {"it has as many connections as it takes", true},
	"57P01": {"it is shutting down", true},
	"57P02": {"it has crashed", true},
	"57P03": {"it is starting or stopping", true},
	"57P05": {"it ended an idle connection", true},
	"23505": {"others keep changing it", true},
	"40001": {"others keep changing it", true},
	"40P01": {"others keep changing it", true},
	"55P03": {"others keep it locked", true},
}

func (e *postgresEngine) explain(err error) error {
	reply, replied := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fault.ErrNewer):
		return fmt.Errorf("the registry %s was %w", e, err)
	case replied:
		return e.explainReply(reply)
	case absent(err) != nil:
		return &absentError{fmt.Sprintf("no PostgreSQL answers at %s (registry): %v; start it, or correct registry in "+
			"plumb.yaml", e, absent(err).Err), err}
	case isUnreachable(err):
		return fmt.Errorf("the registry %s is %w: %s%s", e, fault.ErrUnavailable, afterCommit(err), oneLine(err))
	}
	return err
}

func (e *postgresEngine) explainReply(reply *pgconn.PgError) error {
	known, ok := replies[reply.Code]
	advice := strings.ReplaceAll(known.advice, "%s", e.schema)
	switch {
	case known.passing:
		return fmt.Errorf("the registry %s is %w: %s: %w", e, fault.ErrUnavailable, advice, reply)
	case ok:
		return fmt.Errorf("the registry %s: %s: %w", e, advice, reply)
	case strings.HasPrefix(reply.Code, "08"):
		return fmt.Errorf("the registry %s is %w: %w", e, fault.ErrUnavailable, reply)
	}
	return fmt.Errorf("the registry %s: %w", e, reply)
}

// isUnreachable reports whether the connection to the server is broken, or the server sent nothing for as long as a
// call may take.
func isUnreachable(err error) bool {
	return errors.As(err, new(*pgconn.ConnectError)) || errors.As(err, new(net.Error)) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, context.DeadlineExceeded)
}

// absent is the failure to reach the address of the server at all; nil if it was reached.
func absent(err error) *net.OpError {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" && errors.As(err, new(*pgconn.ConnectError)) {
		return dial
	}
	return nil
}

// absentError is a fault.ErrUnavailable that says what to do.
type absentError struct {
	message string
	cause   error
}

func (e *absentError) Error() string { return e.message }

func (e *absentError) Unwrap() []error { return []error{fault.ErrUnavailable, e.cause} }

// commitError says that a transaction failed when it was to be committed.
type commitError struct{ cause error }

func (e *commitError) Error() string { return e.cause.Error() }

func (e *commitError) Unwrap() error { return e.cause }

// afterCommit says what is not known if the answer to a commit was lost.
func afterCommit(err error) string {
	if errors.As(err, new(*commitError)) {
		return "the connection was lost before it had answered whether the change is made; it is made whole or not at all, " +
			"and plumb history tells: "
	}
	return ""
}

// oneLine brings together what was tried at each address of a server.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.ReplaceAll(err.Error(), ":\n\t", ": "), "\n\t", "; ")
}
