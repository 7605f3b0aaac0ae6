package spark_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/offline/offlinetest"
	"github.com/plumbstore/plumb/store/spark"
	"github.com/plumbstore/plumb/store/spark/connect"
	"github.com/plumbstore/plumb/store/storetest"
)

var suite = offlinetest.Suite{Offline: storetest.Offline{Open: openEngine, Lacks: lacks}}

// lacks says whether an error refuses a source that is not read by Spark.
func lacks(err error) bool { return strings.Contains(err.Error(), "not read by Spark") }

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(m.Run())
}

// openEngine opens an engine over the suite's server. Spark has threads of its own.
func openEngine(t testing.TB, projectDir string, threads int) offline.Engine {
	temporary := projectDir + ".tmp"
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		t.Fatal(err)
	}
	embedded := duckdb.Config{ProjectDir: projectDir, Roots: []string{"data"}, MemoryLimit: "512MB", Threads: threads,
		TempDir: temporary}
	engine, err := duckdb.Open(embedded)
	if err != nil {
		t.Fatal(err)
	}
	over := func(folder string) (offline.Engine, error) {
		staged := embedded
		staged.ProjectDir, staged.Roots = folder, []string{"."}
		return duckdb.Open(staged)
	}
	opened, err := spark.Open(spark.Config{Server: connect.Config{Remote: "sc://" + os.Getenv("PLUMB_SPARKTEST")},
		Staging: filepath.Clean(temporary), ProjectDir: projectDir, Embedded: engine, Over: over})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestR3_TheGreatestRowWins(t *testing.T) { suite.Rule(t, "R3") }

func TestR1toR13_RandomJoinsEqualTheReference(t *testing.T) { suite.RandomJoins(t) }
func TestR5_RandomWindowsEqualTheReference(t *testing.T)    { suite.RandomWindows(t) }
func TestR18toR26_RandomWindowsOfEvents(t *testing.T)       { suite.RandomWindowedJoins(t) }
