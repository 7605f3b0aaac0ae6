package plainread

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// field is a column at the top of a Parquet schema.
type field struct {
	name string
	// id is the field id; 0 if it has none.
	id int
	// leaf is the position of its values among the file's leaves, or -1 if it is neither a value nor a list of values.
	leaf int
	// levels is the definition level of a value that is there. In a list, present is that of a list without elements.
	levels, present int
	isList          bool
	decode          func(*parquet.Value) cell
}

// topFields reads the schema as it lies in the footer: depth first.
func topFields(elements []format.SchemaElement) ([]*field, error) {
	if len(elements) == 0 {
		return nil, errors.New("it has no schema")
	}
	s := &schema{elements: elements[1:]}
	var fields []*field
	for range elements[0].NumChildren.V {
		if len(s.elements) == 0 {
			return nil, errors.New("its schema is cut off")
		}
		f := &field{name: s.elements[0].Name, id: int(s.elements[0].FieldID), leaf: -1}
		if err := s.walk(f, true); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// schema is what is left of it.
type schema struct {
	elements []format.SchemaElement
	leaves   int
}

// walk reads an element and what is below it. alone says that the element has no siblings below the field.
//
// Writers lay lists out in several ways and with different names ("list" and "element", "bag" and "array"). All of them
// are a chain of single children with one repeated element, so that is what counts, and names do not. A field with
// siblings below it is a struct or a map, and one with two repeated elements a list of lists. No declared type holds
// those: their leaves are counted, and the field is left without one.
func (s *schema) walk(f *field, alone bool) error {
	if len(s.elements) == 0 {
		return errors.New("its schema is cut off")
	}
	element := s.elements[0]
	s.elements = s.elements[1:]
	switch element.RepetitionType.V {
	case format.Optional:
		f.levels++
	case format.Repeated:
		alone = alone && !f.isList
		f.present, f.isList = f.levels, true
		f.levels++
	}
	if !element.NumChildren.Valid {
		if f.leaf = -1; alone {
			f.leaf, f.decode = s.leaves, decoder(element)
		}
		s.leaves++
		return nil
	}
	for range element.NumChildren.V {
		if err := s.walk(f, alone && element.NumChildren.V == 1); err != nil {
			return err
		}
	}
	return nil
}

// findField finds a column by its name, whose case does not count; nil if there is none. A column that has the very
// name is preferred, since a file may have both temp and Temp.
func findField(fields []*field, name string) (*field, error) {
	var found *field
	for _, f := range fields {
		if f.name == name || found == nil && strings.EqualFold(f.name, name) {
			found = f
		}
	}
	if found != nil && found.leaf < 0 {
		return nil, fmt.Errorf("column %q is neither a value nor a list of values", name)
	}
	return found, nil
}

// decoder reads the values of a leaf by what its schema element says of them. The logical type comes first: files often
// have the older annotation beside it, which cannot express all of it, such as times in nanoseconds.
func decoder(element format.SchemaElement) func(*parquet.Value) cell {
	switch logical := element.LogicalType.Value.(type) {
	case *format.TimestampType:
		return timestamps(logical.Unit.Value)
	case *format.IntType:
		return wholes(logical.IsSigned, int(logical.BitWidth))
	case *format.DecimalType:
		return decimals(int(logical.Scale))
	case *format.DateType:
		return func(v *parquet.Value) cell { return instantCell(int64(v.Int32()), microsPerDay) }
	case *format.UUIDType:
		return uuids
	case *format.Float16Type:
		return halves
	case *format.StringType, *format.EnumType, *format.JsonType:
		return texts
	}
	if element.ConvertedType.Valid {
		if decode := converted(element); decode != nil {
			return decode
		}
	}
	return plain(element.Type.V)
}

// converted reads by the older annotations.
func converted(element format.SchemaElement) func(*parquet.Value) cell {
	switch element.ConvertedType.V {
	case deprecated.UTF8, deprecated.Enum, deprecated.Json:
		return texts
	case deprecated.Decimal:
		return decimals(int(element.Scale.V))
	case deprecated.Date:
		return func(v *parquet.Value) cell { return instantCell(int64(v.Int32()), microsPerDay) }
	case deprecated.TimestampMillis:
		return timestamps(&format.MilliSeconds{})
	case deprecated.TimestampMicros:
		return timestamps(&format.MicroSeconds{})
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32:
		return wholes(false, 32)
	case deprecated.Uint64:
		return wholes(false, 64)
	case deprecated.Int8, deprecated.Int16, deprecated.Int32, deprecated.Int64:
		return plain(element.Type.V)
	}
	return nil
}

// plain reads what has no annotation. Bytes without one are bytes: whether they are meant as text is not guessed.
func plain(physical format.Type) func(*parquet.Value) cell {
	switch physical {
	case format.Boolean:
		return func(v *parquet.Value) cell {
			if v.Boolean() {
				return cell{kind: isBool, whole: 1}
			}
			return cell{kind: isBool}
		}
	case format.Int32:
		return func(v *parquet.Value) cell { return cell{kind: isWhole, whole: int64(v.Int32())} }
	case format.Int64:
		return func(v *parquet.Value) cell { return cell{kind: isWhole, whole: v.Int64()} }
	case format.Int96:
		return func(v *parquet.Value) cell {
			raw := v.Int96()
			return julianCell(raw[2], int64(uint64(raw[1])<<32|uint64(raw[0])))
		}
	case format.Float:
		return func(v *parquet.Value) cell {
			float := v.Float()
			return cell{kind: isFloat32, float: float64(float), whole: int64(math.Float32bits(float))}
		}
	case format.Double:
		return func(v *parquet.Value) cell { return cell{kind: isFloat64, float: v.Double()} }
	}
	return func(v *parquet.Value) cell { return cell{kind: isBytes, text: string(v.ByteArray())} }
}

func texts(v *parquet.Value) cell { return cell{kind: isText, text: string(v.ByteArray())} }

func uuids(v *parquet.Value) cell {
	id, err := uuid.FromBytes(v.ByteArray())
	if err != nil {
		return cell{kind: isBeyond, text: string(v.ByteArray())}
	}
	return cell{kind: isText, text: id.String()}
}

func timestamps(unit format.TimeUnitValue) func(*parquet.Value) cell {
	switch unit.(type) {
	case *format.NanoSeconds:
		return func(v *parquet.Value) cell { return flooredCell(v.Int64()) }
	case *format.MilliSeconds:
		return func(v *parquet.Value) cell { return instantCell(v.Int64(), nanosPerMicro) }
	}
	return func(v *parquet.Value) cell { return instantCell(v.Int64(), 1) }
}

// wholes reads whole numbers. A UINT32 is stored in a signed INT32 and fits a cell's int64. A UINT64 may not, and is
// then a decimal: whether it fits the declared type is decided by convert.
func wholes(isSigned bool, bits int) func(*parquet.Value) cell {
	return func(v *parquet.Value) cell {
		switch {
		case v.Kind() == parquet.Int32 && isSigned:
			return cell{kind: isWhole, whole: int64(v.Int32())}
		case v.Kind() == parquet.Int32:
			return cell{kind: isWhole, whole: int64(v.Uint32())}
		case !isSigned && bits == 64 && v.Int64() < 0:
			return cell{kind: isDecimal, unscaled: new(big.Int).SetUint64(v.Uint64())}
		}
		return cell{kind: isWhole, whole: v.Int64()}
	}
}

// decimals are unscaled numbers, in bytes big-endian in two's complement.
func decimals(scale int) func(*parquet.Value) cell {
	return func(v *parquet.Value) cell {
		unscaled := new(big.Int)
		switch v.Kind() {
		case parquet.Int32:
			unscaled.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			unscaled.SetInt64(v.Int64())
		default:
			raw := v.ByteArray()
			unscaled.SetBytes(raw)
			if len(raw) > 0 && raw[0]&0x80 != 0 {
				unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
			}
		}
		return cell{kind: isDecimal, unscaled: unscaled, scale: scale}
	}
}

// halves are floats of 16 bits, each of which is a FLOAT32.
func halves(v *parquet.Value) cell {
	raw := v.ByteArray()
	if len(raw) != 2 {
		return cell{kind: isBeyond, text: string(raw)}
	}
	bits := binary.LittleEndian.Uint16(raw)
	fraction, exponent := float64(bits&0x3ff), int(bits>>10&0x1f)
	var float float64
	switch exponent {
	case 0:
		float = math.Ldexp(fraction, -24)
	case 0x1f:
		if float = math.Inf(1); fraction != 0 {
			float = math.NaN()
		}
	default:
		float = math.Ldexp(fraction+0x400, exponent-25)
	}
	if bits&0x8000 != 0 {
		float = math.Copysign(float, -1)
	}
	return cell{kind: isFloat32, float: float, whole: int64(math.Float32bits(float32(float)))}
}
