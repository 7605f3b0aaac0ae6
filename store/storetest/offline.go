package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/store/offline"
)

// Offline is the suite of the largest part of the offline contract, offline.Store; offlinetest.Suite adds the others.
type Offline struct {
	// Open returns an engine for a project folder, which may read only sources below its folder data and uses the given
	// number of threads. Engines for one project folder, in whichever processes, keep their temporary files in one place
	// outside it. The suite closes the engine.
	Open func(t testing.TB, projectDir string, threads int) offline.Engine
	// Lacks, unless it is nil, says of an error that the engine refuses a kind of source or query which it does not read.
	// What is refused so is skipped.
	Lacks func(err error) bool
	// OneNaN says that the engine makes the one quiet NaN of every NaN of a source.
	OneNaN bool
	// Lake, unless it is nil, is where the sources of worlds and of case files lie in the place of the project folder.
	Lake *Lake
}

// Lake keeps files as objects.
type Lake struct {
	// Root stands before the path of a file in the name of its object, such as s3://lake/.
	Root string
	// Put uploads a file under its path in the project folder.
	Put func(t testing.TB, name, path string)
}

// place moves the sources of a world whose files were written into the lake, if there is one, and has the world expect
// what the engine makes of NaN.
func (s Offline) place(t testing.TB, world *World) error {
	if s.OneNaN {
		world.expectOneNaN()
	}
	if s.Lake == nil {
		return nil
	}
	for _, file := range world.Files {
		path := filepath.Join(world.Folder, file.Path)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			continue
		}
		s.Lake.Put(t, file.Path, path)
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	world.moveTo(s.Lake.Root)
	return nil
}

func (s Offline) lacks(err error) bool { return err != nil && s.Lacks != nil && s.Lacks(err) }

// Rule runs everything that proves one rule, such as "R1": the case files' cases and the tests that are named after
// it.
func (s Offline) Rule(t *testing.T, rule string) {
	ran := s.Cases(t, rule)
	for _, test := range offlineTests {
		if name, ok := strings.CutPrefix(test.name, rule+"_"); ok {
			ran++
			t.Run(name, func(t *testing.T) { test.run(t, s) })
		}
	}
	if ran == 0 {
		t.Errorf("nothing proves %s", rule)
	}
}

// Cases runs the case files' cases of one rule, and returns how many there are.
func (s Offline) Cases(t *testing.T, rule string) (ran int) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	for _, c := range readAllCases(t, folder) {
		if !strings.HasPrefix(c.Name, rule+" ") {
			continue
		}
		ran++
		t.Run(strings.TrimPrefix(c.Name, rule+" "), func(t *testing.T) {
			if err := errors.Join(c.World.Write(), s.place(t, c.World)); err != nil {
				t.Fatal(err)
			}
			if err := c.hold(t.Context(), engine); s.lacks(err) {
				t.Skip(err)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	return ran
}

// Start opens an engine for a project folder, in which it makes the folder data. It is closed when the test ends.
func (s Offline) Start(t testing.TB, folder string, threads int) offline.Engine {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	engine := s.Open(t, folder, threads)
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	return engine
}

// RandomJoins asks random questions about random worlds, with one thread and with several, streamed, as files and in
// shards, and checks the answers against the reference (R1 to R4, R6 to R13, R25, R26).
func (s Offline) RandomJoins(t *testing.T) { s.randomJoins(t, DrawWorld) }

// RandomWindowedJoins is RandomJoins of worlds that have views with aggregations (R18 to R22).
func (s Offline) RandomWindowedJoins(t *testing.T) {
	s.randomJoins(t, func(t *rapid.T, folder, prefix string) *World {
		return DrawWindowedWorld(t, folder, prefix, false)
	})
}

func (s Offline) randomJoins(whole *testing.T, draw func(t *rapid.T, folder, prefix string) *World) {
	folder, t := whole.TempDir(), whole
	engines := []offline.Engine{s.Start(t, folder, 1), s.Start(t, folder, 4)}
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		number++
		prefix := fmt.Sprintf("data/%d", number)
		defer os.RemoveAll(filepath.Join(folder, prefix))
		world := draw(t, folder, prefix)
		question := DrawQuestion(t, world, prefix)
		out := rapid.SampledFrom([]string{"", "", "", "out.parquet", "out.arrow", "out.csv"}).Draw(t, "out")
		if out != "" {
			out = prefix + "/" + out
		}
		writeAll(t, world, question)
		if err := s.place(whole, world); err != nil {
			t.Fatal(err)
		}
		if shards := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 4}).Draw(t, "shards"); shards > 0 {
			err := world.checkShards(context.Background(), engines[1], question, shards)
			if err != nil && !s.lacks(err) {
				t.Fatalf("in %d shards: %v\n%s", shards, err, world.Describe(&question))
			}
		}
		for _, engine := range engines {
			if err := world.check(context.Background(), engine, question, out); s.lacks(err) {
				t.Skip(err)
			} else if err != nil {
				t.Fatalf("%v\n%s", err, world.Describe(&question))
			}
		}
	})
}

// RandomWindows materializes random worlds in random consecutive windows, each for itself, in one reading or in shards,
// and checks each against the reference (R3, R5, R8).
func (s Offline) RandomWindows(t *testing.T) { s.randomWindows(t, DrawWorld) }

// RandomTables is RandomJoins and RandomWindows of tables of a lake (R3).
func (s Offline) RandomTables(t *testing.T) {
	s.randomJoins(t, DrawTables)
	s.randomWindows(t, DrawTables)
}

func (s Offline) randomWindows(whole *testing.T, draw func(t *rapid.T, folder, prefix string) *World) {
	folder, t := whole.TempDir(), whole
	engines := []offline.Engine{s.Start(t, folder, 1), s.Start(t, folder, 4)}
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		number++
		prefix := fmt.Sprintf("data/%d", number)
		defer os.RemoveAll(filepath.Join(folder, prefix))
		world := draw(t, folder, prefix)
		if err := errors.Join(world.Write(), s.place(whole, world)); err != nil {
			t.Fatal(err)
		}
		snapshot, err := world.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		engine := rapid.SampledFrom(engines).Draw(t, "engine")
		reading, err := engine.Read(context.Background(), snapshot.Views())
		if s.lacks(err) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatalf("open a reading: %v\n%s", err, world.Describe(nil))
		}
		defer reading.Close()
		for _, view := range snapshot.Views() {
			for _, window := range DrawWindows(t, world.Histories[view.Name]) {
				readers := []offline.Windowed{engine, reading, inShards{engine, rapid.IntRange(1, 5).Draw(t, "shards")}}
				reader := rapid.SampledFrom(readers).Draw(t, "reader")
				if err := world.checkNewest(context.Background(), reader, view, window); s.lacks(err) {
					t.Skip(err)
				} else if err != nil {
					t.Fatalf("view %s, window %s: %v\n%s", view.Name, showWindow(window), err, world.Describe(nil))
				}
			}
		}
	})
}

func writeAll(t *rapid.T, world *World, question Question) {
	if err := world.Write(); err != nil {
		t.Fatal(err)
	}
	labels := question.Labels
	labels.Path = filepath.Join(world.Folder, labels.Path)
	if err := labels.Write(); err != nil {
		t.Fatal(err)
	}
	if _, err := world.Select(question); err != nil {
		t.Fatalf("the question is not well formed: %v", err)
	}
}
