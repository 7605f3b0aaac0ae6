package project_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/source/objects/objectstest"
)

// pushed pushes rows of planes, and closes the project that did, which makes Parquet files.
func (l *lake) pushed(t *testing.T, tailnums ...string) error {
	t.Helper()
	own := l.project.Moved(l.project.Config.ProjectDir, l.project.Config.Offline.Roots)
	pusher, err := own.Pusher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := own.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	view, err := snapshot.View("plane")
	if err != nil {
		t.Fatal(err)
	}
	var rows push.JSON
	for _, tailnum := range tailnums {
		rows = append(rows, []byte(`{"tailnum": "`+tailnum+`", "registered_at": "2001-01-01T00:00:00Z", "year": 1999, `+
			`"manufacturer": "PUSHED", "engines": 2, "seats": 7}`))
	}
	if err := rows.Decode(t.Context(), view, func(rows push.Rows) error {
		report, err := pusher.Push(context.Background(), view, rows, true)
		if len(report.Refused) > 0 {
			t.Errorf("rows are refused: %v", report.Refused)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return own.Close()
}

// logged is a lake whose view plane has its push log there.
func logged(t *testing.T) *lake {
	t.Helper()
	l := newLake(t)
	views := filepath.Join(l.folder, "features", "views.yaml")
	text := strings.Replace(string(read(t, views)), "    source: planes\n",
		"    source: planes\n    push_log: {path: \"s3://lake/log/plane\"}\n", 1)
	if err := os.WriteFile(views, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	l.project = l.project.Moved(l.folder, []string{"data", "s3://lake/log"})
	t.Cleanup(func() {
		if err := l.project.Close(); err != nil {
			t.Error(err)
		}
	})
	definitions, err := l.project.ReadDefinitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	planned, err := l.project.Plan(t.Context(), definitions)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.project.Apply(t.Context(), planned, "tester"); err != nil {
		t.Fatal(err)
	}
	return l
}

// files are the Parquet files of the log.
func (l *lake) files(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(l.server.Keys(t), func(key string) bool { return !strings.HasPrefix(key, "log/plane/") })
}

// matched is how many label rows find a plane.
func (l *lake) matched(t *testing.T) int64 {
	t.Helper()
	request := trainingSet(l.folder, "matched.parquet")
	made, err := l.project.MakeTrainingSet(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if source := made.Manifest.Sources[len(made.Manifest.Sources)-1]; strings.HasPrefix(source.Path, "s3://") &&
		source.ETag == "" {
		t.Errorf("the manifest has %+v", source)
	}
	return made.Views[0].Matched
}

func TestAPushLogInAnObjectStoreIsReadAsTheFilesOfALocalOne(t *testing.T) {
	l := logged(t)
	before := l.matched(t)
	if err := l.pushed(t, "N0EGMQ", "D942DN"); err != nil {
		t.Fatal(err)
	}
	if files := l.files(t); len(files) != 1 {
		t.Errorf("the log has %v", files)
	}
	local := filepath.Join(l.folder, ".plumb", "push", "lake", "log", "plane")
	if left, err := filepath.Glob(filepath.Join(local, "*.wal")); err != nil || left != nil {
		t.Errorf("%v is left, %v", left, err)
	}
	after := l.matched(t)
	if err := l.pushed(t, "N0EGMQ"); err != nil { // Once more: it hides the former, and is found in another file.
		t.Fatal(err)
	}
	if again := l.matched(t); len(l.files(t)) != 2 || after <= before || again != after {
		t.Errorf("%d label rows have a plane, then %d, then %d, with %v", before, after, again, l.files(t))
	}
	result, err := dataset.Find(filepath.Join(l.folder, "matched.parquet"))
	if err != nil || len(result.Manifest.Sources) != 3 {
		t.Errorf("the manifest has %+v, %v", result, err)
	}
}

// What an object store does not take stays in the local folder, and is there once and whole when it does again.
func TestPushedRowsThatAnObjectStoreDoesNotTakeArriveLaterOnce(t *testing.T) {
	isPut := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "log/plane")
	}
	refusing := func(status int, code string) objectstest.Handler {
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !isPut(r) {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<Error><Code>" + code + "</Code><Message>no</Message></Error>"))
		}
	}
	l := logged(t)
	before := l.matched(t)
	var lost atomic.Bool
	for name, fault := range map[string]struct {
		handler objectstest.Handler
		says    string
		there   int
	}{
		"a storm of 503": {refusing(http.StatusServiceUnavailable, "SlowDown"), "answered 503 SlowDown 6 times", 0},
		"expired credentials": {refusing(http.StatusBadRequest, "ExpiredToken"),
			"the credentials have expired (ExpiredToken); renew them", 0},
		"a missing bucket": {refusing(http.StatusNotFound, "NoSuchBucket"), `has no bucket "lake"`, 0},
		"a cut connection": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if isPut(r) {
				panic(http.ErrAbortHandler) //nolint:forbidigo // It cuts the connection.
			}
			next.ServeHTTP(w, r)
		}, "cannot write s3://lake/log/plane/", 0},
		// The object is there, and the answer is not: what is there is taken for the file.
		"a lost answer": {func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(w, r)
			if isPut(r) && lost.CompareAndSwap(false, true) {
				panic(http.ErrAbortHandler) //nolint:forbidigo // It cuts the connection.
			}
		}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			was := len(l.files(t))
			l.proxy.Do(fault.handler)
			err := l.pushed(t, "N0EGMQ")
			l.proxy.Do(nil)
			if fault.says == "" && err != nil || fault.says != "" && (err == nil || !strings.Contains(err.Error(), fault.says)) {
				t.Errorf("the error is %v", err)
			}
			if files := l.files(t); len(files) != was+fault.there {
				t.Errorf("the log has %v", files)
			}
			if err := l.pushed(t, "D942DN"); err != nil {
				t.Fatal(err)
			}
			if files := l.files(t); len(files) != was+2 {
				t.Errorf("then the log has %v", files)
			}
		})
	}
	if after := l.matched(t); after <= before {
		t.Errorf("%d label rows have a plane, and %d had one before", after, before)
	}
}
