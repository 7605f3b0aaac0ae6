package pulled_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/store/pulled"
)

const events = "CREATE TABLE events (id int, at timestamptz, note text)"

func insert(id int, at string) string {
	return fmt.Sprintf("INSERT INTO events VALUES (%d, timestamptz '2024-05-01 00:00:00+00' + interval '%s', 'n')", id, at)
}

func TestPullsGoOnWhereTheLastOneEnded(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at, note FROM events", events, insert(1, "0h"), insert(2, "1h"))
	if report := s.must(pulled.Request{}); !report.Full || report.Rows != 2 || report.State.Rows != 2 {
		t.Errorf("the first pull reports %+v", report)
	}
	if report := s.must(pulled.Request{}); report.Full || report.Rows != 0 || report.File != "" || report.Again != 2 {
		t.Errorf("a pull without news reports %+v", report)
	}
	// A row that is late, one with the time of the latest, one after it, and the same row again.
	s.exec(insert(3, "30m"), insert(4, "1h"), insert(5, "2h"), insert(5, "2h"))
	report := s.must(pulled.Request{})
	if report.Rows != 4 || report.Again != 2 || report.Missed != 0 || report.State.Files != 2 {
		t.Errorf("the second pull reports %+v", report)
	}
	latest := time.Date(2024, time.May, 1, 2, 0, 0, 0, time.UTC)
	if !report.State.Latest.Time().Equal(latest) {
		t.Errorf("the latest is %s", report.State.Latest)
	}
	s.expect("1|2024-05-01T00:00:00Z|n", "2|2024-05-01T01:00:00Z|n", "3|2024-05-01T00:30:00Z|n",
		"4|2024-05-01T01:00:00Z|n", "5|2024-05-01T02:00:00Z|n", "5|2024-05-01T02:00:00Z|n")
}

func TestARowThatIsLaterThanTheOverlap_IsReportedAndALongerOneBringsIt(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at, note FROM events", events, insert(1, "0h"), insert(2, "10h"))
	s.must(pulled.Request{})
	s.exec(insert(3, "1h"))
	if report := s.must(pulled.Request{}); report.Rows != 0 || report.Missed != 1 || report.Gone != 0 {
		t.Errorf("got %+v", report)
	}
	if report := s.must(pulled.Request{SkipCount: true}); report.Missed != 0 {
		t.Errorf("without the count, got %+v", report)
	}
	if report := s.must(pulled.Request{Overlap: new(10 * time.Hour)}); report.Rows != 1 || report.Missed != 0 {
		t.Errorf("with a longer overlap, got %+v", report)
	}
	s.expectIDs(1, 3)
	s.exec("DELETE FROM events WHERE id = 1")
	if report := s.must(pulled.Request{}); report.Missed != 0 || report.Gone != 1 {
		t.Errorf("after a row went, got %+v", report)
	}
}

func TestRowsThatWereChanged_AreRefusedUnlessTheyAreKept(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at, note FROM events", events, insert(1, "0h"), insert(2, "1h"))
	s.must(pulled.Request{})
	s.exec("UPDATE events SET note = 'changed' WHERE id = 2")
	s.refused(pulled.Request{}, "rows that were pulled for source payments and have been changed or deleted since: "+
		"1; pull all rows again")
	if report := s.must(pulled.Request{KeepChanged: true}); report.Rows != 1 || report.Changed != 1 {
		t.Errorf("got %+v", report)
	}
	s.expect("1|2024-05-01T00:00:00Z|n", "2|2024-05-01T01:00:00Z|n", "2|2024-05-01T01:00:00Z|changed")
	if report := s.must(pulled.Request{Full: true}); report.Rows != 2 || !report.Full {
		t.Errorf("in full, got %+v", report)
	}
	s.expect("1|2024-05-01T00:00:00Z|n", "2|2024-05-01T01:00:00Z|changed")
}

func TestAFullPullReplacesEverythingAtOnce(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at, note FROM events", events, insert(1, "0h"))
	s.must(pulled.Request{})
	s.exec("DELETE FROM events", insert(2, "1h"))
	s.must(pulled.Request{Full: true})
	s.expectIDs(2, 2)
	if got := strings.Join(s.files(), " "); got != "00000001-00000001.parquet 00000002-00000001.parquet" {
		t.Errorf("there are %s", got)
	}
	s.exec(insert(3, "2h"))
	s.must(pulled.Request{})
	s.expectIDs(2, 3)
	if got := strings.Join(s.files(), " "); got != "00000002-00000001.parquet 00000002-00000002.parquet" {
		t.Errorf("there are %s", got)
	}
	s.exec("DELETE FROM events")
	s.must(pulled.Request{Full: true})
	s.expect()
}

func TestRowsOfTheFutureWait_AndRowsWithoutATimeArePulledOnce(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at, note FROM events", events, "INSERT INTO events VALUES (1, NULL, 'x')",
		"INSERT INTO events VALUES (2, now() + interval '1 day', 'x')", insert(3, "0h"))
	if report := s.must(pulled.Request{}); report.Rows != 2 || report.Waiting != 1 {
		t.Errorf("got %+v", report)
	}
	s.exec("INSERT INTO events VALUES (4, NULL, 'x')",
		"UPDATE events SET at = timestamptz '2024-05-01 09:00:00+00' WHERE id = 2")
	if report := s.must(pulled.Request{}); report.Rows != 2 || report.State.Timeless != 2 || report.Missed != 0 {
		t.Errorf("got %+v", report)
	}
	s.expectIDs(1, 4)
}

