package winners

// Kept are the rows that won a label, and what is kept of their features. A record of three features is four words: the
// three values, and a word whose lowest three bits say which of them are null. A winner has one record, however many
// labels it has won.
type Kept struct {
	rows *rowSet
	// width is how many words a record has: one for each feature, and then their null bits.
	features, width int
	// records hold the features by the rows' numbers.
	records []uint64
}

// Keep takes the winners that are live for the ttl from an index that is settled, and makes room for the features of
// each.
func Keep(index *Index, ttl int64, features int) *Kept {
	w := &Kept{rows: newRowSet(), features: features, width: RecordWords(features)}
	for i := range index.Slots {
		if s := &index.Slots[i]; s.IsLive(ttl) {
			w.rows.add(s.Order())
		}
	}
	w.records = onHugePages(make([]uint64, w.rows.enumerate()*int64(w.width)))
	return w
}

// RecordWords is how many words the features of one row take.
func RecordWords(features int) int { return features + (features+63)/64 }

// Column is a column of values of 8, 4 or 1 bytes, with its nulls as DuckDB marks them.
type Column struct {
	Words  []uint64
	Halves []uint32
	Bytes  []uint8
	Mask   []uint64
}

// at is the value of a row as a word.
func (c *Column) at(row int) uint64 {
	switch {
	case c.Words != nil:
		return c.Words[row]
	case c.Halves != nil:
		return uint64(c.Halves[row])
	}
	return uint64(c.Bytes[row])
}

// Take keeps the features of the rows that are winners, and marks them. Rows are given by their positions in source
// order. It is safe for concurrent use, since each row comes once.
func (w *Kept) Take(orders []int64, features []Column, kept []bool) {
	block, number := &rowBlock{}, int64(-1)
	for i, order := range orders {
		if order>>6 != number {
			number = order >> 6
			block = w.rows.block(number)
		}
		record := block.find(order)
		kept[i] = record >= 0
		if record >= 0 {
			w.write(w.record(record), features, i)
		}
	}
}

// Number is the number of a row that has won, and less than 0 for others.
func (w *Kept) Number(order int64) int64 { return w.rows.block(order >> 6).find(order) }

func (w *Kept) record(number int64) []uint64 {
	return w.records[number*int64(w.width):][:w.width]
}

func (w *Kept) write(record []uint64, features []Column, row int) {
	for i := range features {
		if IsNull(features[i].Mask, row) {
			record[w.features+i/64] |= 1 << (i % 64)
		} else {
			record[i] = features[i].at(row)
		}
	}
}

// Gather reads one feature of the winners with these numbers into values, and returns the positions at which it is
// null, as it is for a number less than 0.
func Gather[T uint8 | uint32 | uint64](w *Kept, at int, numbers []int64, values []T) (null []int) {
	nulls, bit := w.features+at/64, uint64(1)<<(at%64)
	for i, number := range numbers {
		if number >= 0 {
			record := w.record(number)
			if record[nulls]&bit == 0 {
				values[i] = T(record[at])
				continue
			}
		}
		null = append(null, i)
	}
	return null
}

// IsNull says whether a row is null by the mask that DuckDB gives a column; a column without nulls has none.
func IsNull(mask []uint64, row int) bool { return mask != nil && mask[row/64]>>(row%64)&1 == 0 }
