package parity

import (
	"fmt"
	"math"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Cause says what kind of mismatch was found.
type Cause string

// The causes. Each is decided by what the three sides say, in this order.
const (
	// MissingRow: training finds a row, and there is none to be served. SurplusRow is the reverse.
	MissingRow Cause = "missing row"
	SurplusRow Cause = "surplus row"
	// TTLEdge: one side treats a row as expired and the other does not, within a microsecond of the end of its ttl; TTL if
	// it is further away.
	TTLEdge Cause = "ttl edge"
	TTL     Cause = "ttl"
	// EventTime: the two sides chose rows of different event times.
	EventTime Cause = "event time"
	// Tie: the two sides have one event time and differ in the rest, and the source has several rows of it.
	Tie Cause = "tie"
	// Status: one side has a null and the other a value. Value: the values differ.
	Status Cause = "status"
	Value  Cause = "value"
	// Witness: both sides agree, and the source itself says otherwise.
	Witness Cause = "not what the source says"
	// Window: a window of materialization read more or fewer rows than the source has in there (R5).
	Window Cause = "window"
)

// Causes are all causes, in the order in which reports have them.
func Causes() []Cause {
	return []Cause{MissingRow, SurplusRow, TTLEdge, TTL, EventTime, Tie, Status, Value, Witness, Window}
}

// compare compares what was served for some label rows with what training has.
func (t *target) compare(rows []int, columns []*plumbv1.FeatureColumn) error {
	if len(columns) != len(t.selection.Outputs) {
		return fmt.Errorf("the server answers with %d features for %d", len(columns), len(t.selection.Outputs))
	}
	answered := len(rows)
	if len(t.keys) == 0 {
		answered = 1 // Without keys there is one row, which every label row sees (R12).
	}
	differs := make([]bool, len(rows))
	for i, output := range t.selection.Outputs {
		served, err := servedCells(columns[i], output.Name, answered)
		if err != nil {
			return err
		}
		for j, row := range rows {
			c := comparison{target: t, output: i, label: &t.labels[row], row: row, offline: t.offline[i].at(row),
				online: served.at(min(j, answered-1))}
			if stored, ok := output.From.(feature.StoredColumn); ok {
				c.use, c.feature = &t.uses[stored.Reference], stored.Feature
				c.witnessed = c.use.sourceState(c.label)
				if c.told, err = c.use.told(c.label, c.feature, c.witnessed); err != nil {
					return fmt.Errorf("%s: %w", output.Name, err)
				}
			}
			if !t.report.count(c) {
				differs[j] = true
			}
		}
	}
	for j, row := range rows {
		t.report.countRow(t.labels[row].kind, differs[j])
	}
	return nil
}

// servedCells reads a column of a look-up's answer.
func servedCells(column *plumbv1.FeatureColumn, name string, rows int) (*cells, error) {
	if column.GetName() != name {
		return nil, fmt.Errorf("the server calls a feature %q that training calls %q", column.GetName(), name)
	}
	if len(column.GetStatuses()) != rows || len(column.GetEventTimestamps()) != rows {
		return nil, fmt.Errorf("%s has %d statuses and %d event times for %d rows", name, len(column.GetStatuses()),
			len(column.GetEventTimestamps()), rows)
	}
	served, values := &cells{}, value.ReadWire(column.GetValues())
	for row := range rows {
		status := plumbv1.Status(column.GetStatuses()[row])
		if status == plumbv1.Status_PRESENT {
			var err error
			if served.data, err = values.AppendBits(served.data, row); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		served.add(status, feature.Instant(column.GetEventTimestamps()[row]))
	}
	return served, nil
}

// sourceState is what the source has for a label row; nothing if a key is null (R8).
func (u *use) sourceState(l *label) sourceState {
	if tuple, ok := u.tuple(l); ok {
		return u.view.states.at(tuple, l.at)
	}
	return sourceState{next: math.MaxInt64}
}

// told is what the witness has for a feature of a label row; nil if it cannot tell.
func (u *use) told(l *label, feature int, seen sourceState) (*witnessed, error) {
	if seen.rows == 0 {
		return nil, nil //nolint:nilnil // There is nothing to tell, and nothing is wrong.
	}
	if !u.view.isWindowed() {
		if values := u.view.values[seen.place]; values != nil {
			return &values[feature], nil
		}
		return nil, nil //nolint:nilnil // As above.
	}
	tuple, _ := u.tuple(l)
	return u.view.computed.of(tuple, l.at, feature)
}

// comparison is one feature of one label row, as the three sides tell it.
type comparison struct {
	target *target
	output int
	// use and feature are where a stored column comes from; use is nil if the feature is computed.
	use             *use
	feature         int
	label           *label
	row             int
	offline, online cell
	witnessed       sourceState
	// told is the value by the witness; nil if it cannot tell.
	told *witnessed
}

// cause is empty if all agree. What explains the most comes first: if one side has no row, event time, status and value
// differ as well, and rows of different event times mostly have different values.
func (c comparison) cause() Cause {
	offline, online := c.offline, c.online
	switch {
	case offline.same(online):
		if !c.isWitnessed() {
			return Witness
		}
		return ""
	case online.status == plumbv1.Status_NOT_FOUND:
		return MissingRow
	case offline.status == plumbv1.Status_NOT_FOUND:
		return SurplusRow
	case offline.event != online.event:
		return EventTime
	case c.use != nil && !c.use.view.isWindowed() && offline.found() != online.found():
		return c.ttlCause()
	case c.witnessed.rows > 1 && c.isChosen():
		return Tie
	case offline.status != online.status:
		return Status
	}
	return Value
}

func (c comparison) ttlCause() Cause {
	age, ttl := uint64(c.label.at)-uint64(c.offline.event), uint64(c.use.view.TTL.Microseconds())
	if age+1 >= ttl && age <= ttl+1 {
		return TTLEdge
	}
	return TTL
}

// isChosen says whether the value is that of one row among those of one event time, or of some of them.
func (c comparison) isChosen() bool {
	if !c.use.view.isWindowed() {
		return true
	}
	switch c.use.view.Aggregated.Aggregates[c.use.view.computed.aggregateOf[c.feature]].Spec.Function {
	case aggregate.First, aggregate.Last, aggregate.LastN:
		return true
	}
	return false
}

// isWitnessed says whether the source has the row that offline has found, whether it is as old as its status says, and
// whether its value is that which offline has. Of a computed feature it has nothing.
func (c comparison) isWitnessed() bool {
	if c.use == nil {
		return true
	}
	if c.use.view.isWindowed() {
		return c.isCounted()
	}
	seen, ttl := c.witnessed, uint64(c.use.view.TTL.Microseconds())
	switch {
	case seen.rows == 0:
		return c.offline.status == plumbv1.Status_NOT_FOUND
	case seen.event != c.offline.event:
		return false
	case ttl > 0 && uint64(c.label.at)-uint64(seen.event) > ttl:
		return c.offline.status == plumbv1.Status_EXPIRED
	case !c.offline.found():
		return false
	}
	return c.told == nil || c.told.is(c.offline)
}

// isCounted is isWitnessed of a view with aggregations. A filter leaves events out that the witness sees: then the
// latest one that is left is no later, and there may be none.
func (c comparison) isCounted() bool {
	seen, there := c.witnessed, c.offline.status != plumbv1.Status_NOT_FOUND
	filtered := c.use.view.Aggregated.Filter != aggregate.None
	switch {
	case seen.rows == 0:
		return !there
	case filtered:
		return !there || c.offline.event <= seen.event
	case seen.event != c.offline.event:
		return false
	case c.offline.status != plumbv1.Status_INVALID && !c.offline.found():
		return false
	}
	return c.told == nil || c.told.is(c.offline)
}

// describe says it for people.
func (c comparison) example(cause Cause) Example {
	output := c.target.selection.Outputs[c.output]
	declared := c.target.selection.Describe(output).Type
	example := Example{
		Target: c.target.Name, Row: int64(c.row) + 1, Kind: c.label.kind, At: c.label.at.String(), Feature: output.Name,
		Cause: cause, Training: c.offline.tell(declared), Served: c.online.tell(declared), SourceRows: c.witnessed.rows,
	}
	if c.use != nil {
		example.MaterializedTo = c.use.view.end()
	}
	for i, column := range c.target.keys {
		value := "null"
		if key := c.label.keys[i]; !key.isNull {
			value = textOf(column.Type, []byte(key.raw))
		}
		example.Keys = append(example.Keys, KeyText{column.Name, value})
	}
	if c.witnessed.rows > 0 {
		example.SourceEvent = new(c.witnessed.event.String())
	}
	return example
}

// end is how far the view is materialized, empty if it is not at all.
func (s *sandboxView) end() string {
	if len(s.runs) == 0 {
		return ""
	}
	return feature.Instant(s.runs[len(s.runs)-1].End).String()
}

func (c cell) tell(t plumbv1.Type) Told {
	told := Told{Status: c.status.String()}
	if c.status == plumbv1.Status_PRESENT {
		told.Value = new(textOf(t, c.value))
	}
	if c.status != plumbv1.Status_NOT_FOUND && c.event != math.MinInt64 {
		told.EventTimestamp = new(c.event.String())
	}
	return told
}
