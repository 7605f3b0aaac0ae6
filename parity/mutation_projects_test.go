package parity_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	_ "github.com/plumbstore/plumb/internal/cli" // So that a result is not kept when what the binary is made of changes.
	"github.com/plumbstore/plumb/store/storetest"
)

// newWindowProject makes a project with events at the borders of tiles, beside them and between them, and with numbers
// whose sum depends on the order in which they are rounded.
func newWindowProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "plumb.yaml"), "project: shops\ndefinitions: [features.yaml]\n"+
		"registry: sqlite:registry.db\nonline_store: sqlite:online.db\noffline: {roots: [data]}\n")
	write(t, filepath.Join(folder, "features.yaml"), windowDefinitions)
	random := rand.New(rand.NewPCG(9, 9))
	columns := []storetest.Column{
		{Name: "sensor", Form: arrow.PrimitiveTypes.Int64}, {Name: "at", Form: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "known", Form: arrow.FixedWidthTypes.Timestamp_us}, {Name: "amount", Form: arrow.PrimitiveTypes.Float64},
		{Name: "units", Form: arrow.PrimitiveTypes.Int32}, {Name: "note", Form: arrow.BinaryTypes.String},
	}
	const minute, start = feature.Instant(60_000_000), feature.Instant(1_700_000_400_000_000)
	amounts := []any{1e16, -1e16, 1.0, 0.1, math.Copysign(0, -1), nil, 3e-9}
	for step := range 500 {
		border := start + feature.Instant(step)*5*minute
		for sensor := range int64(6) {
			at := border + []feature.Instant{0, 0, 1, feature.Instant(random.Int64N(int64(5 * minute)))}[random.IntN(4)]
			if random.IntN(3) == 0 {
				continue
			}
			units := any(random.Int32N(30))
			if random.IntN(5) == 0 {
				units = nil
			}
			values := []any{sensor, at, at + feature.Instant(random.IntN(3))*minute, amounts[random.IntN(len(amounts))], units,
				fmt.Sprint("note ", step%9)}
			for i, value := range values {
				columns[i].Values = append(columns[i].Values, value)
			}
		}
	}
	file := storetest.File{Path: filepath.Join(folder, "data", "readings.parquet"), Columns: columns}
	if err := file.Write(); err != nil {
		t.Fatal(err)
	}
	return folder
}

// newTextProject makes a project with the same rows in CSV and in JSON lines. Its texts have line ends, quotes, and
// numbers that a FLOAT does not hold.
func newTextProject(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "plumb.yaml"), "project: shops\ndefinitions: [features.yaml]\n"+
		"registry: sqlite:registry.db\nonline_store: sqlite:online.db\noffline: {roots: [data]}\n")
	write(t, filepath.Join(folder, "features.yaml"), textDefinitions)
	if err := os.MkdirAll(filepath.Join(folder, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	var table, lines strings.Builder
	table.WriteString("\ufeffitem,at,known,price,stock,note,open,seen,raw,sizes\r\n")
	notes := []string{"plain", "two\r\nlines", "a \"quote\", and a comma", "", " spaces ", "two\nlines"}
	for row := range 60 {
		item, note := fmt.Sprintf("item %d", row%7), notes[row%len(notes)]
		at := fmt.Sprintf("2024-01-01T%02d:%02d:00.5%d+01:00", row/3, row%3*20, row%10)
		price, stock := fmt.Sprintf("%d.%d1", row, row%10), ""
		if row%4 > 0 {
			stock = fmt.Sprint(row - 30)
		}
		fmt.Fprintf(&table, "%s,%s,2024-02-01,%s,%s,\"%s\",%t,2024-01-01 00:00:00.000001,AP8=,\"[%d.1, null, -0.0]\"\r\n",
			item, at, price, stock, strings.ReplaceAll(note, `"`, `""`), row%2 == 0, row)
		if stock == "" {
			stock = "null"
		}
		fmt.Fprintf(&lines, `{"item": %q, "at": %q, "known": "2024-02-01", "price": %s, "stock": %s, "note": %s}`+"\n",
			item, at, price, stock, must(json.Marshal(note))(t))
	}
	write(t, filepath.Join(folder, "data", "prices.csv"), table.String())
	write(t, filepath.Join(folder, "data", "prices.jsonl"), lines.String())
	return folder
}
