package auditlog_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// BenchmarkWrite logs look-ups of 50 features of 5 views, to files and all.
func BenchmarkWrite(b *testing.B) {
	for _, rows := range []int{1, 100} {
		b.Run(fmt.Sprintf("%dx50", rows), func(b *testing.B) {
			entry := fifty(b, rows)
			writer, err := auditlog.NewWriter(auditlog.Config{Folder: b.TempDir(), Project: "test", Now: at.Time})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := writer.Write(entry); err != nil {
					b.Fatal(err)
				}
			}
			if err := writer.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func fifty(b *testing.B, rows int) *auditlog.Entry {
	b.Helper()
	selection := &feature.Selection{}
	entry := &auditlog.Entry{Count: rows, ServedAt: at, At: at}
	floats := make([]float64, rows)
	for i := range rows {
		entry.Rows = append(entry.Rows, int32(i))
		floats[i] = float64(i) * 1.1
	}
	present := slices.Repeat([]byte{byte(plumbv1.Status_PRESENT)}, rows)
	entry.Stored = slices.Repeat([]lookup.StoredRow{{Found: true, Event: at, SchemaID: 1, Origin: 1}}, rows*5)
	for i := range 5 {
		view := &feature.View{Project: "test", Name: fmt.Sprint("view", i), Keys: []feature.Field{till}}
		for j := range 10 {
			field := feature.Field{Name: fmt.Sprintf("f%d_%d", i, j), Type: plumbv1.Type_FLOAT64}
			view.Features = append(view.Features, feature.Feature{Field: field})
			selection.Outputs = append(selection.Outputs,
				feature.Output{From: feature.StoredColumn{Reference: i, Feature: j}, Name: field.Name})
			entry.Columns = append(entry.Columns, &plumbv1.FeatureColumn{Statuses: present, Values: &plumbv1.Values{
				Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{Values: floats}}}})
		}
		selection.References = append(selection.References,
			feature.Reference{View: view, Alias: view.Name, LabelColumns: []string{"till"}})
	}
	layout, err := auditlog.NewLayout("v1", selected, selection, nil)
	if err != nil {
		b.Fatal(err)
	}
	entry.Layout = layout
	entry.Keys = []*plumbv1.KeyColumn{{Name: "till", Values: &plumbv1.Values{
		Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: make([]int64, rows)}}}}}
	return entry
}
