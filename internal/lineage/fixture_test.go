package lineage_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/lineage"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func field(name string, declared plumbv1.Type) feature.Field {
	return feature.Field{Name: name, Type: declared}
}

// views are one that reads files and keeps pushed rows, and one that reads a query over the same files.
func views() (shop, total *feature.View) {
	sources := feature.ResolveSources([]*plumbv1.Source{
		{Name: "sales", Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/sales/*.parquet"}},
			EventTimestamp: "sold_at", CreatedTimestamp: "booked_at"},
		{Name: "totals", EventTimestamp: "day", Kind: &plumbv1.Source_Sql{
			Sql: &plumbv1.SqlSource{Query: "SELECT day, sum(price) AS euros FROM sales GROUP BY day"},
		}},
	})
	key := []feature.Field{field("shop", plumbv1.Type_INT64)}
	shop = &feature.View{Project: "shops", Name: "shop", Keys: key, Online: true,
		Source: sources["sales"].WithLog("shop", "data/pushed", nil),
		Features: []feature.Feature{
			{Field: field("euros", plumbv1.Type_FLOAT64), Column: "price"},
			{Field: field("note", plumbv1.Type_STRING), Column: "note"},
		}}
	total = &feature.View{Project: "shops", Name: "total", Source: sources["totals"],
		Features: []feature.Feature{{Field: field("euros", plumbv1.Type_FLOAT64), Column: "euros"}}}
	return shop, total
}

// joinOf is a join of both views, the first under another name.
func joinOf() lineage.JoinRequest {
	shop, total := views()
	return lineage.JoinRequest{
		JoinRequest: offline.JoinRequest{
			Selection: &feature.Selection{
				References: []feature.Reference{
					{View: shop, Alias: "nearest", LabelColumns: []string{"nearest_shop"}}, {View: total, Alias: "total"},
				},
				Outputs: []feature.Output{
					{From: feature.StoredColumn{Reference: 0, Feature: 0}, Name: "nearest__euros"},
					{From: feature.StoredColumn{Reference: 1, Feature: 0}, Name: "total__euros"},
				},
			},
			Labels: "/data/labels.parquet", TimestampColumn: "at", Statuses: true, EventTimestamps: true,
		},
		Out: "/out/train.parquet",
	}
}

func joined() offline.JoinReport {
	shop, _ := views()
	return offline.JoinReport{
		Rows: 7,
		Inputs: []feature.Input{
			{Source: "sales", Name: "data/sales/1.parquet", Version: feature.FileVersion{Size: 5, Footer: "aa"}},
			{Source: shop.Source.Name, Name: "data/sales/1.parquet", Version: feature.FileVersion{Size: 5, Footer: "aa"}},
		},
		Labels: []feature.Column{
			{Name: "nearest_shop", Type: "BIGINT"}, {Name: "at", Type: "TIMESTAMP"}, {Name: "late", Type: "BOOLEAN"},
		},
	}
}

func config(sink lineage.Sink) lineage.Config {
	return lineage.Config{Sink: sink, Project: "shops", Folder: "/project", Store: "redis://host:6379/1", Version: "1.2",
		Now: func() time.Time { return noon }, Instance: "host:1", Patience: time.Minute}
}

// recorded are the events of what record does, each valid.
func recorded(t *testing.T, record func(*lineage.Recorder)) []map[string]any {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lineage.jsonl")
	recorder := lineage.New(config(lineage.File{Path: path}))
	record(recorder)
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	return eventsIn(t, path)
}

func eventsIn(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("testdata/event.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var events []map[string]any
	for line := range strings.Lines(string(text)) {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s\n%v", line, err)
		}
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		checkReferences(t, event)
		events = append(events, event)
	}
	return events
}

// checkReferences checks what OpenLineage specifies only in prose: a dataset is among the inputs once, and column
// lineage names only columns that are in the schemas of the output and of the inputs.
func checkReferences(t *testing.T, event any) {
	t.Helper()
	columns := map[string]bool{}
	note := func(dataset any) {
		name := fmt.Sprint(at(t, dataset, "namespace"), " ", at(t, dataset, "name"))
		if columns[name] {
			t.Errorf("%s is there more than once", name)
		}
		columns[name] = true
		schema, _ := at(t, dataset, "facets", "schema").(map[string]any)
		fields, _ := schema["fields"].([]any)
		for _, column := range fields {
			columns[fmt.Sprint(name, " ", at(t, column, "name"))] = true
		}
	}
	for _, input := range at(t, event, "inputs").([]any) {
		note(input)
	}
	for _, output := range at(t, event, "outputs").([]any) {
		note(output)
		name := fmt.Sprint(at(t, output, "namespace"), " ", at(t, output, "name"), " ")
		lineage, ok := at(t, output, "facets", "columnLineage").(map[string]any)
		if !ok {
			continue // A pull does not look into its query.
		}
		inputs := slices.Clone(lineage["dataset"].([]any))
		for column, made := range lineage["fields"].(map[string]any) {
			inputs = append(inputs, at(t, made, "inputFields").([]any)...)
			if !columns[name+column] {
				t.Errorf("the output has no column %s", column)
			}
		}
		for _, input := range inputs {
			column := fmt.Sprint(at(t, input, "namespace"), " ", at(t, input, "name"), " ", at(t, input, "field"))
			if !columns[column] {
				t.Errorf("no input has the column %s", column)
			}
		}
	}
}

// at walks into decoded JSON.
func at(t *testing.T, value any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			value = value.([]any)[step]
		}
	}
	return value
}

// columnsOf returns a column-lineage facet as lines: what each column is made of, and what decides the rows.
func columnsOf(t *testing.T, output any) map[string]string {
	t.Helper()
	text := func(inputs any) string {
		var parts []string
		for _, input := range inputs.([]any) {
			var subtypes []string
			for _, transformation := range at(t, input, "transformations").([]any) {
				subtypes = append(subtypes, at(t, transformation, "subtype").(string))
			}
			how := strings.Join(subtypes, " ")
			parts = append(parts, at(t, input, "namespace").(string)+" "+at(t, input, "name").(string)+" "+
				at(t, input, "field").(string)+" "+how)
		}
		return strings.Join(parts, "; ")
	}
	lines := map[string]string{"": text(at(t, output, "facets", "columnLineage", "dataset"))}
	for name, column := range at(t, output, "facets", "columnLineage", "fields").(map[string]any) {
		lines[name] = text(at(t, column, "inputFields"))
	}
	return lines
}
