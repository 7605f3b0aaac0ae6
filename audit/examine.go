package audit

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// examination holds what was served of one use of a view against what joins say of the same rows, in the same order.
type examination struct {
	header     *auditlog.Header
	use        int
	outputs    []auditlog.Output
	background *background
	hasher     *auditlog.Hasher
	// unresolved says whether a row has a hash in the place of a key that no row of the source has, so that it could not
	// be joined.
	unresolved func(keys []arrow.Array, row int) bool
	// joined are the default join's rows; known those of the join as known, nil if the source has no created time.
	joined, known                            *answers
	joinedValues, knownValues, settledValues hashedBatch
	// suspension has the incidents whose cause is decided later.
	suspension *suspension

	tally *tally
	view  *viewTally
	// file is the log file that is read.
	file string
}

func (e *examination) close() error {
	err := e.joined.close()
	if e.known != nil {
		err = errors.Join(err, e.known.close())
	}
	return err
}

// batch compares the rows of a batch.
func (e *examination) batch(ctx context.Context, batch arrow.RecordBatch) error {
	rows, err := newLogged(e.header, e.use, batch)
	if err != nil {
		return fault.Inputf(e.file, "is damaged: %v", err)
	}
	rows.file = e.file
	for row := range rows.rows {
		if err := e.joined.next(); err != nil {
			return err
		}
		if e.known != nil {
			if err := e.known.next(); err != nil {
				return err
			}
		}
		if err := e.compare(rows, row); err != nil {
			return err
		}
	}
	if !e.suspension.full() {
		return nil
	}
	return e.settle(ctx)
}

func (e *examination) settle(ctx context.Context) error {
	if !e.background.isWindowed() {
		return e.suspension.settle(ctx, e.settled)
	}
	if len(e.suspension.waiting) == 0 {
		return nil
	}
	late, err := e.suspension.lateEvents(ctx, e.background)
	if err != nil {
		return err
	}
	waiting := e.suspension.waiting
	e.suspension.waiting, e.suspension.batches = nil, 0
	for _, each := range waiting {
		if evidence := late[each]; evidence != "" {
			e.count(each, ArrivedLate, evidence)
		} else {
			e.decide(each)
		}
	}
	return nil
}

// compare compares one row of the log with the row that the joins have come to. Whether values differ is known at once.
// Why they do may take another look at the sources: such incidents wait (suspension), so that many are joined at once.
func (e *examination) compare(rows *logged, row int) error {
	i, err := rows.incident(row)
	if err != nil {
		return fault.Inputf(e.file, "is damaged: %v", err)
	}
	e.view.rows++
	if e.unresolved(rows.keys, row) {
		e.tally.skip(e.header.Views[e.use].View, unresolvedKey, int64(len(e.outputs)))
		return nil
	}
	if err := e.joinedValues.fill(e, &i, e.joined); err != nil {
		return err
	}
	if e.background.isWindowed() {
		i.served.created = nil // It is that of a state, which tells builds apart.
	}
	e.measure(&i)
	i.differing = i.differences()
	if e.known != nil {
		if i.asKnown, err = e.weigh(i); err != nil {
			return err
		}
	}
	e.view.matched += int64(len(e.outputs) - len(i.differing))
	for _, output := range e.outputs {
		e.tally.feature(e.header.Views[e.use].View, output.Feature).compared++
	}
	if len(i.differing) == 0 {
		return nil
	}
	if e.background.isWindowed() {
		return e.decideWindow(&i)
	}
	if instant, needed := i.otherInstant(); needed {
		return e.suspension.add(&i, instant)
	}
	e.decide(&i)
	return nil
}

// decideWindow decides on an incident of a view with aggregations. At another instant windows have other events, so
// that no join at one tells anything; an event that came late may.
func (e *examination) decideWindow(i *incident) error {
	cause, evidence := e.background.decide(i)
	if (cause == Unexplained || cause == SourceRewritten) && e.background.tellsLate() {
		return e.suspension.add(i, i.at)
	}
	e.count(i, cause, evidence)
	return nil
}

// measure notes how old the row was that values were served from.
func (e *examination) measure(i *incident) {
	for _, status := range i.served.statuses {
		if i.served.there && (status == plumbv1.Status_PRESENT || status == plumbv1.Status_NULL) {
			e.view.staleness.add(int64(i.at - i.served.event))
			return
		}
	}
}

