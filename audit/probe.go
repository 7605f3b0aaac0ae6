package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// The columns of probes have names with a dot, which no key and no feature has, so that none collides (R10).
const (
	instantColumn = "plumb.at"
	probeAlias    = "plumb.view"
	createdColumn = "plumb.created"
)

func keyColumn(i int) string    { return fmt.Sprintf("plumb.key%d", i) }
func outputColumn(i int) string { return fmt.Sprintf("plumb.value%d", i) }

// probe is one use of a view that is joined again.
type probe struct {
	reference feature.Reference
	// features are the positions of those wanted in the view.
	features []int
	// keys are the label columns of the view's keys.
	keys []string
	// created says that the created time of the rows found is asked for too.
	created bool
}

// selection is what the probe asks for. The created time is read as one more feature of the view. As the last it
// decides no tie: rows that are ordered by their features, those of a SQL source, have then one created time (R3).
func (p *probe) selection() *feature.Selection {
	view := *p.reference.View
	used := feature.Reference{View: &view, Alias: probeAlias, LabelColumns: p.keys}
	selection := &feature.Selection{References: []feature.Reference{used}}
	for i, f := range p.features {
		selection.Outputs = append(selection.Outputs,
			feature.Output{From: feature.StoredColumn{Feature: f}, Name: outputColumn(i)})
	}
	if p.created {
		selection.Outputs = append(selection.Outputs,
			feature.Output{From: feature.StoredColumn{Feature: len(view.Features)}, Name: createdColumn})
		view.Features = append(slices.Clone(view.Features), feature.Feature{
			Field:  feature.Field{Name: createdColumn, Type: plumbv1.Type_TIMESTAMP},
			Column: view.Source.CreatedTimestamp,
		})
	}
	return selection
}

// canTellCreated says whether the created times of the rows found can be read as values are. Aggregations have no such
// row, but many events.
func canTellCreated(engine offline.Inspector, view *feature.View, columns []feature.Column) bool {
	source := view.Source
	if view.Aggregated != nil || source.CreatedTimestamp == "" {
		return false
	}
	return slices.ContainsFunc(columns, func(c feature.Column) bool {
		return c.Name == source.CreatedTimestamp && engine.CanBecome(c, plumbv1.Type_TIMESTAMP, false) == nil
	})
}

// run does the join that the request describes with the probe as its selection, and leaves the result in a file.
func (p *probe) run(ctx context.Context, engine offline.Store, request offline.JoinRequest, result string) (
	report offline.JoinReport, err error,
) {
	request.Selection, request.Statuses, request.Provenance = p.selection(), true, true
	join, err := engine.PlanJoin(ctx, request)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, join.Close()) }()
	return join.WriteFile(ctx, result)
}

// labelWriter writes the rows to join: an instant and keys.
type labelWriter struct {
	file   *os.File
	writer *ipc.FileWriter
	schema *arrow.Schema
}

// newLabels makes a file of labels with keys of these types.
func newLabels(path string, keys []feature.Field) (*labelWriter, error) {
	fields := []arrow.Field{{Name: instantColumn, Type: arrow.FixedWidthTypes.Timestamp_us}}
	for i, key := range keys {
		fields = append(fields, arrow.Field{Name: keyColumn(i), Type: value.ArrowType(key.Type), Nullable: true})
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	schema := arrow.NewSchema(fields, nil)
	writer, err := ipc.NewFileWriter(file, ipc.WithSchema(schema))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &labelWriter{file, writer, schema}, nil
}

// add appends rows.
func (w *labelWriter) add(instants arrow.Array, keys []arrow.Array) error {
	columns := append([]arrow.Array{instants}, keys...)
	return w.writer.Write(array.NewRecordBatch(w.schema, columns, int64(instants.Len())))
}

func (w *labelWriter) close() error { return errors.Join(w.writer.Close(), w.file.Close()) }

// answers goes through the result of a probe, row by row, with one batch in memory at a time. A join has one row for
// each label, in their order (R6), so the caller goes through its labels beside it.
type answers struct {
	file   *os.File
	reader *ipc.FileReader
	batch  arrow.RecordBatch
	// read is the number of batches that were read, and row the position in the last.
	read, row int

	values, statuses []arrow.Array
	events, created  *array.Timestamp
	// files are the source files of the rows found.
	files *array.String
}

func openAnswers(path string) (*answers, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	reader, err := ipc.NewFileReader(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read what was joined: %w", err), file.Close())
	}
	return &answers{file: file, reader: reader}, nil
}

// next goes to the next row.
func (a *answers) next() error {
	a.row++
	for a.batch == nil || a.row >= int(a.batch.NumRows()) {
		if a.read == a.reader.NumRecords() {
			return errors.New("the join has fewer rows than its labels")
		}
		batch, err := a.reader.RecordBatch(a.read)
		if err != nil {
			return fmt.Errorf("read what was joined: %w", err)
		}
		a.read, a.row = a.read+1, 0
		if err := a.take(batch); err != nil {
			return err
		}
	}
	return nil
}

// take finds the columns of a batch.
func (a *answers) take(batch arrow.RecordBatch) error {
	a.batch, a.values, a.statuses, a.events, a.created = batch, nil, nil, nil, nil
	byName := map[string]arrow.Array{}
	for i, field := range batch.Schema().Fields() {
		byName[field.Name] = batch.Column(i)
	}
	for i := 0; byName[outputColumn(i)] != nil; i++ {
		a.values = append(a.values, byName[outputColumn(i)])
		a.statuses = append(a.statuses, byName[outputColumn(i)+"__status"])
	}
	a.created, _ = byName[createdColumn].(*array.Timestamp)
	var ok bool
	if a.files, ok = byName[probeAlias+"__source_file"].(*array.String); !ok {
		return errors.New("the join has no source files")
	}
	if a.events, ok = byName[probeAlias+"__event_timestamp"].(*array.Timestamp); !ok {
		return errors.New("the join has no event times")
	}
	return nil
}

// sighting is the row that the join found.
func (a *answers) sighting() (sighting, error) {
	s := sighting{statuses: make([]plumbv1.Status, len(a.statuses))}
	for i, statuses := range a.statuses {
		status, err := statusAt(statuses, a.row)
		if err != nil {
			return s, err
		}
		s.statuses[i] = status
	}
	if s.event, s.there = instantAt(a.events, a.row); !s.there {
		return s, nil
	}
	if created, ok := instantAt(a.created, a.row); ok {
		s.created = &created
	}
	if a.files.IsValid(a.row) {
		s.file = a.files.Value(a.row)
	}
	return s, nil
}

func (a *answers) close() error { return a.file.Close() }
