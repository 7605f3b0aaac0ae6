package audit

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Some incidents need one more look at the sources, at another instant, before their cause is decided. They wait, so
// that many are joined at once.
//
// A store keeps a key's newest row. A look-up of an earlier instant finds nothing if that row is later: a join at the
// instant of the serving shows whether the store had a later row. And a row that was served and is older than it should
// be still has to be right: a join at its own event time shows what the source has for it.

// maxSuspended and maxBatches bound the incidents that wait, and the batches of the log that they keep in memory.
const (
	maxSuspended = 100_000
	maxBatches   = 128
)

// suspension has the incidents of one use that wait, and the rows to join for them.
type suspension struct {
	group    *groupAudit
	use      *use
	waiting  []*incident
	batches  int
	instants *array.TimestampBuilder
	keys     []array.Builder
}

func newSuspension(g *groupAudit, u *use) *suspension {
	microseconds := arrow.FixedWidthTypes.Timestamp_us.(*arrow.TimestampType)
	s := &suspension{group: g, use: u, instants: array.NewTimestampBuilder(memory.DefaultAllocator, microseconds)}
	for _, key := range g.group.header.Keys {
		s.keys = append(s.keys, array.NewBuilder(memory.DefaultAllocator, value.ArrowType(key.Declared())))
	}
	return s
}

// full says whether what waits has to be settled.
func (s *suspension) full() bool { return len(s.waiting) >= maxSuspended || s.batches >= maxBatches }

// mayBeAhead says whether a later row in the store may explain an incident.
func (i *incident) mayBeAhead() bool {
	return i.next == nil && !i.served.there && i.joined.there && i.at < i.servedAt
}

// isStale says whether a row was served that is older than the join's.
func (i *incident) isStale() bool { return i.served.there && i.behind() }

// otherInstant is the instant for which the sources are looked at once more for an incident; false if that is not
// needed.
func (i *incident) otherInstant() (feature.Instant, bool) {
	switch {
	case i.mayBeAhead():
		return i.servedAt, true
	case i.isStale():
		return i.served.event, true
	}
	return 0, false
}

// add has an incident wait.
func (s *suspension) add(i *incident, instant feature.Instant) error {
	for k, builder := range s.keys {
		if err := s.group.appendPlain(builder, k, i.rows.keys[k], i.row); err != nil {
			return err
		}
	}
	s.instants.Append(arrow.Timestamp(instant))
	if len(s.waiting) == 0 || s.waiting[len(s.waiting)-1].rows != i.rows {
		s.batches++
	}
	s.waiting = append(s.waiting, i)
	return nil
}

// settle joins the rows that wait, and hands each incident on with the row that was found for it.
func (s *suspension) settle(ctx context.Context, found func(*incident, *answers) error) (err error) {
	if len(s.waiting) == 0 {
		return nil
	}
	labels := filepath.Join(s.group.folder, s.use.file("suspended"))
	if err := s.write(labels); err != nil {
		return err
	}
	request := offline.JoinRequest{
		Labels: labels, LabelsName: "table of logged keys", TimestampColumn: instantColumn,
		Progress: s.group.auditor.config.Progress,
	}
	result := filepath.Join(s.group.folder, s.use.file("settled"))
	if _, err := s.use.run(ctx, s.group.auditor.config.Offline, request, result); err != nil {
		return err
	}
	rows, err := openAnswers(result)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	for _, waiting := range s.waiting {
		if err := rows.next(); err != nil {
			return err
		}
		if err := found(waiting, rows); err != nil {
			return err
		}
	}
	s.waiting, s.batches = nil, 0
	return nil
}

func (s *suspension) write(path string) error {
	labels, err := newLabels(path, s.group.keyFields())
	if err != nil {
		return err
	}
	instants, keys := s.take()
	return errors.Join(labels.add(instants, keys), labels.close())
}

// take takes the instants and the label columns of the incidents that wait.
func (s *suspension) take() (instants arrow.Array, keys []arrow.Array) {
	keys = make([]arrow.Array, len(s.keys))
	for k, builder := range s.keys {
		keys[k] = builder.NewArray()
	}
	return s.instants.NewArray(), keys
}

// settled decides on an incident that has waited, with the row that the sources have at the other instant.
func (e *examination) settled(i *incident, rows *answers) error {
	found, err := rows.sighting()
	if err != nil {
		return err
	}
	if i.mayBeAhead() {
		if found.there && found.event > i.at && e.background.hadBy(found.event, i.servedAt) {
			i.next = &found.event
		}
		e.decide(i)
		return nil
	}
	values, err := e.settledValues.of(e, rows)
	if err != nil {
		return err
	}
	own := *i
	own.at, own.joined, own.values, own.valueRow = i.served.event, found, values, rows.row
	if own.isRight() {
		e.decide(i)
		return nil
	}
	if cause, evidence := e.background.decide(&own); cause == Unexplained {
		e.count(i, cause, "the row of "+own.at.String()+" that was served is not what the source has for it: "+evidence)
		return nil
	}
	e.decide(i)
	return nil
}

// isRight says whether what was served of a row is what the source has for its event time.
func (i *incident) isRight() bool {
	if !i.joined.there || i.joined.event != i.served.event {
		return false
	}
	for at, served := range i.served.statuses {
		if served == plumbv1.Status_EXPIRED || served == plumbv1.Status_NOT_FOUND {
			continue // Nothing was served of it.
		}
		if served != i.joined.statuses[at] ||
			served == plumbv1.Status_PRESENT && !value.SameArrow(i.rows.values[at], i.row, i.values[at], i.valueRow) {
			return false
		}
	}
	return true
}
