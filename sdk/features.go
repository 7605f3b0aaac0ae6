package plumb

import (
	"encoding/binary"
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
	// provenance is nil where it was not asked for.
	provenance []*plumbv1.ViewProvenance
}

// column is a FeatureColumn.
type column struct {
	name     []byte
	statuses []byte
	// times are sfixed64; none where event times were not asked for.
	times  []byte
	wire   wireValues
	values values
}

// newFeatures decodes the bytes of a GetOnlineFeaturesResponse, which it keeps. It checks that all columns are as long
// as they have to be, so that nothing else needs to.
func newFeatures(reply []byte, known *layouts, selection string) (*Features, error) {
	f := &Features{}
	if err := f.read(reply); err != nil {
		return nil, fmt.Errorf("the server's answer is broken: %w", err)
	}
	var d decoder
	for i := range f.columns {
		c := &f.columns[i]
		if i == 0 {
			f.rows = len(c.statuses)
		}
		times := len(c.times)
		if len(c.statuses) != f.rows || c.wire.count != f.rows || times != 0 && times != 8*f.rows {
			return nil, fmt.Errorf("the server's answer is broken: column %q is not as long as the others", c.name)
		}
		d.expect(c.wire)
	}
	for i := range f.columns {
		c := &f.columns[i]
		var err error
		if c.values, err = d.decode(c.wire); err != nil {
			return nil, fmt.Errorf("the server's answer is broken: column %q: %w", c.name, err)
		}
	}
	if err := checkProvenance(f.provenance, f.rows); err != nil {
		return nil, err
	}
	f.layout = known.of(selection, f.columns)
	return f, nil
}

// read reads the message, but for the values.
func (f *Features) read(reply []byte) error {
	f.columns = make([]column, 0, countColumns(reply))
	for len(reply) > 0 {
		part, rest, err := nextField(reply)
		if err != nil {
			return err
		}
		switch {
		case part.number == 1 && part.kind == protowire.BytesType:
			f.columns = append(f.columns, column{})
			c := &f.columns[len(f.columns)-1]
			if err := c.read(part.content); err != nil {
				return fmt.Errorf("column %q: %w", c.name, err)
			}
		case part.number == 2 && part.kind == protowire.VarintType:
			f.Revision = int64(part.varint)
		case part.number == 3 && part.kind == protowire.BytesType:
			view := new(plumbv1.ViewProvenance)
			if err := proto.Unmarshal(part.content, view); err != nil {
				return err
			}
			f.provenance = append(f.provenance, view)
		case part.number <= 3:
			return errWire
		}
		reply = rest
	}
	return nil
}

// countColumns counts as far as it understands the reply.
func countColumns(reply []byte) (count int) {
	for len(reply) > 0 {
		part, rest, err := nextField(reply)
		if err != nil {
			return count
		}
		if part.number == 1 {
			count++
		}
		reply = rest
	}
	return count
}

func (c *column) read(message []byte) error {
	var held []byte
	for len(message) > 0 {
		part, rest, err := nextField(message)
		if err != nil {
			return err
		}
		switch part.number {
		case 1:
			err = part.once(&c.name)
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
	if !utf8.Valid(c.name) {
		return errWire
	}
	var err error
	c.wire, err = readValues(held)
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

// of returns the layout of a reply's columns.
func (l *layouts) of(selection string, columns []column) *layout {
	l.mutex.RLock()
	last := l.last[selection]
	l.mutex.RUnlock()
	if last.fits(columns) {
		return last
	}
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

func (l *layout) fits(columns []column) bool {
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

// Value returns the value of an output in its Go type (see [Scalar]; a List for arrays), or nil where it is not
// PRESENT, and its status, StatusUnknown where there is no such output. A loop over many rows is faster with
// [ColumnOf].
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

// eventTime is the event time of a row, in microseconds; false where event times were not asked for.
func (c *column) eventTime(row int) (int64, bool) {
	if len(c.times) == 0 {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(c.times[8*row:])), true
}
