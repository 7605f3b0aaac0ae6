package parquetfooter

import (
	"math"

	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// MicrosecondsOfDay is how many microseconds a day has.
const MicrosecondsOfDay = 24 * 60 * 60 * 1_000_000

// timeSpan is the span of a leaf's instants by the statistics of all row groups.
func timeSpan(contents *metadata.FileMetaData, leaf int) Span {
	unit := microsecondsOf(contents.Schema.Column(leaf))
	if unit == nil {
		return Span{}
	}
	all := NoInstants
	for i := range contents.NumRowGroups() {
		if found := groupSpan(contents, i, leaf, unit); found.Known {
			all = all.With(found)
		} else {
			return Span{}
		}
	}
	return all
}

// GroupSpan is the span of a leaf's instants in one row group, by its statistics.
func GroupSpan(contents *metadata.FileMetaData, group, leaf int) Span {
	unit := microsecondsOf(contents.Schema.Column(leaf))
	if unit == nil {
		return Span{}
	}
	return groupSpan(contents, group, leaf, unit)
}

func groupSpan(contents *metadata.FileMetaData, at, leaf int, unit func(int64) (int64, bool)) Span {
	group := contents.RowGroup(at)
	if group.NumRows() == 0 {
		return NoInstants
	}
	chunk, err := group.ColumnChunk(leaf)
	if err != nil {
		return Span{}
	}
	found, err := chunk.Statistics()
	if err != nil || found == nil {
		return Span{}
	}
	return statisticsSpan(found, group.NumRows(), unit)
}

// statisticsSpan returns the span of one row group. Without a least and a greatest value, it is empty if all values are
// null. What is not certain is no span: a file that is read although it has no wanted row costs time, and one that is
// passed over although it has some gives a wrong answer.
func statisticsSpan(found metadata.TypedStatistics, rows int64, unit func(int64) (int64, bool)) Span {
	var least, greatest int64
	switch found := found.(type) {
	case *metadata.Int64Statistics:
		least, greatest = found.Min(), found.Max()
	case *metadata.Int32Statistics:
		least, greatest = int64(found.Min()), int64(found.Max())
	default:
		return Span{}
	}
	if !found.HasMinMax() {
		if found.HasNullCount() && found.NullCount() == rows {
			return NoInstants
		}
		return Span{}
	}
	from, fromOK := unit(least)
	to, toOK := unit(greatest)
	return Span{from, to, fromOK && toOK && from <= to}
}

// microsecondsOf is the conversion of a leaf's stored numbers to microseconds, floored (R1), which says false beyond
// what those hold; nil for a leaf that is not a time, and for INT96, whose order in statistics nobody agrees on.
func microsecondsOf(column *schema.Column) func(int64) (int64, bool) {
	switch kind := column.LogicalType().(type) {
	case schema.DateLogicalType, *schema.DateLogicalType:
		return times(MicrosecondsOfDay)
	case schema.TimestampLogicalType:
		return microsecondsIn(kind.TimeUnit())
	case *schema.TimestampLogicalType:
		return microsecondsIn(kind.TimeUnit())
	}
	return nil
}

// IsNanoseconds says whether a leaf has times in nanoseconds.
func IsNanoseconds(column *schema.Column) bool {
	switch kind := column.LogicalType().(type) {
	case schema.TimestampLogicalType:
		return kind.TimeUnit() == schema.TimeUnitNanos
	case *schema.TimestampLogicalType:
		return kind.TimeUnit() == schema.TimeUnitNanos
	}
	return false
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

// finite bounds the instants that are finite in every unit. DuckDB takes the greatest and the least number for
// infinite, and the ends of the range of nanoseconds are nearest to zero.
const finite = math.MaxInt64/1_000 - 1

// IsFinite says that no instant of the span is infinite. It may be false of one that ends in the year 2262 or later.
func (s Span) IsFinite() bool {
	return s == NoInstants || s.Known && s.Least >= -finite && s.Greatest <= finite
}
