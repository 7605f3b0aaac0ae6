// Package rows makes the feature rows that benchmarks read, with DuckDB.
package rows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // DuckDB's driver.
)

// Features is how many features rows have, f0 and so on. Their times span 90 days from First, in microseconds.
const (
	Features = 10
	First    = 1_700_000_000_000_000
	Span     = 90 * 86_400 * 1_000_000
)

// The values of features, as SQL of a hash: all bits of a double from 0 to 1, which no file makes smaller, or three
// decimals up to 1,000, which Snappy makes a third smaller and both sides have to decompress.
const (
	Uniform  = "%s / 18446744073709551616.0::DOUBLE"
	Decimals = "(%s %% 1000000) / 1000.0"
)

// Query returns a query for that many feature rows of that many keys, in the order of a log: sorted by event time, with
// each row known within a minute of its event.
func Query(rows, keys, seed int, values string) string {
	columns := []string{
		fmt.Sprintf("(hash(i * 7 + %d) %% %d)::BIGINT AS user_id", seed, keys),
		"make_timestamp(moment) AS event_timestamp",
		"make_timestamp(moment + (hash(i) % 60000000)::BIGINT) AS created_timestamp",
	}
	for feature := range Features {
		hash := fmt.Sprintf("hash(i * 10 + %d)", feature+seed)
		columns = append(columns, fmt.Sprintf(values+" AS f%d", hash, feature))
	}
	return fmt.Sprintf("SELECT %s FROM (SELECT i, %d + (i::HUGEINT * %d // %d)::BIGINT AS moment FROM range(%d) t(i))",
		strings.Join(columns, ", "), First, int64(Span), rows, rows)
}

// Make makes a file of a query's rows, unless it is there.
func Make(ctx context.Context, path, query string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fmt.Fprintln(os.Stderr, "bench: making", path)
	if err := Execute(ctx, fmt.Sprintf("COPY (%s) TO '%s.partial' (FORMAT parquet)", query, path)); err != nil {
		return err
	}
	if err := os.Rename(path+".partial", path); err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	return nil
}

// Split writes the rows of a query to the given number of files in a folder, share rows to each. It does nothing if the
// folder exists.
func Split(ctx context.Context, folder, query string, files, share int) (err error) {
	if _, err := os.Stat(folder); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fmt.Fprintln(os.Stderr, "bench: making", folder)
	partial := folder + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o755)); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	defer db.Close()
	statements := []string{"CREATE TABLE shared AS " + query}
	for i := range files {
		statements = append(statements, fmt.Sprintf("COPY (FROM shared WHERE rowid >= %d AND rowid < %d ORDER BY rowid) "+
			"TO '%s/%05d.parquet' (FORMAT parquet)", i*share, (i+1)*share, partial, i))
	}
	db.SetMaxOpenConns(1) // The table is in this connection's database.
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("DuckDB: %w", err)
		}
	}
	if err := os.Rename(partial, folder); err != nil {
		return fmt.Errorf("keep %s: %w", folder, err)
	}
	return nil
}

// Execute runs a statement in a DuckDB of its own.
func Execute(ctx context.Context, statement string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("DuckDB: %w", err)
	}
	return nil
}

// QueryRow reads the one row of a query.
func QueryRow(ctx context.Context, query string, into ...any) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, query).Scan(into...); err != nil {
		return fmt.Errorf("DuckDB: %w", err)
	}
	return nil
}
