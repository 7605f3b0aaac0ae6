package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/store/offline"
)

// labelForm is a label column of a type that a feature cannot have, as JSON of four rows.
type labelForm struct {
	name, rows string
	form       arrow.DataType
	// want is what comes out, the same if it is empty; refused if it cannot be kept.
	want string
	// says is what the refusal says beside the column's name.
	says string
	// arrowOnly says that Parquet has no such type, or arrow-go writes none.
	arrowOnly bool
}

const refusedForm = "refused"

var zonedMillis = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}

var zonedNanos = &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}

// labelForms come out as they were, or as the number that they are, or are refused by the column's name (R6).
var labelForms = []labelForm{
	{name: "arrays, null last", rows: `[[1,2],[3,4],[5,null],null]`,
		form: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32), arrowOnly: true},
	{name: "arrays, null first", rows: `[null,[1,2],null,[3,4]]`,
		form: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32), arrowOnly: true},
	{name: "arrays within lists", rows: `[[[1,2],null],null,[],[[3,4]]]`,
		form: arrow.ListOf(arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32)), arrowOnly: true},
	{name: "arrays within structs", rows: `[[{"a[2]":[1,2]},{"a[2]":null}],null,[],[null]]`, arrowOnly: true,
		form: arrow.ListOf(arrow.StructOf(
			arrow.Field{Name: "a[2]", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32), Nullable: true}))},
	{name: "durations", rows: `["1234567us","-1us",null,"999us"]`, form: arrow.FixedWidthTypes.Duration_us,
		want: `[1234567,-1,null,999]`, arrowOnly: true},
	{name: "lists of durations", rows: `[["1234567ns","-1ns"],null,[],[null]]`,
		form: arrow.ListOf(arrow.FixedWidthTypes.Duration_ns), want: `[[1234567,-1],null,[],[null]]`, arrowOnly: true},
	{name: "half floats", rows: `[1.5,null,-0.0,2]`, form: arrow.FixedWidthTypes.Float16, want: `[1.5,null,-0,2]`},
	{name: "lists of half floats", rows: `[[1.5],null,[],[null]]`, form: arrow.ListOf(arrow.FixedWidthTypes.Float16)},
	{name: "zoned nanoseconds", rows: `[-1,1999,null,-1001]`, form: zonedNanos, want: `[-1,1,null,-2]`},
	{name: "lists of zoned nanoseconds", rows: `[[-1,1999],null,[],[null]]`,
		form: arrow.ListOf(zonedNanos), want: `[[-1,1],null,[],[null]]`},
	{name: "times", rows: `[1,null,86399999999999,0]`, form: arrow.FixedWidthTypes.Time64ns},
	{name: "unsigned", rows: `[18446744073709551615,0,null,1]`, form: arrow.PrimitiveTypes.Uint64},
	{name: "nulls", rows: `[null,null,null,null]`, form: arrow.Null},
	{name: "dictionaries", rows: `["a",null,"b","a"]`,
		form: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
	{name: "views", rows: `["a",null,"","a text that is longer than a view"]`, form: arrow.BinaryTypes.StringView,
		arrowOnly: true},
	{name: "decimals of 38 digits", rows: `["999999999999999999999999999999999999.99",null,"-0.01","1.5"]`,
		form: &arrow.Decimal128Type{Precision: 38, Scale: 2}},
	{name: "decimals of 76 digits", rows: `["1.5",null,null,null]`,
		form: &arrow.Decimal256Type{Precision: 76, Scale: 1}, want: refusedForm},
	{name: "fields alike but for case", rows: `[{"a":1,"A":2},null,null,null]`, form: arrow.StructOf(
		arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		arrow.Field{Name: "A", Type: arrow.PrimitiveTypes.Int32, Nullable: true}), want: refusedForm},
	{name: "times that no microsecond holds", rows: `[0,null,10000000000000000,1]`, form: zonedMillis, want: refusedForm,
		says: "row 3"},
	{name: "lists of such times", rows: `[[0,null],[],[1,-10000000000000000],null]`, form: arrow.ListOf(zonedMillis),
		want: refusedForm, says: "row 3"},
	{name: "such times in structs", rows: `[null,{"t":10000000000000000},{"t":0},null]`, want: refusedForm, says: "row 2",
		form: arrow.StructOf(arrow.Field{Name: "t", Type: zonedMillis, Nullable: true})},
	{name: "seconds that no microsecond holds", rows: `[0,null,0,10000000000000]`, want: refusedForm, says: "row 4",
		form: &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}, arrowOnly: true},
	{name: "milliseconds with a zone", rows: `[0,null,-1,9223372036854775]`, form: zonedMillis,
		want: `[0,null,-1000,9223372036854775000]`},
	{name: "", rows: `[1,2,null,3]`, form: arrow.PrimitiveTypes.Int64},
	{name: "FILE_ROW_NUMBER", rows: `[10,20,null,30]`, form: arrow.PrimitiveTypes.Int64},
	{name: "filename", rows: `["a","b",null,""]`, form: arrow.BinaryTypes.String},
	{name: "Airport", rows: `["a","b",null,""]`, form: arrow.BinaryTypes.String},
}

