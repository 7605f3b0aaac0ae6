package auditlog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Algorithm is how a Hasher hashes.
const Algorithm = "HMAC-SHA256"

// Hasher makes keyed hashes of sensitive values. Equal values of one type have equal hashes, so anyone with the key can
// follow entities and compare values. Without the key, the hashes reveal nothing of the values. A Hasher is immutable
// and safe for concurrent use.
//
// What is hashed is the type's number in one byte and the value: BOOL as one byte, numbers and TIMESTAMP big-endian,
// floats by their bits, STRING and BYTES as they are. An array is 4 bytes with the number of elements, and for each a
// byte that is 0 if it is null and otherwise 1, with the element after it, which begins with its length in 4 bytes if
// it is STRING or BYTES.
type Hasher struct {
	key []byte
	id  string
}

// NewHasher returns a hasher with a key, or nil if there is none.
func NewHasher(key string) *Hasher {
	if key == "" {
		return nil
	}
	h := &Hasher{key: []byte(key)}
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte("plumb audit log key"))
	h.id = hex.EncodeToString(mac.Sum(nil)[:8])
	return h
}

// KeyID distinguishes keys without revealing them.
func (h *Hasher) KeyID() string { return h.id }

// Hash returns the hash of each value of a column of a declared type. A null stays null. A column in another Arrow type
// than that of the declared one (value.ArrowType) is an error.
func (h *Hasher) Hash(declared plumbv1.Type, column arrow.Array) (*array.Binary, error) {
	if !arrow.TypeEqual(column.DataType(), value.ArrowType(declared)) {
		return nil, fmt.Errorf("values of type %s cannot be hashed as %s", column.DataType(), declared)
	}
	builder := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer builder.Release()
	builder.Reserve(column.Len())
	mac := hmac.New(sha256.New, h.key)
	var given, sum []byte
	for row := range column.Len() {
		if column.IsNull(row) {
			builder.AppendNull()
			continue
		}
		given = appendValue(append(given[:0], byte(declared)), column, row)
		mac.Reset()
		mac.Write(given)
		sum = mac.Sum(sum[:0])
		builder.Append(sum)
	}
	return builder.NewBinaryArray(), nil
}

// appendValue appends the bytes of one value that is not null.
func appendValue(dst []byte, column arrow.Array, row int) []byte {
	switch column := column.(type) {
	case *array.Boolean:
		if column.Value(row) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case *array.Int32:
		return binary.BigEndian.AppendUint32(dst, uint32(column.Value(row)))
	case *array.Int64:
		return binary.BigEndian.AppendUint64(dst, uint64(column.Value(row)))
	case *array.Float32:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(column.Value(row)))
	case *array.Float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(column.Value(row)))
	case *array.Timestamp:
		return binary.BigEndian.AppendUint64(dst, uint64(column.Value(row)))
	case *array.String:
		return append(dst, column.Value(row)...)
	case *array.Binary:
		return append(dst, column.Value(row)...)
	case *array.List:
		return appendArray(dst, column, row)
	}
	return dst
}

func appendArray(dst []byte, column *array.List, row int) []byte {
	start, end := column.ValueOffsets(row)
	dst = binary.BigEndian.AppendUint32(dst, uint32(end-start))
	elements := column.ListValues()
	_, isText := elements.(array.BinaryLike)
	for element := int(start); element < int(end); element++ {
		if elements.IsNull(element) {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		at := len(dst)
		if isText {
			dst = append(dst, 0, 0, 0, 0)
		}
		dst = appendValue(dst, elements, element)
		if isText {
			binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
		}
	}
	return dst
}

// columnType is the Arrow type that a file has values of a declared type in.
func columnType(declared plumbv1.Type, sensitive bool) arrow.DataType {
	if sensitive {
		return arrow.BinaryTypes.Binary
	}
	return value.ArrowType(declared)
}
