package store

import (
	"fmt"
	"math"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Reply is the answer to one look-up, as the bytes of a plumb.v1.GetOnlineFeaturesResponse. They are written directly
// from the stored rows, which nothing else decodes. A caller that needs the message decodes it from the bytes.
//
// A reply is released once it is not needed any more, and its memory then serves another one.
type Reply struct {
	lookup *Lookup
	rows   int
	at     feature.Instant
	// found are the rows, by use, then row of the keys.
	found []foundRow
	seen  []Seen
	wire  wireWriter
	// picked and statuses are those of the column that is being written, elements those of its arrays.
	picked, elements [][]byte
	statuses, nulls  []byte
}

// foundRow is what was found for one use of a view and one row of keys.
type foundRow struct {
	PackedRow

	// reader is nil if there is no visible row.
	reader  *reader
	expired bool
}

// Seen is what a look-up saw of one use of a view.
type Seen struct {
	// Newest is the newest event time of the visible rows; the earliest instant if there are none.
	Newest feature.Instant
	// Values counts the values by Status.
	Values [statusCount]int
}

const statusCount = int(plumbv1.Status_EXPIRED) + 1

// Wire is the message. It is valid until Release.
func (r *Reply) Wire() []byte { return r.wire.written() }

// Message is the reply as a message of its own, which stays valid.
func (r *Reply) Message() (*plumbv1.GetOnlineFeaturesResponse, error) {
	message := new(plumbv1.GetOnlineFeaturesResponse)
	if err := proto.Unmarshal(r.Wire(), message); err != nil {
		return nil, fmt.Errorf("read the reply of a look-up: %w", err)
	}
	return message, nil
}

// Seen is what was seen of each of Lookup.Uses. It is valid until Release.
func (r *Reply) Seen() []Seen { return r.seen }

// Rows is the number of rows of keys.
func (r *Reply) Rows() int { return r.rows }

// StoredRow is what is known of a stored row besides its values. The zero value says that there is none.
type StoredRow struct {
	Found bool
	// Event may lie after the instant that was asked for: then the row is not visible (R2), and the outputs are NOT_FOUND.
	Event feature.Instant
	// Created is nil if it is null.
	Created  *feature.Instant
	SchemaID uint32
	Origin   Origin
}

// At is the instant that visibility and ttl were evaluated at (R2).
func (r *Reply) At() feature.Instant { return r.at }

// Stored is what the store had for each of Lookup.Uses and each row of keys, at use*Rows+row. It stays valid.
func (r *Reply) Stored() []StoredRow {
	rows, created := make([]StoredRow, len(r.found)), make([]feature.Instant, len(r.found))
	for i := range r.found {
		found := &r.found[i]
		if found.body == nil {
			continue
		}
		rows[i] = StoredRow{Found: true, Event: found.Event, SchemaID: found.SchemaID, Origin: found.Origin}
		if created[i] = found.created; created[i] != nullCreated {
			rows[i].Created = &created[i]
		}
	}
	return rows
}

// replies are those that have been released.
var replies = sync.Pool{New: func() any { return new(Reply) }}

// mostKept bounds the memory of a reply that is used again, in bytes of the message and in rows of views.
const mostKept = 1 << 20

// newReply returns an empty reply.
func newReply(l *Lookup, rows int) *Reply {
	r := replies.Get().(*Reply)
	r.lookup, r.rows = l, rows
	r.found = resized(r.found, rows*len(l.uses))
	r.seen = resized(r.seen, len(l.uses))
	for i := range r.seen {
		r.seen[i] = Seen{Newest: math.MinInt64}
	}
	r.picked, r.statuses = resized(r.picked, rows), resized(r.statuses, rows)
	r.wire.reset()
	return r
}

// Release ends the use of the reply.
func (r *Reply) Release() {
	if len(r.wire.buffer) > mostKept || cap(r.found)+cap(r.picked)+cap(r.elements) > mostKept/10 {
		return
	}
	clear(r.found) // Nothing of a store's answer is held on to.
	clear(r.picked)
	clear(r.elements)
	r.lookup = nil
	replies.Put(r)
}

// resized returns a slice of size elements, in the memory of the given one if that is large enough.
func resized[T any](slice []T, size int) []T {
	if cap(slice) < size {
		return make([]T, size)
	}
	return slice[:size]
}

// find records what was found for a row of keys; nil if there is nothing. R2: a row that is not visible yet does not
// exist. If it was ahead of the clock when it was written, the store also has the row before it.
func (r *Reply) find(u *use, row int, value []byte, at feature.Instant) error {
	found := &r.found[u.position*r.rows+row]
	*found = foundRow{}
	if value == nil {
		return nil
	}
	value, err := rowAt(value, at)
	if err != nil {
		return err
	}
	stored, err := parseRow(value)
	if err != nil {
		return err
	}
	if stored.Event > at {
		found.PackedRow = stored
		return nil
	}
	reader, ok := u.readers[stored.SchemaID]
	if !ok {
		return fmt.Errorf("schema %d: %w", stored.SchemaID, ErrUnknownSchema)
	}
	if err := reader.layout.check(&stored); err != nil {
		return err
	}
	seen := &r.seen[u.position]
	seen.Newest = max(seen.Newest, stored.Event)
	*found = foundRow{PackedRow: stored, reader: reader, expired: u.expired(stored.Event, at)}
	return nil
}

// expired reports whether an event at or before the instant is more than the ttl before it (R2). Their distance always
// fits an unsigned number, whereas at - ttl may not fit a signed one.
func (u *use) expired(event, at feature.Instant) bool {
	return u.view.TTL > 0 && uint64(at)-uint64(event) > uint64(u.view.TTL.Microseconds())
}
