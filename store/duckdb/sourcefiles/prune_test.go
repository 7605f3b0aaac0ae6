package sourcefiles

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/storetest"
)

const day = int64(24 * 60 * 60 * 1_000_000)

// eventFile is a file with a key and an event time for each row, in row groups of two; nil is null.
func eventFile(form arrow.DataType, keys []any, events []any) storetest.File {
	return storetest.File{RowGroup: 2, Columns: []storetest.Column{
		{Name: "k", Form: arrow.PrimitiveTypes.Int64, Values: keys},
		{Name: "event", Form: form, Values: events},
	}}
}

// days returns the midnights of the given numbers of days after 1970, or before if negative.
func days(numbers ...int64) []any {
	events := make([]any, len(numbers))
	for i, number := range numbers {
		events[i] = feature.Instant(number * day)
	}
	return events
}

func keys(count int) []any {
	values := make([]any, count)
	for i := range values {
		values[i] = int64(i)
	}
	return values
}

// eventSource is the files of a source with the event times in a column.
type eventSource struct {
	Files
	event string
}

// sourceOf writes the files below data/s of a new project and finds them as a source with the event times in a column.
func sourceOf(t *testing.T, event string, files map[string]storetest.File) eventSource {
	t.Helper()
	finder := fileTree(t, nil, nil)
	for name, file := range files {
		file.Path = filepath.Join(finder.project, "data/s", name)
		if err := file.Write(); err != nil {
			t.Fatal(err)
		}
	}
	finder, err := NewFinder(finder.project, finder.names, nil)
	if err != nil {
		t.Fatal(err)
	}
	source := &feature.Source{Name: "s", Kind: feature.Files{Path: "data/s"}, EventTimestamp: event}
	found, err := finder.Find(t.Context(), source, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.CheckFooters(); err != nil {
		t.Fatal(err)
	}
	return eventSource{found, event}
}

// keptBetween are the places of the files that pruning keeps for a range of days; nil leaves an end open.
func keptBetween(t *testing.T, source eventSource, from, to any, counted ...string) []int64 {
	t.Helper()
	bound := func(number any) *int64 {
		if number == nil {
			return nil
		}
		return new(int64(number.(float64) * float64(day)))
	}
	files := source.Prune(source.event, bound(from), bound(to), counted...)
	kept := make([]int64, len(files.Paths))
	for i := range files.Paths {
		kept[i] = files.Index(i)
		if want := source.Paths[kept[i]]; files.Paths[i] != want {
			t.Errorf("file %d is %s, want %s", kept[i], files.Paths[i], want)
		}
	}
	return kept
}

var all = []int64{0, 1, 2, 3}

func TestR2_PruningKeepsTheFilesThatMeetTheTimeRange(t *testing.T) {
	for _, form := range []arrow.DataType{
		&arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Millisecond},
		&arrow.TimestampType{Unit: arrow.Microsecond}, &arrow.TimestampType{Unit: arrow.Nanosecond},
		&arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Asia/Kolkata"}, arrow.FixedWidthTypes.Timestamp_us,
		&arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, arrow.FixedWidthTypes.Date32,
	} {
		t.Run(fmt.Sprint(form), func(t *testing.T) {
			source := sourceOf(t, "event", map[string]storetest.File{
				"a.parquet": eventFile(form, keys(3), days(-3, -1, -2)),
				"b.parquet": eventFile(form, keys(3), days(0, 4, 2)),
				"c.parquet": eventFile(form, keys(3), append(days(9, 8), nil)),
				"d.parquet": eventFile(form, keys(1), days(4)),
			})
			for _, c := range []struct {
				from, to any
				want     []int64
			}{
				{nil, nil, all}, {nil, -4.0, []int64{2}}, {nil, -3.0, []int64{0}}, {nil, -0.5, []int64{0}},
				{-1.0, 0.0, []int64{0, 1}}, {-0.9, -0.1, []int64{2}}, {1.0, 1.0, []int64{1}}, {4.0, 4.0, []int64{1, 3}},
				{4.1, 7.9, []int64{2}}, {4.1, nil, []int64{2}}, {9.0, nil, []int64{2}}, {nil, 100.0, all}, {-9.0, nil, all},
			} {
				// The file with a null event time stays, for the count.
				want := c.want
				if !slices.Contains(want, 2) {
					want = slices.Sorted(slices.Values(append(slices.Clone(want), 2)))
				}
				if got := keptBetween(t, source, c.from, c.to, "event", "k"); !slices.Equal(got, want) {
					t.Errorf("[%v, %v] kept %d, want %d", c.from, c.to, got, want)
				}
			}
		})
	}
}

func TestPruningKnowsNamesWhateverTheirCase(t *testing.T) {
	file := func(event, key string, number int64) storetest.File {
		file := eventFile(&arrow.TimestampType{Unit: arrow.Microsecond}, keys(1), days(number))
		file.Columns[0].Name, file.Columns[1].Name = key, event
		return file
	}
	source := sourceOf(t, "event", map[string]storetest.File{
		"a.parquet": file("event", "k", 1), "b.parquet": file("Event", "K", 5), "c.parquet": file("EVENT", "k", 1),
		"d.parquet": file("when", "k", 1),
	})
	if got := keptBetween(t, source, 5.0, nil, "k"); !slices.Equal(got, []int64{1, 3}) {
		t.Errorf("kept %d, want the later file and the one that has no event time to judge by", got)
	}
}

