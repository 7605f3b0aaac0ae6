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
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/store/offline"
)

// groupAudit is the audit of one group of log files.
//
// The rows of all files become one file of labels: instants and keys. Each use of a view is joined with these labels by
// itself, and once more as known if its source has created times. Results stay in files, so that memory does not grow
// with the log. Then the log is read again beside the results. No key connects the two: a join has one row for each
// label, in their order (R6), so the n-th row of the log belongs to the n-th row of each result. That is why read has
// to yield the same rows each time. Finished log files do not change.
type groupAudit struct {
	auditor *Auditor
	request Request
	group   *group
	tally   *tally
	// folder is where the group's labels and joins are.
	folder   string
	snapshot *feature.Snapshot
	// hashed are the label columns that the log has hashes of, by position.
	hashed map[int]*hashedKey
	uses   []*use
	// computed are the uses of on-demand views.
	computed []*recomputation
}

func (g *groupAudit) run(ctx context.Context) error {
	if err := os.Mkdir(g.folder, 0o700); err != nil {
		return err
	}
	var err error
	header := g.group.header
	g.snapshot, err = g.auditor.config.Registry.At(ctx, g.request.Project, header.Revision)
	if _, missing := errors.AsType[*fault.NotFoundError](err); missing {
		g.skipAll(fmt.Sprintf("%s was served under revision %d of the registry, which is no longer there",
			g.paths(), header.Revision))
		return nil
	}
	if err != nil {
		return err
	}
	g.computed = g.recomputations()
	for position := range header.Views {
		if err := g.addUse(ctx, position); err != nil {
			return err
		}
	}
	if err := g.resolveKeys(ctx); err != nil || len(g.uses)+len(g.computed) == 0 {
		return err
	}
	if err := g.writeLabels(ctx); err != nil {
		return err
	}
	joined := g.uses[:0]
	for _, u := range g.uses {
		ok, err := g.join(ctx, u)
		if err != nil {
			return err
		}
		if ok {
			joined = append(joined, u)
		}
	}
	g.uses = joined
	if err := g.compare(ctx); err != nil {
		return err
	}
	return os.RemoveAll(g.folder)
}

// paths names the files of the group.
func (g *groupAudit) paths() string {
	if more := len(g.group.paths) - 1; more > 0 {
		return fmt.Sprintf("%s and %d more", g.group.paths[0], more)
	}
	return g.group.paths[0]
}

// skipAll says of all that was logged why it is not compared.
func (g *groupAudit) skipAll(reason string) {
	for position := range g.group.header.Views {
		g.skip(position, reason, len(outputsOf(g.group.header, position)))
	}
	g.skipComputed(nil, reason)
}

// skip says of that many outputs of a use why they are not compared. Their values are counted as not compared, so that
// the numbers of a report add up to all that was looked up, and nothing is left out in silence.
func (g *groupAudit) skip(position int, reason string, outputs int) {
	name := g.group.header.Views[position].View
	g.tally.view(name).rows += g.group.rows
	g.tally.skip(name, Skipped{Reason: reason, Input: true}, int64(outputs)*g.group.rows)
}

func outputsOf(header *auditlog.Header, use int) []auditlog.Output {
	var outputs []auditlog.Output
	for _, output := range header.Outputs {
		if output.View == use {
			outputs = append(outputs, output)
		}
	}
	return outputs
}

// resolveKeys finds the keys that hashes were made of among those of the sources. A join needs the keys themselves. All
// uses that read a label column share what is found for it, so a key counts as known if any of their sources has it.
func (g *groupAudit) resolveKeys(ctx context.Context) error {
	g.hashed = map[int]*hashedKey{}
	for _, u := range g.uses {
		for _, k := range u.labels {
			if key := g.group.header.Keys[k]; key.Sensitive && g.hashed[k] == nil {
				g.hashed[k] = newHashedKey(key.Declared())
			}
		}
	}
	if len(g.hashed) == 0 {
		return nil
	}
	g.progress("resolving hashed keys", 0)
	err := g.group.read(ctx, g.request, func(path string, batch arrow.RecordBatch) error {
		for k, hashed := range g.hashed {
			c := &columns{batch: batch}
			column := c.any(g.group.header.Keys[k].Column)
			if c.missing != nil {
				return fault.Inputf(path, "is damaged: %v", c.missing)
			}
			if err := hashed.expect(column); err != nil {
				return fault.Inputf(path, "is damaged: key %q: %v", g.group.header.Keys[k].Name, err)
			}
		}
		return nil
	})
	for _, u := range g.uses {
		sensitive := map[int]*hashedKey{}
		for i, k := range u.labels {
			if g.hashed[k] != nil {
				sensitive[i] = g.hashed[k]
			}
		}
		if err == nil && len(sensitive) > 0 {
			err = resolve(ctx, g.auditor.config.Offline, g.auditor.config.Hasher, u.reference.View, sensitive)
		}
	}
	for _, hashed := range g.hashed {
		hashed.settle()
	}
	return err
}

// isUnresolved says whether a row has a hash of a use's key that is of no known key.
func (g *groupAudit) isUnresolved(u *use) func([]arrow.Array, int) bool {
	return func(keys []arrow.Array, row int) bool {
		return slices.ContainsFunc(u.labels, func(k int) bool {
			if g.hashed[k] == nil || keys[k].IsNull(row) {
				return false
			}
			_, known := g.hashed[k].place(keys[k], row)
			return !known
		})
	}
}

