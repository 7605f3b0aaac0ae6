package audit

import (
	"encoding/hex"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/internal/value"
)

// shownValue is a value as documents have it.
func shownValue(column arrow.Array, row int) any {
	shown, err := value.At(column, row)
	if err != nil {
		return column.ValueStr(row)
	}
	return value.JSON(shown)
}

// shownHash is how the hash of a sensitive value is shown.
func shownHash(column arrow.Array, row int) any {
	hashes, ok := column.(*array.Binary)
	if !ok || hashes.IsNull(row) {
		return nil
	}
	return "hash " + hex.EncodeToString(hashes.Value(row)[:min(8, hashes.ValueLen(row))])
}

// appendKey copies a join key.
func appendKey(to array.Builder, from arrow.Array, row int) error {
	key, err := value.At(from, row)
	if err != nil {
		return err
	}
	return value.Append(to, key)
}
