package packed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/feature"
)

// A row whose event time is ahead of the clock is not visible yet (R2, R15). Until then, look-ups have to see the row
// that it will replace. So both are kept under one key, in a value of this form:
//
//	0   21  of the newest row, the first bytes, with the format version 3
//	21   4  how many bytes follow, big-endian
//	25      the rows, newest first: 4 bytes with the length, and the packed row as it would be alone
//
// All but the last were ahead of the clock when the value was written. In every format a value begins like its newest
// row, so a caller that only compares which one is newer does not need to distinguish the formats.
const (
	aheadFormat = 3
	// beginning is how much of a value decides whether another replaces it: the version, the format, the schema id.
	beginning = schemaAt + 4
	// mostRows bounds the rows under one key. Where more lie ahead, the newest but one gives way, whose value is then
	// served late, with the newest.
	mostRows = 16
)

// Beginning is how many of the first bytes of a value Replaces looks at.
const Beginning = beginning

// Replaces reports whether a value replaces a stored one (R14). It does if its version is greater, or if the versions
// are equal and its schema is the same or newer, so that a process that knows only an older definition does not
// overwrite what a newer one has written. A stored value that is too short to compare is replaced.
func Replaces(value, stored []byte) bool {
	if len(stored) < beginning || len(value) < beginning {
		return true
	}
	if order := bytes.Compare(value[:VersionSize], stored[:VersionSize]); order != 0 {
		return order > 0
	}
	return bytes.Compare(value[schemaAt:beginning], stored[schemaAt:beginning]) >= 0
}

// Merge returns what a store keeps after it was given a value, at an instant: all rows that are ahead of the instant,
// and the newest of the others, which is the visible one. It returns nil if the stored value stays. The stored value
// may be nil and may hold several rows; the other one holds one.
func Merge(stored, value []byte, now feature.Instant) ([]byte, error) {
	if len(stored) < beginning {
		return value, nil
	}
	rows, err := rowsOf(stored)
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

func sameVersion(a, b []byte) bool { return bytes.Equal(a[:VersionSize], b[:VersionSize]) }

// together is the value that holds several rows.
func together(rows [][]byte) []byte {
	size := 0
	for _, row := range rows {
		size += offsetSize + len(row)
	}
	value := append(make([]byte, 0, beginning+offsetSize+size), rows[0][:beginning]...)
	value[formatAt] = aheadFormat
	value = binary.BigEndian.AppendUint32(value, uint32(size))
	for _, row := range rows {
		value = binary.BigEndian.AppendUint32(value, uint32(len(row)))
		value = append(value, row...)
	}
	return value
}

// rowsOf are the rows of a value, newest first.
func rowsOf(value []byte) ([][]byte, error) {
	if value[formatAt] != aheadFormat {
		return [][]byte{value}, nil
	}
	rest, err := afterHeader(value)
	var rows [][]byte
	for err == nil && len(rest) > 0 {
		var row []byte
		row, rest, err = firstRow(rest)
		rows = append(rows, row)
	}
	return rows, err
}

// afterHeader is what holds the rows of a value that holds several.
func afterHeader(value []byte) ([]byte, error) {
	if len(value) < beginning+offsetSize {
		return nil, fmt.Errorf("%w: it has %d bytes, and stands for several rows", ErrCorrupt, len(value))
	}
	rest := value[beginning+offsetSize:]
	if size := binary.BigEndian.Uint32(value[beginning:]); uint64(size) != uint64(len(rest)) || size == 0 {
		return nil, fmt.Errorf("%w: its rows have %d bytes where %d are wanted", ErrCorrupt, len(rest), size)
	}
	return rest, nil
}

// firstRow cuts the first row off the rows of a value.
func firstRow(rows []byte) (row, rest []byte, err error) {
	if len(rows) < offsetSize {
		return nil, nil, fmt.Errorf("%w: %d bytes follow its rows", ErrCorrupt, len(rows))
	}
	length := binary.BigEndian.Uint32(rows)
	if rest = rows[offsetSize:]; uint64(length) > uint64(len(rest)) || length < beginning {
		return nil, nil, fmt.Errorf("%w: a row of %d bytes is in %d bytes", ErrCorrupt, length, len(rest))
	}
	return rest[:length:length], rest[length:], nil
}

// RowAt returns the row of a value that is visible at an instant (R2), or the oldest if none is visible.
func RowAt(value []byte, at feature.Instant) ([]byte, error) {
	if len(value) < beginning || value[formatAt] != aheadFormat {
		return value, nil
	}
	rest, err := afterHeader(value)
	for err == nil {
		var row []byte
		if row, rest, err = firstRow(rest); err == nil && (EventOf(row) <= at || len(rest) == 0) {
			return row, nil
		}
	}
	return nil, err
}
