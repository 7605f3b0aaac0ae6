package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/offline"
)

// use is one use of a view in a join. Its tables carry its number.
//
// It goes in passes, each over all rows of the source for a part of the labels, as many as memory can index at a time;
// most often there is one. See winners.Index for how a pass finds the winners.
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
	choice     choosing
	// matcher is the label index that the rows are offered to.
	matcher *matcher
	// keeps says that the index keeps the features, so that they need not be read again.
	keeps bool
}

func (j *join) prepareUses(ctx context.Context, r *relations) error {
	for i, reference := range j.request.Selection.References {
		rows, err := readView(ctx, r, reference.View, fmt.Sprintf("rows%d", i))
		if err != nil {
			return err
		}
		u := &use{number: i, reference: reference, rows: rows, asKnown: j.request.AsKnown, statuses: j.request.Statuses,
			provenance: j.request.Provenance, hash: j.engine.hashing, choice: j.engine.choosing}
		if err := u.readLabels(j.labels); err != nil {
			return err
		}
		for _, output := range j.request.Selection.Stored() {
			if output.Reference == i && !slices.Contains(u.features, output.Feature) {
				u.features = append(u.features, output.Feature)
			}
		}
		j.uses = append(j.uses, u)
	}
	return nil
}

func (u *use) readLabels(labels *labelFile) error {
	for i, name := range u.reference.LabelColumns {
		at, err := labels.find(name, "a join key")
		if err != nil {
			return err
		}
		c, err := convertKey(labels.columns[at].Type, u.reference.View.Keys[i].Type)
		if err != nil {
			return fault.Inputf("", "label column %q: %v", name, err)
		}
		column := fmt.Sprintf("c%d", at)
		u.labelColumns = append(u.labelColumns, column)
		u.labelKeys = append(u.labelKeys, c.sql(column, quote.Literal(fmt.Sprintf("label column %q", name)), labelPlace))
	}
	return nil
}

func (u *use) table(name string) string {
	return fmt.Sprintf("%s.%s%d", internalSchema, name, u.number)
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
	query := fmt.Sprintf("SELECT %s FROM %s.labels WHERE %s", strings.Join(columns, ", "), internalSchema, where)
	if p.of == 1 {
		return query
	}
	return fmt.Sprintf("SELECT * FROM (%s) WHERE h %% %d = %d", query, p.of, p.number)
}

// collect is the query that hands the labels of a pass to the index.
func (u *use) collect(p pass) string {
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_label(h, t)) FROM (%s)", u.keyed(p))
}

// offered selects the rows that can be seen at all and may be by the labels, as an index takes them, with their created
// times or without.
func (u *use) offered(seen timeRange, created bool) string {
	columns := []string{
		u.hash.of(u.rows.typedKeys()) + " AS h",
		u.rows.visible(u.asKnown) + " AS v",
		u.rows.eventTime() + " AS e",
		"o",
	}
	if created {
		columns = append(columns, "coalesce("+u.rows.createdTime()+", "+noCreated+") AS c")
	}
	where := u.rows.usable() + u.rows.within(seen)
	if u.asKnown {
		where += " AND c IS NOT NULL"
	}
	return fmt.Sprintf("SELECT %s\n  FROM %s\n  WHERE %s", strings.Join(columns, ", "), u.rows.from, where)
}

// scan is the query that offers the rows to the index.
func (u *use) scan(seen timeRange) string {
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_offer%d(h, v, e, o))\nFROM (%s)", u.number,
		u.offered(seen, false))
}

// rank is the query that offers the rows to an index that compares created times.
func (u *use) rank(seen timeRange) string {
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_rank%d(h, v, e, o, c))\nFROM (%s)", u.number,
		u.offered(seen, true))
}

// hasCreated says whether rows of one event time may differ in their created time.
func (u *use) hasCreated() bool { return u.rows.created != nil }

// wantsCreated says whether the answer has the created time of a winner, as the column c.
func (u *use) wantsCreated() bool { return u.provenance && u.hasCreated() }

// keep is the query that keeps the features of the winners.
func (u *use) keep() string {
	columns, names := []string{"o"}, "o"
	for _, f := range u.features {
		name := fmt.Sprintf("f%d", f)
		columns = append(columns, u.rows.value("", name, f)+" AS "+name)
		names += ", " + name
	}
	if u.wantsCreated() {
		columns, names = append(columns, u.rows.createdTime()+" AS c"), names+", c"
	}
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_keep%d(%s))\nFROM (SELECT %s FROM %s)", u.number, names,
		strings.Join(columns, ", "), u.rows.from)
}

