package duckdb

// winners are the rows that won a label, and what is kept of their features.
type winners struct {
	rows *rowSet
	// width is how many words a record has: one for each feature, and then their null bits.
	features, width int
	// records hold the features by the rows' numbers.
	records []uint64
}

// newWinners takes from an index that is settled the winners that are live for the ttl, and makes room for so many
// features of each.
func newWinners(index *labelIndex, ttl int64, features int) *winners {
	w := &winners{rows: newRowSet(), features: features, width: recordWords(features)}
	for i := range index.slots {
		if s := &index.slots[i]; s.isLive(ttl) {
			w.rows.add(s.order())
		}
	}
	w.records = onHugePages(make([]uint64, w.rows.enumerate()*int64(w.width)))
	return w
}

// recordWords is the number of words that so many features take.
func recordWords(features int) int { return features + (features+63)/64 }

// featureColumn is a column of values of 8, 4 or 1 bytes, and where they are null, as DuckDB marks it.
type featureColumn struct {
	words  []uint64
	halves []uint32
	bytes  []uint8
	mask   []uint64
}

// at is the value of a row as a word.
func (c *featureColumn) at(row int) uint64 {
	switch {
	case c.words != nil:
		return c.words[row]
	case c.halves != nil:
		return uint64(c.halves[row])
	}
	return uint64(c.bytes[row])
}

// keep takes the features of those rows, given by their positions in source order, that are winners, and marks them. It
// is safe for concurrent use, since each row comes once.
func (w *winners) keep(orders []int64, features []featureColumn, kept []bool) {
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

// number is that of a row, less than 0 for one that has not won.
func (w *winners) number(order int64) int64 { return w.rows.block(order >> 6).find(order) }

func (w *winners) record(number int64) []uint64 {
	return w.records[number*int64(w.width):][:w.width]
}

func (w *winners) write(record []uint64, features []featureColumn, row int) {
	for i := range features {
		if isNull(features[i].mask, row) {
			record[w.features+i/64] |= 1 << (i % 64)
		} else {
			record[i] = features[i].at(row)
		}
	}
}

// gather reads a feature of the winners with the numbers into values, and returns where it is null, as it is for a
// number less than 0.
func gather[T uint8 | uint32 | uint64](w *winners, at int, numbers []int64, values []T) (null []int) {
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
