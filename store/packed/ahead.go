package packed

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/feature"
)

// A row whose event time is ahead of the clock is not visible yet (R2, R15). Until then, look-ups have to see the row
// that it will replace. So both are kept under one key, in a value of this form:
//
//	the precedence of the newest row (header.go)
//	a shape that says that the value holds several rows
//	how many there are, as a number
//	the rows, newest first: the length as a number, and the packed row as it would be alone
//
// All but the last were ahead of the clock when the value was written. Every value begins like its newest row, so a
// caller that only compares which one is newer does not need to distinguish the two forms.
//
// mostRows bounds the rows under one key. If more lie ahead, the newest but one gives way, whose value is then served
// late, with the newest.
const mostRows = 16

// Merge returns what a store keeps after it was given a value, at an instant: all rows that are ahead of the instant,
// and the newest of the others, which is the visible one. It returns nil if the stored value stays. The stored value
// may be nil and may hold several rows; the other one holds one.
func Merge(stored, value []byte, now feature.Instant) ([]byte, error) {
	if PrecedenceSize(stored) == 0 {
		return value, nil
	}
	rows, err := Rows(stored)
	if err != nil {
		return nil, err
	}
	at := 0
	for at < len(rows) && !Replaces(value, rows[at]) {
		if sameVersion(value, rows[at]) {
			return nil, nil
		}
		at++
	}
	if at < len(rows) && sameVersion(value, rows[at]) {
		rows[at] = value
	} else {
		rows = slices.Insert(rows, at, value)
	}
	last := 0
	for last < len(rows)-1 && EventOf(rows[last]) > now {
		last++
	}
	if at > last {
		return nil, nil
	}
	rows = rows[:last+1]
	for len(rows) > mostRows {
		rows = slices.Delete(rows, 1, 2)
	}
	if len(rows) == 1 {
		return rows[0], nil
	}
	return together(rows), nil
}

func sameVersion(a, b []byte) bool {
	return bytes.Equal(a[:versionSize(a)], b[:versionSize(b)])
}

// Union returns a value that has the rows of both, so that every instant sees the row that wins there (R2, R14). Either
// may be nil. One row that the other replaces is left out.
func Union(a, b []byte) ([]byte, error) {
	switch {
	case a == nil:
		return b, nil
	case b == nil:
		return a, nil
	}
	rows, err := Rows(a)
	if err != nil {
		return nil, err
	}
	others, err := Rows(b)
	if err != nil {
		return nil, err
	}
	rows = append(slices.Clip(rows), others...)
	slices.SortStableFunc(rows, func(a, b []byte) int {
		return bytes.Compare(b[:PrecedenceSize(b)], a[:PrecedenceSize(a)])
	})
	rows = slices.CompactFunc(rows, sameVersion)
	if len(rows) == 1 {
		return rows[0], nil
	}
	return together(rows), nil
}

// together is the value that holds several rows.
func together(rows [][]byte) []byte {
	size := 0
	for _, row := range rows {
		size += maxNumberSize + len(row)
	}
	precedence := rows[0][:PrecedenceSize(rows[0])]
	value := append(make([]byte, 0, len(precedence)+1+maxNumberSize+size), precedence...)
	value = appendNumber(append(value, isSeveral), uint64(len(rows)))
	for _, row := range rows {
		value = append(appendNumber(value, uint64(len(row))), row...)
	}
	return value
}

// several returns what holds the rows of a value that holds several, and how many they are; 0 for a value that is one
// row.
func several(value []byte) (count uint64, rest []byte, err error) {
	at := PrecedenceSize(value)
	if at == 0 || len(value) == at || value[at] != isSeveral {
		return 0, nil, nil
	}
	count, rest, ok := cutNumber(value[at+1:])
	if !ok || count == 0 || count > uint64(len(rest)) {
		return 0, nil, fmt.Errorf("%w: it holds several rows, and does not say how many", ErrCorrupt)
	}
	return count, rest, nil
}

// Rows are the rows of a value, newest first: one, or several if it holds several.
func Rows(value []byte) ([][]byte, error) { return AppendRows(nil, value) }

// AppendRows appends the rows of a value.
func AppendRows(rows [][]byte, value []byte) ([][]byte, error) {
	count, rest, err := several(value)
	if err != nil {
		return nil, err
	}
	if count == 0 {
		return append(rows, value), checkComparable(value)
	}
	for range count {
		row, after, err := firstRow(rest)
		if err != nil {
			return nil, err
		}
		rows, rest = append(rows, row), after
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes follow its rows", ErrCorrupt, len(rest))
	}
	return rows, nil
}

// firstRow cuts the first row off the rows of a value.
func firstRow(rows []byte) (row, rest []byte, err error) {
	length, rest, ok := cutNumber(rows)
	if !ok || length > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("%w: it holds several rows, and one of them is cut short", ErrCorrupt)
	}
	row, rest = rest[:length:length], rest[length:]
	return row, rest, checkComparable(row)
}

func checkComparable(row []byte) error {
	if PrecedenceSize(row) == 0 {
		return errNoHeader(row)
	}
	return nil
}

// RowAt returns the row of a value that is visible at an instant (R2), or the oldest if none is visible.
func RowAt(value []byte, at feature.Instant) ([]byte, error) {
	count, _, err := several(value)
	if err != nil || count == 0 {
		return value, err
	}
	rows, err := Rows(value)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if EventOf(row) <= at {
			return row, nil
		}
	}
	return rows[len(rows)-1], nil
}
