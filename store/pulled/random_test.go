package pulled_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/store/pulled"
)

// TestPullsWhileRowsAreInserted_HaveEachRowOnce pulls while others insert: in transactions that commit in another order
// than that of the rows' times, that roll back, and that insert the same row twice. What was pulled at the end is the
// table.
func TestPullsWhileRowsAreInserted_HaveEachRowOnce(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at, note FROM events", events, "CREATE INDEX ON events (at)")
	seed := uint64(time.Now().UnixNano()) //nolint:forbidigo // A seed, which is printed.
	t.Logf("seed %d", seed)
	const writers, transactions = 3, 60
	var writing sync.WaitGroup
	for writer := range writers {
		writing.Go(func() { s.insertAtRandom(rand.New(rand.NewPCG(seed, uint64(writer))), writer, transactions) })
	}
	done := make(chan struct{})
	go func() { writing.Wait(); close(done) }()
	random := rand.New(rand.NewPCG(seed, writers))
	pulls := 0
	for ended := false; !ended; pulls++ {
		select {
		case <-done:
			ended = true // What was committed last is pulled once more.
		default:
		}
		s.must(pulled.Request{Full: random.IntN(10) == 0, SkipCount: random.IntN(2) == 0})
	}
	s.expect(s.table()...)
	if report := s.must(pulled.Request{}); report.Rows+report.Missed+report.Gone > 0 {
		t.Errorf("a pull without news reports %+v", report)
	}
	t.Logf("%d pulls, %d rows", pulls, len(s.rows()))
}

// insertAtRandom inserts rows with times up to half an hour before the transaction began, within the overlap.
func (s *source) insertAtRandom(random *rand.Rand, writer, transactions int) {
	ctx := context.WithoutCancel(s.Context())
	connection, err := pgconn.Connect(ctx, s.url)
	if err != nil {
		s.Error(err)
		return
	}
	defer func() { _ = connection.Close(ctx) }()
	for i := range transactions {
		statements := "BEGIN;"
		for range random.IntN(5) {
			id := writer*1_000_000 + i*1000 + random.IntN(3)
			statements += fmt.Sprintf("INSERT INTO events VALUES (%d, now() - interval '%d seconds', 'n');", id,
				random.IntN(30*60))
		}
		statements += fmt.Sprintf("SELECT pg_sleep(%f);", random.Float64()/50)
		if random.IntN(5) == 0 {
			statements += "ROLLBACK"
		} else {
			statements += "COMMIT"
		}
		if _, err := connection.Exec(ctx, statements).ReadAll(); err != nil {
			s.Error(err)
			return
		}
	}
}

// table are the rows of the table as the files have them.
func (s *source) table() []string {
	s.Helper()
	ctx := context.WithoutCancel(s.Context())
	connection, err := pgconn.Connect(ctx, s.url)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = connection.Close(ctx) }()
	results, err := connection.Exec(ctx, "SELECT id || '|' || rtrim(rtrim(to_char(at AT TIME ZONE 'UTC', "+
		`'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') || 'Z|' || note FROM events`).ReadAll()
	if err != nil {
		s.Fatal(err)
	}
	var rows []string
	for _, row := range results[0].Rows {
		rows = append(rows, string(row[0]))
	}
	return rows
}
