package sourcefiles

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// emptyFile is a Parquet file with one column and no rows.
func emptyFile(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)
	writer, err := pqarrow.NewFileWriter(schema, &out, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fileTree makes a project with these files, which have a column and no rows, and links (name -> target), and a finder
// that may look below data.
func fileTree(t *testing.T, files []string, links map[string]string) *Finder {
	t.Helper()
	project := t.TempDir()
	for _, file := range files {
		path := filepath.Join(project, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, emptyFile(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range links {
		if err := os.Symlink(target, filepath.Join(project, link)); err != nil {
			t.Fatal(err)
		}
	}
	finder, err := NewFinder(project, []string{"data"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return finder
}

func findRelative(f *Finder, path string) ([]string, error) {
	files, err := f.Find(context.Background(), &feature.Source{Name: "s", Kind: feature.Files{Path: path}}, nil)
	relative := make([]string, len(files.Paths))
	for i, path := range files.Paths {
		relative[i] = strings.TrimPrefix(path, f.project+"/")
	}
	return relative, err
}

func TestR3_FilesOfASourceAreInBytewiseOrder(t *testing.T) {
	finder := fileTree(t, []string{"data/b.parquet", "data/a-1.parquet", "data/a/z.parquet", "data/B.parquet",
		"data/é.parquet", "data/a10.parquet", "data/a9.parquet", "data/note.txt", "data/.hidden.parquet",
		"data/_temporary/x.parquet"}, nil)
	got, err := findRelative(finder, "data")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"data/B.parquet", "data/a-1.parquet", "data/a/z.parquet", "data/a10.parquet", "data/a9.parquet",
		"data/b.parquet", "data/é.parquet"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err = findRelative(finder, "data/**/[az]*.parquet")
	inOrder := []string{"data/a-1.parquet", "data/a/z.parquet", "data/a10.parquet", "data/a9.parquet"}
	if diff := cmp.Diff(inOrder, got); diff != "" {
		t.Errorf("glob, error %v (-want +got):\n%s", err, diff)
	}
}

func TestSourcesOutsideTheRootsAreRefused(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.parquet"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	finder := fileTree(t, []string{"data/a.parquet", "secret/x.parquet", "data2/x.parquet"}, map[string]string{
		"data/link.parquet": "../secret/x.parquet",
		"data/folder":       outside,
		"data/inside":       "a.parquet",
		"inbound.parquet":   "data/a.parquet",
	})
	for _, path := range []string{"secret/x.parquet", "data/../secret/x.parquet", "data/link.parquet",
		"data/folder/x.parquet", "data/folder", "data/*.parquet", filepath.Join(outside, "x.parquet"),
		"data2/x.parquet", "../*/x.parquet"} {
		_, err := findRelative(finder, path)
		var input *fault.InputError
		if !errors.As(err, &input) ||
			!strings.Contains(err.Error(), "there is no file "+path+" below the folders") && !strings.Contains(err.Error(),
				"no file matches") {
			t.Errorf("%s: got %v, want an input error", path, err)
		}
	}
	for _, path := range []string{"data/a.parquet", "data/inside", "inbound.parquet", "data/../data/a.parquet"} {
		if got, err := findRelative(finder, path); err != nil || got[0] != "data/a.parquet" {
			t.Errorf("%s: got %v and error %v, want data/a.parquet", path, got, err)
		}
	}
}

func TestASourceWithoutFilesSaysSo(t *testing.T) {
	finder := fileTree(t, []string{"data/a.parquet", "data/empty/note.txt", "data/x[1].parquet"}, nil)
	for path, want := range map[string]string{
		"data/b.parquet": "there is no file data/b.parquet below the folders that files may be read from " +
			"(offline.roots: data)",
		"data/y*.parquet": "no file matches data/y*.parquet",
		"data/empty": "folder data/empty holds no .parquet, .parq or .pq file, but for example note.txt; rename its files, " +
			"or name them by a pattern (data/empty/*)",
		"data/[a.parquet": "cannot list data/[a.parquet: syntax error in pattern",
		"data/x[1].parquet": "cannot read " + filepath.Join(finder.roots[0], "x[1].parquet") +
			": a path may not contain any of * ? [; rename it",
		"data/none/a.parquet": "there is no file data/none/a.parquet below the folders that files may be read from " +
			"(offline.roots: data)",
	} {
		if _, err := findRelative(finder, path); err == nil || err.Error() != want {
			t.Errorf("%s: got error %v, want %q", path, err, want)
		}
	}
}

func TestLinksThatHidePartitionsAreRefused(t *testing.T) {
	finder := fileTree(t, []string{"data/s/year=2013/a.parquet", "data/moved/b.parquet"},
		map[string]string{"data/s/year=2014": "../moved"})
	_, err := finder.Find(t.Context(), &feature.Source{Kind: feature.Files{Path: "data/s/year=*/*.parquet"}}, nil)
	if err != nil {
		t.Errorf("a pattern reads no partitions, got %v", err)
	}
	link := filepath.Join(finder.project, "data/s/year=2013/z.parquet")
	if err := os.Symlink("../../moved/b.parquet", link); err != nil {
		t.Fatal(err)
	}
	_, err = finder.Find(t.Context(), &feature.Source{Kind: feature.Files{Path: "data/s"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("got error %v, want one that names the link", err)
	}
}

func TestPartitionColumnsAreReadFromFolders(t *testing.T) {
	finder := fileTree(t, []string{"data/year=2013/month=01/a.parquet", "data/year=2013/month=02/a.parquet"}, nil)
	files, err := finder.Find(t.Context(), &feature.Source{Kind: feature.Files{Path: "data"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"year", "month"}, files.Partitions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
