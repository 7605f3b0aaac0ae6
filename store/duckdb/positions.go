package duckdb

import (
	"sync"
	"sync/atomic"
)

// positions is a set of rows by their positions in source order. It takes a bit for each row of the stretches of the
// source in which there are any: 8 KiB for each stretch of 65,536 rows. A position has the file in its upper bits
// (relation.FileShift), so the pages are in a map: the numbers between two files belong to no row.
type positions struct {
	mu    sync.RWMutex
	pages map[int64]*positionPage
}

// positionPage has a bit for each of pageRows rows, one after the other.
type positionPage [pageRows / 64]uint64

const (
	pageBits = 16
	pageRows = 1 << pageBits
)

func newPositions() *positions { return &positions{pages: map[int64]*positionPage{}} }

// add puts a row into the set. It is safe for concurrent use with itself.
func (p *positions) add(row int64) {
	number := row >> pageBits
	p.mu.RLock()
	page := p.pages[number]
	p.mu.RUnlock()
	if page == nil {
		page = p.newPage(number)
	}
	atomic.OrUint64(&page[row%pageRows/64], 1<<(row%64))
}

func (p *positions) newPage(number int64) *positionPage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages[number] == nil {
		p.pages[number] = &positionPage{}
	}
	return p.pages[number]
}

// find says of each row whether it is in the set. It is safe for concurrent use with itself; no row may be added
// meanwhile.
func (p *positions) find(rows []int64, found []bool) {
	var page *positionPage
	number := int64(-1)
	for i, row := range rows {
		if row>>pageBits != number {
			number = row >> pageBits
			page = p.pages[number]
		}
		found[i] = page != nil && page[row%pageRows/64]>>(row%64)&1 != 0
	}
}
