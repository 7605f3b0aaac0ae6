package push_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

// The text NaN has the same bits in a push as in a source of text, which are not those of math.NaN.
func TestR17_NaNOfTextHasOneSpelling(t *testing.T) {
	view := &feature.View{
		Source: &feature.Source{EventTimestamp: "at"},
		Features: []feature.Feature{
			{Field: feature.Field{Name: "double", Type: plumbv1.Type_FLOAT64}, Column: "double"},
			{Field: feature.Field{Name: "single", Type: plumbv1.Type_FLOAT32}, Column: "single"},
		},
	}
	got := decode(t, view, push.JSON{
		[]byte(`{"at": "2024-01-01", "double": "NaN", "single": "NaN"}`),
		[]byte(`{"at": "2024-01-01", "double": "-NaN", "single": 1}`),
	})
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

// A time that a look-up takes is one that a push takes.
func TestR1_APushTakesTheTimesThatEverythingElseTakes(t *testing.T) {
	view := &feature.View{Source: &feature.Source{EventTimestamp: "at"}}
	var given push.JSON
	for _, text := range []string{
		"2013-07-04T16:00Z", "2013-07-04 18:30+02:30", "2013-07-04 16:00", "2013-07-04  16:00:00",
	} {
		given = append(given, fmt.Appendf(nil, `{"at": %q}`, text))
	}
	got := decode(t, view, given)
	if len(got.Refused) != 1 || got.Refused[0].Row != 3 || got.Refused[0].Field != "at" {
		t.Errorf("refused %+v, want the time with two spaces alone", got.Refused)
	}
	for row := range 3 {
		if at := got.Event.(*array.Int64).Value(row); at != 1372953600_000_000 {
			t.Errorf("row %d is at %d", row, at)
		}
	}
}

// The columns of an object are remembered by its names. A name with a zero byte is not several names.
func TestAnObjectWithAZeroByteInANameIsRefusedAlone(t *testing.T) {
	view := &feature.View{
		Source:   &feature.Source{EventTimestamp: "at"},
		Features: []feature.Feature{{Field: feature.Field{Name: "price", Type: plumbv1.Type_FLOAT64}, Column: "price"}},
	}
	got := decode(t, view, push.JSON{
		[]byte(`{"at": "2024-01-01", "price": 1.5}`),
		[]byte(`{"at\u0000price": "2024-01-01"}`),
		[]byte(`{"at": "2024-01-02", "price": 2.5}`),
	})
	if len(got.Refused) != 1 || got.Refused[0].Row != 1 {
		t.Errorf("refused %+v, want the second object alone", got.Refused)
	}
}

// Nothing is pushed to a view whose kind a newer version has registered.
func TestAViewOfAnUnknownKindTakesNoRows(t *testing.T) {
	text := feature.Field{Name: "note", Type: plumbv1.Type_STRING}
	view := storetest.NewView("notes", nil, text)
	view.Kind, view.Source = 99, &feature.Source{EventTimestamp: "at"}
	rows := decode(t, view, push.JSON{[]byte(`{"at": "2024-01-01", "note": "a"}`)})
	memory := onlinetest.NewMemory()
	now := func() time.Time { return time.Unix(2e9, 0) }
	_, err := push.New(push.Config{Online: memory, Now: now}).Push(t.Context(), view, rows, false)
	var input *fault.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "not known to this version") {
		t.Errorf("error is %v, want an InputError about the kind of the view", err)
	}
	if stored, err := memory.Survey(t.Context(), view.Project); err != nil || len(stored) > 0 {
		t.Errorf("stored are %v, %v", stored, err)
	}
}
