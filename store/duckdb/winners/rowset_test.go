package winners

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestARowSetNumbersEachOfItsRowsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Rows of several files, near each other and far.
		row := rapid.Custom(func(t *rapid.T) int64 {
			return rapid.Int64Range(0, 3).Draw(t, "file")<<40 | rapid.OneOf(rapid.Int64Range(0, 300),
				rapid.Int64Range(0, 1<<40-1)).Draw(t, "row")
		})
		rows, others := rapid.SliceOf(row).Draw(t, "rows"), rapid.SliceOf(row).Draw(t, "others")
		set := newRowSet()
		for _, row := range rows {
			set.add(row)
		}
		count := set.enumerate()
		seen := map[int64]int64{}
		for _, row := range rows {
			seen[set.block(row>>6).find(row)] = row
		}
		distinct := len(slices.Compact(slices.Sorted(slices.Values(rows))))
		if int(count) != distinct || len(seen) != distinct {
			t.Fatalf("%d rows counted and %d numbers, want %d", count, len(seen), distinct)
		}
		for number := range seen {
			if number < 0 || number >= count {
				t.Fatalf("number %d of %d rows", number, count)
			}
		}
		for _, row := range others {
			if found := set.block(row>>6).find(row) >= 0; found != slices.Contains(rows, row) {
				t.Fatalf("row %d found: %v", row, found)
			}
		}
	})
}
