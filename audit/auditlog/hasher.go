package auditlog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

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
		var err error
		if given, err = appendValue(append(given[:0], byte(declared)), column, row); err != nil {
			return nil, err
		}
		mac.Reset()
		mac.Write(given)
		sum = mac.Sum(sum[:0])
		builder.Append(sum)
	}
	return builder.NewBinaryArray(), nil
}

// appendValue appends the bytes of one value that is not null.
func appendValue(dst []byte, column arrow.Array, row int) ([]byte, error) {
	list, isArray := column.(*array.List)
	if !isArray {
		return value.AppendArrowBits(dst, column, row)
	}
	start, end := list.ValueOffsets(row)
	dst = binary.BigEndian.AppendUint32(dst, uint32(end-start))
	elements := list.ListValues()
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
		var err error
		if dst, err = value.AppendArrowBits(dst, elements, element); err != nil {
			return nil, err
		}
		if isText {
			binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
		}
	}
	return dst, nil
}

// columnType is the Arrow type that a file has values of a declared type in.
func columnType(declared plumbv1.Type, sensitive bool) arrow.DataType {
	if sensitive {
		return arrow.BinaryTypes.Binary
	}
	return value.ArrowType(declared)
}
