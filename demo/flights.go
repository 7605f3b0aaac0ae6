package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // The driver "duckdb".
)

// The files that the demo makes, in the project's folder.
const (
	labelFile    = "labels.parquet"
	trainingFile = "training.parquet"
	keyFile      = "keys.parquet"
)

// flights queries the data and the training set as a user would, with DuckDB.
type flights struct {
	*sql.DB
	dir string
	// count is the number of flights.
	count int64
}

func openFlights(ctx context.Context, dir string) (*flights, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // So that the session's settings hold for every query.
	if _, err := db.ExecContext(ctx, "SET TimeZone = 'UTC'"); err != nil {
		return nil, err
	}
	return &flights{DB: db, dir: dir}, nil
}

// query runs SQL in which @name stands for the Parquet file of that path below the project.
func (f *flights) query(ctx context.Context, query string, files map[string]string, args ...any) ([][]any, error) {
	for name, path := range files {
		quoted := "'" + strings.ReplaceAll(filepath.Join(f.dir, path), "'", "''") + "'"
		query = strings.ReplaceAll(query, "@"+name, quoted)
	}
	rows, err := f.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]any
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// writeLabels writes one row for each flight: its keys, the instant to predict at, and what to predict. A flight that
// never arrived has no label.
func (f *flights) writeLabels(ctx context.Context) (count, late int64, err error) {
	files := map[string]string{"flights": "data/flights.parquet", "labels": labelFile}
	_, err = f.query(ctx, `COPY (
		SELECT flight_id, origin, dest, carrier, tailnum, sched_dep AS event_timestamp, arr_delay > 15 AS late
		FROM @flights ORDER BY flight_id) TO @labels (FORMAT parquet)`, files)
	if err != nil {
		return 0, 0, fmt.Errorf("write the labels: %w", err)
	}
	rows, err := f.query(ctx, "SELECT count(*), count(*) FILTER (late) FROM @labels", files)
	if err != nil {
		return 0, 0, fmt.Errorf("count the labels: %w", err)
	}
	f.count = rows[0][0].(int64)
	return f.count, rows[0][1].(int64), nil
}

// sample returns a few rows of the training set as text, with a heading.
func (f *flights) sample(ctx context.Context) ([][]string, error) {
	rows, err := f.query(ctx, `
		SELECT strftime(event_timestamp, '%m-%d %H:%M'), origin, dest, carrier, tailnum, late,
			origin_weather__temp, origin_weather__gust, dest_weather__temp, plane__year, plane__seats,
			round(carrier_day__mean_arr_delay, 1), airport_hour__departures, round(airport_hour__mean_dep_delay, 1)
		FROM @training WHERE flight_id % 42000 = 17 OR dest IN ('EWR', 'JFK', 'LGA') ORDER BY event_timestamp`,
		map[string]string{"training": trainingFile})
	if err != nil {
		return nil, fmt.Errorf("read the training set: %w", err)
	}
	text := [][]string{{"departs", "from", "to", "by", "plane", "late", "temp", "gust", "temp there", "built", "seats",
		"airline yesterday", "departures", "delay now"}}
	for _, row := range rows {
		text = append(text, cells(row))
	}
	return text, nil
}

func cells(row []any) []string {
	text := make([]string, len(row))
	for i, value := range row {
		text[i] = fmt.Sprint(value)
		if value == nil {
			text[i] = "-"
		}
	}
	return text
}

// key is what a look-up names.
type key struct{ origin, dest, carrier, tailnum *string }

// columns are the names of a key's parts, in order.
var columns = []string{"origin", "dest", "carrier", "tailnum"}

func (k key) parts() []*string { return []*string{k.origin, k.dest, k.carrier, k.tailnum} }

// departures returns the keys of some flights that leave soon after the instant.
func (f *flights) departures(ctx context.Context, after time.Time, limit int) ([]key, error) {
	rows, err := f.query(ctx, `
		SELECT origin, dest, carrier, tailnum FROM @labels
		WHERE event_timestamp >= ?::TIMESTAMP ORDER BY event_timestamp, flight_id LIMIT ?`,
		map[string]string{"labels": labelFile}, after, limit)
	if err != nil {
		return nil, fmt.Errorf("find departures: %w", err)
	}
	keys := make([]key, len(rows))
	for i, row := range rows {
		keys[i] = key{word(row[0]), word(row[1]), word(row[2]), word(row[3])}
	}
	return keys, nil
}

func word(value any) *string {
	text, ok := value.(string)
	if !ok {
		return nil
	}
	return &text
}

// writeKeys writes label rows for distinct combinations of the year's keys, each at all instants: some with an unknown
// or no tail number, and the one to a destination whose weather is observed. With them are the distance and the course
// of the flight, which is unknown if the place of the destination is.
func (f *flights) writeKeys(ctx context.Context, path string, limit int, instants []time.Time) (rows int64, err error) {
	times := make([]string, len(instants))
	for i, at := range instants {
		times[i] = at.Format("(TIMESTAMP '2006-01-02 15:04:05')")
	}
	files := map[string]string{"flights": "data/flights.parquet", "airports": "data/airports.parquet", "keys": path}
	_, err = f.query(ctx, fmt.Sprintf(`COPY (
		SELECT * FROM (
			SELECT origin, dest, carrier, tailnum, distance, (360 + degrees(atan2(
				sin(radians(b.lon - a.lon)) * cos(radians(b.lat)), cos(radians(a.lat)) * sin(radians(b.lat)) -
				sin(radians(a.lat)) * cos(radians(b.lat)) * cos(radians(b.lon - a.lon))))) %% 360 AS course
			FROM (SELECT origin, dest, carrier, tailnum, max(distance)::DOUBLE AS distance FROM @flights GROUP BY ALL)
			JOIN @airports a ON a.airport = origin LEFT JOIN @airports b ON b.airport = dest
			ORDER BY dest NOT IN ('EWR', 'JFK', 'LGA'), hash(origin, dest, carrier, tailnum) LIMIT %d
		), (VALUES %s) instants(event_timestamp)) TO @keys (FORMAT parquet)`, limit, strings.Join(times, ", ")), files)
	if err != nil {
		return 0, fmt.Errorf("write the keys: %w", err)
	}
	counted, err := f.query(ctx, "SELECT count(*) FROM @keys", files)
	if err != nil {
		return 0, fmt.Errorf("count the keys: %w", err)
	}
	return counted[0][0].(int64), nil
}
