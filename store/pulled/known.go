package pulled

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/parquetfile"
)

// known are the rows of a window that have been pulled already, each as often as it was. Rows are told apart by all of
// their values: a table may have the same row twice, and then it is pulled twice.
type known struct {
	times map[rowHash]int32
	// rows is how many there are, and most how many there may be.
	rows, most int64
	hasher     hasher
}

// knownBytes is about what a row takes in known, with what the map keeps free.
const knownBytes = 64

// newKnown returns known rows that may take some bytes.
func newKnown(bytes int64) *known {
	return &known{times: map[rowHash]int32{}, most: max(bytes/knownBytes, 1)}
}

// tooMany says that an overlap holds more rows than fit in memory.
func (k *known) tooMany() error {
	return fault.Inputf("", "the overlap holds more than %d rows that have been pulled, which is what a quarter of "+
		"offline.memory_limit has room for; give a shorter overlap, or pull all rows again with plumb pull --full", k.most)
}

// read adds the rows of a generation that are not before a time, and those without a time. Row groups that have no such
// rows are left out.
func (k *known) read(ctx context.Context, state *State, by string, from feature.Instant) error {
	for _, f := range state.files {
		if f.Timeless == 0 && (f.Latest == nil || *f.Latest < from) {
			continue
		}
		if err := k.readFile(ctx, f.path, by, from); err != nil {
			if _, ok := errors.AsType[*fault.InputError](err); ok || ctx.Err() != nil {
				return err
			}
			return fault.Inputf("", "cannot read %s: %v; restore it, or pull all rows again with plumb pull --full", f.path, err)
		}
	}
	return nil
}

func (k *known) readFile(ctx context.Context, path, by string, from feature.Instant) (err error) {
	defer func() {
		if damage := recover(); damage != nil {
			err = fmt.Errorf("it is damaged: %v", damage)
		}
	}()
	opened, err := parquetfile.Open(path)
	if err != nil {
		return err
	}
	defer opened.Close()
	reader, err := pqarrow.NewFileReader(opened, pqarrow.ArrowReadProperties{BatchSize: batchRows},
		memory.DefaultAllocator)
	if err != nil {
		return err
	}
	column := opened.MetaData().Schema.Root().FieldIndexByName(by)
	if column < 0 {
		return fmt.Errorf("it has no column %s", by)
	}
	groups, err := groupsFrom(opened, opened.MetaData().Schema.ColumnIndexByName(by), from)
	if err != nil || len(groups) == 0 {
		return err
	}
	batches, err := reader.GetRecordReader(ctx, nil, groups)
	if err != nil {
		return err
	}
	defer batches.Release()
	for batches.Next() {
		if err := k.addFrom(batches.RecordBatch(), column, from); err != nil {
			return err
		}
	}
	return batches.Err()
}

// groupsFrom returns the row groups that may have rows that are not before a time, or without one.
func groupsFrom(opened *file.Reader, column int, from feature.Instant) ([]int, error) {
	var groups []int
	for i := range opened.NumRowGroups() {
		chunk, err := opened.MetaData().RowGroup(i).ColumnChunk(column)
		if err != nil {
			return nil, err
		}
		statistics, err := chunk.Statistics()
		if err != nil || !isBefore(statistics, from) {
			groups = append(groups, i)
		}
	}
	return groups, nil
}

// isBefore says whether statistics prove that all values are before a time.
func isBefore(statistics metadata.TypedStatistics, from feature.Instant) bool {
	if statistics == nil || !statistics.HasMinMax() || !statistics.HasNullCount() || statistics.NullCount() > 0 {
		return false
	}
	switch statistics := statistics.(type) {
	case *metadata.Int64Statistics:
		return feature.Instant(statistics.Max()) < from
	case *metadata.Int32Statistics:
		return feature.Instant(statistics.Max())*day < from
	}
	return false
}

func (k *known) addFrom(batch arrow.RecordBatch, column int, from feature.Instant) error {
	times := batch.Column(column)
	for row := range int(batch.NumRows()) {
		if at, ok := timeOf(times, row); ok && at < from {
			continue
		}
		hash, err := k.hasher.of(batch, row)
		if err != nil {
			return err
		}
		if k.rows++; k.rows > k.most {
			return k.tooMany()
		}
		k.times[hash]++
	}
	return nil
}

// day is in microseconds.
const day = 24 * 60 * 60 * 1_000_000

// timeOf returns a time of a column; ok is false for a null.
func timeOf(times arrow.Array, row int) (at feature.Instant, ok bool) {
	if times.IsNull(row) {
		return 0, false
	}
	switch times := times.(type) {
	case *array.Timestamp:
		return feature.Instant(times.Value(row)), true
	case *array.Date32:
		return feature.Instant(times.Value(row)) * day, true
	}
	return 0, false
}

// take removes a row from what is known, and says whether it was there.
func (k *known) take(batch arrow.RecordBatch, row int) (bool, error) {
	if len(k.times) == 0 {
		return false, nil
	}
	hash, err := k.hasher.of(batch, row)
	if err != nil || k.times[hash] == 0 {
		return false, err
	}
	if k.times[hash]--; k.times[hash] == 0 {
		delete(k.times, hash)
	}
	return true, nil
}

// left is how many rows were not taken.
func (k *known) left() (count int64) {
	for _, times := range k.times {
		count += int64(times)
	}
	return count
}
