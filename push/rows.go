package push

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// Names of the columns of times, in refusals.
const (
	EventField   = "event_timestamps"
	CreatedField = "created_timestamps"
)

// Rows are typed rows of one view, column by column, all of one length.
type Rows struct {
	// Keys has one column for each of the view's keys, of the Arrow type of its declared type (value.ArrowType).
	Keys []arrow.Array
	// Event and Created are int64 microseconds. If the view's source has no created time, all of Created is null.
	Event, Created arrow.Array
	// Features has one column for each of the view's features, in the view's order, of its Arrow type.
	Features []arrow.Array
	// Refused are rows that were found wrong while they were read, in row order; one entry for each. Their values mean
	// nothing.
	Refused []Refusal
	// pushed is when a push log says that the rows were accepted; 0 for the time of the call.
	pushed feature.Instant
	// EventName and CreatedName are what refusals call the columns of times; EventField and CreatedField if empty.
	EventName, CreatedName string
}

// Len is the number of rows, refused ones too.
func (r Rows) Len() int { return r.Event.Len() }

// packedRows are rows as the online store keeps them.
//
// The online store gets the newest row of each key alone, and the push log gets all accepted rows, since training needs
// what was true before. Of ACME at 12.5 as of 09:30 and at 12.6 as of 09:31, the store gets the second and the log
// both.
type packedRows struct {
	// rows are the newest of each key.
	rows []online.Row
	// superseded counts the others.
	superseded int64
	// accepted are the places of all rows that were not refused, in order.
	accepted []int
	refused  []Refusal
	// pushed is when the push was accepted.
	pushed feature.Instant
}

// Admit refuses a view that takes no pushes, whatever the rows are: with a *fault.PreconditionError if it has
// aggregations, and with a *fault.InputError if its kind is not known.
func Admit(view *feature.View) error {
	if view.Kind != feature.Windows {
		return view.RequireNewestRow()
	}
	return &fault.PreconditionError{Message: "view " + view.Name + " has aggregations and takes no pushes: it computes " +
		"its features from the rows of its source"}
}

// pack checks every row and packs those that can be stored.
//
// Refusals that the decoder found come in row order, as those do that are found here. So one pass over the rows leaves
// all of them in row order.
func (p *Pusher) pack(view *feature.View, rows Rows) (packedRows, error) {
	if !view.Online {
		return packedRows{}, &fault.PreconditionError{Message: "view " + view.Name + " has online: false, so nothing " +
			"can be pushed to it; set online: true and apply"}
	}
	if err := Admit(view); err != nil {
		return packedRows{}, err
	}
	w, err := p.bind(view, rows)
	if err != nil {
		return packedRows{}, fmt.Errorf("push to view %q: %w", view.Name, err)
	}
	refused := rows.Refused
	for row := range rows.Len() {
		if len(refused) > 0 && refused[0].Row == int64(row) {
			w.refuse(refused[0])
			refused = refused[1:]
			continue
		}
		if err := w.add(row); err != nil {
			w.refuse(Refusal{Row: int64(row), Field: err.Field, Reason: err.Message})
		}
	}
	return w.finish(), nil
}

// packing is one call of pack.
type packing struct {
	rows   Rows
	view   *feature.View
	keys   *packed.KeyEncoder
	values *packed.RowEncoder
	// latest is the last event time that is no future (R15), skew what is allowed for.
	latest feature.Instant
	skew   string
	// instants are the positions of the features that are TIMESTAMP.
	instants []int

	// all are the rows that can be stored.
	all []online.Row
	// newest is the place in all of the newest row of each key.
	newest map[string]int
	packed packedRows
}

