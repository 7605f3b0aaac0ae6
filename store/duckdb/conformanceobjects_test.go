package duckdb_test

import (
	"flag"
	"os"
	"testing"

	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/source/objects/objectstest"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/storetest"
)

// overObjects checks the engine against the contract with sources that are objects.
func overObjects(t *testing.T) storetest.Offline {
	t.Helper()
	fewer(t, "10")
	server := objectstest.Start(t)
	config := server.Config(server.Endpoint)
	config.CacheDir, config.CacheLimit = t.TempDir(), 1<<30
	store, err := objects.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Offline{
		Lake: &storetest.Lake{Root: "s3://lake/", Put: server.PutFile},
		Open: func(t testing.TB, projectDir string, threads int) offline.Engine {
			temporary := projectDir + ".tmp"
			if err := os.MkdirAll(temporary, 0o755); err != nil {
				t.Fatal(err)
			}
			engine, err := duckdb.Open(duckdb.Config{
				ProjectDir: projectDir, Roots: []string{"data", "s3://lake/data"}, MemoryLimit: "512MB",
				Threads: threads, TempDir: temporary, Objects: store,
			})
			if err != nil {
				t.Fatal(err)
			}
			return engine
		},
	}
}

// fewer has a test draw fewer worlds.
func fewer(t *testing.T, count string) {
	t.Helper()
	checks := flag.Lookup("rapid.checks").Value
	was := checks.String()
	if err := checks.Set(count); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := checks.Set(was); err != nil {
			t.Error(err)
		}
	})
}

func TestR1toR13_RandomJoinsOverObjects(t *testing.T) { overObjects(t).RandomJoins(t) }
func TestR5_RandomWindowsOverObjects(t *testing.T)    { overObjects(t).RandomWindows(t) }
func TestR18toR26_RandomWindowsOfEventsOverObjects(t *testing.T) {
	overObjects(t).RandomWindowedJoins(t)
}