func labelFormsStay(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	for _, form := range labelForms {
		for _, in := range []string{".arrow", ".parquet"} {
			if in == ".parquet" && form.arrowOnly {
				continue
			}
			t.Run(form.name+" in "+in, func(t *testing.T) { form.hold(t, engine, folder, in) })
		}
	}
}

func (f labelForm) hold(t *testing.T, engine offline.Store, folder, in string) {
	c := caseOf(t, folder, weather)
	c.labelsAs(in)
	c.labels().unwritten = true
	labels := filepath.Join(folder, c.labels().Path)
	writeText(t, labels, "")
	if err := f.write(labels); err != nil {
		t.Fatal(err)
	}
	wanted := f.want
	if wanted == "" {
		wanted = f.rows
	}
	for _, out := range []string{"out.parquet", "out.arrow", "out.csv"} {
		join, _, err := c.World.plan(t.Context(), engine, c.Joins[0].Question)
		if err == nil {
			_, err = join.WriteFile(t.Context(), filepath.Join(folder, out))
		}
		if f.want == refusedForm {
			if err := refused(err, fmt.Sprintf("%q", f.name), f.says); err != nil {
				t.Errorf("%s: %v", out, err)
			}
			continue
		}
		var got string
		if err == nil && out != "out.csv" {
			got, err = columnJSON(filepath.Join(folder, out), 2)
		}
		if err != nil || out != "out.csv" && got != f.name+": "+wanted {
			t.Errorf("%s: %s, %v; want %s", out, got, err, wanted)
		}
	}
}

// write writes four label rows with the column.
func (f labelForm) write(path string) error {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "airport", Type: arrow.BinaryTypes.String},
		{Name: "event_timestamp", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: f.name, Type: f.form, Nullable: true},
	}, nil)
	columns := make([]arrow.Array, 3)
	for i, rows := range []string{`["EWR","EWR","LGA","JFK"]`, `[0,0,0,0]`, f.rows} {
		column, _, err := array.FromJSON(memory.DefaultAllocator, schema.Field(i).Type, strings.NewReader(rows))
		if err != nil {
			return err
		}
		columns[i] = column
	}
	batch := array.NewRecordBatch(schema, columns, 4)
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	var writer interface {
		Write(arrow.RecordBatch) error
		Close() error
	}
	if filepath.Ext(path) == ".arrow" {
		writer, err = ipc.NewFileWriter(out, ipc.WithSchema(schema))
	} else {
		writer, err = pqarrow.NewFileWriter(schema, out, parquet.NewWriterProperties(parquet.WithVersion(parquet.V2_6)),
			pqarrow.DefaultWriterProps())
	}
	if err != nil {
		return err
	}
	return errors.Join(writer.Write(batch), writer.Close())
}

// columnJSON is the name of a column of a Parquet or Arrow file, and its values; times are numbers of microseconds.
func columnJSON(path string, at int) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	var column arrow.Array
	var name string
	if filepath.Ext(path) == ".arrow" {
		reader, err := ipc.NewFileReader(in)
		if err != nil {
			return "", err
		}
		batch, err := reader.RecordBatchAt(0)
		if err != nil {
			return "", err
		}
		column, name = batch.Column(at), batch.ColumnName(at)
	} else {
		opened, err := file.NewParquetReader(in)
		if err != nil {
			return "", err
		}
		reader, err := pqarrow.NewFileReader(opened, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			return "", err
		}
		table, err := reader.ReadTable(context.Background())
		if err != nil {
			return "", err
		}
		column, name = table.Column(at).Data().Chunk(0), table.Column(at).Name()
	}
	text, err := json.Marshal(asNumbers(column))
	return name + ": " + string(text), err
}

// asNumbers are times as the numbers that they are.
func asNumbers(column arrow.Array) arrow.Array {
	data := column.Data()
	switch column.DataType().(type) {
	case *arrow.TimestampType, *arrow.Time64Type:
		return array.MakeFromData(array.NewData(arrow.PrimitiveTypes.Int64, data.Len(), data.Buffers(), nil, data.NullN(),
			data.Offset()))
	case *arrow.ListType:
		elements := asNumbers(column.(*array.List).ListValues())
		return array.MakeFromData(array.NewData(arrow.ListOf(elements.DataType()), data.Len(), data.Buffers(),
			[]arrow.ArrayData{elements.Data()}, data.NullN(), data.Offset()))
	}
	return column
}
