package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// use is one use of a view that is compared.
type use struct {
	probe
	// position is that in the header.
	position int
	// labels are the positions of the view's keys among the label columns.
	labels  []int
	outputs []auditlog.Output
	report  offline.JoinReport
}

func (u *use) file(name string) string { return fmt.Sprintf("%s-%d.arrow", name, u.position) }

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
	if _, input := errors.AsType[*fault.InputError](err); input {
		if moved, now, failed := g.moved(ctx, view); failed == nil && moved != nil {
			u.reference.View, view, columns, err = moved, moved, now, nil
		}
	}
	if _, input := errors.AsType[*fault.InputError](err); input {
		g.skip(position, fmt.Sprintf("source %s of view %s cannot be read: %v", view.Source.Name, view.Name, err),
			len(u.outputs))
		return nil
	}
	u.created = canTellCreated(g.auditor.config.Offline, view, columns)
	g.uses = append(g.uses, u)
	return err
}

// moved is a view of an earlier revision with its source as the newest revision has it; nil if that has no such source,
// or one that is read otherwise. Files are often moved to another folder, and the definition with them. The path of the
// old revision then leads nowhere, although all rows are still there.
func (g *groupAudit) moved(ctx context.Context, view *feature.View) (*feature.View, []feature.Column, error) {
	newest, err := g.auditor.config.Registry.Current(ctx, g.request.Project)
	if err != nil {
		return nil, nil, err
	}
	current, err := newest.View(view.Name)
	if err != nil {
		return nil, nil, err
	}
	was, is := view.Source, current.Source
	if is.Name != was.Name || sqlOf(is) != sqlOf(was) || is.EventTimestamp != was.EventTimestamp ||
		is.CreatedTimestamp != was.CreatedTimestamp {
		return nil, nil, nil
	}
	columns, err := g.auditor.config.Offline.Columns(ctx, is)
	moved := *view
	moved.Source = is
	return &moved, columns, err
}

// refer finds the view, its keys and its features as the log has them; it says what is wrong if it cannot.
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
	u.reference = feature.Reference{View: view, Alias: logged.Alias}
	for _, name := range logged.Keys {
		at := slices.IndexFunc(g.group.header.Keys, func(c auditlog.Column) bool { return c.Name == name })
		if at < 0 {
			return fmt.Sprintf(" has no column of key %q", name)
		}
		u.labels, u.keys = append(u.labels, at), append(u.keys, keyColumn(at))
	}
	for _, output := range u.outputs {
		at := slices.IndexFunc(view.Features, func(f feature.Feature) bool { return f.Name == output.Feature })
		if at < 0 || view.Features[at].Type != output.Declared() {
			return fmt.Sprintf(" has feature %q of view %s otherwise than revision %d of the registry", output.Feature,
				view.Name, revision)
		}
		u.features = append(u.features, at)
	}
	return ""
}

// unreadableHashes says why hashes that a use needs cannot be compared; empty if they can.
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

// sqlOf is the query of a source, and empty for files: those are the same wherever they lie.
func sqlOf(source *feature.Source) string {
	sql, _ := source.Query()
	return sql
}
