package duckdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/offline"
)

// readings is the table in testdata/iceberg, in a project of its own. PyIceberg wrote it, and says what it holds.
type readings struct {
	folder string
	table  *plumbv1.IcebergSource
	// source reads the table itself, or a query that reads it.
	query    string
	features []*plumbv1.Feature
	// store has the objects below s3://lake/data; nil for none.
	store *objects.Store
}

// snapshotOf is what PyIceberg reads of a snapshot.
type snapshotOf struct {
	Snapshot int64 `json:"snapshot,string"`
	Rows     []struct {
		Place string
		At    time.Time
		N     int
	}
}

func openReadings(t *testing.T) (*readings, []snapshotOf) {
	t.Helper()
	r := &readings{folder: t.TempDir(), table: &plumbv1.IcebergSource{Path: "data/readings/metadata/v1.metadata.json"}}
	if err := os.CopyFS(filepath.Join(r.folder, "data"), os.DirFS("../../testdata/iceberg")); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("../../testdata/iceberg/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var told []snapshotOf
	if err := json.Unmarshal(content, &told); err != nil {
		t.Fatal(err)
	}
	return r, told
}

func (r *readings) snapshot(t *testing.T) *feature.Snapshot {
	t.Helper()
	sources := []*plumbv1.Source{{Name: "s", EventTimestamp: "at",
		Kind: &plumbv1.Source_Iceberg{Iceberg: r.table}}}
	view := &plumbv1.FeatureView{Name: "v", Entities: []string{"e"}, Source: "s", Features: r.features}
	if r.query != "" {
		sources = append(sources, &plumbv1.Source{Name: "q", EventTimestamp: "at",
			Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: r.query}}})
		view.Source = "q"
	}
	snapshot, err := feature.NewSnapshot("p", 1, &plumbv1.State{
		Definitions: &plumbv1.Definitions{
			Entities: []*plumbv1.Entity{{Name: "e", JoinKeys: []*plumbv1.JoinKey{{Name: "place",
				Type: plumbv1.Type_STRING}}}},
			Sources: sources, FeatureViews: []*plumbv1.FeatureView{view},
		},
		Views: []*plumbv1.RegisteredView{{Name: "v", Generation: 1, Schemas: []*plumbv1.ViewSchema{{Id: 1}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// join is the result for the labels as CSV text.
func (r *readings) join(t *testing.T, labels string, request offline.JoinRequest) (string, []feature.Input, error) {
	t.Helper()
	engine, err := Open(Config{ProjectDir: r.folder, Roots: []string{"data", "s3://lake/data"}, TempDir: r.folder,
		Objects: r.store})
	if err != nil {
		t.Fatal(err)
	}
	request.Labels, request.TimestampColumn = filepath.Join(r.folder, "labels.csv"), "t"
	if err := os.WriteFile(request.Labels, []byte(labels), 0o600); err != nil {
		t.Fatal(err)
	}
	if request.Selection, err = r.snapshot(t).SelectFeatures([]string{"v:*"}, false); err != nil {
		t.Fatal(err)
	}
	join, err := engine.PlanJoin(t.Context(), request)
	if err != nil {
		return "", nil, err
	}
	out := filepath.Join(r.folder, "out.csv")
	report, err := join.WriteFile(t.Context(), out)
	if err != nil {
		return "", nil, err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), report.Inputs, nil
}

// expected is the join of labels at each hour of three days, by nested loops over what PyIceberg reads.
func (s snapshotOf) expected() (labels, want string) {
	labels, want = "place,t\n", "place,t,n\n"
	for _, place := range []string{"a", "b", "c"} {
		for hour := range 72 {
			at := time.Date(2024, 1, 1, hour, 0, 0, 0, time.UTC)
			winner := -1
			for i, row := range s.Rows {
				// Of rows at one time the one with the greatest n was added last, or comes last in its file.
				if row.Place == place && !row.At.After(at) && (winner < 0 || !row.At.Before(s.Rows[winner].At)) {
					winner = i
				}
			}
			found := ""
			if winner >= 0 {
				found = strconv.Itoa(s.Rows[winner].N)
			}
			label := place + "," + at.Format(time.RFC3339)
			labels, want = labels+label+"\n", want+label+","+found+"\n"
		}
	}
	return labels, want
}

func TestR3_RowsOfAnIcebergTableAreThoseOfItsSnapshotInTheOrderInWhichTheyWereAdded(t *testing.T) {
	r, told := openReadings(t)
	r.features = []*plumbv1.Feature{newFeature("n", plumbv1.Type_INT32)}
	for _, query := range []string{"", "SELECT place, \"at\", n FROM s"} {
		r.query = query
		for i, snapshot := range told {
			if r.table.At = nil; i < len(told)-1 {
				r.table.At = &plumbv1.IcebergSource_Snapshot{Snapshot: snapshot.Snapshot}
			}
			labels, want := snapshot.expected()
			got, inputs, err := r.join(t, labels, offline.JoinRequest{})
			if err != nil {
				t.Fatalf("snapshot %d: %v", i, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("snapshot %d, query %q (-want +got):\n%s", i, query, diff)
			}
			version, ok := inputs[0].Version.(feature.TableVersion)
			if len(inputs) != 1 || !ok || version.Snapshot != snapshot.Snapshot ||
				inputs[0].Name != "data/readings/metadata/v1.metadata.json" {
				t.Errorf("snapshot %d: inputs %v", i, inputs)
			}
		}
	}
}

func TestColumnsOfAnIcebergTableAreFoundByTheirIDs(t *testing.T) {
	r, _ := openReadings(t)
	r.features = []*plumbv1.Feature{newFeature("celsius", plumbv1.Type_FLOAT64), newFeature("count", plumbv1.Type_INT64),
		newFeature("note", plumbv1.Type_STRING), newFeature("wind", plumbv1.Type_FLOAT64),
		newFeature("tags", plumbv1.Type_STRING_ARRAY)}
	got, _, err := r.join(t, "place,t\na,2024-01-02\na,2024-01-01T12:00:00Z\nc,2024-01-04\n", offline.JoinRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := `place,t,celsius,count,note,wind,tags
a,2024-01-02,24.5,24,,,"[""24"",null]"
a,2024-01-01T12:00:00Z,99.0,6,same time as an older row,1.0,
c,2024-01-04,1.25,5,,,[]
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.table.At = &plumbv1.IcebergSource_Tag{Tag: "first"}
	r.features = []*plumbv1.Feature{newFeature("temp", plumbv1.Type_FLOAT32), newFeature("note", plumbv1.Type_STRING)}
	got, _, err = r.join(t, "place,t\na,2024-01-02\n", offline.JoinRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("place,t,temp,note\na,2024-01-02,24.5,old 24\n", got); diff != "" {
		t.Errorf("at the tag (-want +got):\n%s", diff)
	}
}

func TestAJoinOverATableCanBePinnedToASnapshot(t *testing.T) {
	r, told := openReadings(t)
	r.features = []*plumbv1.Feature{newFeature("n", plumbv1.Type_INT32)}
	labels, want := told[1].expected()
	only := []feature.Input{{Source: "s", Name: "data/readings/metadata/v1.metadata.json",
		Version: feature.TableVersion{Snapshot: told[1].Snapshot, Schema: 2}}}
	got, inputs, err := r.join(t, labels, offline.JoinRequest{Only: only})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if version := inputs[0].Version.(feature.TableVersion); version.Snapshot != told[1].Snapshot ||
		!slices.Contains(version.Kept, told[2].Snapshot) {
		t.Errorf("got %+v", version)
	}
}

func TestFilesOfATableThatAreNotWhatItsMetadataSaysAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(data string, files []string) error
	}{
		{"a file is gone", "there is no file", func(_ string, files []string) error { return os.Remove(files[0]) }},
		{"a file has another size", "has 3 bytes, and the metadata", func(_ string, files []string) error {
			return os.WriteFile(files[0], []byte("PAR"), 0o600)
		}},
		{"a file leads out of the roots", "there is no file", func(data string, files []string) error {
			outside := filepath.Join(data, "..", "outside.parquet")
			return errors.Join(os.Rename(files[0], outside), os.Symlink(outside, files[0]))
		}},
		{"the deletes are gone", "there is no file", func(data string, _ []string) error {
			found, err := filepath.Glob(filepath.Join(data, "readings", "data", "deletes-*.parquet"))
			if err != nil || len(found) == 0 {
				return fmt.Errorf("no deletes: %w", err)
			}
			return os.Remove(found[0])
		}},
	} {
		r, _ := openReadings(t)
		r.features = []*plumbv1.Feature{newFeature("n", plumbv1.Type_INT32)}
		data := filepath.Join(r.folder, "data")
		files, err := filepath.Glob(filepath.Join(data, "readings", "data", "*", "*.parquet"))
		if err != nil || len(files) != 4 {
			t.Fatalf("files %v, %v", files, err)
		}
		if err := c.change(data, files); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.join(t, "place,t\na,2024-01-02\n", offline.JoinRequest{}); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
}