func (g *groupAudit) labels() string { return filepath.Join(g.folder, "labels.arrow") }

func (g *groupAudit) progress(step string, rows int64) {
	g.auditor.config.Progress(offline.Progress{Step: step, Rows: rows, Total: g.group.rows})
}

// writeLabels writes the instants and keys of all rows of the group.
func (g *groupAudit) writeLabels(ctx context.Context) (err error) {
	g.progress("reading logged keys", 0)
	header := g.group.header
	keys := g.keyFields()
	labels, err := newLabels(g.labels(), keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, labels.close()) }()
	done := int64(0)
	return g.group.read(ctx, g.request, func(path string, batch arrow.RecordBatch) error {
		c := &columns{batch: batch}
		at := typed[*array.Timestamp](c, auditlog.AtColumn)
		columns := make([]arrow.Array, len(keys))
		for k := range keys {
			columns[k] = c.any(header.Keys[k].Column)
		}
		if c.missing != nil {
			return fault.Inputf(path, "is damaged: %v", c.missing)
		}
		for k := range keys {
			if columns[k], err = g.plain(k, columns[k]); err != nil {
				return err
			}
		}
		done += batch.NumRows()
		g.progress("reading logged keys", done)
		return labels.add(at, columns)
	})
}

// keyFields are the label columns.
func (g *groupAudit) keyFields() []feature.Field {
	var fields []feature.Field
	for _, key := range g.group.header.Keys {
		fields = append(fields, feature.Field{Name: key.Name, Type: key.Declared()})
	}
	return fields
}

// plain is a column of keys in their declared type, without hashes.
func (g *groupAudit) plain(k int, column arrow.Array) (arrow.Array, error) {
	key := g.group.header.Keys[k]
	if !key.Sensitive {
		return column, nil
	}
	builder := array.NewBuilder(memory.DefaultAllocator, value.ArrowType(key.Declared()))
	defer builder.Release()
	for row := range column.Len() {
		if err := g.appendPlain(builder, k, column, row); err != nil {
			return nil, err
		}
	}
	return builder.NewArray(), nil
}

// appendPlain copies a key. If the log has a hash, it appends what the hash was made of, or null if that is not known.
// A hash that no use needs is not known.
func (g *groupAudit) appendPlain(builder array.Builder, k int, column arrow.Array, row int) error {
	hashed := g.hashed[k]
	switch {
	case hashed != nil:
		return hashed.appendTo(builder, column, row)
	case g.group.header.Keys[k].Sensitive:
		builder.AppendNull()
		return nil
	}
	return appendKey(builder, column, row)
}

// join joins the labels with a use; false if the source cannot be read as it is now.
func (g *groupAudit) join(ctx context.Context, u *use) (bool, error) {
	var err error
	request := offline.JoinRequest{
		Labels: g.labels(), LabelsName: "table of logged keys", TimestampColumn: instantColumn,
		Progress: g.auditor.config.Progress,
	}
	u.report, err = u.run(ctx, g.auditor.config.Offline, request, filepath.Join(g.folder, u.file("joined")))
	if err == nil && u.reference.View.Source.CreatedTimestamp != "" {
		request.AsKnown = true
		_, err = u.run(ctx, g.auditor.config.Offline, request, filepath.Join(g.folder, u.file("known")))
	}
	if _, input := errors.AsType[*fault.InputError](err); input {
		g.skip(u.position, fmt.Sprintf("view %s cannot be joined any more: %v", u.reference.View.Name, err), len(u.outputs))
		return false, nil
	}
	return err == nil, err
}

// compare goes through the log and the joins side by side.
func (g *groupAudit) compare(ctx context.Context) (err error) {
	g.progress("comparing", 0)
	var examinations []*examination
	defer func() {
		for _, e := range examinations {
			err = errors.Join(err, e.close())
		}
	}()
	for _, u := range g.uses {
		e, err := g.examine(ctx, u)
		if err != nil {
			return err
		}
		examinations = append(examinations, e)
	}
	done := int64(0)
	err = g.group.read(ctx, g.request, func(path string, batch arrow.RecordBatch) error {
		for _, e := range examinations {
			e.file = path
			if err := e.batch(ctx, batch); err != nil {
				return err
			}
		}
		for _, r := range g.computed {
			if err := r.batch(path, batch); err != nil {
				return err
			}
		}
		done += batch.NumRows()
		g.progress("comparing", done)
		return nil
	})
	for _, e := range examinations {
		if err == nil {
			g.auditor.config.Progress(offline.Progress{Step: "looking for causes in view " + e.header.Views[e.use].View})
			err = e.settle(ctx)
		}
	}
	return err
}

func (g *groupAudit) examine(ctx context.Context, u *use) (*examination, error) {
	known, err := g.auditor.background(ctx, g.snapshot, u, g.request.To)
	if err != nil {
		return nil, err
	}
	view := g.tally.view(u.reference.View.Name)
	e := &examination{
		header: g.group.header, use: u.position, outputs: u.outputs, background: known,
		hasher: g.auditor.config.Hasher, unresolved: g.isUnresolved(u), suspension: newSuspension(g, u),
		tally: g.tally, view: view,
	}
	if e.joined, err = openAnswers(filepath.Join(g.folder, u.file("joined"))); err != nil {
		return nil, err
	}
	if u.reference.View.Source.CreatedTimestamp != "" {
		view.tellsCreated = true
		if e.known, err = openAnswers(filepath.Join(g.folder, u.file("known"))); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	return e, nil
}
