package postgres

import (
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgtype"
)

// columnsOf are columns of these types.
func columnsOf(t testing.TB, oids ...uint32) (columns []column, fields []arrow.Field) {
	t.Helper()
	for _, oid := range oids {
		modifier := int32(-1)
		if oid == oidNumeric {
			modifier = 10<<16 | 2 + 4
		}
		k, ok := kindOf(oid, modifier)
		if !ok {
			t.Fatalf("type %d is not pulled", oid)
		}
		columns = append(columns, column{name: "x", oid: oid, kind: k})
		fields = append(fields, arrow.Field{Name: "x", Type: k.stored, Nullable: true})
	}
	return columns, fields
}

// decode decodes data that comes in pieces of a size, and returns how many rows there were.
func decode(t testing.TB, data []byte, size int, oids ...uint32) (rows int64, err error) {
	t.Helper()
	columns, fields := columnsOf(t, oids...)
	d := newDecoder(columns, fields, func(batch arrow.RecordBatch) error {
		rows += batch.NumRows()
		return nil
	})
	defer d.release()
	for piece := range slices.Chunk(data, size) {
		if _, err := d.Write(piece); err != nil {
			return rows, err
		}
	}
	err = d.end()
	return rows, err
}

var header = append(slices.Clone(signature), make([]byte, 8)...)

// row is one of these values; nil is null.
func row(values ...[]byte) []byte {
	data := binary.BigEndian.AppendUint16(nil, uint16(len(values)))
	for _, value := range values {
		if value == nil {
			data = append(data, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(value))), value...)
	}
	return data
}

var trailer = []byte{0xff, 0xff}

func copyData(rows ...[]byte) []byte { return slices.Concat(header, slices.Concat(rows...), trailer) }

func numbers(values ...uint32) (data []byte) {
	for _, value := range values {
		data = binary.BigEndian.AppendUint32(data, value)
	}
	return data
}

func TestDataMayBeCutAnywhere(t *testing.T) {
	data := copyData(row(numbers(1), []byte("a")), row(nil, nil), row(numbers(2), []byte("")))
	for size := 1; size <= len(data); size++ {
		if rows, err := decode(t, data, size, pgtype.Int4OID, pgtype.TextOID); rows != 3 || err != nil {
			t.Fatalf("in pieces of %d bytes: %d rows, %v", size, rows, err)
		}
	}
	for end := range data {
		if _, err := decode(t, data[:end], max(end, 1), pgtype.Int4OID, pgtype.TextOID); !errors.Is(err, errCut) {
			t.Errorf("cut after %d bytes: %v", end, err)
		}
	}
}

