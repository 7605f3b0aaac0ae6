package lookup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// ErrUnknownSchema says that a stored row was written under a definition that this process has not seen: another
// process applied one. Reading the registry again helps.
var ErrUnknownSchema = errors.New("the stored row was written under a definition that this process has not seen")

// Lookup is a selection that is prepared for look-ups: what to read and where each value is are determined once. It is
// immutable and safe for concurrent use.
type Lookup struct {
	keys []feature.Field
	// inputs are the request inputs that are no keys.
	inputs []feature.Field
	uses   []use
	// outputs are those of the selection, and after them the stored columns that computations alone read.
	outputs      []output
	asked        int
	computations []computation
}

// use is one use of a view.
type use struct {
	// position is that in Lookup.uses.
	position int
	view     *feature.View
	alias    string
	table    online.Table
	// keys are positions in Lookup.keys. sameKeys is the first use before this one with the same keys, or absent.
	keys     []int
	sameKeys int
	// readers tell how to read rows, by schema id.
	readers map[uint32]*reader
	// states computes the outputs of a view of the kind feature.Windows from its rows; nil for other views.
	states *stateReader
}

// reader picks the outputs of a use from rows of one schema.
type reader struct {
	layout packed.Layout
	// fields has the position in the schema for each output of the use, or absent.
	fields []int
}

const absent = -1

// New plans a look-up. It fails with a *fault.PreconditionError that names the views which are not online, and
// with a *fault.InputError if one label column is read as two types.
func New(selection *feature.Selection) (*Lookup, error) {
	if err := errors.Join(selection.RequireKnown(), checkOnline(selection)); err != nil {
		return nil, err
	}
	keys, err := selection.Keys()
	if err != nil {
		return nil, err
	}
	inputs, err := selection.Inputs()
	if err != nil {
		return nil, err
	}
	l := &Lookup{
		keys: keys, uses: make([]use, len(selection.References)), outputs: make([]output, len(selection.Outputs)),
		asked: len(selection.Outputs),
	}
	for _, input := range inputs {
		l.inputs = append(l.inputs, input.Field)
	}
	for i, reference := range selection.References {
		l.uses[i] = use{position: i, view: reference.View, alias: reference.Alias, table: online.NewTable(reference.View, 0),
			readers: map[uint32]*reader{}}
		for _, column := range reference.LabelColumns {
			at := slices.IndexFunc(keys, func(f feature.Field) bool { return f.Name == column })
			l.uses[i].keys = append(l.uses[i].keys, at)
		}
		l.uses[i].sameKeys = slices.IndexFunc(l.uses[:i], func(u use) bool { return slices.Equal(u.keys, l.uses[i].keys) })
	}
	wanted := l.newOutputs(selection)
	for i := range l.uses {
		if err := l.uses[i].read(wanted[i]); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// read plans how the wanted features are read from the rows of a use.
func (u *use) read(wanted []feature.Field) (err error) {
	if u.view.Kind == feature.Windows {
		if u.states, err = newStateReader(u.view, wanted); err != nil {
			return err
		}
	}
	for _, schema := range u.view.Schemas {
		if u.states != nil {
			schema = packed.StateSchema(schema.ID)
		}
		u.readers[schema.ID] = newReader(schema, wanted)
	}
	return nil
}

// newOutputs plans the outputs and the computations. It returns the features that are wanted of each use of a view.
func (l *Lookup) newOutputs(selection *feature.Selection) [][]feature.Field {
	wanted, places := make([][]feature.Field, len(l.uses)), map[feature.StoredColumn]int{}
	plan := func(name string, column feature.StoredColumn) output {
		field := selection.References[column.Reference].View.Features[column.Feature].Field
		wanted[column.Reference] = append(wanted[column.Reference], field)
		return newOutput(name, field.Type, column.Reference, len(wanted[column.Reference])-1)
	}
	for i, asked := range selection.Outputs {
		if column, ok := asked.From.(feature.StoredColumn); ok {
			l.outputs[i], places[column] = plan(asked.Name, column), i
		} else {
			l.outputs[i] = newOutput(asked.Name, selection.Describe(asked).Type, absent, absent)
		}
	}
	for use := range selection.References {
		for _, f := range selection.Reads(use) {
			column := feature.StoredColumn{Reference: use, Feature: f}
			if _, ok := places[column]; !ok {
				places[column] = len(l.outputs)
				view := selection.References[use]
				l.outputs = append(l.outputs, plan(view.Alias+"__"+view.View.Features[f].Name, column))
			}
		}
	}
	l.newComputations(selection, places)
	return wanted
}

func checkOnline(selection *feature.Selection) error {
	var offline []string
	for _, reference := range selection.References {
		if !reference.View.Online && !slices.Contains(offline, reference.View.Name) {
			offline = append(offline, reference.View.Name)
		}
	}
	if offline == nil {
		return nil
	}
	return &fault.PreconditionError{Message: fmt.Sprintf(
		"not materialized, so there is nothing to look up: feature view %s; set online: true in its definition",
		strings.Join(offline, ", "))}
}

func newReader(schema feature.Schema, wanted []feature.Field) *reader {
	r := &reader{layout: packed.NewLayout(schema), fields: make([]int, len(wanted))}
	for i, field := range wanted {
		// A feature of another type is another feature.
		r.fields[i] = slices.Index(schema.Fields, field)
	}
	return r
}

// Keys returns the label columns that a request must give, with their types.
func (l *Lookup) Keys() []feature.Field { return slices.Clone(l.keys) }

// Inputs returns the request inputs that a request must give, with their types. One that is also a key is left out.
func (l *Lookup) Inputs() []feature.Field { return slices.Clone(l.inputs) }

// Uses returns the name of the view of each use of a feature view, and then of each use of an on-demand view.
func (l *Lookup) Uses() []string {
	var names []string
	for i := range l.uses {
		names = append(names, l.uses[i].view.Name)
	}
	for i := range l.computations {
		names = append(names, l.computations[i].view)
	}
	return names
}

// Request asks for the features of some entities at an instant.
type Request struct {
	// Keys has one column for each of Lookup.Keys, in any order. A selection of entity-less views alone has none, and
	// then the answer has one row.
	Keys []*plumbv1.KeyColumn
	// Inputs has one column for each of Lookup.Inputs, in any order.
	Inputs []*plumbv1.InputColumn
	// At is the instant that visibility and ttl are evaluated at (R2).
	At feature.Instant
	// Now, if not nil, is the clock that At is read from once the store has answered. An earlier instant could be older
	// than a row that was pushed meanwhile, and a key that always had a value would be NOT_FOUND.
	Now func() time.Time
	// EventTimestamps asks for the event time of each row.
	EventTimestamps bool
	// Revision is the registry's revision in the reply, which is omitted if it is 0.
	Revision int64
	// Provenance asks for where the rows come from.
	Provenance bool
}
