package plumb

import plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"

// Key is a column of entity keys, one for each row.
type Key struct{ column *plumbv1.KeyColumn }

// KeyType are the Go types of join keys. A key is of the declared type, exactly (R9).
type KeyType interface {
	bool | int32 | int64 | string | []byte
}

// NewKey returns the column of the name with a key for each row.
func NewKey[T KeyType](name string, values ...T) Key { return keyOf(name, values, nil) }

// NewNullableKey is like [NewKey], but allows null keys, given as nil. A null key matches nothing (R8).
func NewNullableKey[T KeyType](name string, values ...*T) Key {
	keys, nulls := fromPointers(values)
	return keyOf(name, keys, nulls)
}

func keyOf[T KeyType](name string, values []T, nulls []byte) Key {
	var packed *plumbv1.Values
	switch values := any(values).(type) {
	case []bool:
		packed = pack(values)
	case []int32:
		packed = pack(values)
	case []int64:
		packed = pack(values)
	case []string:
		packed = pack(values)
	case [][]byte:
		packed = pack(values)
	}
	return Key{&plumbv1.KeyColumn{Name: name, Values: packed, Nulls: nulls}}
}

func keyColumns(keys []Key) []*plumbv1.KeyColumn {
	columns := make([]*plumbv1.KeyColumn, len(keys))
	for i, key := range keys {
		columns[i] = key.column
	}
	return columns
}
