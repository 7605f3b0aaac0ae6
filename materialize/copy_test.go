package materialize

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func field(name string, declared plumbv1.Type) feature.Field {
	return feature.Field{Name: name, Type: declared}
}

// airports is a view whose layout has its features in another order than its definition.
func airports() *feature.View {
	temp, wind := field("temp", plumbv1.Type_INT64), field("wind", plumbv1.Type_INT64)
	return &feature.View{
		Name:     "airports",
		Keys:     []feature.Field{field("airport", plumbv1.Type_STRING)},
		Features: []feature.Feature{{Field: temp, Column: "temp"}, {Field: wind, Column: "wind"}},
		Schemas:  []feature.Schema{{ID: 1, Fields: []feature.Field{wind, temp}}},
	}
}

// tooFarBack has a row of EWR, one of JFK whose event time cannot be stored, and one of LGA.
func tooFarBack() arrow.RecordBatch {
	names := []string{"airport", "event_ts", "created_ts", "temp", "wind"}
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		fields[i] = arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: true}
	}
	fields[0].Type = arrow.BinaryTypes.String
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	builder.Field(0).(*array.StringBuilder).AppendValues([]string{"EWR", "JFK", "LGA"}, nil)
	builder.Field(1).(*array.Int64Builder).AppendValues([]int64{7, -1 << 63, 8}, nil)
	for i := 2; i < len(names); i++ {
		builder.Field(i).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
	}
	return builder.NewRecordBatch()
}

func TestARowThatCannotBePackedIsNamed(t *testing.T) {
	p, err := newPacker(airports(), 1)
	if err != nil {
		t.Fatal(err)
	}
	p.rows, p.current = 10, &batch{}
	err = p.addAll(t.Context(), tooFarBack())
	if err == nil || !strings.Contains(err.Error(), "airport JFK") {
		t.Errorf("want an error that names the row, got %v", err)
	}
	if got := p.current.len(); got != 1 {
		t.Errorf("the batch has %d rows, want the one before", got)
	}
}

func TestARowThatCannotBePackedIsLeftOutWhereItMayFail(t *testing.T) {
	p, err := newPacker(airports(), 1)
	if err != nil {
		t.Fatal(err)
	}
	p.rows, p.current, p.maxFailed = 10, &batch{}, 1
	if err := p.addAll(t.Context(), tooFarBack()); err != nil {
		t.Fatal(err)
	}
	if p.current.len() != 2 || p.failed.Failed != 1 || len(p.failed.Failures) != 1 ||
		!strings.Contains(p.failed.Failures[0].String(), "airport JFK") {
		t.Errorf("the batch has %d rows, and %+v failed; want two, and JFK", p.current.len(), p.failed)
	}
}

func TestALayoutThatIsNotTheViewsIsRefused(t *testing.T) {
	view := airports()
	view.Schemas[0].Fields[0].Type = plumbv1.Type_STRING
	if _, err := newPacker(view, 1); err == nil || !strings.Contains(err.Error(), `STRING "wind"`) {
		t.Errorf("want an error that names the field, got %v", err)
	}
}
