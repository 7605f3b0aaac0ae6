package auditlog_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

var update = flag.Bool("update", false, "write the sample of the current format anew")

// sample is a file of format 1: all types, a sensitive key, and what is known of stored rows.
const sample = "testdata/format_1"

func writeSample(t *testing.T) {
	t.Helper()
	view := newView()
	view.SensitiveKeys = []string{"till"}
	w, layout := newWorld(t, view), newLayout(t, view, auditlog.NewHasher("secret"))
	if err := os.RemoveAll(sample); err != nil {
		t.Fatal(err)
	}
	writer, _ := newWriter(t, sample, nil)
	entry := w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(2)}, []any{"a", int64(9)})
	if err := writer.Write(entry); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// What format 1 was when it came to be is read for good.
func TestFilesOfFormat1AreRead(t *testing.T) {
	if *update {
		writeSample(t)
	}
	read := readAll(t, sample)
	if read.count != 3 || len(read.headers) != 1 || read.headers[0].Version != 1 {
		t.Fatalf("%d rows of %+v", read.count, read.headers)
	}
	for _, feature := range newView().Features {
		values := typeValues[feature.Type]
		want := bits(t, feature.Type, storetest.ArrowColumn(t, feature.Type, values[0], values[1], nil))
		if diff := cmp.Diff(want, bits(t, feature.Type, read.columns[feature.Name])); diff != "" {
			t.Errorf("%s: %s", feature.Name, diff)
		}
		statuses := []string{"PRESENT", "PRESENT", "NOT_FOUND"}
		if got := texts(read.columns[feature.Name+"__status"]); !slices.Equal(got, statuses) {
			t.Errorf("%s: the statuses are %v", feature.Name, got)
		}
	}
	tills := storetest.ArrowColumn(t, till.Type, int64(1), int64(2), int64(9))
	hashed, err := auditlog.NewHasher("secret").Hash(till.Type, tills)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(texts(hashed), texts(read.columns["till"])); diff != "" {
		t.Errorf("sensitive keys: %s", diff)
	}
	origin := fmt.Sprint(int64(storetest.SampleOrigin))
	if got := texts(read.columns["everything__origin"]); !slices.Equal(got, []string{origin, origin, ""}) {
		t.Errorf("the origins are %v", got)
	}
	if names := filesIn(t, sample); len(names) != 1 || filepath.Ext(names[0]) != ".parquet" {
		t.Errorf("the sample is %v", names)
	}
}

// computedSample is a file of format 2: request inputs, one of them sensitive, and computed features.
const computedSample = "testdata/format_2"

// computed selects an on-demand view over a stored number, and has a layout for it.
func computed(t *testing.T) (*feature.Selection, *auditlog.Layout) {
	t.Helper()
	selection := storetest.SelectOnDemand(t,
		[]*plumbv1.Entity{{Name: "shop", JoinKeys: []*plumbv1.JoinKey{{Name: "shop", Type: plumbv1.Type_STRING}}}},
		[]*plumbv1.FeatureView{{Name: "price", Entities: []string{"shop"}, Source: "rows",
			Features: []*plumbv1.Feature{{Name: "euros", Type: plumbv1.Type_INT64}}}},
		&plumbv1.OnDemandView{Name: "basket", Views: []*plumbv1.ViewInput{{View: "price"}},
			Request: []*plumbv1.RequestInput{{Name: "paid", Type: plumbv1.Type_INT64},
				{Name: "card", Type: plumbv1.Type_STRING_ARRAY, Sensitive: true}},
			Features: []*plumbv1.ComputedFeature{
				{Name: "count", Type: plumbv1.Type_INT64, Expression: "paid / price.euros"},
				{Name: "cards", Type: plumbv1.Type_INT64, Expression: "size(card)"}}})
	layout, err := auditlog.NewLayout("v1.2.3", selected, selection, auditlog.NewHasher("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return selection, layout
}

func writeComputedSample(t *testing.T) {
	t.Helper()
	selection, layout := computed(t)
	store, view := onlinetest.NewMemory(), selection.References[0].View
	packed := storetest.Pack(t, view.Keys, view.Schema(),
		storetest.SourceRow{Keys: []any{"a"}, Event: new(at), Features: []any{int64(3)}},
		storetest.SourceRow{Keys: []any{"b"}, Event: new(at), Features: []any{int64(0)}})
	if _, err := store.Write(t.Context(), online.NewTable(view, 0), packed); err != nil {
		t.Fatal(err)
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	paid, _ := value.ToWire(plumbv1.Type_INT64, []any{int64(7), int64(7), int64(7)})
	cards, nulls := value.ToWire(plumbv1.Type_STRING_ARRAY, []any{[]any{"x", nil}, nil, []any{}})
	entry := &auditlog.Entry{Layout: layout, ServedAt: at + 5, At: at, Count: 3, Rows: []int32{0, 1, 2},
		Keys:   storetest.KeyColumns(t, view.Keys, []any{"a"}, []any{"b"}, []any{"c"}),
		Inputs: []*plumbv1.InputColumn{{Name: "paid", Values: paid}, {Name: "card", Values: cards, Nulls: nulls}}}
	reply, err := prepared.Reply(t.Context(), store, lookup.Request{Keys: entry.Keys, Inputs: entry.Inputs, At: at})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	wire, err := reply.WithReads()
	if err != nil {
		t.Fatal(err)
	}
	var message plumbv1.GetOnlineFeaturesResponse
	if err := proto.Unmarshal(wire, &message); err != nil {
		t.Fatal(err)
	}
	entry.Columns, entry.Stored = message.GetColumns(), reply.Stored()
	if err := os.RemoveAll(computedSample); err != nil {
		t.Fatal(err)
	}
	writer, _ := newWriter(t, computedSample, nil)
	if err := errors.Join(writer.Write(entry), writer.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestFilesOfFormat2HaveInputsAndComputedFeatures(t *testing.T) {
	if *update {
		writeComputedSample(t)
	}
	read := readAll(t, computedSample)
	if read.count != 3 || len(read.headers) != 1 || read.headers[0].Version != 2 {
		t.Fatalf("%d rows of %+v", read.count, read.headers)
	}
	inputs := []auditlog.Column{{Name: "paid", Column: "paid", Type: "INT64"},
		{Name: "card", Column: "card", Type: "STRING_ARRAY", Sensitive: true}}
	if diff := cmp.Diff(inputs, read.headers[0].Inputs); diff != "" {
		t.Error(diff)
	}
	if count := read.headers[0].Outputs[0]; count.Computed != "basket" || count.View != -1 {
		t.Errorf("the output is %+v", count)
	}
	if read := read.headers[0].Outputs[2]; !read.Read || read.View != 0 || read.Feature != "euros" {
		t.Errorf("what was read is %+v", read)
	}
	for name, want := range map[string][]string{"paid": {"7", "7", "7"}, "count": {"2", "", ""},
		"count__status": {"PRESENT", "INVALID", "NULL"}, "cards": {"2", "", "0"},
		"basket__price__euros": {"3", "0", ""}, "basket__price__euros__status": {"PRESENT", "PRESENT", "NOT_FOUND"},
		"basket__price__event_timestamp": {"2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", ""}} {
		if diff := cmp.Diff(want, texts(read.columns[name])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	cards := storetest.ArrowColumn(t, plumbv1.Type_STRING_ARRAY, []any{"x", nil}, nil, []any{})
	hashed, err := auditlog.NewHasher("secret").Hash(plumbv1.Type_STRING_ARRAY, cards)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(texts(hashed), texts(read.columns["card"])); diff != "" {
		t.Errorf("sensitive inputs: %s", diff)
	}
}
