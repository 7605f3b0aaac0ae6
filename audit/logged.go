package audit

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// logged are rows of a log file, as far as they are about one use of a view. The columns keep referring to the batch,
// so an incident that waits (suspension) keeps its batch in memory.
type logged struct {
	file         string
	rows         int
	request      *array.Int64
	row          *array.Int32
	servedAt, at *array.Timestamp
	// keys are all label columns of the file.
	keys []arrow.Array
	// values and statuses are those of the outputs of the use.
	values, statuses []arrow.Array
	event, created   *array.Timestamp
	schema, origin   *array.Int64
}

// columns finds columns of a batch by name and type, and keeps the first that is missing, so that a reader asks for all
// of its columns first and looks for an error once. Until then a column that is missing is nil.
type columns struct {
	batch   arrow.RecordBatch
	missing error
}

func (c *columns) any(name string) arrow.Array {
	for i, field := range c.batch.Schema().Fields() {
		if field.Name == name {
			return c.batch.Column(i)
		}
	}
	if c.missing == nil {
		c.missing = fmt.Errorf("it has no column %q", name)
	}
	return nil
}

func typed[T arrow.Array](c *columns, name string) T {
	var none T
	found := c.any(name)
	column, ok := found.(T)
	if !ok {
		if c.missing == nil {
			c.missing = fmt.Errorf("its column %q is of the unexpected type %s", name, found.DataType())
		}
		return none
	}
	return column
}

// newLogged takes a batch apart.
func newLogged(header *auditlog.Header, use int, batch arrow.RecordBatch) (*logged, error) {
	c, view := &columns{batch: batch}, header.Views[use]
	l := &logged{
		rows:     int(batch.NumRows()),
		request:  typed[*array.Int64](c, auditlog.RequestColumn),
		row:      typed[*array.Int32](c, auditlog.RowColumn),
		servedAt: typed[*array.Timestamp](c, auditlog.ServedAtColumn),
		at:       typed[*array.Timestamp](c, auditlog.AtColumn),
		event:    typed[*array.Timestamp](c, view.EventTimestamp),
		created:  typed[*array.Timestamp](c, view.CreatedTimestamp),
		schema:   typed[*array.Int64](c, view.SchemaID),
		origin:   typed[*array.Int64](c, view.Origin),
	}
	for _, key := range header.Keys {
		l.keys = append(l.keys, c.any(key.Column))
	}
	for _, output := range header.Outputs {
		if output.View == use {
			l.values, l.statuses = append(l.values, c.any(output.Column.Column)), append(l.statuses, c.any(output.Status))
		}
	}
	return l, c.missing
}

// incident is what was served of a row, without the join's side. A row that the store had and that is later than the
// instant asked for was not seen (R2).
func (l *logged) incident(row int) (incident, error) {
	i := incident{rows: l, row: row, at: feature.Instant(l.at.Value(row)),
		servedAt: feature.Instant(l.servedAt.Value(row)), schema: uint32(numberAt(l.schema, row)),
		origin: packed.Origin(numberAt(l.origin, row))}
	i.served.statuses = make([]plumbv1.Status, len(l.statuses))
	for output, statuses := range l.statuses {
		status, err := statusAt(statuses, row)
		if err != nil {
			return i, err
		}
		i.served.statuses[output] = status
	}
	event, there := instantAt(l.event, row)
	switch {
	case there && event > i.at:
		i.next = &event
	case there:
		i.served.there, i.served.event = true, event
		if created, ok := instantAt(l.created, row); ok {
			i.served.created = &created
		}
	}
	return i, nil
}

func numberAt(numbers *array.Int64, row int) int64 {
	if numbers.IsNull(row) {
		return 0
	}
	return numbers.Value(row)
}

func instantAt(times *array.Timestamp, row int) (feature.Instant, bool) {
	if times == nil || times.IsNull(row) {
		return 0, false
	}
	return feature.Instant(times.Value(row)), true
}

// statusAt reads a status by its name. A log has statuses as a dictionary of words, which Parquet readers may hand out
// as such or as plain texts.
func statusAt(statuses arrow.Array, row int) (plumbv1.Status, error) {
	name := ""
	switch statuses := statuses.(type) {
	case *array.String:
		if statuses.IsValid(row) {
			name = statuses.Value(row)
		}
	case *array.Dictionary:
		if words, ok := statuses.Dictionary().(*array.String); ok && statuses.IsValid(row) {
			name = words.Value(statuses.GetValueIndex(row))
		}
	}
	status, ok := plumbv1.Status_value[name]
	if !ok {
		return 0, fmt.Errorf("%q is not a status", statuses.ValueStr(row))
	}
	return plumbv1.Status(status), nil
}
