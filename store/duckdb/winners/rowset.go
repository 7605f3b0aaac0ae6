package winners

import "math/bits"

// rowSet is a set of rows by their positions in source order, which gives each a number from 0 on. Rows that are near
// each other share a block, so that the set takes little memory and consecutive rows are looked up in the same block.
//
// With the rows 3, 5 and 70, the block of 0 to 63 has two bits and the block of 64 to 127 one. If the first begins with
// number 0, row 5 has the number 1: the first number of its block and one row below it in there. Blocks lie in the
// order of their hashes, so numbers do not ascend with rows.
type rowSet struct {
	// blocks are found by open addressing.
	blocks []rowBlock
	used   int
}

// rowBlock is a run of 64 rows; a block without rows is free.
type rowBlock struct {
	// number is the position of the run.
	number int64
	// rows has a bit for each row of the set.
	rows uint64
	// first is the number of the first.
	first int64
}

// RowBlockBytes bounds the memory that a set takes for each block with rows: four places if it has just grown, and the
// two that it grew from.
const RowBlockBytes = 24 * 6

func newRowSet() *rowSet { return &rowSet{blocks: make([]rowBlock, 64)} }

// block returns the block with the run of the number, or the free block that the run would take.
func (s *rowSet) block(number int64) *rowBlock {
	mask := uint64(len(s.blocks) - 1)
	at := uint64(number) * 0x9E3779B97F4A7C15 >> (64 - bits.Len64(mask))
	for s.blocks[at].rows != 0 && s.blocks[at].number != number {
		at = (at + 1) & mask
	}
	return &s.blocks[at]
}

// add puts a row into the set.
func (s *rowSet) add(row int64) {
	b := s.block(row >> 6)
	if b.rows == 0 {
		s.used++
		b.number = row >> 6
	}
	b.rows |= 1 << (row & 63)
	if s.used*2 > len(s.blocks) {
		s.grow()
	}
}

// grow doubles the blocks. At most half of them are ever used, so that a search meets a free one soon.
func (s *rowSet) grow() {
	old := s.blocks
	s.blocks = make([]rowBlock, 2*len(old))
	for _, b := range old {
		if b.rows != 0 {
			*s.block(b.number) = b
		}
	}
}

// enumerate gives each row its number, and returns how many there are. None can be added any more.
func (s *rowSet) enumerate() (count int64) {
	for i := range s.blocks {
		s.blocks[i].first = count
		count += int64(bits.OnesCount64(s.blocks[i].rows))
	}
	return count
}

// find returns the number of a row within its block, or a negative number if it is not in the set.
func (b *rowBlock) find(row int64) int64 {
	bit := uint64(1) << (row & 63)
	if b.rows&bit == 0 {
		return -1
	}
	return b.first + int64(bits.OnesCount64(b.rows&(bit-1)))
}
