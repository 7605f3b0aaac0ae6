package connect_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server/certificates/certtest"
	"github.com/plumbstore/plumb/store/spark/connect"
	"github.com/plumbstore/plumb/store/spark/sparktest"
)

// endless is a query that only an interruption ends.
const endless = "SELECT sum(id % 7) FROM range(0, 9000000000000000000, 1, 1)"

func shared(t *testing.T) connect.Config {
	t.Helper()
	return connect.Config{Remote: sparktest.Shared(t).Remote}
}

// dial begins a session that ends with the test.
func dial(t *testing.T, c connect.Config) *connect.Session {
	t.Helper()
	s, err := connect.Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(t.Context()) })
	return s
}

// one is the single number that a query returns.
func one(t *testing.T, s *connect.Session, query string) string {
	t.Helper()
	rows, err := s.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatalf("%s: no row, %v", query, rows.Err())
	}
	value := rows.Record().Column(0).ValueStr(0)
	if rows.Next() || rows.Err() != nil {
		t.Fatalf("%s: more than a row, or %v", query, rows.Err())
	}
	return value
}

// watch returns a function for Watched, and where to wait until a task runs.
func watch() (progress func(connect.Progress), running <-chan connect.Progress) {
	first := make(chan connect.Progress, 1)
	return func(p connect.Progress) {
		if p.Running > 0 {
			select {
			case first <- p:
			default:
			}
		}
	}, first
}

// isFree fails the test unless the server's one slot is free: it does not answer otherwise.
func isFree(t *testing.T) {
	t.Helper()
	s := dial(t, shared(t))
	if got := one(t, s, "SELECT count(*) FROM range(0, 1000, 1, 1)"); got != "1000" {
		t.Errorf("%s rows", got)
	}
}

func isUnavailable(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, fault.ErrUnavailable) || strings.Contains(err.Error(), "\n") ||
		strings.Contains(err.Error(), "desc =") {
		t.Errorf("%v (%T) is no sentence that says that Spark is unavailable", err, err)
	}
}

func TestASessionHasItsSettings(t *testing.T) {
	c := shared(t)
	c.Settings = map[string]string{"spark.sql.session.timeZone": "Asia/Tokyo", "spark.sql.shuffle.partitions": "3"}
	s := dial(t, c)
	if got := one(t, s, "SELECT current_timezone()"); got != "Asia/Tokyo" {
		t.Errorf("the time zone is %s", got)
	}
	if !strings.HasPrefix(s.Version(), "4.3.") || len(s.ID()) != 36 {
		t.Errorf("version %s, id %s", s.Version(), s.ID())
	}
	for setting, value := range map[string]string{"spark.sql.warehouse.dir": "/x", "spark.sql.shuffle.partitions": "x"} {
		c.Settings = map[string]string{setting: value}
		_, err := connect.Dial(t.Context(), c)
		var mistake *fault.InputError
		if !errors.As(err, &mistake) || mistake.Field != "offline.spark.settings" ||
			!strings.Contains(mistake.Message, setting) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	proxy := sparktest.Before(t, sparktest.Shared(t))
	proxy.Refuse(true)
	c := connect.Config{Remote: proxy.Remote, Patience: 300 * time.Millisecond}
	_, err := connect.Dial(t.Context(), c)
	isUnavailable(t, err)
	if err := connect.Release(t.Context(), c, "00112233-4455-6677-8899-aabbccddeeff"); err == nil {
		t.Error("a session is released at a server that is not there")
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(fs.ErrClosed)
	if _, err := connect.Dial(ended, c); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the end of the context is %v", err)
	}
}

func TestAServerThatStartsLateIsWaitedFor(t *testing.T) {
	proxy := sparktest.Before(t, sparktest.Shared(t))
	proxy.Refuse(true)
	time.AfterFunc(300*time.Millisecond, func() { proxy.Refuse(false) })
	dial(t, connect.Config{Remote: proxy.Remote})
}

func TestSchemaAndExplainRunNothing(t *testing.T) {
	s := dial(t, shared(t))
	ctx := t.Context()
	columns, err := s.Schema(ctx, "SELECT CAST(1 AS BIGINT) a, CAST(2 AS DECIMAL(20,3)) b, array(1D, null) c, "+
		"CAST(null AS TIMESTAMP_NTZ) d, struct(map('a', DATE'2020-01-01') AS `x``y`) e, X'00' f, current_timestamp() g")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, column := range columns {
		got.WriteString(column.Name + " " + column.Type)
		if column.Nullable {
			got.WriteString(" null")
		}
		got.WriteString(", ")
	}
	want := "a BIGINT, b DECIMAL(20,3), c ARRAY<DOUBLE>, d TIMESTAMP_NTZ null, " +
		"e STRUCT<`x``y`: MAP<STRING, DATE>>, f BINARY, g TIMESTAMP, "
	if got.String() != want {
		t.Errorf("the columns are\n%s, not\n%s", got.String(), want)
	}
	makes := "CREATE TABLE made USING parquet LOCATION '" + t.TempDir() + "/made' AS SELECT raise_error('it ran')"
	plan, err := s.Explain(ctx, makes)
	if err != nil || !strings.Contains(plan, "== Physical Plan ==") {
		t.Errorf("%q, %v", plan, err)
	}
	if _, err := s.Schema(ctx, makes); err != nil {
		t.Error(err)
	}
	if _, err := s.Schema(ctx, "SELECT nothing FROM range(1)"); err == nil {
		t.Error("a column that is not there has a type")
	}
	for _, query := range []string{"SELECT raise_error('it ran')", endless} {
		if _, err := s.Schema(ctx, query); err != nil {
			t.Error(err)
		}
		if _, err := s.Explain(ctx, query); err != nil {
			t.Error(err)
		}
	}
}

func TestAnotherProcessReleasesTheSessionOfADeadOne(t *testing.T) {
	c := shared(t)
	dead := dial(t, c)
	if err := dead.Run(t.Context(), "CREATE TEMPORARY VIEW v AS SELECT 1 x"); err != nil {
		t.Fatal(err)
	}
	progress, running := watch()
	failed := make(chan error)
	go func() { failed <- dead.Watched(progress).Run(t.Context(), endless) }()
	<-running
	other := c
	other.Remote += "/;user_id=somebody"
	if err := connect.Release(t.Context(), other, dead.ID()); err != nil {
		t.Error(err)
	}
	select {
	case err := <-failed:
		t.Fatalf("the session of another user was released: %v", err)
	default:
	}
	if err := connect.Release(t.Context(), c, dead.ID()); err != nil {
		t.Fatal(err)
	}
	isUnavailable(t, <-failed)
	isFree(t)
	isUnavailable(t, dead.Run(t.Context(), "SELECT x FROM v"))
	for range 2 {
		if err := connect.Release(t.Context(), c, dead.ID()); err != nil {
			t.Errorf("a session that has ended: %v", err)
		}
	}
	if err := connect.Release(t.Context(), c, "00112233-4455-6677-8899-aabbccddeeff"); err != nil {
		t.Errorf("a session that never was: %v", err)
	}
}

func TestACloseStopsWhatRunsInTheSession(t *testing.T) {
	s := dial(t, shared(t))
	progress, running := watch()
	failed := make(chan error)
	go func() { failed <- s.Watched(progress).Run(t.Context(), endless) }()
	<-running
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ended); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("the statement has succeeded")
	}
	isFree(t)
}

