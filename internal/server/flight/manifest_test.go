package flight_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/internal/server/flight"
	"github.com/plumbstore/plumb/store/offline"
)

// withManifests is a server that makes manifests. Their folder is known once it has started.
func withManifests(t *testing.T) *running {
	t.Helper()
	made := &flight.Manifests{Plumb: "v1", Engine: "v2", Made: func() {}}
	made.Digests = dataset.OpenFileDigests(filepath.Join(t.TempDir(), "digests.json"),
		func() time.Time { return time.Unix(0, 0) })
	r := start(t, func(c *server.Config) { c.Manifests = made })
	made.Folder = r.folder
	return r
}

func parsed(t *testing.T, text string) *dataset.Manifest {
	t.Helper()
	m, err := dataset.Parse([]byte(text))
	ok(t, err)
	return m
}

func digestOfFile(t *testing.T, path string) string {
	t.Helper()
	sum := sha256.Sum256(must(os.ReadFile(path))(t))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func TestAManifestSaysWhatTheRowsWereMadeOfAndWhatTheyAre(t *testing.T) {
	r := withManifests(t)
	rows := labels(0, 70_000)
	request := r.with("manifest", true, "statuses", true)
	_, report, err := r.join(request, rows)
	ok(t, err)
	sent := parsed(t, report.GetManifest())
	if sent.Revision != 1 || sent.Plumb != "v1" || sent.Engine != "v2" || len(sent.Outside) != 0 {
		t.Errorf("it is %+v", sent)
	}
	if len(sent.Sources) != 1 || sent.Sources[0].Digest != digestOfFile(t, filepath.Join(r.folder, sent.Sources[0].Path)) {
		t.Errorf("the sources are %+v", sent.Sources)
	}
	if sent.Labels.Content == "" || sent.Labels.Path != "" || sent.Uses[0].Matched != report.GetViews()[0].GetMatched() {
		t.Errorf("the labels are %+v, the uses %+v", sent.Labels, sent.Uses)
	}

	// The same join from a file on the server, and the description of the file that the engine writes, agree in all.
	r.write("data/labels.arrow", rows)
	request["labelsFile"] = "data/labels.arrow"
	_, report, err = r.get(request)
	ok(t, err)
	named := parsed(t, report.GetManifest())
	if named.Labels.Path != "data/labels.arrow" ||
		named.Labels.Digest != digestOfFile(t, filepath.Join(r.folder, "data/labels.arrow")) {
		t.Errorf("the labels are %+v", named.Labels)
	}
	if diff := cmp.Diff(sent.Output, named.Output); diff != "" {
		t.Errorf("from a file: %s", diff)
	}
	if diff := cmp.Diff(sent.Output, r.written(t, rows.NumRows())); diff != "" {
		t.Errorf("as a file: %s", diff)
	}
}

// written is what a manifest says of the rows once the engine has written them to a file.
func (r *running) written(t *testing.T, rows int64) dataset.Output {
	t.Helper()
	snapshot := must(r.registry.Current(t.Context(), "nycflights"))(t)
	selected := must(snapshot.SelectFeatures([]string{"weather:*"}, false))(t)
	path := filepath.Join(t.TempDir(), "training.parquet")
	join := must(r.engine.PlanJoin(t.Context(), offline.JoinRequest{
		Selection: selected, Labels: filepath.Join(r.folder, "data/labels.arrow"), TimestampColumn: "event_timestamp",
		Statuses: true, Progress: func(offline.Progress) {},
	}))(t)
	defer join.Close()
	report := must(join.WriteFile(t.Context(), path))(t)
	made := dataset.New(dataset.Made{Snapshot: snapshot, Selected: selected, Options: dataset.Options{Statuses: true}})
	ok(t, made.Describe(t.Context(), path, path, selected, report))
	if report.Rows != rows {
		t.Errorf("%d rows were written", report.Rows)
	}
	return made.Output
}

func TestASourceThatChangesWhileItIsJoinedMakesNoManifest(t *testing.T) {
	r := withManifests(t)
	r.engine.onRun = func() {
		ok(t, os.WriteFile(filepath.Join(r.folder, "data", "weather.parquet.new"), []byte("other"), 0o600))
		ok(t, os.Rename(filepath.Join(r.folder, "data", "weather.parquet.new"), filepath.Join(r.folder, "data",
			"weather.parquet")))
	}
	_, report, err := r.join(r.with("manifest", true), labels(0, 10))
	if err == nil {
		t.Errorf("the report is %v", report)
	}
}

func TestAServerWithoutManifestsSaysSo(t *testing.T) {
	r := start(t)
	_, _, err := r.join(r.with("manifest", true), labels(0, 10))
	expect(t, err, "InvalidArgument", "manifest: is not made by this server")
	_, report, err := r.join(r.request, labels(0, 10))
	if ok(t, err); report.GetManifest() != "" {
		t.Errorf("a manifest that nobody asked for: %s", report.GetManifest())
	}
}
