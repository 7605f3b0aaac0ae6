package sourcefiles

import (
	"slices"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// Prune returns the files that may hold rows with an event time in [from, to], microseconds of
// which each may be open, judged by the footers that were read when they were found: it opens no file. Indexes keep the
// files' places in source order (R3). At least one file stays, for its columns.
//
// A file also stays while it may hold a null in one of the counted columns, by their names in the source: rows without
// a key or an event time are counted and reported whatever their time (R3, R8), so naming those columns here keeps the
// counts those of the whole source.
func (f Files) Prune(event string, from, to *int64, counted ...string) Files {
	if len(f.Paths) < 2 || from == nil && to == nil {
		return f
	}
	var kept []int
	for i := range f.Paths {
		if f.events(i, event).Meets(from, to) || f.mayHaveNulls(i, counted) {
			kept = append(kept, i)
		}
	}
	if len(kept) == 0 {
		kept = []int{f.smallest()}
	}
	if len(kept) == len(f.Paths) {
		return f
	}
	return f.only(kept)
}

// only is the files at these positions. If files 3 and 7 of ten are left, their indexes are still 3 and 7: a row has
// the same position in source order (R3) whichever files a query leaves out.
func (f Files) only(positions []int) Files {
	kept := f
	kept.Paths, kept.Names, kept.Footers, kept.infos, kept.indexes = nil, nil, nil, nil, []int64{}
	kept.listed, kept.objects = nil, nil
	for _, i := range positions {
		kept.Paths = append(kept.Paths, f.Paths[i])
		kept.Names = append(kept.Names, f.Names[i])
		kept.Footers = append(kept.Footers, f.Footers[i])
		kept.infos = append(kept.infos, f.infos[i])
		kept.listed = append(kept.listed, f.listed[i])
		kept.objects = append(kept.objects, f.objects[i])
		kept.indexes = append(kept.indexes, f.Index(i))
	}
	return kept
}

// Alone is the files at these positions as if there were no others: they stand in their own order (R3).
func (f Files) Alone(positions []int) Files {
	kept := f.only(positions)
	kept.indexes = nil
	return kept
}

// AreAll says that no file of the source has been left out.
func (f Files) AreAll() bool { return f.indexes == nil }

// Index is the place of a file in source order.
func (f Files) Index(i int) int64 {
	if f.indexes == nil {
		return int64(i)
	}
	return f.indexes[i]
}

// Rows is the number of rows of the files by their footers, or a negative number if the footers do not say.
func (f Files) Rows() int64 {
	var rows int64
	for _, footer := range f.Footers {
		if !footer.Read {
			return -1
		}
		rows += footer.Rows
	}
	return rows
}

// smallest is the position of the file with the fewest rows.
func (f Files) smallest() int {
	least := 0
	for i := range f.Footers {
		if f.Footers[i].Rows < f.Footers[least].Rows {
			least = i
		}
	}
	return least
}

// events is the span of a file's event times.
func (f Files) events(i int, event string) parquetfooter.Span {
	if slices.Contains(f.Partitions, event) {
		return partitionSpan(f.Paths[i], event)
	}
	return f.Footers[i].Events
}

// AtMidnights says whether the footers leave no other than that all event times are midnights, of several days.
func (f Files) AtMidnights(event string) bool {
	const day = parquetfooter.MicrosecondsOfDay
	all := parquetfooter.NoInstants
	for i := range f.Paths {
		found := f.events(i, event)
		if !found.Known || found.Least%day != 0 || found.Greatest%day != 0 {
			return false
		}
		all = all.With(found)
	}
	return all.Least < all.Greatest
}

// AreFinite says whether the footers leave no other than that all times of a column are finite.
func (f Files) AreFinite(column string) bool {
	if slices.Contains(f.Partitions, column) {
		return false
	}
	for i := range f.Paths {
		if !f.Footers[i].Read || !f.Footers[i].TimesOf(column).IsFinite() {
			return false
		}
	}
	return true
}

// MayHoldNulls says whether the footers leave it open that one of the columns has nulls.
func (f Files) MayHoldNulls(columns []string) bool {
	for i := range f.Paths {
		if f.mayHaveNulls(i, columns) {
			return true
		}
	}
	return false
}

// mayHaveNulls says the same of one file.
func (f Files) mayHaveNulls(i int, columns []string) bool {
	for _, column := range columns {
		if f.nulls(i, column) != 0 || !f.Footers[i].Read {
			return true
		}
	}
	return false
}

// nulls returns the number of a file's rows with a null in the column, or -1 if that is not known.
func (f Files) nulls(i int, column string) int64 {
	if slices.Contains(f.Partitions, column) {
		if partitionValue(f.Paths[i], column) != nil {
			return 0
		}
		return f.Footers[i].Rows
	}
	if text, ok := f.Constant(i, column); ok {
		if text != nil {
			return 0
		}
		return f.Footers[i].Rows
	}
	for _, c := range f.Footers[i].Columns {
		if strings.EqualFold(c.Name, column) {
			return c.Nulls
		}
	}
	return -1
}
