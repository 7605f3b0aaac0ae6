package packed

import (
	"math"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The stored row of an entity of a view of the kind feature.Windows has one field, of BYTES: the state of the entity
// as windows.Builder writes it. Its event time is the instant through which the state is complete, and its created
// time lies as many microseconds after that as the number of the build says, so that of two states the one that is
// complete longer wins, and then that of the later build (R14).

// StateSchema is the layout of such rows under a schema id.
func StateSchema(id uint32) feature.Schema {
	return feature.Schema{ID: id, Fields: []feature.Field{{Name: "state", Type: plumbv1.Type_BYTES}}}
}

// StateRow begins the row of a state that is complete through an instant and was made by a build of that number.
func StateRow(through feature.Instant, build int64, schema uint32, origin Origin) Header {
	h := NewHeader(through, nil, schema, origin)
	h.created = feature.Instant(math.MaxInt64)
	if through <= math.MaxInt64-feature.Instant(build) {
		h.created = through + feature.Instant(build)
	}
	return h
}

// AppendState appends the row of a state. A state that is too long is a *fault.InputError; dst is then returned as it
// was.
func (h Header) AppendState(dst, state []byte) ([]byte, error) {
	if len(state) > MaxRowSize-64 {
		return dst, fault.Inputf("state", "takes %d bytes, more than the %d that can be stored; shorten the windows, or "+
			"give them longer hops", len(state), MaxRowSize-64)
	}
	width := byte(widestOffset)
	switch {
	case len(state) <= math.MaxUint8:
		width = 0
	case len(state) <= math.MaxUint16:
		width = 1
	}
	h.shape = width << offsetShift
	dst = appendBytes(h.Append(dst), uint64(len(state)), 1<<width)
	return append(dst, state...), nil
}
