package packed

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// An entity key is a version byte, then for each join key in the view's order one tag byte, the number of its
// plumb.v1.Type, and the value: STRING and BYTES as an unsigned varint of their length and their bytes, INT32 and
// INT64 as 4 and 8 bytes big-endian in two's complement, BOOL as 0 or 1. Every part says how long it is, so different
// keys have different bytes: (1, 11) and (11, 1), "a" and "a\x00", ("ab", "c") and ("a", "bc") (R9). The key of an
// entity-less view (R12) is the version byte alone.
//
// The bytes are durable: keyVersion changes whenever they do.
const keyVersion = 1

// KeyEncoder turns the join key columns of a view into entity keys.
type KeyEncoder struct {
	fields  []feature.Field
	columns []arrow.Array
}

// NewKeyEncoder makes an encoder for join keys in the view's order. It is not safe for concurrent use.
func NewKeyEncoder(fields []feature.Field) *KeyEncoder { return &KeyEncoder{fields: fields} }

// Bind makes the encoder read these columns, one for each join key, until the next Bind. They must have the Arrow type
// of their declared type (ArrowType) and no nulls, since a row with a null key is never stored (R8).
func (e *KeyEncoder) Bind(columns []arrow.Array) error {
	if err := e.BindNullable(columns); err != nil {
		return err
	}
	for i, field := range e.fields {
		if n := columns[i].NullN(); n > 0 {
			return fmt.Errorf("join key %q: %d of %d rows are null and cannot be stored", field.Name, n, columns[i].Len())
		}
	}
	return nil
}

// BindNullable is Bind for columns that may have nulls. AppendKey must not be called for a row with one.
func (e *KeyEncoder) BindNullable(columns []arrow.Array) error {
	if err := checkColumns(e.fields, columns); err != nil {
		return err
	}
	for _, field := range e.fields {
		if !joinKeyType(field.Type) {
			return fmt.Errorf("join key %q: %s cannot be a join key", field.Name, field.Type)
		}
	}
	e.columns = columns
	return nil
}

// AppendKey appends the key of a row of the bound columns.
func (e *KeyEncoder) AppendKey(dst []byte, row int) []byte {
	dst = append(dst, keyVersion)
	for i, column := range e.columns {
		dst = appendArrowKey(append(dst, byte(e.fields[i].Type)), column, row)
	}
	return dst
}

func appendArrowKey(dst []byte, column arrow.Array, row int) []byte {
	switch column := column.(type) {
	case *array.Boolean:
		return appendBool(dst, column.Value(row))
	case *array.Int32:
		return binary.BigEndian.AppendUint32(dst, uint32(column.Value(row)))
	case *array.Int64:
		return binary.BigEndian.AppendUint64(dst, uint64(column.Value(row)))
	case *array.String:
		return appendText(dst, column.Value(row))
	case *array.Binary:
		return appendText(dst, column.Value(row))
	}
	return dst
}

// AppendWireKey appends the key of a row of a request. positions are those of the view's join keys among the columns,
// which have been checked: each has a value of its declared type in that row.
func AppendWireKey(dst []byte, columns []*plumbv1.KeyColumn, positions []int, row int) []byte {
	dst = append(dst, keyVersion)
	for _, position := range positions {
		dst = appendWireKey(dst, columns[position].GetValues(), row)
	}
	return dst
}

// appendWireKey appends one join key out of a column of a request.
func appendWireKey(dst []byte, values *plumbv1.Values, row int) []byte {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return appendBool(append(dst, byte(plumbv1.Type_BOOL)), kind.Bools.GetValues()[row])
	case *plumbv1.Values_Int32S:
		return binary.BigEndian.AppendUint32(append(dst, byte(plumbv1.Type_INT32)), uint32(kind.Int32S.GetValues()[row]))
	case *plumbv1.Values_Int64S:
		return binary.BigEndian.AppendUint64(append(dst, byte(plumbv1.Type_INT64)), uint64(kind.Int64S.GetValues()[row]))
	case *plumbv1.Values_Strings:
		return appendText(append(dst, byte(plumbv1.Type_STRING)), kind.Strings.GetValues()[row])
	case *plumbv1.Values_Bytes:
		return appendText(append(dst, byte(plumbv1.Type_BYTES)), kind.Bytes.GetValues()[row])
	}
	return dst
}

func appendText[T string | []byte](dst []byte, text T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func joinKeyType(t plumbv1.Type) bool {
	switch t {
	case plumbv1.Type_STRING, plumbv1.Type_BYTES, plumbv1.Type_BOOL, plumbv1.Type_INT32, plumbv1.Type_INT64:
		return true
	}
	return false
}

// checkColumns holds columns against what is declared.
func checkColumns(fields []feature.Field, columns []arrow.Array) error {
	if len(columns) != len(fields) {
		return fmt.Errorf("%d columns were given for %d fields", len(columns), len(fields))
	}
	for i, field := range fields {
		if have, want := columns[i].DataType(), value.ArrowType(field.Type); !exchangeable(have, want) {
			return fmt.Errorf("column %q: is %s where %s is wanted", field.Name, have, want)
		}
		if columns[i].Len() != columns[0].Len() {
			return fmt.Errorf("column %q: has %d rows where %q has %d", field.Name, columns[i].Len(), fields[0].Name,
				columns[0].Len())
		}
	}
	return nil
}

// exchangeable says whether columns of the two types hold the same values in the same way: an engine's name for UTC,
// or for the elements of a list, makes no difference.
func exchangeable(have, want arrow.DataType) bool {
	if have.ID() != want.ID() {
		return false
	}
	switch have := have.(type) {
	case *arrow.TimestampType:
		return have.Unit == want.(*arrow.TimestampType).Unit
	case *arrow.ListType:
		return exchangeable(have.Elem(), want.(*arrow.ListType).Elem())
	}
	return want.ID() != arrow.NULL
}
