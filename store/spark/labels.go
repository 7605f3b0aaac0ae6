package spark

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/spark/connect"
)

// labels are label rows as Spark reads them: the column t, an instant, and v0, v1 and so on, the label columns that
// join keys are read from, in their declared types.
type labels struct {
	path string
	keys []feature.Field
	rows int64
	// first and last are the earliest and the latest instant of the rows, if there are any.
	first, last int64
}

// instants are Arrow's type of an instant.
var instants = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// writeLabels writes the label rows of a join for Spark.
func (e *Engine) writeLabels(ctx context.Context, request offline.JoinRequest, path string) (l *labels, err error) {
	l = &labels{path: path}
	if l.keys, err = request.Selection.Keys(); err != nil {
		return nil, err
	}
	fields := []arrow.Field{{Name: "t", Type: instants}}
	for i, key := range l.keys {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("v%d", i), Type: value.ArrowType(key.Type), Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	writer, file, err := newParquet(path, schema)
	if err != nil {
		return nil, err
	}
	err = e.Labels(ctx, request, func(batch arrow.RecordBatch) error {
		if batch.NumRows() == 0 {
			return nil
		}
		l.count(batch.Column(0).(*array.Int64).Int64Values())
		times := batch.Column(0).Data()
		columns := []arrow.Array{array.MakeFromData(array.NewData(instants, times.Len(), times.Buffers(), nil, times.NullN(),
			times.Offset()))}
		columns = append(columns, batch.Columns()[1:len(fields)]...)
		return writer.WriteBuffered(array.NewRecordBatch(schema, columns, batch.NumRows()))
	})
	return l, closeParquet(writer, file, err)
}

func (l *labels) count(times []int64) {
	if l.rows == 0 {
		l.first, l.last = times[0], times[0]
	}
	l.rows += int64(len(times))
	l.first, l.last = min(l.first, slices.Min(times)), max(l.last, slices.Max(times))
}

// newParquet begins a Parquet file that Spark may read.
func newParquet(path string, schema *arrow.Schema) (*pqarrow.FileWriter, *os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, nil, fmt.Errorf("write for Spark: %w", err)
	}
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd))
	writer, err := pqarrow.NewFileWriter(schema, file, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return writer, file, nil
}

// closeParquet ends a file, which is closed with its writer.
func closeParquet(writer *pqarrow.FileWriter, file *os.File, err error) error {
	if closing := writer.Close(); err == nil {
		err = closing
	}
	_ = file.Close() // The writer has closed it, unless it failed.
	return err
}

// emptyTypes are Arrow's types of Spark's, for files without rows.
var emptyTypes = map[string]arrow.DataType{
	"BOOLEAN": arrow.FixedWidthTypes.Boolean, "TINYINT": arrow.PrimitiveTypes.Int8, "SMALLINT": arrow.PrimitiveTypes.Int16,
	"INT": arrow.PrimitiveTypes.Int32, "BIGINT": arrow.PrimitiveTypes.Int64, "FLOAT": arrow.PrimitiveTypes.Float32,
	"DOUBLE": arrow.PrimitiveTypes.Float64, "STRING": arrow.BinaryTypes.String, "BINARY": arrow.BinaryTypes.Binary,
	"DATE": arrow.FixedWidthTypes.Date32, "TIMESTAMP": instants,
	"TIMESTAMP_NTZ": &arrow.TimestampType{Unit: arrow.Microsecond},
}

func emptyType(t string) arrow.DataType {
	if element, ok := elementOf(t); ok {
		if inner := emptyType(element); inner != nil {
			return arrow.ListOf(inner)
		}
		return nil
	}
	var precision, scale int32
	if _, err := fmt.Sscanf(t, "DECIMAL(%d,%d)", &precision, &scale); err == nil {
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}
	}
	return emptyTypes[t]
}

// writeEmpty writes a Parquet file without rows.
func writeEmpty(path string, columns []connect.Column) error {
	var fields []arrow.Field
	for _, column := range columns {
		if t := emptyType(column.Type); t != nil {
			fields = append(fields, arrow.Field{Name: column.Name, Type: t, Nullable: true})
		}
	}
	writer, file, err := newParquet(path, arrow.NewSchema(fields, nil))
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return closeParquet(writer, file, nil)
}