// needed are the columns of a row that the answer needs.
func (u *use) needed() []string {
	columns := []string{"o"}
	if u.verifies() {
		for i, key := range u.rows.typedKeys() {
			columns = append(columns, fmt.Sprintf("%s AS k%d", key, i))
		}
	}
	for _, f := range u.features {
		columns = append(columns, fmt.Sprintf("f%d", f))
	}
	if u.wantsCreated() {
		columns = append(columns, u.rows.createdTime()+" AS c")
	}
	if u.mayComplain() {
		columns = append(columns, u.rows.places("")...)
	}
	return columns
}

// verifies says whether keys have to be compared, since two may have one hash. A single integer has a hash of its own.
func (u *use) verifies() bool {
	single := len(u.labelKeys) == 1 && u.hash.isOneToOne(u.rows.view.Keys[0].Type)
	return len(u.labelKeys) > 0 && !single
}

// winners is the table of the labels of a pass that have a winner: its position o and its event time e.
func (u *use) winners(p pass) string {
	keys := ""
	if u.verifies() {
		keys = quote.Each(u.keyNames(), ", $", "")
	}
	return fmt.Sprintf("CREATE OR REPLACE TABLE %s AS\nSELECT n, p.o AS o, p.e AS e%s, p.expired AS expired\n"+
		"FROM (SELECT *, _plumb_found%d(h, t) AS p FROM (%s))\nWHERE p.o IS NOT NULL",
		u.table("winners"), keys, u.number, u.keyed(p))
}

// verify counts the winners whose keys are not the label's, if the features do not have to be read.
func (u *use) verify() string {
	keys := u.rows.typedKeys()
	for i := range keys {
		keys[i] += fmt.Sprintf(" AS k%d", i)
	}
	return fmt.Sprintf("SELECT count(*) FROM (SELECT o, %s FROM %s WHERE _plumb_wins%d(o)) r JOIN %s w ON w.o = r.o "+
		"WHERE NOT (%s)", strings.Join(keys, ", "), u.rows.from, u.number, u.table("winners"),
		quote.Each(u.keyNames(), "r.$ = w.$", " AND "))
}

// found is the table of the winners with their features as the source has them.
func (u *use) found(p pass) string {
	number := "w.n"
	if u.verifies() {
		number = fmt.Sprintf("CASE WHEN %s THEN w.n ELSE error(%s) END AS n",
			quote.Each(u.keyNames(), "r.$ = w.$", " AND "), quote.Literal(collision))
	}
	columns := []string{number, "w.o", "w.e", "w.expired"}
	for _, f := range u.features {
		columns = append(columns, fmt.Sprintf("r.f%d", f))
	}
	if u.wantsCreated() {
		columns = append(columns, "r.c")
	}
	if u.mayComplain() {
		columns = append(columns, u.rows.places("r")...)
	}
	into := "CREATE OR REPLACE TABLE " + u.table("found") + " AS"
	if p.number > 0 {
		into = "INSERT INTO " + u.table("found")
	}
	return fmt.Sprintf("%s\nSELECT %s\nFROM (SELECT %s FROM %s WHERE _plumb_wins%d(o)) r\nJOIN %s w ON w.o = r.o", into,
		strings.Join(columns, ", "), strings.Join(u.needed(), ", "), u.rows.from, u.number, u.table("winners"))
}

// mayComplain reports whether a feature may have values that do not fit, and so has to know where they are.
func (u *use) mayComplain() bool {
	return slices.ContainsFunc(u.features, func(f int) bool { return u.rows.features[f].mayComplain() })
}

// statements are the SQL of a pass, for people.
func (u *use) statements(s strategy, times timeRange) []string {
	p := pass{of: s.passes}
	list := append(slices.Clone(u.rows.staging), u.collect(p))
	if !u.asKnown {
		list = append(list, u.scan(times))
	}
	switch {
	case u.asKnown:
		list = append(list, u.rank(times))
	case u.hasCreated():
		list = append(list, "-- only where rows of one event time tie:\n"+u.rank(times))
	}
	if u.verifies() || !u.keeps {
		list = append(list, u.winners(p))
	}
	switch {
	case !u.keeps:
		list = append(list, u.found(p))
	case u.verifies():
		list = append(list, u.verify(), u.keep())
	default:
		list = append(list, u.keep())
	}
	return list
}

