package duckdb

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// inObjects is the table in testdata/iceberg, in an object store alone.
func inObjects(t *testing.T) (*lake, *readings, []snapshotOf) {
	t.Helper()
	l := newLake(t)
	r, told := openReadings(t)
	r.features = []*plumbv1.Feature{newFeature("n", plumbv1.Type_INT32)}
	l.server.PutFolder(t, "data", filepath.Join(r.folder, "data"))
	if err := os.RemoveAll(filepath.Join(r.folder, "data")); err != nil {
		t.Fatal(err)
	}
	r.table.Path, r.store = "s3://lake/data/readings/metadata/v1.metadata.json", l.store(t, "")
	return l, r, told
}

func TestR3_ATableInAnObjectStoreIsReadAsALocalOneIs(t *testing.T) {
	_, r, told := inObjects(t)
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
			if diff := cmp.Diff(want, got); diff != "" || inputs[0].Name != r.table.Path || len(inputs) != 1 {
				t.Errorf("snapshot %d, query %q: inputs %v (-want +got):\n%s", i, query, inputs, diff)
			}
		}
	}
}

func TestFilesOfATableThatAreReplacedOrMissingAreErrorsWithTheirNames(t *testing.T) {
	l, r, told := inObjects(t)
	labels, _ := told[len(told)-1].expected()
	for _, name := range []string{".metadata.json", "/snap-deletes.avro", "/deletes-m0.avro", "/deletes-19723.parquet",
		"/at_day=2024-01-01/"} {
		for _, want := range []string{"was changed while it was in use", "there is no file"} {
			l.server.PutFolder(t, "data", "../../testdata/iceberg")
			l.proxy.Do(func(w http.ResponseWriter, request *http.Request, next http.Handler) {
				switch key := strings.TrimPrefix(request.URL.Path, "/lake/"); {
				case !strings.Contains(key, name):
				case want == "there is no file":
					http.NotFound(w, request)
					return
				case request.Header.Get("Range") != "":
					l.server.Put(t, key, []byte("another content of the same object"))
				}
				next.ServeHTTP(w, request)
			})
			_, _, err := r.join(t, labels, offline.JoinRequest{})
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) ||
				!strings.Contains(err.Error(), "s3://lake/data/readings/") || strings.Contains(err.Error(), r.folder) {
				t.Errorf("%s: got the error %v, want one with %q", name, err, want)
			}
		}
	}
}

func TestADeletionVectorInAnObjectStoreIsFetchedAlone(t *testing.T) {
	p := newTable(t)
	p.file(t, 1, "a.parquet", `k: 1, x: 2, "at": 3`, rowsFrom(100, ""), 10, 0)
	p.vector(t, 2, "a.parquet", 1, 3)
	want, err := p.joined(t)
	if err != nil {
		t.Fatal(err)
	}
	l := newLake(t)
	l.put(t, p.project)
	if err := os.RemoveAll(filepath.Join(p.folder, "data")); err != nil {
		t.Fatal(err)
	}
	p.source.GetIceberg().Path = "s3://lake/" + p.source.GetIceberg().GetPath()
	got, _, err := p.answers(t, l.engine(t, p.project, ""), filepath.Join(p.folder, "l.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(want, "0,2024-01-02,100\n1,2024-01-02,\n") {
		t.Errorf("(-local +objects):\n%s", diff)
	}
}