func TestWhatIsNoCopyDataIsRefused(t *testing.T) {
	flags := slices.Clone(header)
	flags[12] = 1
	extension := slices.Clone(header)
	copy(extension[15:], numbers(0xffffffff))
	array := func(values ...uint32) []byte { return copyData(row(numbers(values...))) }
	numeric := func(values ...uint16) []byte {
		var data []byte
		for _, value := range values {
			data = binary.BigEndian.AppendUint16(data, value)
		}
		return copyData(row(data))
	}
	for _, test := range []struct {
		name string
		data []byte
		oid  uint32
		want string
	}{
		{"text", []byte("id,at\n1,2"), pgtype.Int4OID, "no binary COPY data"},
		{"flags", flags, pgtype.Int4OID, "flags 00010000"},
		{"a long header", extension, pgtype.Int4OID, "4294967295 more bytes"},
		{"too few columns", copyData(row()), pgtype.Int4OID, "row 1 has 0 columns, and the query 1"},
		{"too many columns", copyData(row(nil, nil)), pgtype.Int4OID, "row 1 has 2 columns, and the query 1"},
		{"a negative count", slices.Concat(header, []byte{0xff, 0xfe}), pgtype.Int4OID, "row 1 has -2 columns"},
		{"a negative length", slices.Concat(header, []byte{0, 1, 0xff, 0xff, 0xff, 0xfe}), pgtype.Int4OID, "of -2 bytes"},
		{"a great length", slices.Concat(header, []byte{0, 1, 0x7f, 0xff, 0xff, 0xff}), pgtype.Int4OID, "2147483647 bytes"},
		{"more after the end", slices.Concat(copyData(), row(nil)), pgtype.Int4OID, "more after the end"},
		{"a short integer", copyData(row([]byte{1})), pgtype.Int4OID, "has 1 bytes, and values of its type have 4"},
		{"a long boolean", copyData(row([]byte{1, 1})), pgtype.BoolOID, "has 2 bytes"},
		{"a short date", copyData(row([]byte{1})), oidDate, "has 1 bytes"},
		{"no UTF-8", copyData(row([]byte{0xff})), pgtype.TextOID, "not UTF-8"},
		{"an array of nothing", copyData(row([]byte{})), pgtype.Int4ArrayOID, "cut off"},
		{"an array without its size", array(1, 0, pgtype.Int4OID), pgtype.Int4ArrayOID, "cut off"},
		{"an array of others", array(1, 0, pgtype.Int8OID, 0, 1), pgtype.Int4ArrayOID, "elements of type 20"},
		{"an array of many", array(1, 0, pgtype.Int4OID, 0x7fffffff, 1, 4, 1), pgtype.Int4ArrayOID, "2147483647 elements"},
		{"an array of less than none", array(1, 0, pgtype.Int4OID, 0xffffffff, 1), pgtype.Int4ArrayOID, "-1 elements"},
		{"an array with a rest", array(1, 0, pgtype.Int4OID, 1, 1, 4, 1, 9), pgtype.Int4ArrayOID, "more bytes than elements"},
		{"an empty array with a rest", array(0, 0, pgtype.Int4OID, 1), pgtype.Int4ArrayOID, "more bytes than elements"},
		{"a long element", array(1, 0, pgtype.Int4OID, 1, 1, 5, 1), pgtype.Int4ArrayOID, "an element speaks of 5 bytes"},
		{"a short number", copyData(row([]byte{1})), oidNumeric, "cut off"},
		{"a number without digits", numeric(2, 0, 0, 0, 1), oidNumeric, "speaks of 2 digits"},
		{"a number with a large digit", numeric(1, 0, 0, 0, 10_000), oidNumeric, "the digit 10000"},
		{"a number with another sign", numeric(1, 0, 1, 0, 1), oidNumeric, "the sign 0001"},
		{"a large number", numeric(1, 2, 0, 0, 1), oidNumeric, "does not fit into 10 digits"},
		{"a number of great weight", numeric(1, 0x7fff, 0, 0, 1), oidNumeric, "does not fit into 10 digits"},
		{"a fine number", numeric(1, 0xffff, 0, 0, 1), oidNumeric, "more digits after the point"},
		{"infinity", numeric(0, 0, infinity, 0), oidNumeric, "no finite number"},
	} {
		if _, err := decode(t, test.data, len(test.data), test.oid); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// everyType is a type of each kind.
var everyType = []uint32{
	pgtype.BoolOID, pgtype.Int2OID, pgtype.Int8OID, pgtype.Float4OID, pgtype.TextOID, pgtype.UUIDOID, pgtype.ByteaOID,
	oidTimestampTZ, oidDate, oidNumeric, pgtype.Int4ArrayOID, pgtype.TextArrayOID,
}

// FuzzCopy decodes anything as rows of every type: it neither panics, nor asks for more memory than there is data for.
func FuzzCopy(f *testing.F) {
	f.Add(copyData(row(numbers(1))), byte(1))
	f.Add(copyData(row(numbers(1, 0, pgtype.Int4OID, 2, 1, 4, 1, 4, 2))), byte(10))
	f.Add(copyData(row(numbers(0x00010000, 0, 1))), byte(9))
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		used := allocated(func() {
			_, _ = decode(t, data, max(len(data), 1), everyType[int(kind)%len(everyType)])
		})
		if used > 1<<20+uint64(100*len(data)) {
			t.Errorf("%d bytes are asked for of %d", used, len(data))
		}
	})
}

// allocated is how many bytes a function asks for.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
