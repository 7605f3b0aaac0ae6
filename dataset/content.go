package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// contentName begins what every content digest is made of, so that a digest of another definition is another one.
const contentName = "plumb content 1"

// columnDigest is the running digest of one column's values in their order. It does not depend on how the values come
// in batches: nulls and values go to digests of their own, and neither marks where a batch ends.
//
// The digest is the SHA-256 of the type's name, the number of values, and then, each as its SHA-256:
//   - the positions of the nulls, counted from 0, 8 bytes each;
//   - the values that are not null. A number or instant is as many bytes as its type has, little-endian, so that NaNs
//     and zeros keep their bits; a boolean is a byte; a text is its length in 8 bytes and its bytes; a list is its
//     length in 8 bytes, and a struct is nothing; what is none of these is the text that Arrow writes for it;
//   - of a list the elements, of a struct each of the fields, as columns of their own.
type columnDigest struct {
	typeName  string
	rows      uint64
	nullCount int64
	nulls     hash.Hash
	values    hash.Hash
	children  []*columnDigest
	// buffer is used again for each batch.
	buffer []byte
}

func newColumnDigest(t arrow.DataType) *columnDigest {
	d := &columnDigest{typeName: typeName(t), nulls: sha256.New(), values: sha256.New()}
	switch t := t.(type) {
	case *arrow.StructType:
		for _, field := range t.Fields() {
			d.children = append(d.children, newColumnDigest(field.Type))
		}
	case arrow.ListLikeType:
		d.children = []*columnDigest{newColumnDigest(t.Elem())}
	}
	return d
}

// typeName is the same for types whose values are the same, such as texts with short and with long offsets.
func typeName(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		return "text"
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType:
		return "bytes"
	case *arrow.DictionaryType:
		return typeName(t.ValueType)
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return "timestamp[" + t.Unit.String() + ", UTC]"
		}
		return "timestamp[" + t.Unit.String() + "]"
	case *arrow.StructType:
		name := "struct<"
		for _, field := range t.Fields() {
			name += fmt.Sprintf("%q: %s;", field.Name, typeName(field.Type))
		}
		return name + ">"
	case arrow.ListLikeType:
		return "list<" + typeName(t.Elem()) + ">"
	}
	return t.String()
}

// add takes the next values.
func (d *columnDigest) add(values arrow.Array) {
	d.buffer = d.buffer[:0]
	for i := range nullsOf(values) {
		d.buffer = binary.LittleEndian.AppendUint64(d.buffer, d.rows+uint64(i))
	}
	d.nulls.Write(d.buffer)
	d.nullCount += int64(values.NullN())
	d.buffer = d.buffer[:0]
	if fixed, width := fixedBytes(values); width > 0 {
		d.addFixed(values, fixed, width)
	} else {
		for from, to := range validRuns(values) {
			d.addValid(values, from, to)
		}
		d.values.Write(d.buffer)
	}
	d.rows += uint64(values.Len())
}

// fixedBytes are the bytes of numbers and instants, of width bytes each, with anything in the place of nulls. The width
// of other types is 0. Memory is little-endian on every processor that the offline engine is built for.
func fixedBytes(values arrow.Array) (fixed []byte, width int) {
	switch values.(type) {
	case *array.Int64, *array.Timestamp, *array.Float64:
		width = 8
	case *array.Int32, *array.Float32:
		width = 4
	default:
		return nil, 0
	}
	if values.Len() == 0 {
		return nil, width
	}
	data := values.Data()
	return data.Buffers()[1].Bytes()[data.Offset()*width : (data.Offset()+data.Len())*width], width
}

// addFixed takes values of width bytes each. They are not copied if none is null.
func (d *columnDigest) addFixed(values arrow.Array, fixed []byte, width int) {
	if values.NullN() == 0 {
		d.values.Write(fixed)
		return
	}
	for from, to := range validRuns(values) {
		d.buffer = append(d.buffer, fixed[from*width:to*width]...)
	}
	d.values.Write(d.buffer)
}

