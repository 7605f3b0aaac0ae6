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
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// groupAudit is the audit of one group of log files.
type groupAudit struct {
	auditor *Auditor
	request Request
	group   *group
	tally   *tally
	// folder is where the group's labels and joins lie.
	folder   string
	snapshot *registry.Snapshot
	// hashed are the label columns that the log has hashes of, by position.
	hashed map[int]*hashedKey
	uses   []*use
}

// use is one use of a view that is compared.
type use struct {
	probe
	// position is that in the header.
	position int
	// labels are the positions of the view's keys among the label columns.
	labels  []int
	outputs []auditlog.Output
	report  store.JoinReport
}

func (u *use) file(name string) string { return fmt.Sprintf("%s-%d.arrow", name, u.position) }

func (g *groupAudit) run(ctx context.Context) error {
	if err := os.Mkdir(g.folder, 0o700); err != nil {
		return err
	}
	var err error
	header := g.group.header
	g.snapshot, err = g.auditor.config.Registry.At(ctx, g.request.Project, header.Revision)
	if _, missing := errors.AsType[*registry.NotFoundError](err); missing {
		g.skipAll(fmt.Sprintf("%s was served under revision %d of the registry, which is no longer there",
			g.paths(), header.Revision))
		return nil
	}
	if err != nil {
		return err
	}
	for position := range header.Views {
		if err := g.addUse(ctx, position); err != nil {
			return err
		}
	}
	if err := g.resolveKeys(ctx); err != nil || len(g.uses) == 0 {
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
}

// skip says of so many outputs of a use why they are not compared.
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

// addUse prepares the comparison of one use of a view, or says why it cannot be compared.
func (g *groupAudit) addUse(ctx context.Context, position int) error {
	u := &use{position: position, outputs: outputsOf(g.group.header, position)}
	reason := g.refer(u)
	if reason == "" {
		reason = g.unreadableHashes(u)
	}
	if reason != "" {
		g.skip(position, g.paths()+reason, len(u.outputs))
		return nil
	}
	view := u.reference.View
	columns, err := g.auditor.config.Offline.Columns(ctx, view.Source)
	if _, input := errors.AsType[*registry.InputError](err); input {
		g.skip(position, fmt.Sprintf("source %s of view %s cannot be read: %v", view.Source.Name, view.Name, err),
			len(u.outputs))
		return nil
	}
	u.created = canTellCreated(g.auditor.config.Offline, view.Source, columns)
	g.uses = append(g.uses, u)
	return err
}

// refer finds the view, its keys and its features as the log has them; it says what is wrong where it cannot.
func (g *groupAudit) refer(u *use) string {
	logged, revision := g.group.header.Views[u.position], g.group.header.Revision
	view, err := g.snapshot.View(logged.View)
	if err != nil {
		return fmt.Sprintf(" cannot be right: in revision %d of the registry, %v", revision, err)
	}
	if len(logged.Keys) != len(view.Keys) {
		return fmt.Sprintf(" has %d keys of view %s, and revision %d of the registry %d", len(logged.Keys), view.Name,
			revision, len(view.Keys))
	}
	u.reference = registry.Reference{View: view, Alias: logged.Alias}
	for _, name := range logged.Keys {
		at := slices.IndexFunc(g.group.header.Keys, func(c auditlog.Column) bool { return c.Name == name })
		if at < 0 {
			return fmt.Sprintf(" has no column of key %q", name)
		}
		u.labels, u.keys = append(u.labels, at), append(u.keys, keyColumn(at))
	}
	for _, output := range u.outputs {
		at := slices.IndexFunc(view.Features, func(f registry.Feature) bool { return f.Name == output.Feature })
		if at < 0 || view.Features[at].Type != output.Declared() {
			return fmt.Sprintf(" has feature %q of view %s otherwise than revision %d of the registry", output.Feature,
				view.Name, revision)
		}
		u.features = append(u.features, at)
	}
	return ""
}

// unreadableHashes says why hashes that a use needs cannot be compared; empty where they can.
func (g *groupAudit) unreadableHashes(u *use) string {
	needed := slices.ContainsFunc(u.outputs, func(o auditlog.Output) bool { return o.Sensitive }) ||
		slices.ContainsFunc(u.labels, func(k int) bool { return g.group.header.Keys[k].Sensitive })
	hasher := g.auditor.config.Hasher
	switch {
	case !needed:
		return ""
	case hasher == nil:
		return fmt.Sprintf(" has hashes of sensitive values of view %s; set serving.audit.hash_key to the key that they "+
			"were made with", u.reference.View.Name)
	case g.group.header.Hash.Algorithm != auditlog.Algorithm || g.group.header.Hash.KeyID != hasher.KeyID():
		return fmt.Sprintf(" has hashes of sensitive values of view %s that were made with another key than "+
			"serving.audit.hash_key", u.reference.View.Name)
	}
	return ""
}

// resolveKeys finds the keys that hashes were made of among those of the sources.
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
	g.progress("resolving hashed keys")
	err := g.group.read(ctx, g.request, func(path string, batch arrow.RecordBatch) error {
		for k, hashed := range g.hashed {
			c := &columns{batch: batch}
			column := c.any(g.group.header.Keys[k].Column)
			if c.missing != nil {
				return registry.Inputf(path, "is damaged: %v", c.missing)
			}
			if err := hashed.expect(column); err != nil {
				return registry.Inputf(path, "is damaged: key %q: %v", g.group.header.Keys[k].Name, err)
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

func (g *groupAudit) progress(step string) {
	g.auditor.config.Progress(store.Progress{Step: step, Total: g.group.rows})
}

// writeLabels writes the instants and keys of all rows of the group.
func (g *groupAudit) writeLabels(ctx context.Context) (err error) {
	g.progress("reading logged keys")
	header := g.group.header
	keys := g.keyFields()
	labels, err := newLabels(g.labels(), keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, labels.close()) }()
	return g.group.read(ctx, g.request, func(path string, batch arrow.RecordBatch) error {
		c := &columns{batch: batch}
		at := typed[*array.Timestamp](c, auditlog.AtColumn)
		columns := make([]arrow.Array, len(keys))
		for k := range keys {
			columns[k] = c.any(header.Keys[k].Column)
		}
		if c.missing != nil {
			return registry.Inputf(path, "is damaged: %v", c.missing)
		}
		for k := range keys {
			if columns[k], err = g.plain(k, columns[k]); err != nil {
				return err
			}
		}
		return labels.add(at, columns)
	})
}

// keyFields are the label columns.
func (g *groupAudit) keyFields() []registry.Field {
	var fields []registry.Field
	for _, key := range g.group.header.Keys {
		fields = append(fields, registry.Field{Name: key.Name, Type: key.Declared()})
	}
	return fields
}

// plain is a column of keys in their declared type, without hashes.
func (g *groupAudit) plain(k int, column arrow.Array) (arrow.Array, error) {
	key := g.group.header.Keys[k]
	if !key.Sensitive {
		return column, nil
	}
	builder := array.NewBuilder(memory.DefaultAllocator, store.ArrowType(key.Declared()))
	defer builder.Release()
	for row := range column.Len() {
		if err := g.appendPlain(builder, k, column, row); err != nil {
			return nil, err
		}
	}
	return builder.NewArray(), nil
}

// appendPlain copies a key: where the log has a hash, what that was made of, and null where that is not known. A hash
// that no use needs is not known.
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

// join joins the labels with a use; false where the source cannot be read as it is now.
func (g *groupAudit) join(ctx context.Context, u *use) (bool, error) {
	var err error
	request := store.JoinRequest{
		Labels: g.labels(), LabelsName: "table of logged keys", TimestampColumn: instantColumn,
		Progress: g.auditor.config.Progress,
	}
	u.report, err = u.run(ctx, g.auditor.config.Offline, request, filepath.Join(g.folder, u.file("joined")))
	if err == nil && u.reference.View.Source.CreatedTimestamp != "" {
		request.AsKnown = true
		_, err = u.run(ctx, g.auditor.config.Offline, request, filepath.Join(g.folder, u.file("known")))
	}
	if _, input := errors.AsType[*registry.InputError](err); input {
		g.skip(u.position, fmt.Sprintf("view %s cannot be joined any more: %v", u.reference.View.Name, err), len(u.outputs))
		return false, nil
	}
	return err == nil, err
}

// compare goes through the log and the joins side by side.
func (g *groupAudit) compare(ctx context.Context) (err error) {
	g.progress("comparing")
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
	err = g.group.read(ctx, g.request, func(path string, batch arrow.RecordBatch) error {
		for _, e := range examinations {
			e.file = path
			if err := e.batch(ctx, batch); err != nil {
				return err
			}
		}
		return nil
	})
	for _, e := range examinations {
		if err == nil {
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