// seen is the range of event times that the labels can see.
func (u *use) seen(labels timeRange) timeRange {
	ttl := u.rows.view.TTL.Microseconds()
	if labels.from == nil || ttl <= 0 || u.statuses || *labels.from < math.MinInt64/2+ttl {
		return timeRange{to: labels.to}
	}
	from := *labels.from - ttl
	return timeRange{from: &from, to: labels.to}
}

// narrowed is the use over the files that may hold what is seen.
func (u *use) narrowed(r *relations, seen timeRange) *use {
	less := *u
	less.rows = u.rows.pruned(r, seen)
	return &less
}

// run builds the table found and counts.
func (u *use) run(ctx context.Context, s *session, r *relations, seen timeRange, p *progress) (
	report offline.ViewReport, err error,
) {
	report.Alias = u.reference.Alias
	err = p.during("preparing view "+u.reference.View.Name, 0, func() error {
		if err := u.rows.checkStoredTimes(ctx, r); err != nil {
			return err
		}
		return u.stage(ctx, s)
	})
	var chosen strategy
	if err == nil {
		chosen, err = u.choose(ctx, s)
	}
	if err == nil {
		err = u.find(ctx, s, seen, chosen, p)
	}
	for errors.Is(err, errCollision) {
		u.hash.attempt++
		err = u.find(ctx, s, seen, chosen, p)
	}
	if err == nil {
		report.NullTimes, report.NullKeys, err = u.rows.countUnusable(ctx, s, r)
	}
	if err != nil {
		return report, u.explain(ctx, r, err)
	}
	if u.keeps {
		report.Matched = u.matcher.index.Matched(u.rows.view.TTL.Microseconds())
		return report, nil
	}
	return report, s.QueryRow(ctx, "SELECT count(*) FROM "+u.table("found")+" WHERE NOT expired", &report.Matched)
}

func (u *use) explain(ctx context.Context, r *relations, err error) error {
	return fmt.Errorf("view %s: %w", u.reference.View.Name, r.blame(ctx, err))
}

// stage reads a SQL source, and refuses infinite times.
func (u *use) stage(ctx context.Context, s *session) error {
	for _, statement := range append(slices.Clone(u.rows.staging), u.rows.infinite()...) {
		if err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// find makes the table found, in passes.
func (u *use) find(ctx context.Context, s *session, seen timeRange, chosen strategy, p *progress) error {
	p.expect(int64(chosen.readings())*chosen.rows - max(u.rows.count(), 0))
	for number := range chosen.passes {
		if err := u.findIn(ctx, s, pass{number, chosen.passes}, seen, chosen.rows, p); err != nil {
			return err
		}
	}
	return s.exec(ctx, "DROP TABLE IF EXISTS "+u.table("winners"))
}

// findIn makes one pass over the given number of rows.
func (u *use) findIn(ctx context.Context, s *session, part pass, seen timeRange, rows int64, p *progress) error {
	if err := u.index(ctx, s, part); err != nil {
		return err
	}
	step := "reading view " + u.reference.View.Name
	if err := p.during(step, rows, func() error { return u.offer(ctx, s, seen) }); err != nil {
		return err
	}
	u.matcher.settle()
	if u.verifies() || !u.keeps {
		if err := s.exec(ctx, u.winners(part)); err != nil {
			return err
		}
	}
	if !u.keeps {
		u.free(s, part)
		return p.during(step, rows, func() error { return s.exec(ctx, u.found(part)) })
	}
	if u.verifies() {
		if err := u.compareKeys(ctx, s); err != nil {
			return err
		}
	}
	return p.during(step, rows, func() error { return s.exec(ctx, u.keep()) })
}

// offer shows the rows to the index. Created times are read only if they matter: as known, and if rows of one event
// time tie (R3).
func (u *use) offer(ctx context.Context, s *session, seen timeRange) error {
	if !u.asKnown {
		err := s.exec(ctx, u.scan(seen))
		if err != nil || !u.hasCreated() || !u.matcher.index.HasTies() {
			return err
		}
	}
	u.matcher.index.CompareCreated()
	return s.exec(ctx, u.rank(seen))
}

// free lets go of an index whose winners are in a table. Where there are more passes its memory has to be there for
// what comes next, so it is not left to the garbage collector's own time.
func (u *use) free(s *session, part pass) {
	u.matcher.index = nil
	if part.of > 1 {
		s.collector.forget()
		debug.FreeOSMemory()
	}
}
