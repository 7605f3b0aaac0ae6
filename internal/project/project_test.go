package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
)

// open opens the project that plumb init makes.
func open(t *testing.T) (*project.Project, string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("..", "cli", "template"))); err != nil {
		t.Fatal(err)
	}
	configured, err := config.Load(folder, &config.Overrides{}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	p := project.Open(configured, project.Options{
		Now:     func() time.Time { return time.Date(2013, 7, 5, 0, 0, 0, 0, time.UTC) },
		Version: "test",
		Warn:    func(err error) { t.Errorf("warned of: %v", err) },
	})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, folder
}

func apply(t *testing.T, p *project.Project) {
	t.Helper()
	definitions, err := p.ReadDefinitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	planned, err := p.Plan(t.Context(), definitions)
	if err != nil {
		t.Fatal(err)
	}
	if revision, err := p.Apply(t.Context(), planned, "tester"); err != nil || revision != 1 {
		t.Fatalf("applying gives revision %d and %v", revision, err)
	}
	if _, err := p.Apply(t.Context(), planned, "tester"); !errors.Is(err, fault.ErrConflict) {
		t.Errorf("applying the plan again gives %v, want a conflict", err)
	}
}

func stateOf(t *testing.T, p *project.Project, view string) project.ViewState {
	t.Helper()
	status, err := p.Status(t.Context())
	if err != nil || status.LossesUnknown != nil {
		t.Fatal(err, status.LossesUnknown)
	}
	at := slices.IndexFunc(status.Views, func(s project.ViewStatus) bool { return s.View.Name == view })
	return status.Views[at].State
}

// A view goes from its definition to online rows and back, by the use cases alone.
func TestAViewIsAppliedMaterializedAndTornDown(t *testing.T) {
	p, _ := open(t)
	if _, err := p.Status(t.Context()); !errors.As(err, new(*fault.PreconditionError)) {
		t.Errorf("before anything is applied the status is %v", err)
	}
	apply(t, p)
	if state := stateOf(t, p, "plane"); state != project.NeverMaterialized {
		t.Errorf("at first the view is %s", state)
	}
	var told []string
	err := p.Materialize(t.Context(), project.Materialization{
		Views:    []string{"plane"},
		Request:  materialize.Request{To: feature.InstantOf(p.Now())},
		Begin:    func(view *feature.View) { told = append(told, "begin "+view.Name) },
		Progress: func(string, int64) {},
		End: func(view *feature.View, report materialize.Report, err error) error {
			told = append(told, "end "+view.Name)
			if report.Run.Written == 0 {
				t.Error("no row was written")
			}
			return err
		},
	})
	if err != nil || !slices.Equal(told, []string{"begin plane", "end plane"}) {
		t.Errorf("materializing tells %v and gives %v", told, err)
	}
	if state := stateOf(t, p, "plane"); state != project.Complete {
		t.Errorf("afterwards the view is %s", state)
	}
	holdings, err := p.Holdings(t.Context())
	if err != nil || len(holdings) != 1 || holdings[0].State != "current" || holdings[0].Rows == 0 {
		t.Errorf("the store holds %+v, %v", holdings, err)
	}
	if err := p.CheckTeardown(t.Context(), "plnae"); !errors.As(err, new(*fault.NotFoundError)) {
		t.Errorf("tearing down what is not there gives %v", err)
	}
	if removed, err := p.Teardown(t.Context(), "plane"); err != nil || removed != holdings[0].Rows {
		t.Errorf("%d of %d rows are removed, %v", removed, holdings[0].Rows, err)
	}
	if state := stateOf(t, p, "plane"); state != project.Removed {
		t.Errorf("at the end the view is %s", state)
	}
}

// trainingSet asks for a training set of the template's labels.
func trainingSet(folder, out string) project.TrainingSetRequest {
	return project.TrainingSetRequest{
		Selection: dataset.Selection{Features: []string{"plane:*"}},
		Options:   dataset.Options{TimestampColumn: "event_timestamp"},
		Labels:    filepath.Join(folder, "data", "labels.parquet"),
		Out:       filepath.Join(folder, out),
	}
}

func TestATrainingSetHasAManifestAndIsRebuilt(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	request := trainingSet(folder, "train.parquet")
	var steps []string
	request.Progress = func(now offline.Progress) { steps = append(steps, now.Step) }
	made, err := p.MakeTrainingSet(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if made.Rows == 0 || made.Manifest == nil || made.Manifest.Output.Digest == "" || len(steps) == 0 {
		t.Errorf("made are %d rows with manifest %+v, in the steps %v", made.Rows, made.Manifest, steps)
	}
	verified, err := p.VerifyTrainingSet(t.Context(), request.Out, "")
	if err != nil || !verified.Same || len(verified.Checks) == 0 {
		t.Fatalf("verifying gives %+v, %v", verified, err)
	}
	for _, check := range verified.Checks {
		if !check.State.Holds() {
			t.Errorf("%s %s is %s: %s", check.Subject, check.Name, check.State, check.Detail)
		}
	}
	if err := os.Remove(request.Out); err != nil {
		t.Fatal(err)
	}
	rebuilt, err := p.Rebuild(t.Context(), project.RebuildRequest{Path: request.Out + dataset.Suffix})
	if err != nil || rebuilt.Rows != made.Rows || rebuilt.Digest != made.Manifest.Output.Digest {
		t.Errorf("rebuilt is %+v, %v", rebuilt, err)
	}
}

// Other callers than the command line have no flags.
func TestMistakesNameThePartOfTheRequestAndNoFlag(t *testing.T) {
	p, folder := open(t)
	apply(t, p)
	for name, out := range map[string]string{
		"an unknown format": "train.txt", "a source": filepath.Join("data", "planes.parquet"),
		"the labels": filepath.Join("data", "labels.parquet"), "a folder that is not there": "none/train.parquet",
	} {
		_, err := p.MakeTrainingSet(t.Context(), trainingSet(folder, out))
		var input *fault.InputError
		if !errors.As(err, &input) || input.Field != project.OutField || strings.Contains(err.Error(), "--") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// The store has recorded that it has no rows in an older layout. An older version writes one all the same, and the
// upgrade still finds it.
func TestAnUpgradeOfTheStoreFindsWhatAnOlderVersionHasWrittenSince(t *testing.T) {
	server := redistest.Start(t)
	p, _ := open(t)
	p.Config.OnlineStore = config.NewConnectionString(server.URL)
	apply(t, p)
	run := project.Materialization{Request: materialize.Request{To: feature.InstantOf(time.Date(2013, 7, 4, 0, 0, 0, 0,
		time.UTC))}, Begin: func(*feature.View) {}, Progress: func(string, int64) {},
		End: func(_ *feature.View, _ materialize.Report, err error) error { return err }}
	if err := p.Materialize(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	view, row := "{nycflights:\x01\x06\x01x}plane@1", make([]byte, 29)
	row[16] = 2 // Its format, after an event time and a created time.
	if err := server.Client(t).Set(t.Context(), view, row, 0).Err(); err != nil {
		t.Fatal(err)
	}
	report, err := p.UpgradeStore(t.Context(), func(int64) {})
	if err != nil || report != (online.UpgradeReport{Moved: 1}) {
		t.Errorf("the upgrade reports %+v, %v", report, err)
	}
}
