package document

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

// awkward are texts that JSON or a terminal needs escapes for.
var awkward = []string{"", "plain", `a"b\c`, "\x00\n\x7f", "é🛫", "\u202e\u2028", "<&>", "\ufffd"}

// Rows are written from the columns, and a Row from the message with encoding/json.
func TestRowsAreWrittenAsEncodingJSONWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(awkward)
		var fields []feature.Field
		for i, name := range rapid.SliceOfNDistinct(text, 1, 4, rapid.ID).Draw(t, "names") {
			declared := []plumbv1.Type{plumbv1.Type_STRING, plumbv1.Type_FLOAT32, plumbv1.Type_BYTES_ARRAY,
				plumbv1.Type_STRING_ARRAY}[i]
			fields = append(fields, feature.Field{Name: name, Type: declared})
		}
		view := storetest.NewView("view", []feature.Field{{Name: text.Draw(t, "key"), Type: plumbv1.Type_STRING}}, fields...)
		memory, keys := onlinetest.NewMemory(), NewKeys(view.Keys, nil)
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			key := text.Draw(t, "key")
			keys.Columns[0].Values = append(keys.Columns[0].Values, key)
			row := storetest.SourceRow{Keys: []any{key}, Event: new(feature.Instant(rapid.Int64Range(0, 9).Draw(t, "event")))}
			for i, field := range fields {
				value := storetest.DrawNullable(t, field.Type, 4)
				if i == 0 && value != nil {
					value = text.Draw(t, "text")
				}
				row.Features = append(row.Features, value)
			}
			write(t, memory, view, row)
		}
		reply, err := storetest.NewLookup(t, view).Reply(t.Context(), memory, lookup.Request{Keys: keys.Wire(), At: 7,
			EventTimestamps: rapid.Bool().Draw(t, "event times"), Provenance: rapid.Bool().Draw(t, "provenance")})
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Release()
		sameRows(t, keys, reply)
	})
}

// sameRows compares what Rows and Answer write of a reply.
func sameRows(t *rapid.T, keys *Keys, reply *lookup.Reply) {
	message, err := reply.Message()
	if err != nil {
		t.Fatal(err)
	}
	answer, rows := NewAnswer(keys, message.GetColumns(), message.GetProvenance(), message.GetComputed()),
		NewRows(keys, reply)
	if answer.Len() != rows.Len() {
		t.Fatalf("%d rows, want %d", rows.Len(), answer.Len())
	}
	for row := range rows.Len() {
		got, err := rows.Append([]byte("before"), row)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("before"+written(t, answer.Row(row)), string(got)+"\n"); diff != "" {
			t.Errorf("row %d (-encoding/json +Append):\n%s", row, diff)
		}
	}
}

func write(t rapid.TB, store online.Store, view *feature.View, rows ...storetest.SourceRow) {
	t.Helper()
	packed := storetest.Pack(t, view.Keys, view.Schema(), rows...)
	if _, err := store.Write(context.Background(), online.NewTable(view, 0), packed); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRows compares the two ways to write 100 rows of 50 features.
func BenchmarkRows(b *testing.B) {
	const rows, features = 100, 50
	var fields []feature.Field
	values := make([]any, features)
	for i := range features {
		fields = append(fields, feature.Field{Name: fmt.Sprint("feature", i), Type: plumbv1.Type_FLOAT64})
		values[i] = float64(i) / 3
	}
	view := storetest.NewView("view", []feature.Field{{Name: "entity", Type: plumbv1.Type_STRING}}, fields...)
	memory, keys := onlinetest.NewMemory(), NewKeys(view.Keys, nil)
	for row := range rows {
		key := fmt.Sprint("entity", row)
		keys.Columns[0].Values = append(keys.Columns[0].Values, key)
		write(b, memory, view, storetest.SourceRow{Keys: []any{key}, Event: new(feature.Instant(row)), Features: values})
	}
	reply, err := storetest.NewLookup(b, view).Reply(b.Context(), memory, lookup.Request{Keys: keys.Wire(), At: rows,
		EventTimestamps: true})
	if err != nil {
		b.Fatal(err)
	}
	defer reply.Release()
	b.Run("Rows", func(b *testing.B) {
		var text []byte
		for b.Loop() {
			text = text[:0]
			each := NewRows(keys, reply)
			for row := range rows {
				if text, err = each.Append(text, row); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("Answer", func(b *testing.B) {
		for b.Loop() {
			message, err := reply.Message()
			if err != nil {
				b.Fatal(err)
			}
			answer := NewAnswer(keys, message.GetColumns(), nil, nil)
			for row := range rows {
				if err := Write(io.Discard, answer.Row(row)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
