package duckdb

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/winners"
)

// use is one use of a view in a join, as it is planned: what is read of the view, and how. It does not change. What is
// less or other is a new value: narrowed reads fewer files, rehashed makes other hashes of keys. Its tables carry its
// number.
//
// Reading it is split among others: search has the SQL of a pass over the rows, useRun runs it in a session, and winner
// has the columns of the result. For the view "plane" that a request asks for first:
//
//	u := uses[0].narrowed(seen)          // the files that may hold rows which the labels can see
//	search{u, pass{of: 1}, seen}.scan()  // SELECT count(*) FILTER (WHERE _plumb_offer0(h, v, e, o)) FROM …
//	winner{u}.output(output)             // p0.f0 AS plane_seats
type use struct {
	number    int
	reference feature.Reference
	rows      *viewRows
	// labelKeys are the typed keys of the label rows, over the table labels.
	labelKeys []string
	// labelColumns are the columns that they are read from.
	labelColumns []string
	asKnown      bool
	// statuses keeps winners that have expired, to tell EXPIRED from NOT_FOUND (R13).
	statuses bool
	// features are the positions of the features wanted.
	features []int
	// provenance says that the created time of a winner is wanted too.
	provenance bool
	hash       hashing
	// panes says how features are computed, of a view of the kind feature.Windows; nil for others. Then rows are the
	// view's events.
	panes *panePlan
}

// planUses plans the use of each view that is asked for.
func (j *join) planUses(ctx context.Context, r *relation.Set) error {
	for i, reference := range j.request.Selection.References {
		rows, err := j.readUse(ctx, r, reference.View, fmt.Sprintf("rows%d", i))
		if err != nil {
			return err
		}
		columns, keys, err := keysOfLabels(reference, j.labels)
		if err != nil {
			return err
		}
		u := &use{number: i, reference: reference, rows: rows, labelKeys: keys, labelColumns: columns,
			asKnown: j.request.AsKnown, statuses: j.request.Statuses, features: j.request.Selection.Reads(i),
			provenance: j.request.Provenance, hash: j.engine.hashing}
		if reference.View.Kind == feature.Windows {
			u.panes = newPanePlan(reference.View, u.features, u.provenance)
		}
		j.uses = append(j.uses, u)
	}
	return nil
}

// readUse plans the reading of a view's rows or events.
func (j *join) readUse(ctx context.Context, r *relation.Set, view *feature.View, table string) (*viewRows, error) {
	if view.Kind != feature.Windows {
		return readView(ctx, r, view, table)
	}
	if err := r.CheckEventWise(ctx, view.Source); err != nil {
		return nil, fault.Inputf("", "view %s, source %s: %v", view.Name, view.Source.Name, err)
	}
	rows, err := readView(ctx, r, view.Aggregated.Events, table)
	if err == nil && view.Source.IsQuery() {
		rows = rows.unordered()
	}
	return rows, err
}

// keysOfLabels are the columns of the table labels that the keys of a view are read from, and the typed keys.
func keysOfLabels(reference feature.Reference, labels *labelfile.File) (columns, keys []string, err error) {
	for i, name := range reference.LabelColumns {
		at, err := labels.Find(name, "a join key")
		if err != nil {
			return nil, nil, err
		}
		c, err := labels.ToKey(at, reference.View.Keys[i].Type)
		if err != nil {
			return nil, nil, fault.Inputf("", "label column %q: %v", name, err)
		}
		column := fmt.Sprintf("c%d", at)
		columns = append(columns, column)
		keys = append(keys, c.SQL(column, quote.Literal(fmt.Sprintf("label column %q", name)), labels.Place("")))
	}
	return columns, keys, nil
}

// narrowed is the use over the files that may hold what is seen.
func (u *use) narrowed(seen timeRange) *use {
	less := *u
	less.rows = u.rows.pruned(seen)
	return &less
}

