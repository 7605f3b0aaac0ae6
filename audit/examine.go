package audit

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/document"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
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
	// joined are the default join's rows; known those of the join as known, nil where the source has no created time.
	joined, known             *answers
	joinedValues, knownValues hashedBatch
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
		return registry.Inputf(e.file, "is damaged: %v", err)
	}
	for row := range rows.rows {
		if err := e.joined.next(); err != nil {
			return err
		}
		if e.known != nil {
			if err := e.known.next(); err != nil {
				return err
			}
		}
		if err := e.row(rows, row); err != nil {
			return err
		}
	}
	if len(e.suspension.waiting) < maxSuspended {
		return nil
	}
	return e.settle(ctx)
}

func (e *examination) settle(ctx context.Context) error {
	return e.suspension.settle(ctx, e.background, e.decide)
}

func (e *examination) row(rows *logged, row int) error {
	i, err := rows.incident(row)
	if err != nil {
		return registry.Inputf(e.file, "is damaged: %v", err)
	}
	e.view.rows++
	if e.unresolved(rows.keys, row) {
		e.tally.skip(e.header.Views[e.use].View, unresolvedKey, int64(len(e.outputs)))
		return nil
	}
	if i.joined, err = e.joined.sighting(); err != nil {
		return err
	}
	e.measure(&i)
	joined, err := e.joinedValues.of(e, e.joined)
	if err != nil {
		return err
	}
	differing := e.differing(&i, rows, row, e.joined, joined)
	if e.known != nil {
		if err := e.weigh(i, len(differing), rows, row); err != nil {
			return err
		}
	}
	e.view.matched += int64(len(e.outputs) - len(differing))
	for _, output := range e.outputs {
		e.tally.feature(e.header.Views[e.use].View, output.Feature).compared++
	}
	if len(differing) == 0 {
		return nil
	}
	one := suspended{incident: i, differing: differing}
	one.example = func() Example { return e.example(&i, differing[0], rows, row, joined) }
	if !i.mayBeAhead() {
		e.decide(one)
		return nil
	}
	one.example = nil
	if len(e.suspension.waiting) < examplesOf*len(titles) { // The rows are gone when it is decided.
		made := e.example(&i, differing[0], rows, row, joined)
		one.example = func() Example { return made }
	}
	return e.suspension.add(one, rows.keys, row)
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

// weigh counts what training as known would have matched, and whether the row of the default join was known at all.
func (e *examination) weigh(i incident, differing int, rows *logged, row int) error {
	k, joined := &e.view.knowledge, i.joined
	var err error
	if i.joined, err = e.known.sighting(); err != nil {
		return err
	}
	known, err := e.knownValues.of(e, e.known)
	if err != nil {
		return err
	}
	k.Compared += int64(len(e.outputs))
	k.MatchedDefault += int64(len(e.outputs) - differing)
	k.MatchedAsKnown += int64(len(e.outputs) - len(e.differing(&i, rows, row, e.known, known)))
	if joined.visible() {
		k.Seen++
	}
	if tooEarly(joined, i.joined) {
		k.Unknown++
	}
	return nil
}

// differing are the positions of the outputs whose status, value or event time is not the join's.
func (e *examination) differing(i *incident, rows *logged, row int, from *answers, joined []arrow.Array) []int {
	var positions []int
	for at := range e.outputs {
		served, wanted := i.served.statuses[at], i.joined.statuses[at]
		same := served == wanted && i.served.there == i.joined.there && i.served.event == i.joined.event
		if same && served == plumbv1.Status_PRESENT {
			same = sameValue(rows.values[at], row, joined[at], from.row)
		}
		if !same {
			positions = append(positions, at)
		}
	}
	return positions
}

// decide tells the cause of an incident, and counts what differs.
func (e *examination) decide(one suspended) {
	cause, evidence := e.background.decide(&one.incident)
	view, values := e.header.Views[e.use].View, int64(len(one.differing))
	e.view.mismatched += values
	e.view.causes[cause] += values
	for _, at := range one.differing {
		feature := e.tally.feature(view, e.outputs[at].Feature)
		feature.mismatched++
		feature.causes[cause]++
	}
	if one.example != nil && e.tally.wants(cause, view) {
		example := one.example()
		example.Cause, example.Evidence = cause, evidence
		e.tally.show(example)
	}
}

func (e *examination) example(i *incident, at int, rows *logged, row int, joined []arrow.Array) Example {
	output := e.outputs[at]
	example := Example{
		View: e.header.Views[e.use].View, Feature: output.Feature, Output: output.Name,
		File: e.file, Request: rows.request.Value(row), Row: int64(rows.row.Value(row)),
		ServedAt: document.Instant(i.servedAt), At: document.Instant(i.at),
		Served: shown(i.served, at, output.Sensitive, rows.values[at], row),
		Joined: shown(i.joined, at, output.Sensitive, joined[at], e.joined.row),
	}
	for k, key := range e.header.Keys {
		value := shownValue
		if key.Sensitive {
			value = shownHash
		}
		example.Keys = append(example.Keys, document.Member{Name: key.Name, Value: value(rows.keys[k], row)})
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