func TestPruningKeepsFilesWhoseFootersDoNotTell(t *testing.T) {
	microseconds := &arrow.TimestampType{Unit: arrow.Microsecond}
	silent := eventFile(microseconds, keys(2), days(1, 2))
	silent.NoStatistics = true
	old := eventFile(&arrow.TimestampType{Unit: arrow.Nanosecond}, keys(2), days(1, 2))
	old.Int96 = true
	source := sourceOf(t, "event", map[string]storetest.File{
		"a.parquet": silent,
		"b.parquet": old,
		"c.parquet": eventFile(microseconds, keys(2), days(1, 2)),
		"d.parquet": eventFile(microseconds, nil, nil),
		"e.parquet": eventFile(microseconds, keys(3), []any{nil, nil, nil}),
	})
	if got := keptBetween(t, source, 5.0, nil); !slices.Equal(got, []int64{0, 1}) {
		t.Errorf("kept %d, want the files without statistics", got)
	}
	if got := keptBetween(t, source, 1.0, nil); !slices.Equal(got, []int64{0, 1, 2}) {
		t.Errorf("kept %d, want those and the file with such rows", got)
	}
}

func TestR8_PruningKeepsFilesWithUncountedNulls(t *testing.T) {
	microseconds := &arrow.TimestampType{Unit: arrow.Microsecond}
	source := sourceOf(t, "event", map[string]storetest.File{
		"a.parquet": eventFile(microseconds, keys(2), days(1, 2)),
		"b.parquet": eventFile(microseconds, []any{nil, int64(1)}, days(1, 2)),
		"c.parquet": eventFile(microseconds, keys(3), append(days(1, 2), nil)),
		"d.parquet": eventFile(microseconds, keys(2), days(7, 8)),
	})
	for _, c := range []struct {
		counted []string
		want    []int64
	}{
		{nil, []int64{3}}, {[]string{"k"}, []int64{1, 3}}, {[]string{"k", "event"}, []int64{1, 2, 3}},
		{[]string{"no such column"}, all},
	} {
		if got := keptBetween(t, source, 5.0, nil, c.counted...); !slices.Equal(got, c.want) {
			t.Errorf("counting %q kept %d, want %d", c.counted, got, c.want)
		}
	}
}

func TestPruningKeepsOneFileForItsColumns(t *testing.T) {
	microseconds := &arrow.TimestampType{Unit: arrow.Microsecond}
	source := sourceOf(t, "event", map[string]storetest.File{
		"a.parquet": eventFile(microseconds, keys(2), days(1, 2)),
		"b.parquet": eventFile(microseconds, keys(1), days(1)),
	})
	if got := keptBetween(t, source, 5.0, nil); !slices.Equal(got, []int64{1}) {
		t.Errorf("kept %d, want the smallest file", got)
	}
}

func TestR2_PruningReadsEventTimesFromPartitions(t *testing.T) {
	key := storetest.File{Columns: []storetest.Column{{Name: "k", Form: arrow.PrimitiveTypes.Int64, Values: keys(2)}}}
	source := sourceOf(t, "day", map[string]storetest.File{
		"day=1970-01-02/a.parquet":                 key,
		"day=1970-01-03T00%3A00%3A00Z/a.parquet":   key,
		"day=19700103/a.parquet":                   key,
		"day=__HIVE_DEFAULT_PARTITION__/a.parquet": key,
	})
	if got := keptBetween(t, source, 1.5, nil); !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("kept %d, want the later day and the one in a form of its own", got)
	}
	if got := keptBetween(t, source, nil, 1.0, "day"); !slices.Equal(got, []int64{0, 2, 3}) {
		t.Errorf("kept %d, want the earlier day, the form of its own, and the one without a day", got)
	}
}

// Times count as finite only if every footer rules infinite ones out: DuckDB takes the greatest and the least number of
// a file's unit for them.
func TestTimesAreFiniteIfEveryFooterSaysSo(t *testing.T) {
	micros, nanos := &arrow.TimestampType{Unit: arrow.Microsecond}, &arrow.TimestampType{Unit: arrow.Nanosecond}
	for _, c := range []struct {
		name  string
		form  arrow.DataType
		times []any
		want  bool
	}{
		{"finite", micros, []any{feature.Instant(-day), feature.Instant(day), nil}, true},
		{"nulls", micros, []any{nil, nil, nil}, true},
		{"the greatest", micros, []any{feature.Instant(day), feature.Instant(math.MaxInt64), nil}, false},
		{"the least", micros, []any{feature.Instant(-math.MaxInt64), feature.Instant(day), nil}, false},
		{"the greatest nanosecond", nanos, []any{feature.Instant(math.MaxInt64 / 1000), feature.Instant(day), nil}, false},
		{"text", arrow.BinaryTypes.String, []any{"2013-01-01", "infinity", nil}, false},
	} {
		source := sourceOf(t, "event", map[string]storetest.File{
			"a.parquet": eventFile(micros, keys(2), days(0, 1)), "b.parquet": eventFile(c.form, keys(3), c.times),
		})
		if got := source.AreFinite("EVENT"); got != c.want {
			t.Errorf("%s: finite %v, want %v", c.name, got, c.want)
		}
		if !source.AreFinite("absent") {
			t.Errorf("%s: a column that no file has may be infinite", c.name)
		}
	}
}

func TestTimesOfFoldersAreNotKnownToBeFinite(t *testing.T) {
	source := sourceOf(t, "day", map[string]storetest.File{
		"day=2013-01-01/a.parquet": {Columns: []storetest.Column{
			{Name: "k", Form: arrow.PrimitiveTypes.Int64, Values: keys(1)},
		}},
	})
	if source.AreFinite("day") {
		t.Error("the text in a folder's name counts as a finite time")
	}
}
