package push_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
)

// decode returns the rows of a decoder that yields once.
func decode(t *testing.T, view *feature.View, decoder push.Decoder) push.Rows {
	t.Helper()
	var decoded []push.Rows
	err := decoder.Decode(t.Context(), view, func(rows push.Rows) error { decoded = append(decoded, rows); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if len(decoded) != 1 {
		t.Fatalf("%T yields %d times", decoder, len(decoded))
	}
	return decoded[0]
}

// everyForm has the same two prices in each form that rows come in. The first has everything, the second nulls.
func everyForm(t *testing.T, p *project) map[string]push.Decoder {
	t.Helper()
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, second := at(1), at(2)
	objects := []string{
		fmt.Sprintf(`{"shop": "a", "at": %q, "known": %q, "euros": 2.5}`, first, first+1),
		fmt.Sprintf(`{"shop": "b", "at": %q, "known": null, "euros": null}`, second),
	}
	table := fmt.Sprintf("shop,at,known,euros\na,%s,%s,2.5\nb,%s,,\n", first, first+1, second)
	return map[string]push.Decoder{
		"columns": push.Columns{Request: &plumbv1.PushRequest{
			Keys: []*plumbv1.KeyColumn{{Name: "shop", Values: &plumbv1.Values{
				Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: []string{"a", "b"}}},
			}}},
			EventTimestamps:   &plumbv1.TimeColumn{Micros: []int64{int64(first), int64(second)}},
			CreatedTimestamps: &plumbv1.TimeColumn{Micros: []int64{int64(first) + 1, 0}, Nulls: []byte{0, 1}},
			Features: []*plumbv1.PushColumn{{Name: "euros", Nulls: []byte{0, 1}, Values: &plumbv1.Values{
				Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{Values: []float64{2.5, 0}}},
			}}},
		}},
		"objects": push.JSON{json.RawMessage(objects[0]), json.RawMessage(objects[1])},
		"lines":   push.Lines{Path: write("rows.jsonl", "\ufeff"+strings.Join(objects, "\n\n"))},
		"csv":     push.File{Engine: p.Offline, Path: write("rows.csv", table)},
	}
}

// What is stored and logged of a row does not depend on the form in which it came.
func TestRowsAreTheSameInWhicheverFormTheyCome(t *testing.T) {
	p := newProject(t)
	view := p.View("price")
	want := rowsOf(t, price{"a", at(1), at(1) + 1, 2.5}, price{"b", at(2), nil, nil})
	for name, decoder := range everyForm(t, p) {
		for attempt := range 2 { // A decoder can be read again.
			err := decoder.Decode(t.Context(), view, func(got push.Rows) error {
				if len(got.Refused) > 0 || !slices.EqualFunc(columnsOf(got), columnsOf(want), array.Equal) {
					t.Errorf("%s, read %d: got %v, refused %v, want %v", name, attempt, columnsOf(got), got.Refused,
						columnsOf(want))
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func columnsOf(rows push.Rows) []arrow.Array {
	return slices.Concat(rows.Keys, []arrow.Array{rows.Event, rows.Created}, rows.Features)
}

// An event of a stream comes from anywhere, so what parsers read in different ways is refused, and the rows around it
// are not.
func TestAMessageThatIsNoRowIsRefusedAlone(t *testing.T) {
	good := `{"shop": "a", "at": "2026-03-01", "euros": 1}`
	for text, reason := range map[string]string{
		``:                             "the row is not a JSON object, or no whole one",
		`{"shop": "a"`:                 "the row is not a JSON object, or no whole one",
		`{"shop": "a"} {}`:             "the row is not a JSON object, or no whole one",
		`["a"]`:                        "the row is not a JSON object",
		`null`:                         "the row is not a JSON object",
		`{"shop": "a", "shop": "b"}`:   `the row has "shop" twice`,
		"{\"shop\": \"\xff\"}":         "the row is not UTF-8, which JSON is",
		`{"shop": "a", "euros": "1e"}`: "is missing, the event time; give a column of the name at",
	} {
		p := newProject(t)
		got := decode(t, p.View("price"), push.JSON{[]byte(good), []byte(text), []byte(good)})
		if got.Len() != 3 || len(got.Refused) != 1 || got.Refused[0].Row != 1 ||
			!strings.HasPrefix(got.Refused[0].Reason, reason) {
			t.Errorf("%q: of %d rows these are refused: %+v", text, got.Len(), got.Refused)
		}
	}
}
