package storetest

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// UnknownKinds checks that an engine refuses what a newer version may have registered: a source and a view of kinds
// that it does not know, wherever it is asked for them, and an output that is no stored column.
func (s Offline) UnknownKinds(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	snapshot, err := c.World.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	source := *snapshot.Views()[0].Source
	source.Kind = nil
	view := *snapshot.Views()[0]
	view.Source = &source
	_, err = engine.Columns(t.Context(), &source)
	asked := map[string]error{"its columns": err}
	_, asked["its inputs"] = engine.Inputs(t.Context(), []*feature.Source{&source})
	_, _, asked["a window"] = newest(t.Context(), engine, &view, offline.Window{End: math.MaxInt64 - 1})
	asked["a join"] = c.joinOf(t, engine, SelectAll(&view))
	windows := *snapshot.Views()[0]
	windows.Kind = 99
	_, _, asked["a window of a view"] = newest(t.Context(), engine, &windows, offline.Window{End: math.MaxInt64 - 1})
	asked["the plain rows of a view"] = engine.History(t.Context(), &windows, func(arrow.RecordBatch) error { return nil })
	asked["a join with a view"] = c.joinOf(t, engine, SelectAll(&windows))
	computed := SelectAll(snapshot.Views()[0])
	computed.Outputs = append(computed.Outputs, feature.Output{Name: "ratio"})
	asked["an output of another origin"] = c.joinOf(t, engine, computed)
	for what, err := range asked {
		if err := refused(err, "not known to this version"); err != nil {
			t.Errorf("asked for %s: %v", what, err)
		}
	}
}

// joinOf plans a join of the labels of the case's only join.
func (c *Case) joinOf(t *testing.T, engine offline.Store, selection *feature.Selection) error {
	t.Helper()
	planned, err := engine.PlanJoin(t.Context(), offline.JoinRequest{
		Selection: selection, Labels: filepath.Join(c.World.Folder, c.labels().Path),
		TimestampColumn: c.Joins[0].Question.TimeColumn,
	})
	if err != nil {
		return err
	}
	defer planned.Close()
	_, err = planned.Explain(t.Context())
	return err
}
