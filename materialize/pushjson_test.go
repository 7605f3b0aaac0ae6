package materialize_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The text NaN has the same bits in a push as in a source of text, which are not those of math.NaN.
func TestR17_NaNOfTextHasOneSpelling(t *testing.T) {
	rows := materialize.NewJSONRows(&feature.View{
		Source: &feature.Source{EventTimestamp: "at"},
		Features: []feature.Feature{
			{Field: feature.Field{Name: "double", Type: plumbv1.Type_FLOAT64}, Column: "double"},
			{Field: feature.Field{Name: "single", Type: plumbv1.Type_FLOAT32}, Column: "single"},
		},
	})
	rows.Add([]string{"at", "double", "single"}, []any{"2024-01-01", "NaN", "NaN"})
	rows.Add([]string{"at", "double", "single"}, []any{"2024-01-01", "-NaN", json.Number("1")})
	got := rows.Rows()
	if len(got.Refused) != 1 || got.Refused[0].Row != 1 || got.Refused[0].Field != "double" {
		t.Errorf("refused %+v, want -NaN alone", got.Refused)
	}
	if bits := math.Float64bits(got.Features[0].(*array.Float64).Value(0)); bits != 0x7ff8000000000000 {
		t.Errorf("FLOAT64 NaN is %#x", bits)
	}
	if bits := math.Float32bits(got.Features[1].(*array.Float32).Value(0)); bits != 0x7fc00000 {
		t.Errorf("FLOAT32 NaN is %#x", bits)
	}
}
