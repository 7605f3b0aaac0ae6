package duckdb

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/plumbstore/plumb/feature"
)

// prune returns the files of a Parquet source that may hold rows with an event time in [from, to], microseconds of
// which each may be open, judged by the footers that were read when the source was added: it opens no file. Indexes
// keep the files' places in source order (R3). At least one file stays, for its columns. A SQL source has no files.
//
// A file also stays while it may hold a null in one of the counted columns, by their names in the source: rows without
// a key or an event time are counted and reported whatever their time (R3, R8), so naming those columns here keeps the
// counts those of the whole source.
func (r *relations) prune(source *feature.Source, from, to *int64, counted ...string) sourceFiles {
	files := r.files[source.Name]
	if len(files.paths) < 2 || from == nil && to == nil {
		return files
	}
	var kept []int
	for i := range files.paths {
		if files.events(i, source.EventTimestamp).meets(from, to) || files.mayHoldNulls(i, counted) {
			kept = append(kept, i)
		}
	}
	if len(kept) == 0 {
		kept = []int{files.smallest()}
	}
	if len(kept) == len(files.paths) {
		return files
	}
	return files.only(kept)
}

// only is the files at these positions.
func (f sourceFiles) only(positions []int) sourceFiles {
	kept := f
	kept.paths, kept.footers, kept.infos, kept.indexes = nil, nil, nil, []int64{}
	for _, i := range positions {
		kept.paths = append(kept.paths, f.paths[i])
		kept.footers = append(kept.footers, f.footers[i])
		kept.infos = append(kept.infos, f.infos[i])
		kept.indexes = append(kept.indexes, f.index(i))
	}
	return kept
}

// index is the place of a file in source order.
func (f sourceFiles) index(i int) int64 {
	if f.indexes == nil {
		return int64(i)
	}
	return f.indexes[i]
}

// smallest is the position of the file with the fewest rows.
func (f sourceFiles) smallest() int {
	least := 0
	for i := range f.footers {
		if f.footers[i].rows < f.footers[least].rows {
			least = i
		}
	}
	return least
}

// events is the span of a file's event times.
func (f sourceFiles) events(i int, event string) span {
	if slices.Contains(f.partitions, event) {
		return partitionSpan(f.paths[i], event)
	}
	return f.footers[i].events
}

// mayHoldNulls says whether the footer leaves it open that one of the columns has nulls.
func (f sourceFiles) mayHoldNulls(i int, columns []string) bool {
	for _, column := range columns {
		if f.nulls(i, column) != 0 || !f.footers[i].read {
			return true
		}
	}
	return false
}

// nulls returns the number of a file's rows with a null in the column, or -1 if that is not known.
func (f sourceFiles) nulls(i int, column string) int64 {
	if slices.Contains(f.partitions, column) {
		if partitionValue(f.paths[i], column) != nil {
			return 0
		}
		return f.footers[i].rows
	}
	for _, c := range f.footers[i].columns {
		if strings.EqualFold(c.name, column) {
			return c.nulls
		}
	}
	return -1
}

// eventSpan is the span of a leaf's instants by the statistics of all row groups.
func eventSpan(contents *metadata.FileMetaData, leaf int) span {
	unit := microsecondsOf(contents.Schema.Column(leaf))
	if unit == nil {
		return span{}
	}
	all := noInstants
	for i := range contents.NumRowGroups() {
		group := contents.RowGroup(i)
		if group.NumRows() == 0 {
			continue
		}
		chunk, err := group.ColumnChunk(leaf)
		if err != nil {
			return span{}
		}
		found, err := chunk.Statistics()
		if err != nil || found == nil {
			return span{}
		}
		all = all.with(statisticsSpan(found, group.NumRows(), unit))
	}
	return all
}

// statisticsSpan returns the span of one row group. Without a least and a greatest value, it is empty if all values are
// null.
func statisticsSpan(found metadata.TypedStatistics, rows int64, unit func(int64) (int64, bool)) span {
	var least, greatest int64
	switch found := found.(type) {
	case *metadata.Int64Statistics:
		least, greatest = found.Min(), found.Max()
	case *metadata.Int32Statistics:
		least, greatest = int64(found.Min()), int64(found.Max())
	default:
		return span{}
	}
	if !found.HasMinMax() {
		if found.HasNullCount() && found.NullCount() == rows {
			return noInstants
		}
		return span{}
	}
	from, fromOK := unit(least)
	to, toOK := unit(greatest)
	return span{from, to, fromOK && toOK && from <= to}
}

const microsecondsOfDay = 24 * 60 * 60 * 1_000_000

// microsecondsOf is the conversion of a leaf's stored numbers to microseconds, floored (R1), which says false beyond
// what those hold; nil for a leaf that is not a time, and for INT96, whose order in statistics nobody agrees on.
func microsecondsOf(column *schema.Column) func(int64) (int64, bool) {
	switch kind := column.LogicalType().(type) {
	case schema.DateLogicalType, *schema.DateLogicalType:
		return times(microsecondsOfDay)
	case schema.TimestampLogicalType:
		return microsecondsIn(kind.TimeUnit())
	case *schema.TimestampLogicalType:
		return microsecondsIn(kind.TimeUnit())
	}
	return nil
}

func microsecondsIn(unit schema.TimeUnitType) func(int64) (int64, bool) {
	switch unit {
	case schema.TimeUnitMillis:
		return times(1_000)
	case schema.TimeUnitMicros:
		return times(1)
	case schema.TimeUnitNanos:
		return func(v int64) (int64, bool) {
			floor := v / 1_000
			if v%1_000 < 0 {
				floor--
			}
			return floor, true
		}
	}
	return nil
}

func times(factor int64) func(int64) (int64, bool) {
	return func(v int64) (int64, bool) {
		return v * factor, v <= math.MaxInt64/factor && v >= math.MinInt64/factor
	}
}

// partitionSpan is the instant that a partition's text spells. Text in other forms is left to DuckDB. The forms are not
// those of feature.ParseInstant, of which DuckDB refuses some: no file may be passed over that would be an error.
func partitionSpan(path, column string) span {
	value := partitionValue(path, column)
	if value == nil {
		return noInstants
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.Parse(layout, *value); err == nil {
			return span{at.UnixMicro(), at.UnixMicro(), true}
		}
	}
	return span{}
}
