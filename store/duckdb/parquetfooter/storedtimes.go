package parquetfooter

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/parquetfile"
)

// CheckLeaf refuses a file, which messages call shown, with a time in a leaf that microseconds do not hold. A file that
// cannot be decoded is left to DuckDB, which says why. Every value is read, since no footer says which times of 96 bits
// a file has: writers do not agree on how these are ordered in statistics.
func CheckLeaf(ctx context.Context, path, shown string, leaf int) (err error) {
	defer func() {
		if damage := recover(); damage != nil {
			err = nil
		}
	}()
	reader, err := parquetfile.Open(path)
	if err != nil {
		return nil
	}
	defer reader.Close()
	row := int64(0)
	for i := range reader.NumRowGroups() {
		chunk, err := reader.RowGroup(i).Column(leaf)
		if err != nil {
			return nil
		}
		for chunk.HasNext() {
			if err := ctx.Err(); err != nil {
				return err
			}
			found, rows := nextUnfit(chunk)
			if found != "" {
				return fault.Inputf("", "column %q, row %d of %s: %s does not fit TIMESTAMP exactly", reader.MetaData().
					Schema.Column(leaf).ColumnPath()[0], row+rows, shown, found)
			}
			if rows == 0 {
				return nil
			}
			row += rows
		}
	}
	return nil
}

// nextUnfit reads some values of a leaf and returns the first that does not fit, with the number of rows up to it, or
// the number of all rows that were read. There is a pair of levels for each place in the column, and a value only for
// the places that are not null, so values are counted apart. A repetition level of 0 begins a row.
func nextUnfit(chunk file.ColumnChunkReader) (found string, rows int64) {
	const most = 4096
	defined, repeated := make([]int16, most), make([]int16, most)
	var texts func(value int) string
	var levels int64
	var err error
	switch chunk := chunk.(type) {
	case *file.Int96ColumnChunkReader:
		values := make([]parquet.Int96, most)
		levels, _, err = chunk.ReadBatch(most, values, defined, repeated)
		texts = func(value int) string { return unfit96(values[value]) }
	case *file.Int64ColumnChunkReader:
		values := make([]int64, most)
		levels, _, err = chunk.ReadBatch(most, values, defined, repeated)
		texts = func(value int) string { return unfitMilliseconds(values[value]) }
	}
	if err != nil || texts == nil {
		return "", 0
	}
	value := 0
	for level := range levels {
		if chunk.Descriptor().MaxRepetitionLevel() == 0 || repeated[level] == 0 {
			rows++
		}
		if chunk.Descriptor().MaxDefinitionLevel() > 0 && defined[level] < chunk.Descriptor().MaxDefinitionLevel() {
			continue
		}
		if text := texts(value); text != "" {
			return text, rows
		}
		value++
	}
	return "", rows
}

// unfit96 describes a time of 96 bits, which is nanoseconds of a Julian day, if it does not fit in microseconds.
func unfit96(v parquet.Int96) string {
	const julian, nanosecondsOfDay = 2_440_588, MicrosecondsOfDay * 1_000
	nanoseconds := int64(binary.LittleEndian.Uint64(v[:8]))
	day := int64(int32(binary.LittleEndian.Uint32(v[8:])))
	if nanoseconds >= 0 && nanoseconds < nanosecondsOfDay && max(day-julian,
		julian-day) < math.MaxInt64/MicrosecondsOfDay {
		return ""
	}
	return fmt.Sprintf("nanosecond %d of Julian day %d", nanoseconds, day)
}

// unfitMilliseconds describes a time in milliseconds if it does not fit in microseconds.
func unfitMilliseconds(v int64) string {
	if v <= math.MaxInt64/1_000 && v >= math.MinInt64/1_000 {
		return ""
	}
	return fmt.Sprintf("%d milliseconds since 1970", v)
}

// CheckMilliseconds is the error of a file that a time in milliseconds keeps DuckDB from reading, or nil.
func CheckMilliseconds(ctx context.Context, path string) error {
	reader, err := parquetfile.Open(path)
	if err != nil {
		return nil
	}
	defer reader.Close()
	columns := reader.MetaData().Schema
	for leaf := range columns.NumColumns() {
		if isMilliseconds(columns.Column(leaf)) {
			if err := CheckLeaf(ctx, path, path, leaf); err != nil {
				return err
			}
		}
	}
	return nil
}

func isMilliseconds(column *schema.Column) bool {
	switch kind := column.LogicalType().(type) {
	case schema.TimestampLogicalType:
		return kind.TimeUnit() == schema.TimeUnitMillis
	case *schema.TimestampLogicalType:
		return kind.TimeUnit() == schema.TimeUnitMillis
	}
	return false
}
