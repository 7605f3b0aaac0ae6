package spec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/registry/spec"
)

func TestFeaturesAndColumnsFollowFromAggregations(t *testing.T) {
	definitions, err := spec.Read(t.Context(), "testdata/cases/aggregations", []string{"."}, newInspector())
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, column := range definitions.GetSources()[0].GetColumns() {
		fmt.Fprintln(&got, column.GetName(), column.GetType(), column.GetColumn(), column.GetExpression())
	}
	for _, view := range definitions.GetFeatureViews() {
		for _, f := range view.GetFeatures() {
			fmt.Fprintln(&got, view.GetName(), f.GetName(), f.GetType())
		}
	}
	compareGolden(t, "testdata/aggregations.txt", got.String())
}

// TestAggregationsReadBackAsTheyWereWritten also holds that the columns which were inferred are written, so that the
// copy needs no source to look into.
func TestAggregationsReadBackAsTheyWereWritten(t *testing.T) {
	definitions, err := spec.Read(t.Context(), "testdata/cases/aggregations", []string{"."}, newInspector())
	if err != nil {
		t.Fatal(err)
	}
	written, err := spec.Marshal(definitions)
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "testdata/aggregations.yaml", string(written))
	again, err := spec.ReadTexts(t.Context(), []spec.Text{{File: "again.yaml", Data: written}}, nil)
	if err != nil || !proto.Equal(again, definitions) {
		t.Errorf("%v: read back they are\n%v, not\n%v", err, again, definitions)
	}
}

// TestCheckingAgainDerivesTheSame checks one set three times: what an earlier check has added is no mistake.
func TestCheckingAgainDerivesTheSame(t *testing.T) {
	set, err := spec.Load("testdata/cases/aggregations", []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Check(t.Context(), newInspector()); err != nil {
		t.Fatal(err)
	}
	first := proto.CloneOf(set.Definitions)
	if err := set.Check(t.Context(), nil); err == nil || !strings.Contains(err.Error(),
		`column "temp" is not declared, and source "weather" is not looked into; declare it under columns with a type`) {
		t.Errorf("without the sources: %v", err)
	}
	if err := set.Check(t.Context(), newInspector()); err != nil || !proto.Equal(first, set.Definitions) {
		t.Errorf("%v\n%s", err, cmp.Diff(first.String(), set.Definitions.String()))
	}
}

func TestTypesOfColumnsAreInferred(t *testing.T) {
	const text = `
sources:
  - {name: s, parquet: {path: data/s.parquet}, event_timestamp: at}
feature_views:
  - name: v
    source: s
    aggregations: [{of: x, functions: [count], windows: [1h]}]
`
	tests := map[string]string{
		"BIGINT": "INT64", "INTEGER": "INT32", "SMALLINT": "INT32", "TINYINT": "INT32", "DOUBLE": "FLOAT64",
		"FLOAT": "FLOAT32", "VARCHAR": "STRING", "BLOB": "BYTES", "BOOLEAN": "BOOL", "DATE": "TIMESTAMP",
		"TIMESTAMP":                "TIMESTAMP",
		"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIMESTAMP_NS": "TIMESTAMP", "VARCHAR[]": "STRING_ARRAY",
		"TIMESTAMP[]": "TIMESTAMP_ARRAY", "HUGEINT": "", "DECIMAL(18,3)": "", "VARCHAR (csv)": "", "VARCHAR[][]": "",
		"UBIGINT": "", "STRUCT(a INTEGER)": "", "DECIMAL(3,1)[]": "",
	}
	for engine, want := range tests {
		definitions, err := spec.ReadTexts(t.Context(), []spec.Text{{File: "a.yaml", Data: []byte(text)}},
			anyColumn{engine})
		switch {
		case want == "":
			if err == nil || err.Error() != `a.yaml:7:25: column "x" of source "s" is `+engine+
				`, and what is read of it has to be said; declare it under columns with a type` {
				t.Errorf("%s: %v", engine, err)
			}
		case err != nil:
			t.Errorf("%s: %v", engine, err)
		case definitions.GetSources()[0].GetColumns()[0].GetType().String() != want:
			t.Errorf("%s: %v", engine, definitions.GetSources()[0].GetColumns())
		}
	}
}

func TestHugeAggregationsAreRefusedAtOnce(t *testing.T) {
	many := strings.Join(slices.Repeat([]string{"sum"}, 10_000), ", ")
	windows := strings.Join(slices.Repeat([]string{"1h"}, 10_000), ", ")
	text := fmt.Sprintf("sources:\n  - {name: s, parquet: {path: data/s.parquet}, event_timestamp: at}\nfeature_views:\n"+
		"  - name: v\n    source: s\n    aggregations: [{of: x, functions: [%s], windows: [%s]}]\n", many, windows)
	_, err := spec.ReadTexts(t.Context(), []spec.Text{{File: "a.yaml", Data: []byte(text)}}, anyColumn{"DOUBLE"})
	if want := "a.yaml:6:20: the aggregation makes more than 1000 features; split it over several views"; err == nil ||
		err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