// nullsOf yields the positions of the nulls.
func nullsOf(values arrow.Array) iter.Seq[int] {
	bitmap := values.NullBitmapBytes()
	if values.NullN() == 0 || len(bitmap) == 0 {
		return func(func(int) bool) {}
	}
	return zerosOf(bitmap, values.Data().Offset(), values.Len())
}

// zerosOf yields the positions of the zeros in so many bits from an offset on.
func zerosOf(bitmap []byte, offset, length int) iter.Seq[int] {
	return func(yield func(at int) bool) {
		end := offset + length
		for at := offset / 8; at*8 < end; at++ {
			for zeros := ^bitmap[at]; zeros != 0; zeros &= zeros - 1 {
				bit := at*8 + bits.TrailingZeros8(zeros)
				if bit >= offset && bit < end && !yield(bit-offset) {
					return
				}
			}
		}
	}
}

// validRuns yields the stretches of values without a null, with their ends left out.
func validRuns(values arrow.Array) iter.Seq2[int, int] { return runs(values.Len(), nullsOf(values)) }

// runs yields the stretches between some positions.
func runs(length int, without iter.Seq[int]) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		from := 0
		for at := range without {
			if from < at && !yield(from, at) {
				return
			}
			from = at + 1
		}
		if from < length {
			yield(from, length)
		}
	}
}

// addValid takes values [from, to), of which none is null, and leaves in the buffer what is written of them.
func (d *columnDigest) addValid(values arrow.Array, from, to int) {
	switch values := values.(type) {
	case *array.Struct:
		for i, child := range d.children {
			d.addChild(child, values.Field(i), int64(from), int64(to))
		}
	case array.ListLike:
		for i := from; i < to; i++ {
			start, end := values.ValueOffsets(i)
			d.buffer = binary.LittleEndian.AppendUint64(d.buffer, uint64(end-start))
			d.addChild(d.children[0], values.ListValues(), start, end)
		}
	default:
		d.buffer = appendValues(d.buffer, values, from, to)
	}
}

func (d *columnDigest) addChild(child *columnDigest, values arrow.Array, from, to int64) {
	if from == to {
		return
	}
	part := array.NewSlice(values, from, to)
	child.add(part)
	part.Release()
}

// appendValues appends the bytes of values [from, to), which are not of a fixed width.
func appendValues(to []byte, values arrow.Array, start, end int) []byte {
	if values, ok := values.(*array.Boolean); ok {
		for i := start; i < end; i++ {
			bit := byte(0)
			if values.Value(i) {
				bit = 1
			}
			to = append(to, bit)
		}
		return to
	}
	for i := start; i < end; i++ {
		text := textOf(values, i)
		to = append(binary.LittleEndian.AppendUint64(to, uint64(len(text))), text...)
	}
	return to
}

// textOf is a text or bytes as they are, and of any other type, of which labels may have many, the text that Arrow has
// for the value.
func textOf(values arrow.Array, i int) string {
	switch values := values.(type) {
	case interface{ Value(int) string }:
		return values.Value(i)
	case interface{ Value(int) []byte }:
		return string(values.Value(i))
	}
	return values.ValueStr(i)
}

func (d *columnDigest) sum() [sha256.Size]byte {
	whole := sha256.New()
	fmt.Fprintf(whole, "%q %d\n", d.typeName, d.rows)
	whole.Write(d.nulls.Sum(nil))
	whole.Write(d.values.Sum(nil))
	for _, child := range d.children {
		sum := child.sum()
		whole.Write(sum[:])
	}
	return [sha256.Size]byte(whole.Sum(nil))
}

// contentDigest is the digest of a whole table: of the number of rows, and of each column's name and digest in their
// order. It is made of the columns' digests and not of the rows, so that a manifest can say which columns differ, and
// so that the whole digest can be checked against them without the file (contradicted).
func contentDigest(rows int64, columns []Column) string {
	whole := sha256.New()
	fmt.Fprintf(whole, "%s\n%d\n", contentName, rows)
	for _, column := range columns {
		fmt.Fprintf(whole, "%q %s\n", column.Name, column.Digest)
	}
	return named(whole.Sum(nil))
}

// named writes a digest with its function's name.
func named(digest []byte) string { return "sha256:" + hex.EncodeToString(digest) }
