package session

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/store/duckdb/native"
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

func TestAQueryOfManyRowsIsInterruptedAndTheSessionGoesOn(t *testing.T) {
	s := startSession(t, spillingOptions(t.TempDir()))
	t.Cleanup(func() { s.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := native.Function{Name: "_plumb_begun", Result: native.Result{Single: mapping.TypeBoolean},
		Call: func(_ native.Columns, a native.Answer) {
			cancel()
			clear(native.Numbers[bool](a))
		}}
	if err := s.Native().Register(begun); err != nil {
		t.Fatal(err)
	}
	query := "SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE _plumb_begun(a.range + b.range)"
	err := s.Native().Query(ctx, query, func(arrow.RecordBatch) error { return nil })
	if failure, ok := errors.AsType[*duckdb.Error](err); !ok || failure.Type != duckdb.ErrorTypeInterrupt {
		t.Errorf("got %v, want an interrupt", err)
	}
	if err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the session does not go on: %v", err)
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
