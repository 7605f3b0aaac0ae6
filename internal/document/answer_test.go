package document

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestEachTypeHasItsFormInJSON(t *testing.T) {
	infinity := float32(math.Inf(1))
	floats := []float32{0.1, float32(math.NaN()), infinity, -infinity, float32(math.Copysign(0, -1))}
	words := &plumbv1.Values{Kind: &plumbv1.Values_Strings{
		Strings: &plumbv1.StringValues{Values: []string{"a", "", "b"}}}}
	for want, values := range map[string]*plumbv1.Values{
		`[true,false]`:          {Kind: &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: []bool{true, false}}}},
		`[-2147483648]`:         {Kind: &plumbv1.Values_Int32S{Int32S: &plumbv1.Int32Values{Values: []int32{math.MinInt32}}}},
		`[9223372036854775807]`: {Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: []int64{math.MaxInt64}}}},
		`[0.1,"NaN","Infinity","-Infinity",-0.0]`: {Kind: &plumbv1.Values_Float32S{
			Float32S: &plumbv1.Float32Values{Values: floats}}},
		`[0.1,1e+300,1.0,-0.0,100000.0,5e-324]`: {Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{
			Values: []float64{0.1, 1e300, 1, math.Copysign(0, -1), 1e5, 5e-324}}}},
		`["<a>","\u0000"]`: {Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: []string{"<a>", "\x00"}}}},
		`["AP8=",""]`:      {Kind: &plumbv1.Values_Bytes{Bytes: &plumbv1.BytesValues{Values: [][]byte{{0, 255}, nil}}}},
		`["1970-01-01T00:00:00Z","1969-12-31T23:59:59.999999Z"]`: {Kind: &plumbv1.Values_Timestamps{
			Timestamps: &plumbv1.TimestampValues{Micros: []int64{0, -1}}}},
		`[["a",null],[],["b"]]`: {Kind: &plumbv1.Values_Arrays{Arrays: &plumbv1.ArrayValues{
			Lengths: []uint32{2, 0, 1}, Elements: words, Nulls: []byte{0, 1, 0},
		}}},
	} {
		_, rows := value.Kind(values)
		column := &plumbv1.FeatureColumn{Name: "f", Values: values,
			Statuses: bytes.Repeat([]byte{byte(plumbv1.Status_PRESENT)}, rows)}
		answer := NewAnswer(NewKeys(nil), []*plumbv1.FeatureColumn{column}, nil)
		var got []string
		for row := range rows {
			text := sameBytes(t, answer, row)
			text = strings.TrimPrefix(text, `{"keys":{},"features":{"f":{"value":`)
			got = append(got, strings.TrimSuffix(text, `,"status":"PRESENT"}}}`))
		}
		if diff := cmp.Diff(want, "["+strings.Join(got, ",")+"]"); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// sameBytes returns the JSON of a row, which AppendRow writes as encoding/json does.
func sameBytes(t testing.TB, answer *Answer, row int) string {
	t.Helper()
	var want bytes.Buffer
	if err := Write(&want, answer.Row(row)); err != nil {
		t.Fatal(err)
	}
	got, err := answer.AppendRow([]byte("before"), row)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("before"+want.String(), string(got)+"\n"); diff != "" {
		t.Errorf("row %d (-encoding/json +AppendRow):\n%s", row, diff)
	}
	return string(got[len("before"):])
}

// awkward are texts that JSON or a terminal needs escapes for.
var awkward = []string{"", "plain", `a"b\c`, "\x00\n\x7f", "é🛫", "\u202e\u2028", "<&>", "\xff"}

func TestARowIsWrittenAsEncodingJSONWritesIt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rows := rapid.IntRange(1, 4).Draw(r, "rows")
		text := rapid.SampledFrom(awkward)
		keys := NewKeys([]feature.Field{{Name: text.Draw(r, "key"), Type: plumbv1.Type_STRING},
			{Name: "number", Type: plumbv1.Type_INT64}})
		for range rows {
			keys.Columns[0].Values = append(keys.Columns[0].Values, text.Draw(r, "text key"))
			keys.Columns[1].Values = append(keys.Columns[1].Values,
				rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.Int64(), func(i int64) any { return i })).Draw(r, "number"))
		}
		var columns []*plumbv1.FeatureColumn
		for i := range rapid.IntRange(0, 3).Draw(r, "columns") {
			columns = append(columns, drawColumn(r, text.Draw(r, "name"), rows, i%2 == 0))
		}
		var provenance []*plumbv1.ViewProvenance
		if rapid.Bool().Draw(r, "provenance") {
			provenance = append(provenance, &plumbv1.ViewProvenance{Alias: text.Draw(r, "alias"), View: "v",
				Origins: bytes.Repeat([]byte{byte(plumbv1.ViewProvenance_NO_ROW)}, rows)})
		}
		answer := NewAnswer(keys, columns, provenance)
		for row := range rows {
			sameBytes(t, answer, row)
		}
	})
}

// drawColumn draws a column of texts, floats or lists. One row in some has no value although it says so.
func drawColumn(t *rapid.T, name string, rows int, timed bool) *plumbv1.FeatureColumn {
	column := &plumbv1.FeatureColumn{Name: name}
	values := make([]any, rows)
	declared := rapid.SampledFrom([]plumbv1.Type{plumbv1.Type_STRING, plumbv1.Type_FLOAT64, plumbv1.Type_BYTES_ARRAY}).
		Draw(t, "type")
	for row := range values {
		column.Statuses = append(column.Statuses, byte(rapid.IntRange(int(plumbv1.Status_PRESENT),
			int(plumbv1.Status_EXPIRED)).Draw(t, "status")))
		switch declared {
		case plumbv1.Type_STRING:
			values[row] = rapid.SampledFrom(awkward).Draw(t, "text")
		case plumbv1.Type_FLOAT64:
			values[row] = rapid.Float64().Draw(t, "float")
		default:
			values[row] = []any{nil, []byte(rapid.SampledFrom(awkward).Draw(t, "bytes"))}
		}
		if timed {
			column.EventTimestamps = append(column.EventTimestamps, rapid.Int64Range(-1e15, 1e15).Draw(t, "event"))
		}
	}
	column.Values, _ = value.ToWire(declared, values[:rapid.IntRange(0, rows).Draw(t, "values")])
	return column
}

// BenchmarkRows compares the two ways to write 100 rows of 50 features.
func BenchmarkRows(b *testing.B) {
	const rows, features = 100, 50
	keys := NewKeys([]feature.Field{{Name: "entity", Type: plumbv1.Type_STRING}})
	values := make([]any, rows)
	for row := range values {
		values[row] = float64(row) / 3
		keys.Columns[0].Values = append(keys.Columns[0].Values, fmt.Sprint("entity", row))
	}
	wire, _ := value.ToWire(plumbv1.Type_FLOAT64, values)
	var columns []*plumbv1.FeatureColumn
	for i := range features {
		columns = append(columns, &plumbv1.FeatureColumn{Name: fmt.Sprint("feature", i), Values: wire,
			Statuses:        bytes.Repeat([]byte{byte(plumbv1.Status_PRESENT)}, rows),
			EventTimestamps: make([]int64, rows)})
	}
	b.Run("AppendRow", func(b *testing.B) {
		var text []byte
		for b.Loop() {
			text = text[:0]
			answer := NewAnswer(keys, columns, nil)
			for row := range rows {
				text, _ = answer.AppendRow(text, row)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		for b.Loop() {
			answer := NewAnswer(keys, columns, nil)
			for row := range rows {
				_ = Write(io.Discard, answer.Row(row))
			}
		}
	})
}
