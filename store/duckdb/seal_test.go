package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/arrowrows"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
	"github.com/plumbstore/plumb/store/offline"
)

// request is a join of one label with all features of twoDays.
func (p *project) request(t *testing.T) offline.JoinRequest {
	t.Helper()
	p.write(t, "labels.parquet", "SELECT 1 AS k, TIMESTAMP '2026-03-02 13:00:00' AS t")
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return offline.JoinRequest{Selection: selection, Labels: filepath.Join(p.folder, "labels.parquet"),
		TimestampColumn: "t"}
}

// run joins and writes the result to a file of this name, whose path it returns.
func (p *project) run(t *testing.T, request offline.JoinRequest, name string) (string, error) {
	t.Helper()
	join, err := p.open(t).PlanJoin(t.Context(), request)
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.folder, name)
	_, err = join.WriteFile(t.Context(), path)
	return path, errors.Join(err, join.Close())
}

// rowsOf are the rows of a result as text, by a reader that knows nothing of manifests.
func rowsOf(t *testing.T, path string) string {
	t.Helper()
	s := sessiontest.Open(t)
	from := quote.Literal(path)
	if strings.HasSuffix(path, labelfile.Arrow) {
		input, err := arrowrows.Open(path, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		defer input.Close()
		reader, err := input.Numbered()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Register(reader, "_written"); err != nil {
			t.Fatal(err)
		}
		from = "_written"
	}
	var text string
	if err := s.QueryRow(t.Context(), "SELECT string_agg(CAST(r AS VARCHAR)) FROM (FROM "+from+") r", &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// heldIn is what a file holds under the manifest's key.
func heldIn(t *testing.T, path string) string {
	t.Helper()
	if strings.HasSuffix(path, labelfile.Arrow) {
		input, err := arrowrows.Open(path, math.MaxInt64)
		if err != nil {
			t.Fatal(err)
		}
		defer input.Close()
		metadata := input.Schema.Metadata()
		text, _ := metadata.GetValue(offline.ManifestKey)
		return text
	}
	reader, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	text := reader.MetaData().KeyValueMetadata().FindValue(offline.ManifestKey)
	if text == nil {
		return ""
	}
	return *text
}

func TestASeal_IsKeptInTheFileAndChangesNoRow(t *testing.T) {
	p := twoDays(t)
	request := p.request(t)
	for _, format := range []string{labelfile.Parquet, labelfile.Arrow} {
		request.Seal = nil
		plain, err := p.run(t, request, "plain"+format)
		if err != nil {
			t.Fatal(err)
		}
		if held := heldIn(t, plain); held != "" {
			t.Errorf("%s: without a seal it holds %q", format, held)
		}
		for _, text := range []string{"", `{"a":"ä"}`, strings.Repeat("long ", 1<<18)} {
			told := ""
			request.Seal = func(_ context.Context, written string, report offline.JoinReport) (string, error) {
				told = fmt.Sprintf("%d row of %s", report.Rows, rowsOf(t, renamedTo(t, written, format)))
				return text, nil
			}
			sealed, err := p.run(t, request, "sealed"+format)
			if err != nil {
				t.Fatal(err)
			}
			if held := heldIn(t, sealed); held != text {
				t.Errorf("%s: it holds %d bytes, and should hold %d", format, len(held), len(text))
			}
			rows := rowsOf(t, sealed)
			if diff := cmp.Diff(rowsOf(t, plain), rows); diff != "" {
				t.Errorf("%s: %s", format, diff)
			}
			if told != "1 row of "+rows {
				t.Errorf("%s: the seal was told %q", format, told)
			}
		}
	}
}

// renamedTo copies a file that has another ending, by which readers know its format.
func renamedTo(t *testing.T, path, format string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "written"+format)
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

func TestASealThatRefuses_KeepsTheFileFromAppearing(t *testing.T) {
	p := twoDays(t)
	request := p.request(t)
	refusal := errors.New("no")
	request.Seal = func(context.Context, string, offline.JoinReport) (string, error) { return "", refusal }
	for _, format := range []string{labelfile.Parquet, labelfile.Arrow, labelfile.CSV} {
		path, err := p.run(t, request, "out"+format)
		if !errors.Is(err, refusal) {
			t.Errorf("%s: %v", format, err)
		}
		left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*out"+format+"*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%s: it left %v, %v", format, left, err)
		}
	}
}

func TestAJoinOfCertainFiles_ReadsNoOthers(t *testing.T) {
	p := twoDays(t)
	request := p.request(t)
	all, err := p.open(t).Inputs(t.Context(), []*feature.Source{request.Selection.References[0].View.Source})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]feature.Input{p.described(t, "1.parquet"), p.described(t, "2.parquet")}, all); diff != "" {
		t.Fatal(diff)
	}
	for want, only := range map[string][]feature.Input{"20": nil, "10": all[:1]} {
		request.Only = only
		join, err := p.open(t).PlanJoin(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if only != nil && !cmp.Equal(join.Inputs(), only) {
			t.Errorf("it lists %v", join.Inputs())
		}
		path := filepath.Join(p.folder, "out.parquet")
		if _, err := join.WriteFile(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if rows := rowsOf(t, path); !strings.Contains(rows, "'x': "+want) {
			t.Errorf("of %d files it finds %s", len(only), rows)
		}
	}
	request.Only = []feature.Input{}
	if _, err := p.open(t).PlanJoin(t.Context(), request); err == nil ||
		!strings.Contains(err.Error(), "none of the files that may be read of source s is there") {
		t.Errorf("of none: %v", err)
	}
}
