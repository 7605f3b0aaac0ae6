package duckdb

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// twoDays has a file for each day, at noon of which key 1 has a row.
func twoDays(t *testing.T) *project {
	return newProject(t, map[string]string{
		"1.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2026-03-01 12:00:00' AS at",
		"2.parquet": "SELECT 1 AS k, 20 AS x, TIMESTAMP '2026-03-02 12:00:00' AS at",
	}, "data/*.parquet", newFeature("x", plumbv1.Type_INT64))
}

// described is what reports have to say of a file in the project's data folder.
func (p *project) described(t *testing.T, name string) feature.Input {
	t.Helper()
	path := filepath.Join(p.folder, "data", name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	end := len(content) - 8
	footer := sha256.Sum256(content[end-int(binary.LittleEndian.Uint32(content[end:])) : end])
	return feature.Input{Source: "s", Name: "data/" + name, Version: feature.FileVersion{
		Size: info.Size(), Modified: info.ModTime().UTC(), Footer: hex.EncodeToString(footer[:])}}
}

func TestAJoinTellsEveryFileOfItsSources(t *testing.T) {
	p := twoDays(t)
	join, err := p.plan(t, "labels.parquet", "SELECT 1 AS k, TIMESTAMP '2026-03-01 13:00:00' AS t")
	if err != nil {
		t.Fatal(err)
	}
	report, err := join.WriteFile(t.Context(), filepath.Join(p.folder, "out.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	want := []feature.Input{p.described(t, "1.parquet"), p.described(t, "2.parquet")}
	if diff := cmp.Diff(want, report.Inputs); diff != "" {
		t.Error(diff)
	}
}

func TestAWindowTellsTheFilesThatMayHoldItsRows(t *testing.T) {
	p := twoDays(t)
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	window := func(view *feature.View, engine *Engine) []feature.Input {
		const firstEvening = 1772395200_000_000 // 2026-03-01T20:00:00Z
		request := offline.NewestRequest{View: view, Window: offline.Window{End: firstEvening}}
		report, err := engine.Newest(t.Context(), request, func(arrow.RecordBatch) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return report.Inputs
	}
	engine := p.open(t)
	before := window(view, engine)
	if diff := cmp.Diff([]feature.Input{p.described(t, "1.parquet")}, before); diff != "" {
		t.Error(diff)
	}
	p.write(t, "data/1.parquet", "SELECT 1 AS k, 11 AS x, TIMESTAMP '2026-03-01 12:00:00' AS at")
	if rewritten := window(view, engine); rewritten[0].Version.ID() == before[0].Version.ID() {
		t.Error("a file that was rewritten with another value has the footer that it had")
	}
	query := *view
	query.Source = queryOver(p, t)
	sizeless := cmpopts.IgnoreFields(feature.Input{}, "Version")
	want := []feature.Input{p.described(t, "1.parquet"), p.described(t, "2.parquet")}
	if diff := cmp.Diff(want, window(&query, engine), sizeless); diff != "" {
		t.Errorf("a SQL source: %s", diff)
	}
}

// queryOver is a SQL source that reads all of s.
func queryOver(p *project, t *testing.T) *feature.Source {
	t.Helper()
	p.more = []*plumbv1.Source{{Name: "q", EventTimestamp: "at",
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: "SELECT k, x, \"at\" FROM s"}}}}
	p.view.Source = "q"
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	return view.Source
}

func TestFilesMayStandAfterAQuery(t *testing.T) {
	p := twoDays(t)
	query := queryOver(p, t)
	other := &feature.Source{Name: "other", Kind: feature.Files{Path: "data/1.parquet"}, EventTimestamp: "at"}
	files, err := p.open(t).Inputs(t.Context(), []*feature.Source{query, other})
	if err != nil || len(files) != 3 {
		t.Errorf("got %d files and error %v, want 3", len(files), err)
	}
}

// Copies of write-ahead files are read wherever they lie, and no report names them: they are gone after the run (R17).
func TestR17_CopiesOfWriteAheadFilesAreReadAndNotRemembered(t *testing.T) {
	for name, below := range map[string]string{"outside the roots": "tmp", "below the roots": "data/tmp"} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, map[string]string{
				"1.parquet": "SELECT 1 AS k, 10 AS x, TIMESTAMP '2026-03-01 12:00:00' AS at",
			}, "data/1.parquet", newFeature("x", plumbv1.Type_INT64))
			copied := filepath.Join(below, "1-1.parquet")
			p.write(t, copied, "SELECT 1 AS k, 30 AS x, TIMESTAMP '2026-03-03 12:00:00' AS at")
			view, err := p.snapshot(t).View("v")
			if err != nil {
				t.Fatal(err)
			}
			logged, columns := *view, append(slices.Clone(view.Keys), view.Features[0].Field)
			logged.Source = view.Source.WithLog("v", "data/log", columns)
			rows, report, err := p.newestOf(t, logged.WithUnfinished([]string{filepath.Join(p.folder, copied)}), 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"1 1772539200000000 (null) 30"}, rows); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			want := []feature.Input{p.described(t, "1.parquet")}
			if diff := cmp.Diff(want, report.Inputs, cmpopts.IgnoreFields(feature.Input{}, "Source")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
