package lookup

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// Reply is the answer to one look-up. It has two forms, which are written when they are asked for: the bytes of a
// plumb.v1.GetOnlineFeaturesResponse (Wire) and JSON (AppendJSON). A caller that needs the message decodes it from the
// bytes.
//
// A reply is released once it is not needed any more, and its memory then serves another one.
type Reply struct {
	rows       rows
	columns    columns
	provenance []*plumbv1.ViewProvenance
	computed   []*plumbv1.ComputedProvenance
	revision   int64
	wire       message
	// written says that wire is.
	written bool
}

// Get answers with one column for each output of the selection, in its order, each with one row for each row of keys,
// in their order. What is wrong with the keys is reported at once, as joined *fault.InputError that name the
// columns. The store is read once.
func (l *Lookup) Get(ctx context.Context, store online.Reader, request Request) ([]*plumbv1.FeatureColumn, error) {
	reply, err := l.Reply(ctx, store, request)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	message, err := reply.Message()
	return message.GetColumns(), err
}

// Reply is Get for callers that send the answer on. The caller releases it.
func (l *Lookup) Reply(ctx context.Context, store online.Reader, request Request) (*Reply, error) {
	reply, err := l.find(ctx, store, request)
	if err != nil {
		return nil, err
	}
	if err := reply.columns.take(&reply.rows, request.EventTimestamps); err != nil {
		reply.Release()
		return nil, err
	}
	reply.revision = request.Revision
	if !request.Provenance {
		return reply, nil
	}
	if reply.provenance, err = reply.rows.provenance(); err != nil {
		reply.Release()
		return nil, err
	}
	reply.computed = l.computed()
	return reply, nil
}

// Seen is what a look-up saw of one use of a feature view, or computed for one use of an on-demand view.
type Seen struct {
	// Newest is the newest event time of the visible rows; the earliest instant if there are none.
	Newest feature.Instant
	// Values counts the values that were asked for, by Status.
	Values [statusCount]int
}

const statusCount = int(plumbv1.Status_INVALID) + 1

// Wire is the message. It is valid until Release.
func (r *Reply) Wire() ([]byte, error) {
	if !r.written {
		if err := r.wire.write(r, r.columns.asked(&r.rows)); err != nil {
			return nil, err
		}
		r.written = true
	}
	return r.wire.written(), nil
}

// WithReads is the message as Wire has it, with more columns after the outputs: those stored columns that computations
// alone have read, by view and feature as feature.Selection.Reads has them, under names such as risk__spend__mean_30d.
// It may be kept.
func (r *Reply) WithReads() ([]byte, error) {
	if len(r.columns.all) == r.rows.lookup.asked {
		wire, err := r.Wire()
		return bytes.Clone(wire), err
	}
	var all message
	if err := all.write(r, r.columns.all); err != nil {
		return nil, err
	}
	return all.written(), nil
}

// Message is the reply as a message of its own, which stays valid.
func (r *Reply) Message() (*plumbv1.GetOnlineFeaturesResponse, error) {
	wire, err := r.Wire()
	if err != nil {
		return nil, err
	}
	message := new(plumbv1.GetOnlineFeaturesResponse)
	if err := proto.Unmarshal(wire, message); err != nil {
		return nil, fmt.Errorf("read the reply of a look-up: %w", err)
	}
	return message, nil
}

// Seen is what was seen of each of Lookup.Uses. It is valid until Release.
func (r *Reply) Seen() []Seen { return r.rows.seen }

// Rows is the number of rows of keys.
func (r *Reply) Rows() int { return r.rows.count }

// Revision is that of the request.
func (r *Reply) Revision() int64 { return r.revision }

// Provenance says where the rows come from, with one message for each use of a feature view, in the order of
// Lookup.Uses; nil unless the request asks for it. It stays valid.
func (r *Reply) Provenance() []*plumbv1.ViewProvenance { return r.provenance }

// Computed says what computes the values of on-demand views, with one message for each use of one; nil unless the
// request asks for provenance. It stays valid, and is not to be changed.
func (r *Reply) Computed() []*plumbv1.ComputedProvenance { return r.computed }

// StoredRow is what is known of a stored row besides its values. The zero value says that there is none.
type StoredRow struct {
	Found bool
	// Event may lie after the instant that was asked for: then the row is not visible (R2), and the outputs are NOT_FOUND.
	Event feature.Instant
	// Created is nil if it is null.
	Created  *feature.Instant
	SchemaID uint32
	Origin   packed.Origin
}

// At is the instant that visibility and ttl were evaluated at (R2).
func (r *Reply) At() feature.Instant { return r.rows.at }

// Stored is what the store had for each use of a feature view and each row of keys, at use*Rows+row. It stays valid.
func (r *Reply) Stored() []StoredRow {
	rows, created := make([]StoredRow, len(r.rows.found)), make([]feature.Instant, len(r.rows.found))
	for i := range r.rows.found {
		found := &r.rows.found[i]
		if !found.stored {
			continue
		}
		rows[i] = StoredRow{Found: true, Event: found.Event, SchemaID: found.SchemaID, Origin: found.Origin}
		if at, ok := found.Created(); ok {
			created[i] = at
			rows[i].Created = &created[i]
		}
	}
	return rows
}

// replies are those that have been released.
var replies = sync.Pool{New: func() any { return new(Reply) }}

// mostKept bounds the memory of a reply that is used again, in bytes of the message. There may be a tenth as many rows
// of views and values.
const mostKept = 1 << 20

// newReply returns an empty reply.
func newReply(l *Lookup, g given) *Reply {
	r := replies.Get().(*Reply)
	r.rows.reset(l, g)
	r.provenance, r.computed, r.written = nil, nil, false
	return r
}

// Release ends the use of the reply. It keeps nothing of what the store answered.
func (r *Reply) Release() {
	r.columns.end()
	r.rows.end()
	if len(r.wire.buffer) > mostKept || cap(r.rows.found)+r.columns.size() > mostKept/10 {
		return
	}
	r.rows.release()
	r.columns.release()
	replies.Put(r)
}

// resized returns a slice of size elements, in the memory of the given one if that is large enough.
func resized[T any](slice []T, size int) []T {
	if cap(slice) < size {
		return make([]T, size)
	}
	return slice[:size]
}