// weigh counts what training as known would have matched, and whether the row of the default join was known at all. It
// says whether training as known is what was served. It takes the incident as a copy, since it puts the row of the join
// as known in the place of the default join's.
//
// Aggregations have no row that was known or not. What the default join sees of them was not known yet if it is another
// as known, and whether what was served counts an event that was not known is not told.
func (e *examination) weigh(i incident) (asKnown bool, err error) {
	k, joined, values, row := &e.view.knowledge, i.joined, i.values, i.valueRow
	if i.served.there && i.served.visible() && !e.background.isWindowed() {
		k.Served++
		if i.served.created == nil || *i.served.created > i.at {
			k.ServedUnknown++
		}
	}
	if err := e.knownValues.fill(e, &i, e.known); err != nil {
		return false, err
	}
	others := len(i.differences())
	k.Compared += int64(len(e.outputs))
	k.MatchedDefault += int64(len(e.outputs) - len(i.differing))
	k.MatchedAsKnown += int64(len(e.outputs) - others)
	if joined.visible() {
		k.Seen++
	}
	unknown := tooEarly(joined, i.joined)
	if e.background.isWindowed() {
		unknown = joined.visible() && !i.joined.shows(joined, i.values, i.valueRow, values, row)
	}
	if unknown {
		k.Unknown++
	}
	return others == 0, nil
}

// shows says whether two joins give the same for a row.
func (s sighting) shows(other sighting, values []arrow.Array, row int, otherValues []arrow.Array, otherRow int) bool {
	for at, status := range s.statuses {
		if status != other.statuses[at] || status == plumbv1.Status_PRESENT &&
			!value.SameArrow(values[at], row, otherValues[at], otherRow) {
			return false
		}
	}
	return s.there == other.there && s.event == other.event
}

// differences are the positions of the outputs whose status, value or event time is not the join's. The event time is
// that of the row, also if the value is null or withheld: two rows that agree in a value by chance still differ (R17).
func (i *incident) differences() []int {
	var positions []int
	for at, served := range i.served.statuses {
		same := served == i.joined.statuses[at] && i.served.there == i.joined.there && i.served.event == i.joined.event
		if same && served == plumbv1.Status_PRESENT {
			same = value.SameArrow(i.rows.values[at], i.row, i.values[at], i.valueRow)
		}
		if !same {
			positions = append(positions, at)
		}
	}
	return positions
}

// decide decides and counts the cause of an incident.
func (e *examination) decide(i *incident) {
	cause, evidence := e.background.decide(i)
	e.count(i, cause, evidence)
}

// count counts what differs in an incident.
func (e *examination) count(i *incident, cause Cause, evidence string) {
	view, values := e.header.Views[e.use].View, int64(len(i.differing))
	e.view.mismatched += values
	e.view.causes[cause] += values
	for _, at := range i.differing {
		f := e.tally.feature(view, e.outputs[at].Feature)
		f.mismatched++
		f.causes[cause]++
	}
	if e.tally.wants(cause, view) {
		example := e.example(i, i.differing[0])
		example.Cause, example.Evidence = cause, evidence
		e.tally.show(example)
	}
}

func (e *examination) example(i *incident, at int) Example {
	output, rows, row := e.outputs[at], i.rows, i.row
	example := Example{
		View: e.header.Views[e.use].View, Feature: output.Feature, Output: output.Name,
		File: rows.file, Request: rows.request.Value(row), Row: int64(rows.row.Value(row)),
		ServedAt: value.FormatInstant(i.servedAt), At: value.FormatInstant(i.at),
		Served: shown(i.served, at, output.Sensitive, rows.values[at], row),
		Joined: shown(i.joined, at, output.Sensitive, i.values[at], i.valueRow),
	}
	for k, key := range e.header.Keys {
		show := shownValue
		if key.Sensitive {
			show = shownHash
		}
		example.Keys = append(example.Keys, document.Member{Name: key.Name, Value: show(rows.keys[k], row)})
	}
	return example
}

// shown is one side of an example.
func shown(s sighting, at int, sensitive bool, values arrow.Array, row int) Shown {
	side := Shown{Status: s.statuses[at].String(), EventTimestamp: shownInstant(s.event, s.there)}
	if s.statuses[at] != plumbv1.Status_PRESENT {
		return side
	}
	if side.Value = shownValue(values, row); sensitive {
		side.Value = shownHash(values, row)
	}
	return side
}

// hashedBatch has the values of a join's batch as the log has values: those of sensitive features hashed, once for each
// batch.
type hashedBatch struct {
	batch  arrow.RecordBatch
	values []arrow.Array
}

// fill takes the row that a join found, and its values.
func (h *hashedBatch) fill(e *examination, i *incident, from *answers) (err error) {
	if i.joined, err = from.sighting(); err != nil {
		return err
	}
	i.valueRow = from.row
	i.values, err = h.of(e, from)
	return err
}

func (h *hashedBatch) of(e *examination, from *answers) ([]arrow.Array, error) {
	if h.batch == from.batch {
		return h.values, nil
	}
	h.batch, h.values = from.batch, make([]arrow.Array, len(e.outputs))
	for at, output := range e.outputs {
		h.values[at] = from.values[at]
		if output.Sensitive {
			hashes, err := e.hasher.Hash(output.Declared(), from.values[at])
			if err != nil {
				return nil, err
			}
			h.values[at] = hashes
		}
	}
	return h.values, nil
}

// unresolvedKey is why a row with a hashed key is not compared.
var unresolvedKey = Skipped{Reason: "the hash of a sensitive key is of no key that the source has"}
