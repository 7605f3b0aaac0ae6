package push

import (
	"context"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// pushedKey names, in the metadata of a record, when the push was accepted: microseconds since the epoch.
const pushedKey = "plumb.pushed"

// logRecord has the accepted rows in the columns of the view's log: those of its source that the view reads.
//
// They have the names of the source's columns and not those of the features: if feature price is read from column px,
// the log has px. So the log's Parquet files are read as any other file of the source is.
func logRecord(view *feature.View, rows Rows, packed packedRows) (arrow.RecordBatch, error) {
	columns := slices.Concat(rows.Keys, rows.Features)
	var fields []arrow.Field
	for i, column := range view.Columns() {
		fields = append(fields, arrow.Field{Name: column.Name, Type: columns[i].DataType(), Nullable: true})
	}
	instant := value.ArrowType(plumbv1.Type_TIMESTAMP)
	columns = append(columns, retyped(rows.Event, instant))
	fields = append(fields, arrow.Field{Name: view.Source.EventTimestamp, Type: instant, Nullable: true})
	if view.Source.CreatedTimestamp != "" {
		columns = append(columns, retyped(rows.Created, instant))
		fields = append(fields, arrow.Field{Name: view.Source.CreatedTimestamp, Type: instant, Nullable: true})
	}
	for i := range columns {
		var err error
		if columns[i], err = only(columns[i], packed.accepted); err != nil {
			return nil, err
		}
	}
	pushed := arrow.NewMetadata([]string{pushedKey}, []string{strconv.FormatInt(int64(packed.pushed), 10)})
	return array.NewRecordBatch(arrow.NewSchema(fields, &pushed), columns, int64(len(packed.accepted))), nil
}

// pushedAt is when the push of a record was accepted; 0 if the record does not say, since an older version wrote it.
func pushedAt(record arrow.RecordBatch) feature.Instant {
	text, _ := record.Schema().Metadata().GetValue(pushedKey)
	micros, _ := strconv.ParseInt(text, 10, 64)
	return feature.Instant(micros)
}

// loggedRows is the inverse of logRecord. The record may be that of an older definition of the view: features that it
// lacks are then null, and numbers become wider, as they do when joins read its file. It returns false if that is not
// enough.
func loggedRows(ctx context.Context, view *feature.View, record arrow.RecordBatch) (Rows, bool) {
	r := &recordReader{ctx: ctx, record: record}
	rows := Rows{pushed: pushedAt(record)}
	for i, field := range view.Columns() {
		column, isKey := r.column(field.Name, value.ArrowType(field.Type)), i < len(view.Keys)
		switch {
		case column == nil || isKey && r.missing(field.Name):
			return Rows{}, false
		case isKey:
			rows.Keys = append(rows.Keys, column)
		default:
			rows.Features = append(rows.Features, column)
		}
	}
	instant := value.ArrowType(plumbv1.Type_TIMESTAMP)
	event, created := r.column(view.Source.EventTimestamp, instant), r.column(view.Source.CreatedTimestamp, instant)
	if event == nil || created == nil || r.missing(view.Source.EventTimestamp) {
		return Rows{}, false
	}
	rows.Event, rows.Created = retyped(event, arrow.PrimitiveTypes.Int64), retyped(created, arrow.PrimitiveTypes.Int64)
	return rows, true
}

// recordReader finds the columns of a logged record.
type recordReader struct {
	ctx    context.Context //nolint:containedctx // For one call.
	record arrow.RecordBatch
}

func (r *recordReader) missing(name string) bool {
	return len(r.record.Schema().FieldIndices(name)) == 0
}

// column returns a column in a type: nulls if the column is missing, nil if it cannot be converted to the type.
func (r *recordReader) column(name string, want arrow.DataType) arrow.Array {
	if r.missing(name) {
		return array.MakeArrayOfNull(memory.DefaultAllocator, want, int(r.record.NumRows()))
	}
	column := r.record.Column(r.record.Schema().FieldIndices(name)[0])
	switch from := column.DataType().ID(); {
	case from == want.ID() && elementOf(column.DataType()) == elementOf(want):
		return column
	case from == arrow.INT32 && want.ID() == arrow.INT64, from == arrow.FLOAT32 && want.ID() == arrow.FLOAT64,
		from == arrow.INT32 && want.ID() == arrow.FLOAT64:
		wider, err := compute.CastArray(r.ctx, column, compute.SafeCastOptions(want))
		if err == nil {
			return wider
		}
	}
	return nil
}

// elementOf is the type of an array's elements; NULL for what is not an array.
func elementOf(t arrow.DataType) arrow.Type {
	if list, ok := t.(arrow.ListLikeType); ok {
		return list.Elem().ID()
	}
	return arrow.NULL
}

// retyped is a column of 8 bytes a row as another such type. No value is copied: an instant in microseconds has the
// same 8 bytes as an INT64 and as a TIMESTAMP.
func retyped(column arrow.Array, to arrow.DataType) arrow.Array {
	data := column.Data()
	return array.MakeFromData(array.NewData(to, data.Len(), data.Buffers(), nil, data.NullN(), data.Offset()))
}

// only is the rows of a column at the places, which ascend. If all rows were accepted, as is usual, nothing is copied.
func only(column arrow.Array, places []int) (arrow.Array, error) {
	var parts []arrow.Array
	for from := 0; from < len(places); {
		to := from + 1
		for to < len(places) && places[to] == places[to-1]+1 {
			to++
		}
		parts = append(parts, array.NewSlice(column, int64(places[from]), int64(places[to-1]+1)))
		from = to
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}
