package dataset

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// columnsOfCSV reads a file with the columns a, a text, and x of a declared type, as the digests of its columns.
func columnsOfCSV(t *testing.T, declared plumbv1.Type, text string) ([]string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	scan, err := table{path: path, format: ".csv", types: map[string]plumbv1.Type{"x": declared}}.scan(t.Context(), nil)
	if err != nil {
		return nil, err
	}
	var digests []string
	for _, column := range digested(scan).Columns {
		digests = append(digests, column.Digest)
	}
	return digests, nil
}

func digestOfColumn(values arrow.Array) string {
	digest := newColumnDigest(values.DataType())
	digest.add(values)
	sum := digest.sum()
	return named(sum[:])
}

func TestCSV_HasTheValuesThatWereWritten(t *testing.T) {
	for name, c := range map[string]struct {
		declared plumbv1.Type
		text     string
		want     arrow.Array
	}{
		"booleans": {plumbv1.Type_BOOL, "true\n\nfalse\n",
			fromText(t, arrow.FixedWidthTypes.Boolean, `[true, null, false]`)},
		"integers": {plumbv1.Type_INT32, "1\n-2\n", fromText(t, arrow.PrimitiveTypes.Int32, `[1, -2]`)},
		"floats":   {plumbv1.Type_FLOAT64, "-0.0\n0.1\nInfinity\n", floats(math.Copysign(0, -1), 0.1, math.Inf(1))},
		"narrow floats": {plumbv1.Type_FLOAT32, "0.1\n-Infinity\n",
			fromText(t, arrow.PrimitiveTypes.Float32, `[0.1, "-Inf"]`)},
		"instants": {plumbv1.Type_TIMESTAMP, "2026-03-01T12:00:00.000001Z\n1969-12-31T23:59:59.999999Z\n",
			fromText(t, arrow.FixedWidthTypes.Timestamp_us, `[1772366400000001, -1]`)},
		"bytes": {plumbv1.Type_BYTES, "AA==\n\"\"\n\n", fromText(t, arrow.BinaryTypes.Binary, `["AA==", "", null]`)},
		"texts": {plumbv1.Type_STRING, "\"a,\"\"b\"\"\n\"\n\"\"\n\nc d\n",
			fromText(t, arrow.BinaryTypes.String, `["a,\"b\"\n", "", null, "c d"]`)},
		"arrays as texts": {plumbv1.Type_INT64_ARRAY, "\"[1,null]\"\n[]\n\n",
			fromText(t, arrow.BinaryTypes.String, `["[1,null]", "[]", null]`)},
	} {
		got, err := columnsOfCSV(t, c.declared, "x\n"+c.text)
		if err != nil || got[0] != digestOfColumn(c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestCSV_OfManyBatchesIsReadWhole(t *testing.T) {
	const rows = 2*batchRows + 1
	got, err := columnsOfCSV(t, plumbv1.Type_FLOAT64, "x\n"+strings.Repeat("1.5\n", rows))
	values := make([]float64, rows)
	for i := range values {
		values[i] = 1.5
	}
	if err != nil || got[0] != digestOfColumn(floats(values...)) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := columnsOfCSV(t, plumbv1.Type_FLOAT64, "x\n"); err != nil || got[0] != digestOfColumn(floats()) {
		t.Errorf("without rows: %v, %v", got, err)
	}
}

func TestCSV_ThatIsDamagedSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"a,x\nk,1\nk,one\n": `row 2: column "x": "one" cannot be read`,
		"a,x\nk,1\nk\n":     "row 2: it has 1 cells, and there are 2 columns",
		"a,x\nk,\"1\n":      "row 1: a quotation has no end",
		"":                  "its header cannot be read",
	} {
		if _, err := columnsOfCSV(t, plumbv1.Type_FLOAT64, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of %q it says %v, and should say %q", text, err, want)
		}
	}
}
