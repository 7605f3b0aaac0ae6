package spark

import (
	"strings"
	"testing"

	"github.com/plumbstore/plumb/feature"
)

// What Spark would read otherwise than the embedded engine is refused. A Delta table is a folder of Parquet files, so
// Spark would read deleted rows too.
func TestSourcesThatAreNotReadAreRefusedByWhatTheyAre(t *testing.T) {
	parquet := feature.Files{Path: "data/a.parquet", Format: feature.Parquet}
	table, delta, object, csv, lines := parquet, parquet, parquet, parquet, parquet
	table.Iceberg, delta.Delta = &feature.Iceberg{}, &feature.Delta{}
	object.Path, csv.Format, lines.Format = "s3://lake/a.parquet", feature.CSV, feature.JSONLines
	for want, source := range map[string]*feature.Source{
		"is text":            {Name: "s", Kind: csv},
		"is text (CSV or":    {Name: "s", Kind: lines},
		"is a table":         {Name: "s", Kind: table},
		"is a table of":      {Name: "s", Kind: delta},
		"is in an object":    {Name: "s", Kind: object},
		"is read with a pus": (&feature.Source{Name: "s", Kind: parquet}).WithLog("v", "data/log", nil),
	} {
		if err := checkSource(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if err := checkSource(&feature.Source{Name: "s", Kind: parquet}); err != nil {
		t.Errorf("Parquet files: %v", err)
	}
}
