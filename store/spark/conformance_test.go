package spark_test

import (
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/offline/offlinetest"
	"github.com/plumbstore/plumb/store/spark"
	"github.com/plumbstore/plumb/store/spark/sparktest"
	"github.com/plumbstore/plumb/store/storetest"
)

// A statement takes Spark a second of processor time at least, so few worlds are drawn.
const worlds = "4"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", worlds); err != nil { // What the command line says comes after it.
		log.Fatal(err)
	}
	os.Exit(sparktest.Main(m))
}

// suite checks this engine against the offline contract. Sources that are not read by Spark are left out.
var suite = offlinetest.Suite{Offline: storetest.Offline{
	Open: func(t testing.TB, projectDir string, threads int) offline.Engine {
		return openEngine(t, projectDir, threads)
	},
	OneNaN: true,
	Lacks: func(err error) bool {
		return strings.Contains(err.Error(), "not read by Spark") || strings.Contains(err.Error(), "Spark divides")
	},
}}

// openEngine opens an engine over the server that all tests share.
func openEngine(t testing.TB, projectDir string, threads int) *spark.Engine {
	t.Helper()
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
	opened, err := spark.Open(spark.Config{Server: spark.Server{Remote: sparktest.Shared(t).Remote},
		Staging: temporary, ProjectDir: projectDir, Embedded: engine, Over: over})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leftIn(t, temporary) })
	return opened
}

// leftIn fails the test if something is left in a staging folder.
func leftIn(t testing.TB, folder string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(folder, "plumb-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the staging folder: %q, %v", left, err)
	}
}

func TestR1toR13_RandomJoinsEqualTheReference(t *testing.T)            { suite.RandomJoins(t) }
func TestR18toR26_RandomWindowsOfEventsEqualTheReference(t *testing.T) { suite.RandomWindowedJoins(t) }
func TestR5_RandomWindowsEqualTheReference(t *testing.T)               { suite.RandomWindows(t) }

// cases are those of the rules in which sources are read. The random worlds have all of them.
func TestCasesOfRules(t *testing.T) {
	for _, rule := range []string{"R3", "R4", "R8", "R9", "R12", "R13"} {
		t.Run(rule, func(t *testing.T) {
			if suite.Cases(t, rule) == 0 {
				t.Error("there are none")
			}
		})
	}
}

func TestYieldErrorsComeBack(t *testing.T)           { suite.YieldErrorsComeBack(t) }
func TestFilesThatChangeAreErrors(t *testing.T)      { suite.ChangingFiles(t) }
func TestUnknownKindsAreRefused(t *testing.T)        { suite.UnknownKinds(t) }
func TestUnwritableResultsLeaveNothing(t *testing.T) { suite.UnwritableResultsLeaveNothing(t) }
func TestR9_FailedRunsKeepWhatWasThere(t *testing.T) { suite.FailedRunsKeepWhatWasThere(t) }
