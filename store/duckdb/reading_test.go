package duckdb

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// openReading opens a reading of the project's view.
func (p *project) openReading(t *testing.T) (offline.Reading, *feature.View) {
	t.Helper()
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	reading, err := p.open(t).Read(t.Context(), []*feature.View{view})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reading.Close(); err != nil {
			t.Error(err)
		}
	})
	return reading, view
}

// eventWindows are windows in no order, some of them twice, one of them empty.
func eventWindows() (windows []offline.Window) {
	const first, hour = feature.Instant(1767261600000000), feature.Instant(3_600_000_000)
	for _, ends := range [][2]feature.Instant{{first, first + 24*hour}, {first - hour, first}, {first, first},
		{first, first + 24*hour}, {math.MinInt64, math.MaxInt64 - 1}, {first + 24*hour, first + 49*hour}} {
		windows = append(windows, offline.Window{Start: &ends[0], End: ends[1]})
	}
	return windows
}

func TestAReadingHasTheEventsThatEachWindowHasForItself(t *testing.T) {
	for name, over := range map[string]func(*project){
		"files": func(*project) {}, "query": func(p *project) { p.overQuery(`SELECT k, x, "at" FROM raw`) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newEvents(t, day, exactly("sum", "1d"))
			over(p)
			reading, view := p.openReading(t)
			for _, window := range eventWindows() {
				want, counted, err := p.events(t, window, 0)
				if err != nil {
					t.Fatal(err)
				}
				got, report, err := eventsOf(t, reading, offline.EventsRequest{View: view, Window: window})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got) + cmp.Diff(counted, report); diff != "" {
					t.Errorf("window %v to %d (-alone +in a reading):\n%s", *window.Start, window.End, diff)
				}
			}
		})
	}
}

func TestAReadingGoesOnAfterARefusal(t *testing.T) {
	p := newEvents(t, day, exactly("sum", "1d"))
	p.overQuery(`SELECT k, x, "at" FROM raw`)
	reading, view := p.openReading(t)
	request := offline.EventsRequest{View: view, Window: offline.Window{End: math.MaxInt64 - 1}}
	enough := errors.New("enough")
	_, err := reading.Events(t.Context(), request, func(arrow.RecordBatch) error { return enough })
	if !errors.Is(err, enough) {
		t.Fatalf("got error %v, want that of yield", err)
	}
	rows, report, err := eventsOf(t, reading, request)
	if err != nil || len(rows) != 4 || report.Read != 4 {
		t.Errorf("then got rows %v, report %+v and error %v, want 4 rows", rows, report, err)
	}
}

func TestAReadingHasTheViewsThatItWasOpenedFor(t *testing.T) {
	p := newEvents(t, day, exactly("sum", "1d"))
	reading, view := p.openReading(t)
	other := *view
	_, err := reading.Events(t.Context(), offline.EventsRequest{View: &other}, nil)
	if err == nil || !strings.Contains(err.Error(), "view v is not one of those that are read") {
		t.Errorf("got error %v", err)
	}
}
