package spec_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/registry/spec"
)

// textsOf are the definition files of a folder, whole, in the order in which Load reads them.
func textsOf(t *testing.T, folder string) []spec.Text {
	t.Helper()
	var texts []spec.Text
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".yaml") && !strings.HasSuffix(path, ".yml") {
			return err
		}
		data, err := os.ReadFile(filepath.Join(folder, path))
		texts = append(texts, spec.Text{File: path, Data: data})
		return err
	})
	if err != nil || len(texts) == 0 {
		t.Fatalf("%s has %d definition files: %v", folder, len(texts), err)
	}
	return texts
}

func TestFilesThatAreGivenWholeReadAsTheyDoFromDisk(t *testing.T) {
	folders, err := filepath.Glob("testdata/cases/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range append(folders, filepath.Join(nycflights, "features")) {
		want, wantErr := spec.Read(t.Context(), folder, []string{"."}, newInspector())
		got, gotErr := spec.ReadTexts(t.Context(), textsOf(t, folder), newInspector())
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: definitions (-disk +given):\n%s", folder, diff)
		}
		if diff := cmp.Diff(problemsOf(wantErr), problemsOf(gotErr)); diff != "" {
			t.Errorf("%s: problems (-disk +given):\n%s", folder, diff)
		}
	}
}

func problemsOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAFileThatIsGivenTwiceIsReported(t *testing.T) {
	given := []spec.Text{
		{File: "a.yaml", Data: []byte(entity("a"))}, {File: "a.yaml", Data: []byte(entity("b"))},
	}
	set, err := spec.Parse(given)
	want := []string{"a.yaml: is given twice; give each file once, under a path of its own"}
	if diff := cmp.Diff(want, messages(t, err)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, messages(t, set.Check(t.Context(), nil))); diff != "" {
		t.Error("Check does not repeat what Parse found:", diff)
	}
}
