package dataset

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/storetest"
)

// made is a training set with its manifest, as a join makes them.
type made struct {
	output   string
	manifest *Manifest
	present  Present
}

// makeTrainingSet writes label rows, a source and a training set of three rows, and describes it.
func makeTrainingSet(t *testing.T) *made {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "project")
	at := func(minute int64) feature.Instant { return feature.Instant(minute * 60_000_000) }
	labels := []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String, Values: []any{"a", "b", "c"}},
		{Name: "event_timestamp", Form: arrow.FixedWidthTypes.Timestamp_us, Values: []any{at(10), at(20), at(30)}},
	}
	features := []storetest.Column{
		{Name: "euros", Form: arrow.PrimitiveTypes.Float64, Values: []any{1.5, nil, 2.5}},
		{Name: "euros__status", Form: arrow.BinaryTypes.String, Values: []any{"PRESENT", "NOT_FOUND", "PRESENT"}},
		{Name: "title", Form: arrow.BinaryTypes.String, Values: []any{"x", nil, "y"}},
		{Name: "title__status", Form: arrow.BinaryTypes.String, Values: []any{"PRESENT", "NOT_FOUND", "PRESENT"}},
	}
	m := &made{output: filepath.Join(folder, "t.parquet")}
	source, labelled := filepath.Join(folder, "prices.parquet"), filepath.Join(folder, "labels.parquet")
	for path, columns := range map[string][]storetest.Column{
		labelled: labels, source: append(labels[:2:2], features[0], features[2]), m.output: append(labels[:2:2], features...),
	} {
		if err := (storetest.File{Path: path, Columns: columns}).Write(); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := shopSnapshot(t)
	info, err := os.Stat(source)
	if err != nil {
		t.Fatal(err)
	}
	read := feature.Input{Source: "prices", Name: "prices.parquet",
		Version: feature.FileVersion{Size: info.Size(), Modified: info.ModTime()}}
	m.present = Present{
		//nolint:forbidigo // Any clock will do here.
		Folder: folder, Digests: OpenFileDigests(filepath.Join(folder, "digests"), time.Now), Current: snapshot,
		At: func(context.Context, int64) (*feature.Snapshot, error) { return snapshot, nil },
		Files: func(context.Context, []*feature.Source) ([]feature.Input, error) {
			return []feature.Input{read}, nil
		},
	}
	m.describe(t, labelled, read)
	return m
}

// describe makes the manifest.
func (m *made) describe(t *testing.T, labels string, source feature.Input) {
	t.Helper()
	asked := Selection{Features: []string{"price:*"}}
	selection, err := asked.Of(m.present.Current)
	if err != nil {
		t.Fatal(err)
	}
	//nolint:forbidigo // Any clock will do here.
	m.manifest = New(Made{At: time.Now(), Plumb: "v1.0.0", Engine: "v1.5.6", Snapshot: m.present.Current,
		Selection: asked, Selected: selection, Options: Options{TimestampColumn: "event_timestamp", Statuses: true}})
	inputs, err := NewInputs(m.present.Folder, labels, m.present.Digests)
	if err != nil {
		t.Fatal(err)
	}
	m.manifest.Labels, m.manifest.Sources, err = inputs.Digest(t.Context(), []feature.Input{source})
	if err != nil {
		t.Fatal(err)
	}
	report := offline.JoinReport{Rows: 3, Views: []offline.ViewReport{{Alias: "price", Matched: 2}}}
	if err := m.manifest.Describe(t.Context(), m.output, m.output, selection, report); err != nil {
		t.Fatal(err)
	}
}