func (p *Pusher) bind(view *feature.View, rows Rows) (*packing, error) {
	schema, now := view.Schema(), p.config.Now()
	pushed := cmp.Or(rows.pushed, feature.InstantOf(now))
	w := &packing{rows: rows, view: view, keys: packed.NewKeyEncoder(view.Keys),
		values: packed.NewRowEncoder(schema, packed.PushOrigin(pushed)),
		latest: feature.InstantOf(now.Add(p.config.ClockSkew)), skew: p.config.ClockSkew.String(),
		newest: map[string]int{}, packed: packedRows{pushed: pushed}}
	features := make([]arrow.Array, len(schema.Fields))
	for i, field := range schema.Fields {
		at := slices.IndexFunc(view.Features, func(f feature.Feature) bool { return f.Field == field })
		if at < 0 || at >= len(rows.Features) {
			return nil, fmt.Errorf("the layout has %s %q, which is none of the %d columns", field.Type, field.Name,
				len(rows.Features))
		}
		features[i] = rows.Features[at]
		if field.Type == plumbv1.Type_TIMESTAMP {
			w.instants = append(w.instants, at)
		}
	}
	if err := w.keys.BindNullable(rows.Keys); err != nil {
		return nil, err
	}
	return w, w.values.Bind(rows.Event, rows.Created, features)
}

// add packs a row, or says what is wrong with it.
func (w *packing) add(row int) *fault.InputError {
	if err := w.checkKeys(row); err != nil {
		return err
	}
	if err := w.checkTimes(row); err != nil {
		return err
	}
	if err := w.checkLengths(row); err != nil {
		return err
	}
	value, err := w.values.AppendRow(nil, row)
	var input *fault.InputError
	switch {
	case errors.As(err, &input):
		return input
	case err != nil: // The encoder knows no other.
		return fault.Inputf("", "%v", err)
	}
	w.all = append(w.all, online.Row{Key: w.keys.AppendKey(nil, row), Value: value})
	w.packed.accepted = append(w.packed.accepted, row)
	return nil
}

// checkKeys refuses a null key, which matches nothing (R8).
func (w *packing) checkKeys(row int) *fault.InputError {
	for i, column := range w.rows.Keys {
		if column.IsNull(row) {
			return fault.Inputf(w.view.Keys[i].Name, "is null; a row with a null key is never served")
		}
	}
	return nil
}

// The instants that a source can hold, in microseconds: DuckDB's timestamps, without the infinite ones. A row beyond
// them could be served and not be joined (R17).
const (
	firstInstant = -9223372022400000000
	lastInstant  = math.MaxInt64 - 1
)

func (w *packing) checkTimes(row int) *fault.InputError {
	event, created := w.rows.Event.(*array.Int64), w.rows.Created.(*array.Int64)
	switch {
	case event.IsNull(row):
		return fault.Inputf(w.rows.eventName(), "is null; a row without an event time is never visible")
	case feature.Instant(event.Value(row)) > w.latest:
		return fault.Inputf(w.rows.eventName(), "%s is in the future, by more than the allowed clock skew of %s",
			feature.Instant(event.Value(row)), w.skew)
	case !holds(event.Value(row)):
		return fault.Inputf(w.rows.eventName(), "%d microseconds since 1970 is not an instant that can be kept",
			event.Value(row))
	case created.IsValid(row) && !holds(created.Value(row)):
		return fault.Inputf(w.rows.createdName(), "%d microseconds since 1970 is not an instant that can be kept",
			created.Value(row))
	}
	for _, at := range w.instants {
		column := w.rows.Features[at].(*array.Timestamp)
		if column.IsValid(row) && !holds(int64(column.Value(row))) {
			return fault.Inputf(w.view.Features[at].Name, "%d microseconds since 1970 is not an instant that can be kept",
				column.Value(row))
		}
	}
	return nil
}

func holds(micros int64) bool { return micros >= firstInstant && micros <= lastInstant }

func (w *packing) refuse(refusal Refusal) { w.packed.refused = append(w.packed.refused, refusal) }

// finish leaves the newest row of each key, in the order of the rows. If versions are equal the later row wins, as it
// does in the store (R14).
func (w *packing) finish() packedRows {
	for i, row := range w.all {
		if at, ok := w.newest[string(row.Key)]; ok && packed.IsNewer(w.all[at].Value, row.Value) {
			continue
		}
		w.newest[string(row.Key)] = i
	}
	for i, row := range w.all {
		if w.newest[string(row.Key)] == i {
			w.packed.rows = append(w.packed.rows, row)
		}
	}
	w.packed.superseded = int64(len(w.all) - len(w.packed.rows))
	return w.packed
}

func (r Rows) eventName() string { return cmp.Or(r.EventName, EventField) }

func (r Rows) createdName() string { return cmp.Or(r.CreatedName, CreatedField) }
