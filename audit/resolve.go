package audit

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// hashedKey is a label column of which the log has hashes. What they were made of is found among the keys that the
// sources have: these are hashed too, and compared.
type hashedKey struct {
	declared plumbv1.Type
	// places has, for each hash that is logged, the position of its key in found; -1 until one is.
	places map[string]int
	found  array.Builder
	keys   arrow.Array
}

func newHashedKey(declared plumbv1.Type) *hashedKey {
	return &hashedKey{declared: declared, places: map[string]int{},
		found: array.NewBuilder(memory.DefaultAllocator, value.ArrowType(declared))}
}

// expect takes the hashes of a batch.
func (k *hashedKey) expect(column arrow.Array) error {
	hashes, ok := column.(*array.Binary)
	if !ok {
		return fmt.Errorf("hashes are of type %s", column.DataType())
	}
	for row := range hashes.Len() {
		if hashes.IsNull(row) {
			continue
		}
		if _, known := k.places[string(hashes.Value(row))]; !known {
			k.places[string(hashes.Value(row))] = -1
		}
	}
	return nil
}

// offer takes keys of a source, and keeps those that are expected.
func (k *hashedKey) offer(hasher *auditlog.Hasher, keys arrow.Array) error {
	hashes, err := hasher.Hash(k.declared, keys)
	if err != nil {
		return err
	}
	defer hashes.Release()
	for row := range hashes.Len() {
		if hashes.IsNull(row) {
			continue
		}
		if place, expected := k.places[string(hashes.Value(row))]; !expected || place >= 0 {
			continue
		}
		k.places[string(hashes.Value(row))] = k.found.Len()
		if err := appendKey(k.found, keys, row); err != nil {
			return err
		}
	}
	return nil
}

// settle ends the search.
func (k *hashedKey) settle() { k.keys = k.found.NewArray() }

// place is the position of the key that a hash was made of; false if it is null or no key has it.
func (k *hashedKey) place(column arrow.Array, row int) (int, bool) {
	hashes, ok := column.(*array.Binary)
	if !ok || hashes.IsNull(row) {
		return 0, false
	}
	place := k.places[string(hashes.Value(row))]
	return place, place >= 0
}

// appendTo appends the key that a hash was made of, and null if that is not known.
func (k *hashedKey) appendTo(builder array.Builder, column arrow.Array, row int) error {
	if place, ok := k.place(column, row); ok {
		return appendKey(builder, k.keys, place)
	}
	builder.AppendNull()
	return nil
}

// resolve offers all keys that a view's source has. The newest rows of a window without bounds are one row for each
// key, so every key is hashed once, however many rows it has.
func resolve(ctx context.Context, engine offline.Store, hasher *auditlog.Hasher, view *feature.View,
	keys map[int]*hashedKey,
) error {
	if view.Aggregated != nil {
		view = view.Aggregated.Events
	}
	request := offline.NewestRequest{
		View: view, Window: offline.Window{End: math.MaxInt64}, MaxFailed: math.MaxInt64,
	}
	_, err := engine.Newest(ctx, request, func(batch arrow.RecordBatch) error {
		for at, key := range keys {
			if err := key.offer(hasher, batch.Column(at)); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
