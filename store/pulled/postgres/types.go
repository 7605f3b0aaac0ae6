package postgres

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgtype"
)

// kind is how values of a type are stored, and how one is added to a builder of that type.
type kind struct {
	stored arrow.DataType
	add    func(builder array.Builder, data []byte) error
}

// Types whose numbers are used elsewhere.
const (
	oidTimestamp      = pgtype.TimestampOID
	oidTimestampTZ    = pgtype.TimestamptzOID
	oidTimestampArray = pgtype.TimestampArrayOID
	oidDate           = pgtype.DateOID
	oidNumeric        = pgtype.NumericOID
	oidNumericArray   = pgtype.NumericArrayOID
)

// plain are the types whose values are stored as they are.
var plain = map[uint32]kind{
	pgtype.BoolOID:    {arrow.FixedWidthTypes.Boolean, addBool},
	pgtype.Int2OID:    {arrow.PrimitiveTypes.Int16, addInt2},
	pgtype.Int4OID:    {arrow.PrimitiveTypes.Int32, addInt4},
	pgtype.Int8OID:    {arrow.PrimitiveTypes.Int64, addInt8},
	pgtype.Float4OID:  {arrow.PrimitiveTypes.Float32, addFloat4},
	pgtype.Float8OID:  {arrow.PrimitiveTypes.Float64, addFloat8},
	pgtype.TextOID:    {arrow.BinaryTypes.String, addText},
	pgtype.VarcharOID: {arrow.BinaryTypes.String, addText},
	pgtype.UUIDOID:    {arrow.BinaryTypes.String, addUUID},
	pgtype.ByteaOID:   {arrow.BinaryTypes.Binary, addBytes},
	oidTimestampTZ:    {&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, addTimestamp},
	oidTimestamp:      {&arrow.TimestampType{Unit: arrow.Microsecond}, addTimestamp},
	oidDate:           {arrow.FixedWidthTypes.Date32, addDate},
}

// elements are the types of the elements of array types.
var elements = map[uint32]uint32{
	pgtype.BoolArrayOID: pgtype.BoolOID, pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int4ArrayOID: pgtype.Int4OID,
	pgtype.Int8ArrayOID: pgtype.Int8OID, pgtype.Float4ArrayOID: pgtype.Float4OID, pgtype.Float8ArrayOID: pgtype.Float8OID,
	pgtype.TextArrayOID: pgtype.TextOID, pgtype.VarcharArrayOID: pgtype.VarcharOID, pgtype.UUIDArrayOID: pgtype.UUIDOID,
	pgtype.ByteaArrayOID: pgtype.ByteaOID, pgtype.TimestamptzArrayOID: oidTimestampTZ, oidTimestampArray: oidTimestamp,
	pgtype.DateArrayOID: oidDate,
}

// kindOf finds how a column is stored; false if values of its type are not pulled.
func kindOf(oid uint32, modifier int32) (kind, bool) {
	if oid == oidNumeric {
		return numericKind(modifier)
	}
	if element, ok := elements[oid]; ok {
		inner := plain[element]
		return kind{arrow.ListOf(inner.stored), addArray(element, inner)}, true
	}
	found, ok := plain[oid]
	return found, ok
}

// sized wants a value of some bytes.
func sized(data []byte, size int) error {
	if len(data) != size {
		return fmt.Errorf("it has %d bytes, and values of its type have %d", len(data), size)
	}
	return nil
}

func addBool(builder array.Builder, data []byte) error {
	if err := sized(data, 1); err != nil {
		return err
	}
	builder.(*array.BooleanBuilder).Append(data[0] != 0)
	return nil
}

func addInt2(builder array.Builder, data []byte) error {
	if err := sized(data, 2); err != nil {
		return err
	}
	builder.(*array.Int16Builder).Append(int16(bigEndian.Uint16(data)))
	return nil
}

func addInt4(builder array.Builder, data []byte) error {
	if err := sized(data, 4); err != nil {
		return err
	}
	builder.(*array.Int32Builder).Append(int32(bigEndian.Uint32(data)))
	return nil
}

func addInt8(builder array.Builder, data []byte) error {
	if err := sized(data, 8); err != nil {
		return err
	}
	builder.(*array.Int64Builder).Append(int64(bigEndian.Uint64(data)))
	return nil
}

func addFloat4(builder array.Builder, data []byte) error {
	if err := sized(data, 4); err != nil {
		return err
	}
	builder.(*array.Float32Builder).Append(math.Float32frombits(bigEndian.Uint32(data)))
	return nil
}

