package lookup

import (
	"context"
	"fmt"
	"math"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// rows are the stored rows that a look-up found, the result of its first step.
type rows struct {
	lookup *Lookup
	// count is the number of rows of keys.
	count int
	given given
	at    feature.Instant
	// found has one for each use of a view and each row of keys, at use*count+row.
	found []foundRow
	// states has, for each use of a view of the kind feature.Windows, what is computed of its states; nil for others.
	states []*windows.Evaluation
	// storedStates are those of one use and one row of keys, newest first.
	storedStates [][]byte
	// seen has one for each use of a view, and then for each computation.
	seen []Seen
}

// foundRow is what was found for one use of a view and one row of keys.
type foundRow struct {
	packed.Row

	// stored says that the store has a row, whether or not it is visible.
	stored bool
	// reader is nil if there is no visible row.
	reader  *reader
	expired bool
	// early says that the instant is before the floor of the stored state (R27).
	early bool
}

// reset makes room for the rows of another look-up.
func (r *rows) reset(l *Lookup, g given) {
	r.lookup, r.given, r.count = l, g, g.keys.rows
	r.found = resized(r.found, r.count*len(l.uses))
	r.states = resized(r.states, len(l.uses))
	for i := range l.uses {
		r.states[i] = nil
		if l.uses[i].states != nil {
			r.states[i] = l.uses[i].states.reader.Begin(r.count)
		}
	}
	r.seen = resized(r.seen, len(l.uses)+len(l.computations))
	for i := range r.seen {
		r.seen[i] = Seen{Newest: math.MinInt64}
	}
}

// end ends the evaluations of states.
func (r *rows) end() {
	for i, e := range r.states {
		if e != nil {
			e.Release()
			r.states[i] = nil
		}
	}
}

// release forgets the bytes of stored rows.
func (r *rows) release() {
	clear(r.found)
	clear(r.storedStates[:cap(r.storedStates)])
	r.lookup, r.given = nil, given{}
}

// of are the rows of a use of a view.
func (r *rows) of(use int) []foundRow { return r.found[use*r.count : (use+1)*r.count] }

// find reads the store once and records what it has for each use of a view and each row of keys.
func (l *Lookup) find(ctx context.Context, store online.Reader, request Request) (*Reply, error) {
	given, err := l.check(request)
	if err != nil {
		return nil, err
	}
	gets, places := l.gets(given.keys)
	values, err := store.Read(ctx, gets)
	if err != nil {
		return nil, err
	}
	if len(values) != len(gets) {
		return nil, fmt.Errorf("the online store answered %d of %d reads", len(values), len(gets))
	}
	reply := newReply(l, given)
	reply.rows.at = request.At
	if request.Now != nil {
		reply.rows.at = feature.InstantOf(request.Now())
	}
	if err := reply.rows.fill(values, places); err != nil {
		reply.Release()
		return nil, err
	}
	return reply, nil
}

// gets returns what to read, and for each use and row, at use*rows+row, its position in that, or absent if a key is
// null, which matches nothing (R8). The gets of one entity follow each other and share a key, because a store may keep
// all rows of an entity together.
func (l *Lookup) gets(keys keyColumns) ([]online.Get, []int) {
	gets := make([]online.Get, 0, len(l.uses)*keys.rows)
	places := make([]int, len(l.uses)*keys.rows)
	const likelyKeySize = 32
	buffer := make([]byte, 0, likelyKeySize*keys.rows)
	for row := range keys.rows {
		for i := range l.uses {
			u, place := &l.uses[i], &places[i*keys.rows+row]
			switch {
			case keys.anyNull(u.keys, row):
				*place = absent
				continue
			case len(u.keys) == 0 && row > 0:
				// All rows see the one row of an entity-less view (R12).
				*place = places[i*keys.rows]
				continue
			}
			*place = len(gets)
			if u.sameKeys != absent {
				gets = append(gets, online.Get{Table: u.table, Key: gets[places[u.sameKeys*keys.rows+row]].Key})
				continue
			}
			start := len(buffer)
			buffer = keys.appendKey(buffer, u.keys, row)
			gets = append(gets, online.Get{Table: u.table, Key: buffer[start:len(buffer):len(buffer)]})
		}
	}
	return gets, places
}

// fill records the values that were read, and where those for each use and row are.
func (r *rows) fill(values [][]byte, places []int) error {
	for i := range r.lookup.uses {
		for row := range r.count {
			var value []byte
			if place := places[i*r.count+row]; place != absent {
				value = values[place]
			}
			take := r.take
			if r.lookup.uses[i].states != nil {
				take = r.takeState
			}
			if err := take(&r.lookup.uses[i], row, value); err != nil {
				return fmt.Errorf("feature view %q, row %d of the keys: %w", r.lookup.uses[i].view.Name, row+1, err)
			}
		}
	}
	return nil
}

// take records what was found for a row of keys; nil if there is nothing. R2: a row that is not visible yet does not
// exist. If it was ahead of the clock when it was written, the store also has the row before it.
func (r *rows) take(u *use, row int, value []byte) error {
	found := &r.found[u.position*r.count+row]
	*found = foundRow{}
	if value == nil {
		return nil
	}
	value, err := packed.RowAt(value, r.at)
	if err != nil {
		return err
	}
	stored, err := packed.Parse(value)
	if err != nil {
		return err
	}
	if stored.Event > r.at {
		*found = foundRow{Row: stored, stored: true}
		return nil
	}
	reader, ok := u.readers[stored.SchemaID]
	if !ok {
		return fmt.Errorf("schema %d: %w", stored.SchemaID, ErrUnknownSchema)
	}
	if err := reader.layout.Check(&stored); err != nil {
		return err
	}
	seen := &r.seen[u.position]
	seen.Newest = max(seen.Newest, stored.Event)
	*found = foundRow{Row: stored, stored: true, reader: reader, expired: u.expired(stored.Event, r.at)}
	return nil
}

// expired reports whether an event at or before the instant is more than the ttl before it (R2). Their distance always
// fits an unsigned number, whereas at - ttl may not fit a signed one.
func (u *use) expired(event, at feature.Instant) bool {
	return u.view.TTL > 0 && uint64(at)-uint64(event) > uint64(u.view.TTL.Microseconds())
}
