package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbstore/plumb/internal/fault"
)

// refuse says what is wrong with the query.
func (s *Snapshot) refuse(format string, args ...any) error {
	return fault.Inputf("", "the query of source %s "+format, append([]any{s.source.Name}, args...)...)
}

// explain says why the database did not do what it was asked for.
func (s *Snapshot) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.WithCause(ctx, err)
	}
	at := fmt.Sprintf("%s (databases.%s)", s.origin.Address, s.source.Connection)
	reply, replied := errors.AsType[*pgconn.PgError](err)
	switch {
	case replied && isAddress(reply.Code):
		return fault.Inputf("databases."+s.source.Connection, "%s does not let this user in: %s; correct the URL or its "+
			"password", s.origin.Address, replyText(reply))
	case replied && isPassing(reply.Code):
		return fmt.Errorf("the database %s is %w: %s; run again", at, fault.ErrUnavailable, replyText(reply))
	case replied:
		return fmt.Errorf("the database %s: %w", at, err)
	case isUnreachable(err):
		return fmt.Errorf("the database %s is %w: %s; nothing was pulled, run again", at, fault.ErrUnavailable, oneLine(err))
	}
	return fmt.Errorf("the database %s: %w", at, err)
}

// explainQuery says what is wrong with the query. before is how many characters of a statement come before it, or less
// than 0 if the place of a mistake cannot be told.
func (s *Snapshot) explainQuery(ctx context.Context, err error, before int) error {
	reply, replied := errors.AsType[*pgconn.PgError](err)
	if !replied || ctx.Err() != nil || !isOfQuery(reply.Code) {
		return s.explain(ctx, err)
	}
	input := fault.Inputf("", "the query of source %s: %s%s", s.source.Name, replyText(reply), remedy(reply.Code))
	if before >= 0 {
		input.Excerpt = excerpt(s.source.Query, int(reply.Position)-before)
	}
	return input
}

// explainRow says which value cannot be taken.
func (s *Snapshot) explainRow(err error) error {
	if _, ok := errors.AsType[*rowError](err); ok {
		return s.refuse("returned a value that cannot be pulled: %v", err)
	}
	if errors.Is(err, errCut) {
		return fmt.Errorf("the database %s is %w: %w; nothing was pulled, run again", s.origin.Address,
			fault.ErrUnavailable, err)
	}
	return err
}

// isAddress says whether a code is about user, password or database.
func isAddress(code string) bool { return strings.HasPrefix(code, "28") || code == "3D000" }

// isPassing says whether a code is about what may be gone at the next call: connections, resources, an operator, a
// conflict of a replica.
func isPassing(code string) bool {
	for _, class := range []string{"08", "40", "53", "57", "58"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// isOfQuery says whether a code is about what the query is, what it may not do, or values that it meets.
func isOfQuery(code string) bool {
	for _, class := range []string{"0A", "21", "22", "25", "2F", "38", "39", "42"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// remedy ends a sentence about a query.
func remedy(code string) string {
	switch code {
	case "42501":
		return "; grant the user of the connection SELECT on it"
	case "42P01", "3F000":
		return "; correct the name, or name its schema too"
	case "25006":
		return "; a pull only reads"
	case "42601":
		return "; it has to be one SELECT"
	}
	return ""
}

// replyText is what the server says, in one line.
func replyText(reply *pgconn.PgError) string {
	text := reply.Message
	if reply.Detail != "" {
		text += " (" + reply.Detail + ")"
	}
	return strings.Join(strings.Fields(text+" [SQLSTATE "+reply.Code+"]"), " ")
}

// excerpt is the line of a query that has the character at a position, counted from 1, with a caret below it; empty if
// there is no such character.
func excerpt(query string, position int) string {
	characters := []rune(query)
	if position < 1 || position > len(characters) {
		return ""
	}
	before := string(characters[:position-1])
	begin := strings.LastIndexByte(before, '\n') + 1
	line, _, _ := strings.Cut(query[begin:], "\n")
	return line + "\n" + strings.Repeat(" ", utf8.RuneCountInString(before[begin:])) + "^"
}

// isUnreachable says whether the connection to the server is broken.
func isUnreachable(err error) bool {
	return errors.As(err, new(*pgconn.ConnectError)) || errors.As(err, new(net.Error)) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, context.DeadlineExceeded)
}

// oneLine brings together what was tried at each address of a server.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.ReplaceAll(err.Error(), ":\n\t", ": "), "\n\t", "; ")
}
