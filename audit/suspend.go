package audit

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/store"
)

// A store keeps a key's newest row, so one that is asked of the past has nothing where that row is later. Whether it
// had a later one is told by the sources, joined once more at the instants of the serving. That is asked for the few
// incidents that it may explain, many at a time.

// maxSuspended is how many incidents wait for that join.
const maxSuspended = 10_000

// suspended is an incident whose cause is not decided yet.
type suspended struct {
	incident  incident
	differing []int
	// example makes an example of it; nil where there are enough.
	example func() Example
}

// suspension has the incidents of one use that wait, and the rows to join for them.
type suspension struct {
	group    *groupAudit
	use      *use
	waiting  []suspended
	instants *array.TimestampBuilder
	keys     []array.Builder
}

func newSuspension(g *groupAudit, u *use) *suspension {
	microseconds := arrow.FixedWidthTypes.Timestamp_us.(*arrow.TimestampType)
	s := &suspension{group: g, use: u, instants: array.NewTimestampBuilder(memory.DefaultAllocator, microseconds)}
	for _, key := range g.group.header.Keys {
		s.keys = append(s.keys, array.NewBuilder(memory.DefaultAllocator, store.ArrowType(key.Declared())))
	}
	return s
}

// mayBeAhead says whether a later row in the store may explain an incident.
func (i *incident) mayBeAhead() bool {
	return i.next == nil && !i.served.there && i.joined.there && i.at < i.servedAt
}

// add suspends an incident.
func (s *suspension) add(one suspended, keys []arrow.Array, row int) error {
	for k, builder := range s.keys {
		if err := s.group.appendPlain(builder, k, keys[k], row); err != nil {
			return err
		}
	}
	s.instants.Append(arrow.Timestamp(one.incident.servedAt))
	s.waiting = append(s.waiting, one)
	return nil
}

// settle joins the rows that wait at the instants of the serving, and hands each incident on with what the store had.
func (s *suspension) settle(ctx context.Context, b *background, decided func(suspended)) (err error) {
	if len(s.waiting) == 0 {
		return nil
	}
	labels := filepath.Join(s.group.folder, "served.arrow")
	if err := s.write(labels); err != nil {
		return err
	}
	request := store.JoinRequest{
		Labels: labels, LabelsName: "table of logged keys", TimestampColumn: instantColumn,
		Progress: s.group.auditor.config.Progress,
	}
	result := filepath.Join(s.group.folder, s.use.file("served"))
	if _, err := s.use.run(ctx, s.group.auditor.config.Offline, request, result); err != nil {
		return err
	}
	later, err := openAnswers(result)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, later.close()) }()
	for _, one := range s.waiting {
		if err := later.next(); err != nil {
			return err
		}
		found, err := later.sighting()
		if err != nil {
			return err
		}
		if found.there && found.event > one.incident.at && b.hadBy(found.event, one.incident.servedAt) {
			one.incident.next = &found.event
		}
		decided(one)
	}
	s.waiting = s.waiting[:0]
	return nil
}

func (s *suspension) write(path string) error {
	labels, err := newLabels(path, s.group.keyFields())
	if err != nil {
		return err
	}
	keys := make([]arrow.Array, len(s.keys))
	for k, builder := range s.keys {
		keys[k] = builder.NewArray()
	}
	return errors.Join(labels.add(s.instants.NewArray(), keys), labels.close())
}
