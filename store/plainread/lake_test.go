package plainread

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestRowsOfAnIcebergTableAreThoseThatPyIcebergReads(t *testing.T) {
	folder, err := filepath.Abs("../../testdata/iceberg")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var told []struct {
		Snapshot int64 `json:"snapshot,string"`
		Rows     []struct {
			Place   string
			At      time.Time
			Celsius *float64
			Temp    *float64
		}
	}
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	const metadata = "readings/metadata/v1.metadata.json"
	for i, snapshot := range told {
		column, schema := "celsius", 2
		if i == 0 {
			column, schema = "temp", 0
		}
		p := &project{folder: folder, files: []feature.Input{{Source: "s", Name: metadata,
			Version: feature.TableVersion{Snapshot: snapshot.Snapshot, Schema: schema}}}}
		view := &feature.View{Name: "v", Keys: []feature.Field{{Name: "place", Type: plumbv1.Type_STRING}},
			Source: &feature.Source{Name: "s", EventTimestamp: "at",
				Kind: feature.Files{Path: metadata, Iceberg: &feature.Iceberg{}}},
			Features: []feature.Feature{{Field: feature.Field{Name: "x", Type: plumbv1.Type_FLOAT64}, Column: column}}}
		rows, err := p.history(t, view)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, row := range rows {
			var place string
			var event, at int64
			if _, err := fmt.Sscanf(row, "%s %d (null) %d", &place, &event, &at); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(place, event, p.values(t, view, at)))
		}
		for _, row := range snapshot.Rows {
			value := row.Celsius
			if i == 0 {
				value = row.Temp
			}
			shown := any(nil)
			if value != nil {
				shown = *value
			}
			want = append(want, fmt.Sprint(row.Place, row.At.UnixMicro(), []any{shown}))
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("snapshot %d (-want +got):\n%s", i, diff)
		}
	}
}
