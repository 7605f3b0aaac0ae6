package store

import (
	"fmt"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// answer collects the columns of one look-up. The rows of a use are added in order.
type answer struct {
	at      Instant
	columns []*plumbv1.FeatureColumn
	values  []wireColumn
	// newest is LookupRequest.Newest.
	newest []Instant
}

func newAnswer(l *Lookup, rows int, request LookupRequest) *answer {
	a := &answer{
		at:      request.At,
		columns: make([]*plumbv1.FeatureColumn, len(l.names)),
		values:  make([]wireColumn, len(l.names)),
		newest:  request.Newest,
	}
	made := wireColumns{rows: rows, left: countTypes(l.types)}
	// One allocation for what every column has.
	columns, statuses := make([]plumbv1.FeatureColumn, len(l.names)), make([]byte, rows*len(l.names))
	for i, name := range l.names {
		column := &columns[i]
		column.Name, column.Statuses = name, statuses[i*rows:(i+1)*rows:(i+1)*rows]
		column.Values, a.values[i] = made.next(l.types[i])
		if request.EventTimestamps {
			column.EventTimestamps = make([]int64, rows)
		}
		a.columns[i] = column
	}
	return a
}

// add fills in a row of the outputs of one use from the stored row; nil where there is none.
func (a *answer) add(u *use, row int, value []byte) error {
	if value == nil {
		a.addAbsent(u, row)
		return nil
	}
	stored, err := parseRow(value)
	if err != nil {
		return err
	}
	if stored.Event > a.at {
		// R2: not visible yet. The row that was before it is no longer stored.
		a.addAbsent(u, row)
		return nil
	}
	reader, ok := u.readers[stored.SchemaID]
	if !ok {
		return fmt.Errorf("schema %d: %w", stored.SchemaID, ErrUnknownSchema)
	}
	if err := reader.layout.check(stored); err != nil {
		return err
	}
	if a.newest != nil {
		a.newest[u.position] = max(a.newest[u.position], stored.Event)
	}
	expired := u.expired(stored.Event, a.at)
	for i, output := range u.outputs {
		if err := a.addValue(output, row, stored, reader, reader.fields[i], expired); err != nil {
			return fmt.Errorf("output %q: %w", a.columns[output].GetName(), err)
		}
	}
	return nil
}

func (a *answer) addAbsent(u *use, row int) {
	for _, output := range u.outputs {
		a.columns[output].Statuses[row] = byte(plumbv1.Status_NOT_FOUND)
		a.values[output].addZero()
	}
}

// addValue decides on the status of one value (R13). A feature that the row was written without is NOT_FOUND.
func (a *answer) addValue(output, row int, stored PackedRow, reader *reader, field int, expired bool) error {
	column, status := a.columns[output], plumbv1.Status_NOT_FOUND
	var raw []byte
	if field != absent {
		var ok bool
		var err error
		if raw, ok, err = reader.layout.field(stored, field); err != nil {
			return err
		}
		switch {
		case expired:
			status = plumbv1.Status_EXPIRED
		case !ok:
			status = plumbv1.Status_NULL
		default:
			status = plumbv1.Status_PRESENT
		}
		if column.EventTimestamps != nil {
			column.EventTimestamps[row] = int64(stored.Event)
		}
	}
	column.Statuses[row] = byte(status)
	if status == plumbv1.Status_PRESENT {
		return a.values[output].add(raw)
	}
	a.values[output].addZero()
	return nil
}

// expired says whether an event at or before the instant lies more than the ttl before it (R2). Their distance always
// fits an unsigned number, where at - ttl need not fit a signed one.
func (u *use) expired(event, at Instant) bool {
	return u.view.TTL > 0 && uint64(at)-uint64(event) > uint64(u.view.TTL.Microseconds())
}
