package plumb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Features is the answer: a column for each feature, with a value for each row of keys, in their order. It is
// immutable.
type Features struct {
	// Revision is the revision of the registry that the answer follows.
	Revision int64

	rows    int
	columns []column
	layout  *layout
	// provenance is nil if it was not asked for.
	provenance []*plumbv1.ViewProvenance
	computed   []*plumbv1.ComputedProvenance
}

// column is a FeatureColumn.
type column struct {
	statuses []byte
	// times are sfixed64. They are empty if event times were not asked for.
	times  []byte
	values values
}

// wireColumn is what is needed of a FeatureColumn until its values are decoded.
type wireColumn struct {
	name   []byte
	values wireValues
}

// wireColumns are used again, since an answer would allocate as much for them as it keeps.
var wireColumns = sync.Pool{New: func() any { return new([]wireColumn) }}

// newFeatures decodes the bytes of a GetOnlineFeaturesResponse, which it keeps. They may be any that stand for one in
// protobuf: those that the server would not write go through the generated code first.
func newFeatures(reply []byte, known *layouts, selection string) (*Features, error) {
	f, err := decodeReply(reply, known, selection)
	if errors.Is(err, errWire) {
		if reply, err = rewritten(reply); err == nil {
			f, err = decodeReply(reply, known, selection)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the server's answer is broken: %w", err)
	}
	return f, nil
}

// rewritten is a reply in the form in which the server writes it, without what this client does not know.
func rewritten(reply []byte) ([]byte, error) {
	response := new(plumbv1.GetOnlineFeaturesResponse)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(reply, response); err != nil {
		return nil, err
	}
	return proto.Marshal(response)
}

// decodeReply decodes a reply that is as the server writes it; errWire says that it is not.
func decodeReply(reply []byte, known *layouts, selection string) (*Features, error) {
	wire := wireColumns.Get().(*[]wireColumn)
	defer func() {
		clear(*wire) // The bytes are the answer's.
		wireColumns.Put(wire)
	}()
	*wire = (*wire)[:0]
	f, last := &Features{}, known.lastOf(selection)
	if last != nil {
		f.columns = make([]column, 0, len(last.names))
	}
	err := f.read(reply, wire)
	if err == nil {
		err = f.decode(*wire)
	}
	if err == nil {
		err = checkProvenance(f.provenance, f.rows)
	}
	if err != nil {
		return nil, err
	}
	if f.layout = last; !last.fits(*wire) {
		f.layout = known.add(selection, *wire)
	}
	return f, nil
}

// decode decodes the values. It checks that all columns are as long as they have to be, so that nothing else needs to.
func (f *Features) decode(wire []wireColumn) error {
	var d decoder
	for i := range wire {
		c, values := &f.columns[i], &wire[i].values
		if i == 0 {
			f.rows = len(c.statuses)
		}
		times := len(c.times)
		if len(c.statuses) != f.rows || values.count != f.rows || times != 0 && times != 8*f.rows {
			return fmt.Errorf("column %q is not as long as the others", wire[i].name)
		}
		d.expect(values)
	}
	for i := range wire {
		var err error
		if f.columns[i].values, err = d.decode(&wire[i].values); err != nil {
			return fmt.Errorf("column %q: %w", wire[i].name, err)
		}
	}
	return nil
}

// read reads the message, but for the values.
func (f *Features) read(reply []byte, wire *[]wireColumn) error {
	for len(reply) > 0 {
		part, rest, err := nextField(reply)
		if err != nil {
			return err
		}
		switch {
		case part.number == 1 && part.kind == protowire.BytesType:
			f.columns, *wire = append(f.columns, column{}), append(*wire, wireColumn{})
			last := len(f.columns) - 1
			if err := f.columns[last].read(part.content, &(*wire)[last]); err != nil {
				return fmt.Errorf("column %q: %w", (*wire)[last].name, err)
			}
		case part.number == 2 && part.kind == protowire.VarintType:
			f.Revision = int64(part.varint)
		case part.number == 3 && part.kind == protowire.BytesType:
			view := new(plumbv1.ViewProvenance)
			if err := proto.Unmarshal(part.content, view); err != nil {
				return err
			}
			f.provenance = append(f.provenance, view)
		case part.number == 4 && part.kind == protowire.BytesType:
			use := new(plumbv1.ComputedProvenance)
			if err := proto.Unmarshal(part.content, use); err != nil {
				return err
			}
			f.computed = append(f.computed, use)
		case part.number <= 4:
			return errWire
		}
		reply = rest
	}
	return nil
}

func (c *column) read(message []byte, wire *wireColumn) error {
	var held []byte
	for len(message) > 0 {
		part, rest, err := nextField(message)
		if err != nil {
			return err
		}
		switch part.number {
		case 1:
			err = part.once(&wire.name)
		case 2:
			err = part.once(&held)
		case 3:
			err = part.once(&c.statuses)
		case 4:
			err = part.once(&c.times)
		}
		if err != nil {
			return err
		}
		message = rest
	}
	if !utf8.Valid(wire.name) {
		return errWire
	}
	var err error
	wire.values, err = readValues(held)
	return err
}

// layout is which column has which name. Replies to one request share it.
type layout struct {
	names  []string
	byName map[string]int
}

// layouts are the layouts of the last replies, by what was asked for.
type layouts struct {
	mutex sync.RWMutex
	last  map[string]*layout
}

// lastOf returns the last layout for what was asked for, or nil if there is none.
func (l *layouts) lastOf(selection string) *layout {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	return l.last[selection]
}

// add returns the layout of columns, which is the last one from now on.
func (l *layouts) add(selection string, columns []wireColumn) *layout {
	made := &layout{names: make([]string, len(columns)), byName: make(map[string]int, len(columns))}
	for i := range columns {
		made.names[i] = string(columns[i].name)
		made.byName[made.names[i]] = i
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.last == nil {
		l.last = map[string]*layout{}
	}
	l.last[selection] = made
	return made
}

func (l *layout) fits(columns []wireColumn) bool {
	if l == nil || len(l.names) != len(columns) {
		return false
	}
	for i := range columns {
		if string(columns[i].name) != l.names[i] {
			return false
		}
	}
	return true
}

// Len is the number of rows.
func (f *Features) Len() int { return f.rows }

// Names are the output names (R10), in the order of the selection.
func (f *Features) Names() []string { return append([]string(nil), f.layout.names...) }

// Rows goes through the rows, in the order of the keys.
func (f *Features) Rows() iter.Seq2[int, Row] {
	return func(yield func(int, Row) bool) {
		for i := range f.rows {
			if !yield(i, Row{f, i}) {
				return
			}
		}
	}
}

// Row is the features of one row of keys.
type Row struct {
	features *Features
	at       int
}

// Value returns the value of an output in its Go type (see [Scalar]; a List for arrays), and its status. The value is
// nil if it is not PRESENT. The status is StatusUnknown if there is no such output. A loop over many rows is faster
// with [ColumnOf].
func (r Row) Value(name string) (any, Status) {
	i, ok := r.features.layout.byName[name]
	if !ok {
		return nil, StatusUnknown
	}
	column := &r.features.columns[i]
	status := Status(column.statuses[r.at])
	if status != Present {
		return nil, status
	}
	return column.values.at(r.at), status
}

// eventTime returns the event time of a row, in microseconds. It is false if event times were not asked for.
func (c *column) eventTime(row int) (int64, bool) {
	if len(c.times) == 0 {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(c.times[8*row:])), true
}