func shopSnapshot(t *testing.T) *feature.Snapshot {
	t.Helper()
	none, err := feature.NewSnapshot("shops", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	definitions := &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{
			{Name: "shop", JoinKeys: []*plumbv1.JoinKey{{Name: "shop", Type: plumbv1.Type_STRING}}},
		},
		Sources: []*plumbv1.Source{{Name: "prices", EventTimestamp: "event_timestamp", Kind: &plumbv1.Source_Parquet{
			Parquet: &plumbv1.ParquetSource{Path: "prices.parquet"},
		}}},
		FeatureViews: []*plumbv1.FeatureView{{Name: "price", Entities: []string{"shop"}, Source: "prices",
			Features: []*plumbv1.Feature{
				{Name: "euros", Type: plumbv1.Type_FLOAT64}, {Name: "title", Type: plumbv1.Type_STRING},
			}}},
	}
	//nolint:forbidigo // Any clock will do here.
	snapshot, err := feature.NewSnapshot("shops", 1, plan.New(none, definitions).Commit("test", time.Now()).State)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// verify signs the manifest as it is now, and verifies the training set with it.
func (m *made) verify(t *testing.T) ([]Check, error) {
	t.Helper()
	if err := os.WriteFile(m.output+Suffix, marshalled(t, m.manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := Find(m.output)
	if err != nil {
		return nil, err
	}
	return found.Verify(t.Context(), m.present)
}

// redigest makes the digest of the content right for the columns as they are now.
func redigest(m *Manifest) { m.Output.Digest = contentDigest(m.Output.Rows, m.Output.Columns) }

// euros is the position of the first feature.
const euros = 2

func TestAForgedManifest_ThatWasSignedAgainIsRefused(t *testing.T) {
	for name, forge := range map[string]func(*Manifest){
		"rows below zero":       func(m *Manifest) { m.Output.Rows = -5; redigest(m) },
		"rows alone":            func(m *Manifest) { m.Output.Rows = 4 },
		"nulls beyond the rows": func(m *Manifest) { m.Output.Columns[euros].Nulls = 1e18 },
		"nulls below zero":      func(m *Manifest) { m.Output.Columns[euros].Nulls = -1 },
		"other nulls":           func(m *Manifest) { m.Output.Columns[euros].Nulls = 0 },
		"a column twice": func(m *Manifest) {
			m.Output.Columns = append(m.Output.Columns, m.Output.Columns[euros])
			redigest(m)
		},
		"views emptied":           func(m *Manifest) { m.Views = nil },
		"views and uses emptied":  func(m *Manifest) { m.Views, m.Uses = nil, nil },
		"a view that is not used": func(m *Manifest) { m.Views = append(m.Views, View{Name: "other", Hash: "x"}) },
		"matched beyond the rows": func(m *Manifest) { m.Uses[0].Matched = 4 },
		"others matched":          func(m *Manifest) { m.Uses[0].Matched = 1 },
		"a join key less":         func(m *Manifest) { m.Uses[0].Keys = nil },
		"other statuses": func(m *Manifest) {
			m.Output.Columns[euros].Statuses = map[string]int64{"PRESENT": 3}
		},
		"statuses that overflow": func(m *Manifest) {
			m.Output.Columns[euros].Statuses = map[string]int64{"PRESENT": 1 << 62, "NULL": 1 << 62, "EXPIRED": 1 << 62}
		},
		"no statuses":               func(m *Manifest) { m.Output.Columns[euros].Statuses = nil },
		"no distribution":           func(m *Manifest) { m.Output.Columns[euros].Distribution = nil },
		"an empty distribution":     func(m *Manifest) { m.Output.Columns[euros].Distribution = &Distribution{} },
		"a distribution cut":        func(m *Manifest) { m.Output.Columns[euros].Distribution.Percentiles = nil },
		"another mean":              func(m *Manifest) { m.Output.Columns[euros].Distribution.Mean = number(1.6) },
		"texts without buckets":     func(m *Manifest) { m.Output.Columns[euros+2].Distribution.Buckets = nil },
		"a feature as another kind": func(m *Manifest) { m.Output.Columns[euros].Kind = LabelColumn },
		"another feature":           func(m *Manifest) { m.Output.Columns[euros].Feature = "title" },
		"another type":              func(m *Manifest) { m.Output.Columns[euros].Type = "FLOAT32" },
		"a size below zero":         func(m *Manifest) { m.Labels.Size = -1 },
		"a digest that is none":     func(m *Manifest) { m.Sources[0].Digest = "sha256:0" },
		"other features asked for":  func(m *Manifest) { m.Selection.Features = []string{"price:euros"} },
	} {
		t.Run(name, func(t *testing.T) {
			m := makeTrainingSet(t)
			forge(m.manifest)
			checks, err := m.verify(t)
			if _, input := errors.AsType[*fault.InputError](err); !input {
				t.Fatalf("want a mistake in the input, got %v, %+v", err, checks)
			}
			if !strings.Contains(err.Error(), m.output+Suffix) {
				t.Errorf("%v does not name the manifest", err)
			}
		})
	}
}

func TestAForgedManifest_WithoutSourcesDoesNotHold(t *testing.T) {
	m := makeTrainingSet(t)
	m.manifest.Sources = nil
	checks, err := m.verify(t)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(checks, func(c Check) bool { return c.State == Added && c.Subject == "source prices" }) {
		t.Errorf("the source's file was not there before: %+v", checks)
	}
}

func TestAManifest_ThatIsRightHolds(t *testing.T) {
	checks, err := makeTrainingSet(t).verify(t)
	if err != nil || len(checks) == 0 {
		t.Fatal(checks, err)
	}
	for _, check := range checks {
		if check.State != Same {
			t.Errorf("%+v", check)
		}
	}
}