func TestDatesAreTimes_AndADayIsSeenAgain(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, day AS at FROM days", "CREATE TABLE days (id int, day date)",
		"INSERT INTO days VALUES (1, '2024-05-01'), (2, '2024-05-02')")
	s.must(pulled.Request{})
	s.exec("INSERT INTO days VALUES (3, '2024-05-02'), (4, '2024-05-03')")
	if report := s.must(pulled.Request{}); report.Rows != 2 || report.Again != 1 || report.Missed != 0 {
		t.Errorf("got %+v", report)
	}
	s.expectIDs(1, 4)
}

func TestTimesWithoutAZoneAreUTC_WhateverTheSessionsZone(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at, at::text AS written FROM local",
		"CREATE TABLE local (id int, at timestamp)", "INSERT INTO local VALUES (1, '2024-05-01 12:00:00.000001')")
	s.connect = s.url + "&timezone=America/New_York&datestyle=German"
	s.must(pulled.Request{})
	s.exec("INSERT INTO local VALUES (2, '2024-05-01 12:00:00.000002')")
	s.must(pulled.Request{})
	s.expect("1|2024-05-01T12:00:00.000001|2024-05-01 12:00:00.000001",
		"2|2024-05-01T12:00:00.000002|2024-05-01 12:00:00.000002")
}

func TestASourceWithoutTimesIsPulledInFull(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "TABLE codes", "CREATE TABLE codes (id int)", "INSERT INTO codes VALUES (1)")
	s.pull.By = ""
	s.must(pulled.Request{})
	s.exec("INSERT INTO codes VALUES (2)")
	if report := s.must(pulled.Request{}); !report.Full || report.Rows != 2 {
		t.Errorf("got %+v", report)
	}
	s.expectIDs(1, 2)
}

func TestOtherColumnsOrAnotherDatabase_AreNotAddedToWhatIsThere(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT * FROM events", events, insert(1, "0h"))
	s.must(pulled.Request{})
	s.exec("ALTER TABLE events ALTER id TYPE bigint")
	s.refused(pulled.Request{}, "id was integer and is bigint; pull all rows again with plumb pull payments --full")
	s.exec("ALTER TABLE events ALTER id TYPE int", "ALTER TABLE events ADD extra int")
	s.refused(pulled.Request{}, "extra is new")
	s.exec("ALTER TABLE events DROP extra", "ALTER TABLE events DROP note")
	s.refused(pulled.Request{}, "note is gone")
	s.must(pulled.Request{Full: true})
	other := newSource(t, server, "SELECT * FROM events", "CREATE TABLE events (id int, at timestamptz)", insert2(9))
	s.connect = other.url
	s.refused(pulled.Request{}, "came from another database")
	s.must(pulled.Request{Full: true})
	s.expectIDs(9, 9)
}

func insert2(id int) string {
	return fmt.Sprintf("INSERT INTO events VALUES (%d, '2024-05-01 00:00:00+00')", id)
}

func TestTwoPullsAtOnce_OneIsRefused(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at FROM events", events, insert(1, "0h"))
	config, closing := s.config()
	defer closing()
	second := error(nil)
	config.Progress = func(int64) { _, second = s.run(pulled.Request{}) }
	if _, err := pulled.Run(t.Context(), config, pulled.Request{}); err != nil {
		t.Fatal(err)
	}
	if second == nil || !strings.Contains(second.Error(), "is being pulled by another process") {
		t.Errorf("the second got %v", second)
	}
	s.must(pulled.Request{})
	s.expectIDs(1, 1)
}

func TestAnOverlapThatIsTooLargeForTheMemoryIsRefused(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at FROM events", events,
		"INSERT INTO events SELECT i, timestamptz '2024-05-01 00:00:00+00' FROM generate_series(1, 101) i")
	s.memory = 100 * 64
	s.must(pulled.Request{})
	s.refused(pulled.Request{}, "the overlap holds more than 100 rows that have been pulled")
	s.must(pulled.Request{Full: true})
}

func TestAFileThatIsMissingIsNoticed(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at FROM events", events, insert(1, "0h"))
	s.must(pulled.Request{})
	s.exec(insert(2, "1h"))
	s.must(pulled.Request{})
	first := filepath.Join(s.filesFolder(), "00000001-00000001.parquet")
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	s.refused(pulled.Request{}, "00000001-00000001.parquet is missing from")
	s.must(pulled.Request{Full: true})
	s.expectIDs(1, 2)
}

func TestAFileThatWasNotPulledIsRefused(t *testing.T) {
	server := postgrestest.Start(t)
	s := newSource(t, server, "SELECT id, at FROM events", events, insert(1, "0h"))
	s.must(pulled.Request{})
	path := filepath.Join(s.filesFolder(), "00000001-00000001.parquet")
	if err := os.WriteFile(path, []byte("PAR1 and no more PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := s.run(pulled.Request{})
	if _, ok := errors.AsType[*fault.InputError](err); !ok || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	s.must(pulled.Request{Full: true})
	s.expectIDs(1, 1)
}
