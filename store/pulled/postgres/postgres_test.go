package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/store/pulled"
	"github.com/plumbstore/plumb/store/pulled/postgres"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, url, query, by string) (*postgres.Snapshot, error) {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Source{Name: "payments", Connection: "warehouse", Address: url,
		Query: query, By: by})
	if err == nil {
		t.Cleanup(func() { s.Close(context.WithoutCancel(t.Context())) })
	}
	return s, err
}

// read returns all rows of a query, each as text.
func read(t *testing.T, url, query string) ([]string, error) {
	t.Helper()
	s, err := open(t, url, query, "")
	if err != nil {
		return nil, err
	}
	var rows []string
	total, err := s.Rows(t.Context(), pulled.Window{}, func(batch arrow.RecordBatch) error {
		for row := range int(batch.NumRows()) {
			var cells []string
			for i := range int(batch.NumCols()) {
				cells = append(cells, batch.Column(i).ValueStr(row))
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		return nil
	})
	if err == nil && total != int64(len(rows)) {
		t.Errorf("%d rows of %d", len(rows), total)
	}
	return rows, err
}

func TestValuesKeepTheirTypesAndBits(t *testing.T) {
	url := postgrestest.Start(t).Database()
	for expression, want := range map[string]string{
		"true":                        "true",
		"(-32768)::smallint":          "-32768",
		"(-2147483648)::int":          "-2147483648",
		"9223372036854775807::bigint": "9223372036854775807",
		"1.5::real":                   "1.5",
		"'-0'::float8":                "-0",
		"'NaN'::float8":               "NaN",
		"'-infinity'::float8":         "-Inf",
		"'é'::text":                   "é",
		"'ab '::varchar(3)":           "ab ",
		"''::text":                    "",
		"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
		`'\x00ff'::bytea`:                                             "AP8=",
		"'1970-01-01 00:00:00+00'::timestamptz":                       "1970-01-01T00:00:00Z",
		"'2013-01-01 01:00:00.000001-05'::timestamptz":                "2013-01-01T06:00:00.000001Z",
		"'1969-12-31 23:59:59.999999'::timestamp":                     "1969-12-31T23:59:59.999999",
		"'1969-12-31'::date":                                          "1969-12-31",
		"12.34::numeric(10,2)":                                        "12.34",
		"(-0.01)::numeric(10,2)":                                      "-0.01",
		"0::numeric(10,2)":                                            "0",
		"99999999999999999999999999999999999999::numeric(38,0)":       "99999999999999999999999999999999999999",
		"(-0.99999999999999999999999999999999999999)::numeric(38,38)": "-0.99999999999999999999999999999999999999",
		"10000.0001::numeric(20,4)":                                   "10000.0001",
		"'{}'::int[]":                                                 "[]",
		"'{1,NULL,3}'::int[]":                                         "[1,null,3]",
		"'{a,\"\",NULL}'::text[]":                                     `["a","",null]`,
		"'[5:6]={1,2}'::int[]":                                        "[1,2]",
		"NULL::text":                                                  "(null)",
		"1::numeric(4,0)":                                             "1",
	} {
		rows, err := read(t, url, "SELECT "+expression+" AS x")
		if err != nil || len(rows) != 1 || rows[0] != want {
			t.Errorf("%s is %q, %v; want %q", expression, rows, err, want)
		}
	}
}

func TestNotANumberKeepsItsPayload(t *testing.T) {
	url := postgrestest.Start(t).Database()
	s, err := open(t, url, "SELECT float8recv_bits AS x FROM (SELECT 'NaN'::float8 AS float8recv_bits) q", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Rows(t.Context(), pulled.Window{}, func(batch arrow.RecordBatch) error {
		if bits := math.Float64bits(batch.Column(0).(*array.Float64).Value(0)); bits != 0x7ff8000000000000 {
			t.Errorf("NaN has the bits %x", bits)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestValuesThatAreNoneOfOurs_NameRowAndColumn(t *testing.T) {
	url := postgrestest.Start(t).Database()
	for expression, want := range map[string]string{
		"'infinity'::timestamptz": "the time is infinite", "'-infinity'::timestamp": "the time is infinite",
		"'infinity'::date": "the time is infinite", "'294276-12-31 23:59:59+00'::timestamptz": "beyond what microseconds",
		"'4714-11-24 BC'::date":     "",
		"'5874897-12-31'::date":     "beyond what microseconds",
		"'NaN'::numeric(4,2)":       "no finite number",
		"'{{1,2},{3,4}}'::int[]":    "has 2 dimensions",
		"'{infinity}'::timestamp[]": "an element: the time is infinite",
	} {
		_, err := read(t, url, "SELECT CASE i WHEN 3 THEN "+expression+" END AS x FROM generate_series(1, 4) i")
		if strings.Contains(expression, "numeric") { // CASE drops the size.
			_, err = read(t, url, "SELECT (CASE i WHEN 3 THEN "+expression+" END)::numeric(4,2) AS x "+
				"FROM generate_series(1, 4) i")
		}
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", expression, err)
			}
			continue
		}
		_, isInput := errors.AsType[*fault.InputError](err)
		if !isInput || !strings.Contains(err.Error(), "row 3, column x: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", expression, err, want)
		}
	}
}

func TestTypesThatAreNotPulled_SayHowToConvertThem(t *testing.T) {
	url := postgrestest.Start(t).Database()
	_, err := read(t, url, `SELECT 1.5 AS n, '{1.5}'::numeric[] AS ns, '{}'::jsonb AS j, interval '1 day' AS "d""x",
		'a'::char(3) AS c, 1::numeric(39) AS big, 1::numeric(4,-2) AS tens, 1, 1 AS same, 2 AS "Same"`)
	for _, want := range []string{
		`column n is numeric, which is not pulled as it is; give it a size of at most 38 digits, as in "n"::numeric(18,4), ` +
			`or make it "n"::double precision`,
		`column ns is numeric[]`, `as in "ns"::double precision[]`, `column j is jsonb`, `as in "j"::text`, `"d""x"::text`,
		`column c is character(3)`, `column big is numeric(39,0)`, "column tens is numeric(4,-2)", "column 8 has no name",
		"column 10 is called Same, as another one is called same",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestAQueryCannotLeaveItsPlace(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	server.Exec("test1", "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1); CREATE SEQUENCE numbers; "+
		"CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO kept VALUES (2); RETURN 1; END'; "+
		"CREATE FUNCTION frees() RETURNS int LANGUAGE plpgsql AS 'BEGIN SET TRANSACTION READ WRITE; RETURN writes(); END'")
	for query, want := range map[string]string{
		"SELECT 1 AS x) AS a; DROP TABLE kept; --":                                     "syntax error",
		"SELECT 1 AS x; DROP TABLE kept":                                               "cannot insert multiple commands",
		"SELECT 1 AS x) TO STDOUT; DROP TABLE kept; SELECT (1":                         "syntax error",
		"DROP TABLE kept":                                                              "it has to be one SELECT",
		"DELETE FROM kept RETURNING id":                                                "it has to be one SELECT",
		"WITH gone AS (DELETE FROM kept RETURNING id) SELECT * FROM gone":              "must be at the top level",
		"SELECT id INTO other FROM kept":                                               "it has to be one SELECT",
		"SELECT writes() AS x":                                                         "a pull only reads",
		"SELECT frees() AS x":                                                          "the query of source payments",
		"SELECT set_config('transaction_read_only', 'off', false) AS x, writes() AS y": "the query of source payments",
		"SELECT nextval('numbers') AS x":                                               "a pull only reads",
		"SELECT * FROM kept FOR UPDATE":                                                "a pull only reads",
		"COPY kept TO STDOUT":                                                          "returns no columns",
		"EXPLAIN SELECT 1":                                                             "it has to be one SELECT",
		"SELECT $1::int AS x":                                                          "has the parameter $1",
		"":                                                                             "returns no columns",
		"SELECT 1 / (id - 1) AS x FROM kept":                                           "division by zero",
		"SELECT /* 1 AS x":                                                             "unterminated /* comment",
	} {
		_, err := read(t, url, query)
		if _, ok := errors.AsType[*fault.InputError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
	rows, err := read(t, url, "SELECT id, ';)--' AS x FROM kept -- a comment )\n; ")
	if err != nil || len(rows) != 1 || rows[0] != "1|;)--" {
		t.Errorf("got %q, %v", rows, err)
	}
}

func TestMistakesInAQuerySayWhere(t *testing.T) {
	url := postgrestest.Start(t).Database()
	_, err := open(t, url, "SELECT 1 AS at,\n  wrong AS é\nFROM nowhere", "at")
	input, ok := errors.AsType[*fault.InputError](err)
	if !ok || !strings.Contains(err.Error(), `relation "nowhere" does not exist [SQLSTATE 42P01]; correct the name`) ||
		input.Excerpt != "FROM nowhere\n     ^" {
		t.Errorf("got %v with %q", err, input.Excerpt)
	}
	for by, want := range map[string]string{
		"att": `returns no column "att", by whose times later pulls go on; did you mean "at"?`,
		"at":  "has integer for column at, by whose times later pulls go on; make it a timestamp or date",
	} {
		if _, err := open(t, url, "SELECT 1 AS at", by); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestWhoMayNotReadIsToldSo_AndTheRestIsUnavailable(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	server.Exec("test1", "CREATE TABLE secrets (id int, at timestamptz); CREATE TABLE open (id int, at timestamptz); "+
		"CREATE USER reader PASSWORD 'hunter3'; GRANT SELECT ON open TO reader")
	reader := server.URLFor("reader", "hunter3", "test1", "sslmode=disable")
	for _, test := range []struct{ url, query, want string }{
		{reader, "SELECT * FROM secrets", "permission denied for table secrets [SQLSTATE 42501]; grant the user of the " +
			"connection SELECT on it"},
		{server.URLFor("reader", "hunter4", "test1", "sslmode=disable"), "SELECT 1 AS x", "databases.warehouse: "},
		{server.URLFor("reader", "hunter3", "nowhere", "sslmode=disable"), "SELECT 1 AS x", "does not exist"},
		{"postgres://h:hunter4:1", "SELECT 1 AS x", "databases.warehouse: is not a PostgreSQL URL"},
	} {
		_, err := read(t, test.url, test.query)
		_, ok := errors.AsType[*fault.InputError](err)
		if !ok || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	s, err := open(t, reader, "SELECT * FROM open", "at")
	if err != nil {
		t.Fatal(err)
	}
	if s.Origin().Identity == "" {
		t.Error("an ordinary user is not told the identity of the database")
	}
	server.Kill()
	_, err = s.Rows(t.Context(), pulled.Window{By: "at"}, nil)
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("with the server gone, got %v", err)
	}
	_, err = read(t, url, "SELECT 1 AS x")
	if !errors.Is(err, fault.ErrUnavailable) || strings.Contains(err.Error(), "hunter") {
		t.Errorf("with the server gone, got %v", err)
	}
}

// proxy passes bytes on to a server, and closes its connections once it has passed on so many of the server's.
func proxy(t *testing.T, address string, most int64) (listening string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			sent := make(chan struct{})
			go func() { _, _ = io.Copy(server, client); close(sent) }()
			_, _ = io.CopyN(client, server, most)
			client.Close()
			server.Close()
			<-sent
		}
	}()
	return listener.Addr().String()
}

func TestAConnectionThatIsLostInTheMiddleOfTheRows_IsNoEnd(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	const query = "SELECT i, repeat('x', 1000) AS text FROM generate_series(1, 20000) i"
	for _, most := range []int64{10, 600, 5_000, 100_000, 5_000_000} {
		rows, err := read(t, strings.Replace(url, server.Address, proxy(t, server.Address, most), 1), query)
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("after %d bytes and %d rows, got %v", most, len(rows), err)
		}
	}
}

func TestAPullThatIsInterrupted_CancelsItsQuery(t *testing.T) {
	server := postgrestest.Start(t)
	url := server.Database()
	s, err := open(t, url, "SELECT i, pg_sleep(CASE WHEN i > 9000 THEN 600 ELSE 0 END)::text AS slept "+
		"FROM generate_series(1, 9001) i", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var batches atomic.Int64
	_, err = s.Rows(ctx, pulled.Window{}, func(arrow.RecordBatch) error {
		if batches.Add(1) == 2 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.Close(t.Context())
	for running := true; running; {
		rows, err := read(t, url, "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'COPY%pg_sleep%' AND "+
			"state = 'active' AND pid <> pg_backend_pid()")
		if err != nil {
			t.Fatal(err)
		}
		running = rows[0] != "0"
	}
}

func TestBatchesAreBounded(t *testing.T) {
	url := postgrestest.Start(t).Database()
	s, err := open(t, url, "SELECT repeat('x', 1000000) AS x FROM generate_series(1, 50) i", "")
	if err != nil {
		t.Fatal(err)
	}
	batches := 0
	_, err = s.Rows(t.Context(), pulled.Window{}, func(batch arrow.RecordBatch) error {
		batches++
		if batch.NumRows() > 10 {
			return fmt.Errorf("a batch has %d rows of a megabyte", batch.NumRows())
		}
		return nil
	})
	if err != nil || batches < 5 {
		t.Errorf("%d batches, %v", batches, err)
	}
}
