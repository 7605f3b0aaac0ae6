package session

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func TestATableIsStreamedInItsOrderAndWithoutRowsAsItsSchema(t *testing.T) {
	s := startSession(t, spillingOptions(t.TempDir()))
	t.Cleanup(func() { s.Close() })
	for _, rows := range []int64{0, 1, batchRows, 2*batchRows + 5} {
		if err := s.Exec(t.Context(), fmt.Sprintf(
			"CREATE OR REPLACE TABLE _plumb.t AS SELECT range AS n, range * 2 AS v FROM range(%d)", rows)); err != nil {
			t.Fatal(err)
		}
		next := int64(0)
		var schema *arrow.Schema
		err := s.Stream(t.Context(), "t", func(batch arrow.RecordBatch) error {
			schema = batch.Schema()
			for _, value := range batch.Column(0).(*array.Int64).Int64Values() {
				if value != 2*next {
					t.Fatalf("row %d of %d has %d", next, rows, value)
				}
				next++
			}
			return nil
		})
		if err != nil || next != rows || schema == nil || schema.NumFields() != 1 || schema.Field(0).Name != "v" {
			t.Errorf("of %d rows %d came, with the schema %v: %v", rows, next, schema, err)
		}
	}
}

func TestAStreamEndsWithTheErrorOfWhoTakesItOrOfItsContext(t *testing.T) {
	s := startSession(t, spillingOptions(t.TempDir()))
	t.Cleanup(func() { s.Close() })
	err := s.Exec(t.Context(), "CREATE TABLE _plumb.t AS SELECT range AS n, range AS v FROM range(100000)")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	full := errors.New("full")
	for _, end := range []struct {
		take func() error
		want error
	}{
		{func() error { return full }, full},
		{func() error { cancel(); return nil }, context.Canceled},
	} {
		batches := 0
		err := s.Stream(ctx, "t", func(arrow.RecordBatch) error {
			batches++
			return end.take()
		})
		if !errors.Is(err, end.want) || batches != 1 {
			t.Errorf("after %d batches: got %v, want %v", batches, err, end.want)
		}
	}
}

func TestArrowDataAreReadableOnceAsAView(t *testing.T) {
	s := startSession(t, spillingOptions(t.TempDir()))
	t.Cleanup(func() { s.Close() })
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "b", Type: arrow.BinaryTypes.String},
	}, nil))
	defer builder.Release()
	builder.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 0, 3}, []bool{true, false, true})
	builder.Field(1).(*array.StringBuilder).AppendValues([]string{"x", "", "z"}, nil)
	batch := builder.NewRecordBatch()
	defer batch.Release()
	reader, err := array.NewRecordReader(batch.Schema(), []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Release()
	if err := s.Register(reader, "given"); err != nil {
		t.Fatal(err)
	}
	var text string
	if err := s.QueryRow(t.Context(), "SELECT string_agg(coalesce(a, -1) || b, ' ') FROM given", &text); err != nil ||
		text != "1x -1 3z" {
		t.Errorf("the view holds %q, %v", text, err)
	}
}
