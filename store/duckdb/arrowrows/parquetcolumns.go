package arrowrows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// OpenParquet reads some of a Parquet file's columns as Arrow data. Their values are exact. It is for columns that
// DuckDB reads otherwise, such as zoned nanoseconds before 1970, which DuckDB cuts towards 1970 (R1).
//
// The columns are given by their positions among those at the top of the schema. A column that is a struct or a list
// has several leaves, or a leaf below others, and Arrow's reader is asked for leaves.
func OpenParquet(ctx context.Context, path string, columns []int) (*File, error) {
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return nil, fault.Inputf("", "%s", disk.Reason(err))
	}
	reader, err := parquetfile.NewReader(opened)
	if err != nil {
		return nil, errors.Join(fault.Inputf("", "it is not a complete Parquet file: %v", err), opened.Close())
	}
	var leaves []int
	for i, top := range parquetfooter.TopColumns(reader.MetaData()) {
		for leaf := top.First; slices.Contains(columns, i) && leaf < top.First+top.Leaves; leaf++ {
			leaves = append(leaves, leaf)
		}
	}
	properties := pqarrow.ArrowReadProperties{BatchSize: rowsOfBatch}
	arrows, err := pqarrow.NewFileReader(reader, properties, memory.DefaultAllocator)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	records, err := arrows.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return &File{file: opened, Schema: records.Schema(), Next: func() (batch arrow.RecordBatch, err error) {
		defer func() {
			if damage := recover(); damage != nil {
				batch, err = nil, fmt.Errorf("it is damaged: %v", damage)
			}
		}()
		batch, err = records.Read()
		if err == nil && batch == nil {
			err = io.EOF
		}
		return batch, err
	}}, nil
}
