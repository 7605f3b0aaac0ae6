package auditlog_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/store/storetest"
)

var update = flag.Bool("update", false, "write the sample of the current format anew")

// sample is a file of format 1: all types, a sensitive key, and what is known of stored rows.
const sample = "testdata/format_1"

func writeSample(t *testing.T) {
	t.Helper()
	view := newView()
	view.SensitiveKeys = []string{"till"}
	w, layout := newWorld(t, view), newLayout(t, view, auditlog.NewHasher("secret"))
	if err := os.RemoveAll(sample); err != nil {
		t.Fatal(err)
	}
	writer, _ := newWriter(t, sample, nil)
	entry := w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(2)}, []any{"a", int64(9)})
	if err := writer.Write(entry); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// What format 1 was when it came to be is read for good.
func TestFilesOfFormat1AreRead(t *testing.T) {
	if *update {
		writeSample(t)
	}
	read := readAll(t, sample)
	if read.count != 3 || len(read.headers) != 1 || read.headers[0].Version != 1 {
		t.Fatalf("%d rows of %+v", read.count, read.headers)
	}
	for _, feature := range newView().Features {
		values := typeValues[feature.Type]
		want := bits(t, feature.Type, storetest.ArrowColumn(t, feature.Type, values[0], values[1], nil))
		if diff := cmp.Diff(want, bits(t, feature.Type, read.columns[feature.Name])); diff != "" {
			t.Errorf("%s: %s", feature.Name, diff)
		}
		statuses := []string{"PRESENT", "PRESENT", "NOT_FOUND"}
		if got := texts(read.columns[feature.Name+"__status"]); !slices.Equal(got, statuses) {
			t.Errorf("%s: the statuses are %v", feature.Name, got)
		}
	}
	tills := storetest.ArrowColumn(t, till.Type, int64(1), int64(2), int64(9))
	hashed, err := auditlog.NewHasher("secret").Hash(till.Type, tills)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(texts(hashed), texts(read.columns["till"])); diff != "" {
		t.Errorf("sensitive keys: %s", diff)
	}
	origin := fmt.Sprint(int64(storetest.SampleOrigin))
	if got := texts(read.columns["everything__origin"]); !slices.Equal(got, []string{origin, origin, ""}) {
		t.Errorf("the origins are %v", got)
	}
	if names := filesIn(t, sample); len(names) != 1 || filepath.Ext(names[0]) != ".parquet" {
		t.Errorf("the sample is %v", names)
	}
}