func addFloat8(builder array.Builder, data []byte) error {
	if err := sized(data, 8); err != nil {
		return err
	}
	builder.(*array.Float64Builder).Append(math.Float64frombits(bigEndian.Uint64(data)))
	return nil
}

// addText wants UTF-8: databases with the encoding SQL_ASCII hold any bytes.
func addText(builder array.Builder, data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("the text is not UTF-8; make it bytea, or convert it with convert_from")
	}
	builder.(*array.StringBuilder).Append(string(data))
	return nil
}

func addUUID(builder array.Builder, data []byte) error {
	if err := sized(data, 16); err != nil {
		return err
	}
	digits := hex.EncodeToString(data)
	builder.(*array.StringBuilder).Append(digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] +
		"-" + digits[20:])
	return nil
}

func addBytes(builder array.Builder, data []byte) error {
	builder.(*array.BinaryBuilder).Append(data)
	return nil
}

// errInfinite and errFar are said of times that are no instants (R1).
var (
	errInfinite = errors.New("the time is infinite, which is no instant; leave the row out in the query, or make it null")
	errFar      = errors.New("the time is beyond what microseconds since 1970 can count")
)

func addTimestamp(builder array.Builder, data []byte) error {
	if err := sized(data, 8); err != nil {
		return err
	}
	at := int64(bigEndian.Uint64(data))
	switch {
	case at == math.MaxInt64 || at == math.MinInt64:
		return errInfinite
	// The greatest number means infinity to readers of files.
	case at >= math.MaxInt64-epoch:
		return errFar
	}
	builder.(*array.TimestampBuilder).Append(arrow.Timestamp(at + epoch))
	return nil
}

// farthest is how many days after 1970 a date may be, or before, so that its midnight is an instant.
const farthest = math.MaxInt64/dayMicroseconds - 1

const dayMicroseconds = 24 * 60 * 60 * 1_000_000

func addDate(builder array.Builder, data []byte) error {
	if err := sized(data, 4); err != nil {
		return err
	}
	at := int64(int32(bigEndian.Uint32(data)))
	switch {
	case at == math.MaxInt32 || at == math.MinInt32:
		return errInfinite
	case max(at+epochDays, -at-epochDays) > farthest:
		return errFar
	}
	builder.(*array.Date32Builder).Append(arrow.Date32(at + epochDays))
	return nil
}

// addArray returns how arrays are added: those with one dimension, and empty ones, which have none.
func addArray(oid uint32, element kind) func(array.Builder, []byte) error {
	return func(builder array.Builder, data []byte) error {
		const fixed, dimension = 12, 8
		if len(data) < fixed {
			return errors.New("the array is cut off")
		}
		dimensions, got := bigEndian.Uint32(data), bigEndian.Uint32(data[8:])
		if got != oid {
			return fmt.Errorf("the array has elements of type %d, and not of type %d", got, oid)
		}
		list := builder.(*array.ListBuilder)
		if data = data[fixed:]; dimensions == 0 {
			if len(data) > 0 {
				return errors.New("the array has more bytes than elements")
			}
			list.Append(true)
			return nil
		}
		if dimensions != 1 {
			return fmt.Errorf("the array has %d dimensions; arrays of one are pulled", dimensions)
		}
		if len(data) < dimension {
			return errors.New("the array is cut off")
		}
		list.Append(true)
		return addElements(list.ValueBuilder(), element, int64(int32(bigEndian.Uint32(data))), data[dimension:])
	}
}

func addElements(builder array.Builder, element kind, count int64, data []byte) error {
	if count < 0 || count > int64(len(data)/4) {
		return fmt.Errorf("the array speaks of %d elements, and has %d bytes", count, len(data))
	}
	for range count {
		if len(data) < 4 {
			return errors.New("the array is cut off")
		}
		length := int64(int32(bigEndian.Uint32(data)))
		data = data[4:]
		switch {
		case length == -1:
			builder.AppendNull()
			continue
		case length < 0 || length > int64(len(data)):
			return fmt.Errorf("an element speaks of %d bytes", length)
		}
		if err := element.add(builder, data[:length]); err != nil {
			return fmt.Errorf("an element: %w", err)
		}
		data = data[length:]
	}
	if len(data) > 0 {
		return errors.New("the array has more bytes than elements")
	}
	return nil
}
