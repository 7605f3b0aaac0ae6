package parity

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// target is a Target made ready.
type target struct {
	Target
	selection *feature.Selection
	// fullNames names outputs with their views, if a label column would otherwise have an output's name.
	fullNames bool
	// keys are the label columns: those of join keys, and then those of request inputs, which begin at inputs.
	keys   []feature.Field
	inputs int
	// uses are those of views, as in selection.References.
	uses []use
	// path is the label file that the join reads.
	path   string
	labels []label
	// offline has the cells of each output.
	offline []cells
	report  *TargetReport
}

// use is one use of a view.
type use struct {
	alias string
	view  *sandboxView
	// columns are the positions in target.keys of the view's join keys.
	columns []int
}

// label is a label row.
type label struct {
	at feature.Instant
	// keys are the values of target.keys.
	keys []part
	kind Kind
}

// part is the value of one key column: null, or the bits that the package value defines.
type part struct {
	isNull bool
	raw    string
}

// tuple returns what distinguishes the entity keys of a view. It returns false if a part is null: that matches nothing
// (R8).
func (u *use) tuple(l *label) (string, bool) {
	var tuple []byte
	for _, column := range u.columns {
		if l.keys[column].isNull {
			return "", false
		}
		tuple = appendPart(tuple, l.keys[column].raw)
	}
	return string(tuple), true
}

// appendPart appends a part after its length, so that tuples are equal only if all their parts are: (1, 11) and (11, 1)
// are different keys (R9).
func appendPart[T string | []byte](tuple []byte, raw T) []byte {
	return append(binary.BigEndian.AppendUint32(tuple, uint32(len(raw))), raw...)
}

// labelTime names the instants of label rows that are sampled, unless a key column is named so.
const labelTime = "event_timestamp"

// newTarget resolves what a target selects. For label rows that are sampled it also chooses names that do not collide
// (R10). With a label file that is given, a collision is an error of the join, as it is when the training set is made.
func newTarget(snapshot *feature.Snapshot, wanted Target) (*target, error) {
	t := &target{Target: wanted, report: &TargetReport{Name: wanted.Name}}
	if err := t.choose(snapshot); err != nil {
		return nil, err
	}
	if err := t.listColumns(); err != nil {
		return nil, err
	}
	if t.Labels == "" {
		t.TimestampColumn = labelTime
		for slices.ContainsFunc(t.keys, t.isLabelTime) {
			t.TimestampColumn += "_"
		}
		if !t.fullNames && slices.ContainsFunc(t.selection.Outputs, t.collides) {
			t.fullNames = true
			if err := t.choose(snapshot); err != nil {
				return nil, err
			}
		}
	}
	t.path = t.Labels
	t.uses = make([]use, len(t.selection.References))
	for i, reference := range t.selection.References {
		t.uses[i].alias = reference.Alias
		for _, name := range reference.LabelColumns {
			at := slices.IndexFunc(t.keys, func(f feature.Field) bool { return f.Name == name })
			t.uses[i].columns = append(t.uses[i].columns, at)
		}
	}
	t.offline = make([]cells, len(t.selection.Outputs))
	t.report.describe(t.selection)
	return t, nil
}

func (t *target) listColumns() error {
	keys, err := t.selection.Keys()
	if err != nil {
		return err
	}
	inputs, err := t.selection.Inputs()
	if err != nil {
		return err
	}
	t.keys, t.inputs = keys, len(keys)
	for _, input := range inputs {
		t.keys = append(t.keys, input.Field)
	}
	return nil
}

func (t *target) choose(snapshot *feature.Snapshot) (err error) {
	if t.Service != "" {
		t.selection, err = snapshot.SelectService(t.Service, t.fullNames)
	} else {
		t.selection, err = snapshot.SelectFeatures(t.Features, t.fullNames)
	}
	if err != nil {
		return err
	}
	return t.selection.RequireKnown()
}

func (t *target) isLabelTime(key feature.Field) bool { return key.Name == t.TimestampColumn }

// collides says whether an output has the name of a label column (R10).
func (t *target) collides(output feature.Output) bool {
	return output.Name == t.TimestampColumn ||
		slices.ContainsFunc(t.keys, func(key feature.Field) bool { return key.Name == output.Name })
}

func (t *target) joinRequest() offline.JoinRequest {
	return offline.JoinRequest{Selection: t.selection, Labels: t.path, TimestampColumn: t.TimestampColumn}
}

// readLabels reads the label rows that are given.
func (t *target) readLabels(ctx context.Context, witness offline.Witness) error {
	return witness.Labels(ctx, t.joinRequest(), func(batch arrow.RecordBatch) error {
		times, ok := batch.Column(0).(*array.Int64)
		if !ok {
			return fmt.Errorf("label times are %s", batch.Column(0).DataType())
		}
		for row := range int(batch.NumRows()) {
			given := label{at: feature.Instant(times.Value(row)), keys: make([]part, len(t.keys)), kind: Given}
			for i := range t.keys {
				key, err := partOf(batch.Column(i+1), row)
				if err != nil {
					return err
				}
				given.keys[i] = key
			}
			t.labels = append(t.labels, given)
		}
		return nil
	})
}

func partOf(column arrow.Array, row int) (part, error) {
	if column.IsNull(row) {
		return part{isNull: true}, nil
	}
	raw, err := value.AppendArrowBits(nil, column, row)
	return part{raw: string(raw)}, err
}

// writeLabels writes the label rows that were sampled, for the join to read.
func (t *target) writeLabels() (err error) {
	fields := []arrow.Field{{Name: t.TimestampColumn, Type: arrow.FixedWidthTypes.Timestamp_us}}
	for _, key := range t.keys {
		fields = append(fields, arrow.Field{Name: key.Name, Type: value.ArrowType(key.Type), Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for _, l := range t.labels {
		builder.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(l.at))
		for i, given := range l.keys {
			key, err := given.value(t.keys[i].Type)
			if err != nil {
				return err
			}
			if err := value.Append(builder.Field(i+1), key); err != nil {
				return err
			}
		}
	}
	file, err := os.Create(t.path)
	if err != nil {
		return fmt.Errorf("write sampled label rows: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	writer, err := ipc.NewFileWriter(file, ipc.WithSchema(schema))
	if err != nil {
		return fmt.Errorf("write sampled label rows: %w", err)
	}
	record := builder.NewRecordBatch()
	defer record.Release()
	return errors.Join(writer.Write(record), writer.Close())
}

// value returns the Go form of a key of a declared type.
func (p part) value(declared plumbv1.Type) (any, error) {
	if p.isNull {
		return nil, nil
	}
	return value.FromBits(declared, []byte(p.raw))
}

// addColumns gives a request the keys and inputs of some label rows.
func (t *target) addColumns(request *plumbv1.GetOnlineFeaturesRequest, rows []int) error {
	for i, key := range t.keys {
		given := make([]any, len(rows))
		for j, row := range rows {
			var err error
			if given[j], err = t.labels[row].keys[i].value(key.Type); err != nil {
				return fmt.Errorf("column %s of label row %d: %w", key.Name, row+1, err)
			}
		}
		values, nulls := value.ToWire(key.Type, given)
		if i < t.inputs {
			request.Keys = append(request.Keys, &plumbv1.KeyColumn{Name: key.Name, Values: values, Nulls: nulls})
		} else {
			request.Inputs = append(request.Inputs, &plumbv1.InputColumn{Name: key.Name, Values: values, Nulls: nulls})
		}
	}
	return nil
}
