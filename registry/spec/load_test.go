package spec_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/spec"
)

const nycflights = "../../testdata/nycflights"

func write(t *testing.T, folder, file, text string) {
	t.Helper()
	path := filepath.Join(folder, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func entity(name string) string {
	return "entities: [{name: " + name + ", join_keys: [{name: id, type: INT64}]}]\n"
}

func entityNames(definitions *plumbv1.Definitions) []string {
	var names []string
	for _, entity := range definitions.GetEntities() {
		names = append(names, entity.GetName())
	}
	return names
}

func messages(t *testing.T, err error) []string {
	t.Helper()
	var problems *spec.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("want problems, got %v", err)
	}
	var lines []string
	for _, problem := range problems.All {
		lines = append(lines, problem.String())
	}
	return lines
}

func TestFoldersAreReadWholeInOrderAndEachFileOnce(t *testing.T) {
	root := t.TempDir()
	write(t, root, "features/b.yml", entity("b"))
	write(t, root, "features/a.yaml", entity("a"))
	write(t, root, "features/deep/er/c.yaml", entity("c"))
	write(t, root, "features/notes.txt", "not read")
	write(t, root, "more/z.yaml", entity("z"))
	write(t, root, "more/plumb.yaml", "project: not_definitions\n")
	write(t, root, "more/.hidden/x.yaml", entity("x"))
	elsewhere := t.TempDir()
	write(t, elsewhere, "e.yaml", entity("e"))
	if err := os.Symlink(filepath.Join(root, "more"), filepath.Join(root, "linked")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		paths, want []string
	}{
		{[]string{"features"}, []string{"a", "b", "c"}},
		{[]string{"more/z.yaml", "features/b.yml", "./features/../features", "more"}, []string{"z", "b", "a", "c"}},
		{[]string{filepath.Join(elsewhere, "e.yaml")}, []string{"e"}},
		{[]string{"linked"}, []string{"z"}},
	} {
		set, err := spec.Load(root, test.paths)
		if err != nil {
			t.Fatal(test.paths, err)
		}
		if diff := cmp.Diff(test.want, entityNames(set.Definitions)); diff != "" {
			t.Error(test.paths, diff)
		}
	}
}

func TestPathsWithoutDefinitionsAreReportedTogether(t *testing.T) {
	root := t.TempDir()
	write(t, root, "empty/readme.txt", "")
	if err := os.Symlink("nowhere", filepath.Join(root, "dangling.yaml")); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "absent.yaml")
	set, err := spec.Load(root, []string{"features", "empty", outside, "."})
	want := []string{
		outside + ": no such file or folder; name one that exists under definitions in plumb.yaml",
		"dangling.yaml: is a link to a file that is not there; mend or remove it",
		"empty: the folder holds no .yaml or .yml file; add one, or name another folder under definitions in plumb.yaml",
		"features: no such file or folder; name one that exists under definitions in plumb.yaml",
	}
	if diff := cmp.Diff(want, messages(t, err)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, messages(t, set.Check(t.Context(), nil))); diff != "" {
		t.Error("Check does not repeat what Load found:", diff)
	}
}

func TestFaultsOfTheMachineAreNoProblems(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.yaml/b.yaml", entity("b"))
	if err := os.Symlink("a.yaml", filepath.Join(root, "folder.yaml")); err != nil {
		t.Fatal(err)
	}
	_, err := spec.Load(root, []string{"."})
	var problems *spec.Problems
	if err == nil || errors.As(err, &problems) {
		t.Errorf("reading a folder as a file gives %v", err)
	}
	root = t.TempDir()
	write(t, root, "a.yaml", "sources: [{name: a, sql: {query: SELECT observed_at FROM up}}]")
	_, err = spec.Read(t.Context(), root, []string{"."}, newInspector())
	if err == nil || err.Error() != "out of memory" {
		t.Errorf("a fault of the inspector becomes %v", err)
	}
}

func TestPositionLeadsToAnythingInTheSet(t *testing.T) {
	set, err := spec.Load(nycflights, []string{"features"})
	if err != nil {
		t.Fatal(err)
	}
	definitions := set.Definitions
	weather, service := definitions.GetFeatureViews()[0], definitions.GetFeatureServices()[0]
	for _, test := range []struct {
		got  spec.Position
		want string
	}{
		{set.Position(definitions.GetEntities()[1], "join_keys", "0", "type"), "features/entities.yaml:6:39"},
		{set.Position(weather), "features/views.yaml:2:5"},
		{set.Position(weather, "entities", "0"), "features/views.yaml:3:16"},
		{set.Position(weather.GetFeatures()[2], "column"), "features/views.yaml:10:45"},
		{set.Position(weather, "features", "2", "column"), "features/views.yaml:10:45"},
		{set.Position(weather, "online"), "features/views.yaml:2:5"},
		{set.Position(service.GetFeatures()[0], "join_keys", "airport"), "features/services.yaml:6:66"},
		{set.Position(definitions.GetSources()[3], "sql", "query"), "features/sources.yaml:19:14"},
		{set.Position(&plumbv1.Entity{}), ":0:0"},
	} {
		if test.got.String() != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

// TestAnyTextIsReadOrReported mutates real definitions, and checks that what is wrong with them is always a problem
// with a place inside the file: never a panic, never a fault.
func TestAnyTextIsReadOrReported(t *testing.T) {
	files, err := filepath.Glob(nycflights + "/features/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var texts [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	fragments := []string{"\n", "\r", "\t", " ", "- ", ": ", "{", "}", "[", "]", "\"", "'", "#", "&a ", "*a", "<<: ", "~",
		"!!int ", "!x ", "|\n", "? ", "---\n", "...\n", "%YAML 1.2\n", "\u2028", "\x00", "\xff", "1", "true", "null",
		"2013-01-01", "entities",
		"name: ", "type: INT64", "ttl: 5", "sql: {query: x}", "features: [", "join_keys: {a: b}"}
	folder := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom(texts), rapid.SliceOf(rapid.Byte())).Draw(rt, "text")
		for range rapid.IntRange(0, 4).Draw(rt, "mutations") {
			from := rapid.IntRange(0, len(text)).Draw(rt, "from")
			to := min(len(text), from+rapid.IntRange(0, 12).Draw(rt, "length"))
			fragment := rapid.SampledFrom(fragments).Draw(rt, "fragment")
			text = append(append(append([]byte{}, text[:from]...), fragment...), text[to:]...)
		}
		write(t, folder, "a.yaml", string(text))
		_, err := spec.Read(t.Context(), folder, []string{"a.yaml"}, newInspector())
		var problems *spec.Problems
		if err != nil && !errors.As(err, &problems) {
			rt.Fatalf("%q gives a fault: %v", text, err)
		}
		if problems == nil {
			return
		}
		for _, problem := range problems.All {
			if problem.Line < 1 || problem.Column < 1 || problem.File != "a.yaml" || problem.Message == "" {
				rt.Fatalf("%q gives a problem without a place: %v", text, problem)
			}
		}
	})
}
