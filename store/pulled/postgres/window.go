package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/pulled"
)

// The settings that the bounds of a window are bound to, for the transaction alone.
const fromSetting, toSetting = "plumb.pull_from", "plumb.pull_to"

// set binds the bounds of a window to the settings.
func (s *Snapshot) set(ctx context.Context, window pulled.Window) error {
	from := "-infinity"
	if window.From != nil {
		from = timeText(*window.From)
	}
	_, err := s.ask(ctx, "SELECT pg_catalog.set_config($1, $2, true), pg_catalog.set_config($3, $4, true)",
		fromSetting, from, toSetting, timeText(window.To))
	if err != nil {
		return s.explain(ctx, err)
	}
	return nil
}

// timeText is an instant as PostgreSQL reads times.
func timeText(at feature.Instant) string {
	t := at.Time()
	year, era := t.Year(), ""
	if year <= 0 {
		year, era = 1-year, " BC"
	}
	return fmt.Sprintf("%04d-%s%s", year, t.Format("01-02 15:04:05.000000+00"), era)
}

// bound is a setting as a time that the column is compared with. Dates are compared with times, as midnights.
func (s *Snapshot) bound(setting string) string {
	to := "timestamp"
	if s.by == oidTimestampTZ {
		to = "timestamptz"
	}
	return fmt.Sprintf("pg_catalog.current_setting('%s')::%s", setting, to)
}

// inWindow is the condition of a window's rows. Infinite times are read too, to be refused by name.
func (s *Snapshot) inWindow() string {
	if s.source.By == "" {
		return ""
	}
	by := relation + "." + quote(s.source.By)
	return fmt.Sprintf(" WHERE %[1]s >= %[2]s AND %[1]s <= %[3]s OR %[1]s IS NULL OR %[1]s = 'infinity' OR "+
		"%[1]s = '-infinity'", by, s.bound(fromSetting), s.bound(toSetting))
}

// Rows implements pulled.Snapshot.
func (s *Snapshot) Rows(ctx context.Context, window pulled.Window, yield func(arrow.RecordBatch) error) (int64, error) {
	if err := s.set(ctx, window); err != nil {
		return 0, err
	}
	_, statement := wrapped(s.source.Query)
	decoding := newDecoder(s.columns, s.Fields(), yield)
	defer decoding.release()
	tag, err := s.connection.CopyTo(ctx, decoding, "COPY ("+statement+s.inWindow()+") TO STDOUT (FORMAT binary)")
	switch {
	case decoding.failure != nil:
		return 0, s.explainRow(decoding.failure)
	case err != nil:
		return 0, s.explainQuery(ctx, err, -1)
	}
	if err := decoding.end(); err != nil {
		return 0, s.explainRow(err)
	}
	return tag.RowsAffected(), nil
}

// Outside implements pulled.Snapshot.
func (s *Snapshot) Outside(ctx context.Context, window pulled.Window) (before, after int64, err error) {
	if err := s.set(ctx, window); err != nil {
		return 0, 0, err
	}
	by := relation + "." + quote(s.source.By)
	_, statement := wrapped(s.source.Query)
	rows, err := s.ask(ctx, fmt.Sprintf("SELECT count(*) FILTER (WHERE %[1]s < %[2]s), "+
		"count(*) FILTER (WHERE %[1]s > %[3]s) FROM (\n%[4]s\n) AS %[5]s WHERE %[1]s < %[2]s OR %[1]s > %[3]s",
		by, s.bound(fromSetting), s.bound(toSetting), statement, relation))
	if err != nil {
		return 0, 0, s.explainQuery(ctx, err, -1)
	}
	if len(rows) != 1 || len(rows[0]) != 2 {
		return 0, 0, errors.New("the database counted in another way than it was asked to")
	}
	if before, err = strconv.ParseInt(string(rows[0][0]), 10, 64); err == nil {
		after, err = strconv.ParseInt(string(rows[0][1]), 10, 64)
	}
	return before, after, err
}

// epoch is PostgreSQL's, in microseconds and in days after that of instants.
const epoch, epochDays = 946_684_800_000_000, epoch / int64(24*time.Hour/time.Microsecond)
