package duckdb

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Labels of a join that only computes are not loaded beforehand. What cannot be read of them is still named.
func TestADamagedLabelColumnIsNamedByAJoinThatOnlyComputes(t *testing.T) {
	p := newProject(t, map[string]string{"s.parquet": "SELECT 1 AS k, TIMESTAMP '2026-01-01' AS at"}, "data/s.parquet")
	p.write(t, "labels.parquet",
		"SELECT TIMESTAMPTZ '2026-01-01 00:00:00Z' AS t, hash(i)::VARCHAR AS a FROM range(999) r(i)")
	path := filepath.Join(p.folder, "labels.parquet")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The texts take most of the file, and their compressed page ends far behind its middle.
	copy(content[len(content)/2:], bytes.Repeat([]byte{0xff}, 64))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	planned, err := p.computing(t, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{"out.parquet", "out.csv", "out.arrow"} {
		_, err = planned.WriteFile(t.Context(), filepath.Join(p.folder, out))
		if err == nil || !strings.Contains(err.Error(), `column "a" cannot be read`) {
			t.Errorf("%s: the error is %v", out, err)
		}
	}
}

// computing plans a join that appends a dot to the label column a.
func (p *project) computing(t *testing.T, labels string) (offline.Join, error) {
	t.Helper()
	state := p.state()
	state.Definitions.OnDemandViews = []*plumbv1.OnDemandView{{
		Name: "o", Request: []*plumbv1.RequestInput{{Name: "a", Type: plumbv1.Type_STRING}},
		Features: []*plumbv1.ComputedFeature{{Name: "b", Type: plumbv1.Type_STRING, Expression: `a + "."`}},
	}}
	snapshot, err := feature.NewSnapshot("p", 1, state)
	if err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectFeatures([]string{"o:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return p.open(t).PlanJoin(t.Context(), offline.JoinRequest{Selection: selection, Labels: labels, TimestampColumn: "t"})
}
