package packed

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/plumbstore/plumb/internal/fault"
)

// Rows of formats 1 to 3 were, with all numbers big-endian:
//
//	0   8  event time in microseconds, sign bit flipped
//	8   8  created time likewise; zeros if it is null
//	16  1  format version
//	17  4  schema id
//	21  8  origin: what wrote the row (Origin); rows of format 1 lack it
//	29     null bits, fixed section, offsets of 4 bytes, variable section
//
// A value of format 3 held several rows: after the first 21 bytes of the newest one, 4 bytes with the size of the rest,
// and the rows, each after 4 bytes with its length.
//
// A row of today has no format byte. So stores keep old rows in places of their own, and upgrade them when they read
// them.
const (
	oldCreatedAt = 8
	oldFormatAt  = 16
	oldSchemaAt  = 17
	oldOriginAt  = 21
	oldHeader    = 29

	originlessFormat = 1
	originFormat     = 2
	severalFormat    = 3
)

// Upgrade returns the value of formats 1 to 3 as it is stored today. What has not changed is not looked at: a row whose
// body is damaged stays damaged. It fails with an error that wraps ErrCorrupt for a value that is too short or of an
// unknown format, and fault.ErrNewer for one of a later format.
func Upgrade(old []byte) ([]byte, error) {
	if len(old) < oldOriginAt {
		return nil, fmt.Errorf("%w: it has %d bytes, the shortest header %d", ErrCorrupt, len(old), oldOriginAt)
	}
	switch format := old[oldFormatAt]; format {
	case originlessFormat:
		return upgradeRow(old, 0, old[oldOriginAt:]), nil
	case originFormat:
		if len(old) < oldHeader {
			return nil, fmt.Errorf("%w: it has %d bytes, its header alone %d", ErrCorrupt, len(old), oldHeader)
		}
		return upgradeRow(old, Origin(binary.BigEndian.Uint64(old[oldOriginAt:])), old[oldHeader:]), nil
	case severalFormat:
		return upgradeSeveral(old[oldOriginAt:])
	case 0:
		return nil, fmt.Errorf("%w: it has the unknown format 0", ErrCorrupt)
	default:
		return nil, fmt.Errorf("the stored row has format %d, and formats up to %d are known: %w", format, severalFormat,
			fault.ErrNewer)
	}
}

// Damaged returns a value to store in place of one that Upgrade refuses. It contains the old value, and reading it
// fails with ErrCorrupt. It has the precedence of the old value. If that is too short to have one, every row replaces
// it.
func Damaged(old []byte) []byte {
	header := Header{Event: math.MinInt64, created: nullCreated, shape: damagedShape}
	if len(old) >= oldOriginAt {
		header.Event, header.created = readInstant(old), readInstant(old[oldCreatedAt:])
		header.SchemaID = binary.BigEndian.Uint32(old[oldSchemaAt:])
	}
	return append(header.Append(nil), old...)
}

// damagedShape has a width of offsets that no row has.
const damagedShape = offsetBits

func upgradeRow(old []byte, origin Origin, body []byte) []byte {
	header := Header{Event: readInstant(old), created: readInstant(old[oldCreatedAt:]), Origin: origin,
		SchemaID: binary.BigEndian.Uint32(old[oldSchemaAt:])}
	if len(body) > 0 { // Marks and rows without features have neither null bits nor offsets.
		header.shape = hasNulls | widestOffset<<offsetShift
	}
	return append(header.Append(make([]byte, 0, len(old))), body...)
}

func upgradeSeveral(rest []byte) ([]byte, error) {
	if len(rest) < offsetSize || uint64(binary.BigEndian.Uint32(rest)) != uint64(len(rest)-offsetSize) {
		return nil, fmt.Errorf("%w: its rows have another size than it says", ErrCorrupt)
	}
	var rows [][]byte
	for rest = rest[offsetSize:]; len(rest) > 0; {
		if len(rest) < offsetSize {
			return nil, fmt.Errorf("%w: %d bytes follow its rows", ErrCorrupt, len(rest))
		}
		length := binary.BigEndian.Uint32(rest)
		if rest = rest[offsetSize:]; uint64(length) > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: a row of %d bytes is in %d bytes", ErrCorrupt, length, len(rest))
		}
		old := rest[:length]
		if rest = rest[length:]; length > oldFormatAt && old[oldFormatAt] == severalFormat {
			return nil, fmt.Errorf("%w: it stands for several rows, and is one of them", ErrCorrupt)
		}
		row, err := Upgrade(old)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%w: it stands for several rows, and has none", ErrCorrupt)
	}
	return together(rows), nil
}
