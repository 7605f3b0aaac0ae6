package auditlog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestRowsAreReadBackAsTheyWereServed_ToTheBit(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w, layout := newWorld(t, view), newLayout(t, view, nil)
	writer, told := newWriter(t, folder, nil)
	first := w.look(t, layout, []any{"a", int64(1)})
	second := w.look(t, layout, []any{"b", int64(1)}, []any{"a", int64(2)}, []any{"a", int64(3)}, []any{nil, int64(4)},
		[]any{"a", int64(4)})
	second.Rows = []int32{1, 2, 3, 4}
	for _, entry := range []*auditlog.Entry{first, second} {
		if err := writer.Write(entry); err != nil {
			t.Fatal(err)
		}
	}
	if names := filesIn(t, folder); len(names) != 0 {
		t.Errorf("files are there before one is finished: %v", names)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}

	read, origin := readAll(t, folder), fmt.Sprint(int64(storetest.SampleOrigin))
	for name, want := range map[string][]string{
		auditlog.RequestColumn:  {"1", "2", "2", "2", "2"},
		auditlog.RowColumn:      {"0", "1", "2", "3", "4"},
		auditlog.ServedAtColumn: slices.Repeat([]string{"2026-03-01T12:00:00.000005Z"}, 5),
		auditlog.AtColumn:       slices.Repeat([]string{"2026-03-01T12:00:00Z"}, 5),
		"shop":                  {"a", "a", "a", "", "a"},
		"till":                  {"1", "2", "3", "4", "4"},
		"everything__event_timestamp": {"2026-03-01T12:00:00Z", "2026-03-01T11:59:59.999999Z",
			"2026-03-01T11:59:59.999998Z", "", "2026-03-01T10:00:00Z"},
		"everything__created_timestamp": {"", "2026-03-01T12:00:00.000007Z", "", "", ""},
		"everything__schema_id":         {"7", "7", "7", "", "7"},
		"everything__origin":            {origin, origin, origin, "", origin},
	} {
		if diff := cmp.Diff(want, texts(read.columns[name])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, f := range view.Features {
		values := typeValues[f.Type]
		want := bits(t, f.Type, storetest.ArrowColumn(t, f.Type, values[0], values[1], nil, nil, nil))
		if diff := cmp.Diff(want, bits(t, f.Type, read.columns[f.Name])); diff != "" {
			t.Errorf("%s: %s", f.Name, diff)
		}
		statuses := []string{"PRESENT", "PRESENT", "NULL", "NOT_FOUND", "EXPIRED"}
		if diff := cmp.Diff(statuses, texts(read.columns[f.Name+"__status"])); diff != "" {
			t.Errorf("%s: %s", f.Name, diff)
		}
	}
	if told.files != 1 || told.rows != 5 || told.bytes == 0 || told.lost != 0 {
		t.Errorf("the writer told %+v", told)
	}
}

func TestAFileSaysWhatItHolds(t *testing.T) {
	view, folder := newView(), t.TempDir()
	view.Features, view.Schemas[0].Fields = view.Features[:2], view.Schemas[0].Fields[:2]
	view.Features[1].Sensitive, view.SensitiveKeys = true, []string{"till"}
	hasher := auditlog.NewHasher("secret")
	w, layout := newWorld(t, view), newLayout(t, view, hasher)
	writer, _ := newWriter(t, folder, nil)
	if err := writer.Write(w.look(t, layout, []any{"a", int64(1)})); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	want := auditlog.Header{
		Version: 1, Product: "v1.2.3", Selected: selected,
		Hash: &auditlog.Hash{Algorithm: "HMAC-SHA256", KeyID: hasher.KeyID()},
		Keys: []auditlog.Column{
			{Name: "shop", Column: "shop", Type: "STRING"},
			{Name: "till", Column: "till", Type: "INT64", Sensitive: true},
		},
		Views: []auditlog.View{{
			View: everything, Alias: everything, Keys: []string{"shop", "till"},
			EventTimestamp: "everything__event_timestamp", CreatedTimestamp: "everything__created_timestamp",
			SchemaID: "everything__schema_id", Origin: "everything__origin",
		}},
		Outputs: []auditlog.Output{
			{Column: auditlog.Column{Name: "bool", Column: "bool", Type: "BOOL"}, Feature: "bool", Status: "bool__status"},
			{Column: auditlog.Column{Name: "int32", Column: "int32", Type: "INT32", Sensitive: true}, Feature: "int32",
				Status: "int32__status"},
		},
	}
	if diff := cmp.Diff(want, readAll(t, folder).headers[0]); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsSensitiveIsStoredAsAKeyedHash(t *testing.T) {
	view, folder := newView(), t.TempDir()
	view.SensitiveKeys = []string{"shop"}
	for i := range view.Features {
		view.Features[i].Sensitive = true
	}
	hasher := auditlog.NewHasher("secret")
	w, layout := newWorld(t, view), newLayout(t, view, hasher)
	writer, _ := newWriter(t, folder, nil)
	if err := writer.Write(w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(3)})); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	read := readAll(t, folder)
	check := func(name string, declared plumbv1.Type, values ...any) {
		hashed, err := hasher.Hash(declared, storetest.ArrowColumn(t, declared, values...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(texts(hashed), texts(read.columns[name])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	check("shop", shop.Type, "a", "a")
	for _, f := range view.Features {
		check(f.Name, f.Type, typeValues[f.Type][0], nil)
		if got := texts(read.columns[f.Name+"__status"]); !slices.Equal(got, []string{"PRESENT", "NULL"}) {
			t.Errorf("%s: the statuses are %v", f.Name, got)
		}
	}
	if got := texts(read.columns["till"]); !slices.Equal(got, []string{"1", "3"}) {
		t.Errorf("keys that are not sensitive are %v", got)
	}
}

func TestWithoutAKeyNothingSensitiveIsLaidOut(t *testing.T) {
	view := newView()
	view.Features[0].Sensitive, view.SensitiveKeys = true, []string{"till"}
	_, err := auditlog.NewLayout("v1", selected, selectAll(view), auditlog.NewHasher(""))
	precondition, ok := errors.AsType[*fault.PreconditionError](err)
	want := `key "till", feature "everything:bool"; set serving.audit.hash_key`
	if !ok || !strings.HasSuffix(precondition.Message, want) {
		t.Errorf("got %v", err)
	}
}

// A feature and a label column may have one name online, and a feature may be called as a column of the log is.
func TestEveryColumnHasANameOfItsOwn(t *testing.T) {
	origin := feature.Field{Name: "origin", Type: plumbv1.Type_STRING}
	view := &feature.View{Project: "test", Name: "flight", Online: true, Keys: []feature.Field{origin},
		Features: []feature.Feature{{Field: origin}}, Schemas: []feature.Schema{{ID: 1, Fields: []feature.Field{origin}}}}
	selection := &feature.Selection{
		References: []feature.Reference{{View: view, Alias: "flight", LabelColumns: []string{"flight__origin"}}},
		Outputs:    []feature.Output{{Name: "flight__origin", From: feature.StoredColumn{}}},
	}
	layout, err := auditlog.NewLayout("v1", selected, selection, nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	writer, _ := newWriter(t, folder, nil)
	values := &plumbv1.Values{Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: []string{"EWR"}}}}
	entry := &auditlog.Entry{
		Layout: layout, Count: 1, Rows: []int32{0}, Keys: []*plumbv1.KeyColumn{{Name: "flight__origin", Values: values}},
		Columns: []*plumbv1.FeatureColumn{{Values: values, Statuses: []byte{byte(plumbv1.Status_PRESENT)}}},
		Stored:  []lookup.StoredRow{{Found: true, Event: feature.Instant(1), Origin: 5}},
	}
	if err := writer.Write(entry); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	read := readAll(t, folder)
	header := read.headers[0]
	for column, want := range map[string]string{
		header.Keys[0].Column: "EWR", header.Outputs[0].Column.Column: "EWR", header.Views[0].Origin: "5",
	} {
		if got := texts(read.columns[column]); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %v, want %s", column, got, want)
		}
	}
}