// rehashed is the use with other hashes of its keys, of which two were one.
func (u *use) rehashed() *use {
	other := *u
	other.hash.attempt++
	return &other
}

// seenBy is the range of event times that the labels can see.
func (u *use) seenBy(labels timeRange) timeRange {
	if u.panes != nil {
		return u.panes.seenBy(labels)
	}
	ttl := u.rows.view.TTL.Microseconds()
	if labels.from == nil || ttl <= 0 || u.statuses || *labels.from < math.MinInt64/2+ttl {
		return timeRange{to: labels.to}
	}
	from := *labels.from - ttl
	return timeRange{from: &from, to: labels.to}
}

func (u *use) table(name string) string {
	return fmt.Sprintf("%s.%s%d", session.Schema, name, u.number)
}

func (u *use) keyNames() []string { return quote.Numbered("k", len(u.labelKeys)) }

// keyed selects from the label rows of a pass, those with all keys there: a null key matches nothing (R8). It has n, t,
// the hash h and the typed keys.
func (u *use) keyed(p pass) string {
	columns := []string{"n", "t", u.hash.of(u.labelKeys) + " AS h"}
	for i, key := range u.labelKeys {
		columns = append(columns, fmt.Sprintf("%s AS k%d", key, i))
	}
	where := "true" + quote.Each(u.labelColumns, " AND $ IS NOT NULL", "")
	query := fmt.Sprintf("SELECT %s FROM %s.labels WHERE %s", strings.Join(columns, ", "), session.Schema, where)
	if p.of == 1 {
		return query
	}
	return fmt.Sprintf("SELECT * FROM (%s) WHERE h %% %d = %d", query, p.of, p.number)
}

// verifies says whether keys have to be compared, since two may have one hash. A single integer has a hash of its own.
func (u *use) verifies() bool {
	single := len(u.labelKeys) == 1 && u.hash.isOneToOne(u.rows.view.Keys[0].Type)
	return len(u.labelKeys) > 0 && !single
}

// hasCreated says whether rows of one event time may differ in their created time.
func (u *use) hasCreated() bool { return u.rows.created != nil }

// wantsCreated says whether the answer has the created time of a winner, as the column c.
func (u *use) wantsCreated() bool { return u.provenance && u.hasCreated() }

// mayComplain reports whether a feature may have values that do not fit, and so has to know where they are.
func (u *use) mayComplain() bool {
	return slices.ContainsFunc(u.features, func(f int) bool { return u.rows.features[f].MayComplain() })
}

// keptTypes returns the types of the features as an index keeps them, nil if it cannot keep all: it keeps values of at
// most 8 bytes, each of which fits its declared type.
func (u *use) keptTypes() []mapping.Type {
	kept := []mapping.Type{}
	for _, feature := range u.features {
		t, ok := keepable[u.rows.view.Features[feature].Type]
		if !ok || u.rows.features[feature].MayComplain() {
			return nil
		}
		kept = append(kept, t)
	}
	if u.wantsCreated() {
		if u.rows.created.MayComplain() {
			return nil
		}
		kept = append(kept, mapping.TypeBigInt)
	}
	return kept
}

// keptNames are the names of the columns of keptTypes.
func (u *use) keptNames() []string {
	var names []string
	for _, feature := range u.features {
		names = append(names, fmt.Sprintf("f%d", feature))
	}
	if u.wantsCreated() {
		names = append(names, "c")
	}
	return names
}

// bytes bounds the memory that it takes to index the given number of labels and to find their winners among the given
// number of rows.
func (u *use) bytes(labels, rows int64) int64 {
	if u.panes != nil {
		return labels * (u.panes.labelBytes() + u.panes.resultBytes())
	}
	label := int64(winners.IndexBytes)
	if u.hasCreated() {
		label += winners.CreatedBytes
	}
	blocks := min(labels, rows/64+int64(len(u.rows.table.Paths))+1)
	return labels*label + blocks*winners.RowBlockBytes
}