func TestTLSNeedsTheRightAuthorityNameAndCertificate(t *testing.T) {
	authority, another := certtest.NewAuthority(t), certtest.NewAuthority(t)
	gateway := sparktest.Through(t, sparktest.Shared(t), &tls.Config{MinVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{authority.Pair("spark")}, ClientCAs: authority.Pool,
		ClientAuth: tls.RequireAndVerifyClientCert})
	cert, key := authority.Issue("client")
	right := connect.Config{Remote: gateway.Remote, CA: authority.File, Cert: cert, Key: key,
		Patience: 500 * time.Millisecond}
	inTime := right
	inTime.Patience = 0
	if got := one(t, dial(t, inTime), "SELECT 1"); got != "1" {
		t.Error(got)
	}
	for name, change := range map[string]func(c *connect.Config){
		"another authority": func(c *connect.Config) { c.CA = another.File },
		"the system's":      func(c *connect.Config) { c.CA = "" },
		"another name":      func(c *connect.Config) { c.ServerName = "elsewhere.example" },
		"no certificate":    func(c *connect.Config) { c.Cert, c.Key = "", "" },
		"a false one":       func(c *connect.Config) { c.Cert, c.Key = another.Issue("client") },
		"no TLS": func(c *connect.Config) {
			*c = connect.Config{Remote: strings.TrimSuffix(c.Remote, "/;use_ssl=true")}
		},
	} {
		c := right
		change(&c)
		c.Patience = right.Patience
		_, err := connect.Dial(t.Context(), c)
		_, refused := errors.AsType[*fault.RefusedError](err)
		// A server that refuses a client's certificate may close the connection before it has said so.
		mayBeGone := name == "no TLS" || c.Cert != right.Cert
		if gone := errors.Is(err, fault.ErrUnavailable); !refused && (!gone || !mayBeGone) ||
			refused && !strings.Contains(err.Error(), "see offline.spark.tls_ca") ||
			strings.Contains(err.Error(), "desc =") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAClientThatIsNotLetInIsToldToSetTheToken(t *testing.T) {
	gateway := sparktest.Through(t, sparktest.Shared(t), nil)
	for _, code := range []codes.Code{codes.Unauthenticated, codes.PermissionDenied} {
		gateway.Do(func(string, []byte) ([]byte, error) { return nil, status.Error(code, "no") })
		_, err := connect.Dial(t.Context(), connect.Config{Remote: gateway.Remote})
		var refused *fault.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "set offline.spark.token") {
			t.Errorf("%s: %v", code, err)
		}
	}
}
