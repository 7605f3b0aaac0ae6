package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// use is the SQL of one use of a view in a join. Its tables carry its number.
type use struct {
	number    int
	reference registry.Reference
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
	// pairsPerRow is the engine's bound for hashing.
	pairsPerRow float64
}

func (j *join) prepareUses(ctx context.Context, r *relations) error {
	for i, reference := range j.request.Selection.References {
		rows, err := readView(ctx, r, reference.View, fmt.Sprintf("rows%d", i))
		if err != nil {
			return err
		}
		u := &use{number: i, reference: reference, rows: rows, asKnown: j.request.AsKnown, statuses: j.request.Statuses,
			pairsPerRow: j.engine.pairsPerRow}
		if err := u.readLabels(j.labels); err != nil {
			return err
		}
		for _, output := range j.request.Selection.Outputs {
			if output.Reference == i {
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
			return registry.Inputf("", "label column %q: %v", name, err)
		}
		column := fmt.Sprintf("c%d", at)
		u.labelColumns = append(u.labelColumns, column)
		u.labelKeys = append(u.labelKeys, c.sql(column, literal(fmt.Sprintf("label column %q", name)), labelPlace))
	}
	return nil
}

func (u *use) table(name string) string {
	return fmt.Sprintf("%s.%s%d", internalSchema, name, u.number)
}

// keys is the table of label rows with all keys there: a null key matches nothing (R8).
func (u *use) keys() string {
	columns := []string{"n", "t"}
	for i, key := range u.labelKeys {
		columns = append(columns, fmt.Sprintf("%s AS k%d", key, i))
	}
	where := "true" + each(u.labelColumns, " AND $ IS NOT NULL", "")
	return fmt.Sprintf("CREATE TABLE %s AS\nSELECT %s\nFROM %s.labels\nWHERE %s", u.table("keys"),
		strings.Join(columns, ", "), internalSchema, where)
}

// times is the table of the event time of each label row's winner: the latest that it can see. ttl is checked here, on
// winners alone: a winner is the latest of its key, so when it is too old all are.
func (u *use) times(s strategy) string {
	expired := "false"
	if ttl := u.rows.view.TTL.Microseconds(); ttl > 0 {
		// Of 128 bits, so that no instant is too early to subtract from.
		expired = fmt.Sprintf("e < t::HUGEINT - %d", ttl)
	}
	where := ""
	if !u.statuses {
		where = "\nWHERE NOT (" + expired + ")"
	}
	latest := u.latestByOrder()
	switch {
	case s.hash:
		latest = u.latestByHash()
	case u.asKnown:
		latest = u.latestAsKnown()
	}
	return fmt.Sprintf("CREATE TABLE %s AS\nSELECT *, %s AS expired\nFROM (%s)%s",
		u.table("times"), expired, latest, where)
}

// latestByHash pairs every label row with every row of its key that it can see.
func (u *use) latestByHash() string {
	return fmt.Sprintf("SELECT l.*, b.e FROM %[1]s l JOIN (\n  SELECT l.n, max(r.e) AS e\n  FROM (%[2]s) r\n"+
		"  JOIN %[1]s l ON %[3]sr.v <= l.t\n  GROUP BY l.n\n) b USING (n)", u.table("keys"), u.rows.candidates(u.asKnown),
		each(u.keyNames(), "r.$ = l.$ AND ", ""))
}

// latestByOrder walks labels and rows in the order of time. Which of several rows of one time DuckDB picks does not
// matter: only their time is asked for.
func (u *use) latestByOrder() string {
	return fmt.Sprintf("SELECT l.*, r.e\nFROM %s l\nASOF JOIN (%s) r ON %sl.t >= r.v", u.table("keys"),
		u.rows.candidates(false), each(u.keyNames(), "r.$ = l.$ AND ", ""))
}

// latestAsKnown walks in order too, but a row may become visible after a later one did. So the rows are gathered at the
// first instant of their key among the labels that sees them, and the greatest of a label's instants so far counts.
func (u *use) latestAsKnown() string {
	keys := u.keyNames()
	partition := ""
	if len(keys) > 0 {
		partition = "PARTITION BY " + strings.Join(keys, ", ") + " "
	}
	equal := each(keys, "r.$ = l.$ AND ", "")
	slots := fmt.Sprintf("SELECT %sl.t, max(r.e) AS e\n  FROM (%s) r\n  ASOF JOIN %s l ON %sr.v <= l.t\n  GROUP BY ALL",
		each(keys, "l.$, ", ""), u.rows.candidates(true), u.table("keys"), equal)
	return fmt.Sprintf("SELECT l.*, r.e\nFROM %s l\nASOF JOIN (\n  SELECT * REPLACE (max(e) OVER (%sORDER BY t) AS e) "+
		"FROM (%s)\n) r ON %sl.t >= r.t", u.table("keys"), partition, slots, equal)
}

func (u *use) keyNames() []string { return numbered("k", len(u.labelKeys)) }

// found is the table of the rows at the winners' times, with their features as the source has them: one for each label
// row, and more where rows share their time, unless ties are broken by created time and source order (R3). The features
// are not carried through the steps above, which read keys and times alone.
func (u *use) found(breakTies bool) string {
	columns := []string{"w.n", "w.e", "w.expired"}
	for i, feature := range u.features {
		columns = append(columns, fmt.Sprintf("r.f%d AS f%d", feature, i))
	}
	if u.mayComplain() {
		columns = append(columns, u.rows.places("r")...)
	}
	ties := ""
	if breakTies {
		ties = "\nQUALIFY row_number() OVER (PARTITION BY w.n ORDER BY r.c DESC, r.o DESC) = 1"
	}
	return fmt.Sprintf("CREATE OR REPLACE TABLE %s AS\nSELECT %s\nFROM (%s) r\nJOIN %s w ON %sr.e = w.e%s%s",
		u.table("found"), strings.Join(columns, ",\n  "), u.rows.complete(u.features), u.table("times"),
		each(u.keyNames(), "r.$ = w.$ AND ", ""), u.known(), ties)
}

// mayComplain says whether a feature may have values that do not fit, and so has to know where they are.
func (u *use) mayComplain() bool {
	return slices.ContainsFunc(u.features, func(feature int) bool { return u.rows.features[feature].mayComplain() })
}

// known is the condition that a row was known by the label's instant (R4).
func (u *use) known() string {
	if u.asKnown {
		return " AND r.c <> " + noCreated + " AND r.c <= w.t"
	}
	return ""
}

// run builds the table found and counts.
func (u *use) run(ctx context.Context, s *session, r *relations) (store.ViewReport, error) {
	report := store.ViewReport{Alias: u.reference.Alias}
	chosen, err := u.prepare(ctx, s)
	if err != nil {
		return report, u.explain(ctx, r, err)
	}
	for _, statement := range []string{u.times(chosen), u.found(false)} {
		if err := s.exec(ctx, statement); err != nil {
			return report, u.explain(ctx, r, err)
		}
	}
	if err := u.settle(ctx, s); err != nil {
		return report, u.explain(ctx, r, err)
	}
	if report.NullTimes, report.NullKeys, err = u.rows.countUnusable(ctx, s, r); err != nil {
		return report, u.explain(ctx, r, err)
	}
	return report, s.queryRow(ctx, "SELECT count(*) FROM "+u.table("found")+" WHERE NOT expired", &report.Matched)
}

func (u *use) explain(ctx context.Context, r *relations, err error) error {
	return fmt.Errorf("view %s: %w", u.reference.View.Name, r.blame(ctx, err))
}

// settle breaks ties where there are any, and drops what is not needed any more.
func (u *use) settle(ctx context.Context, s *session) error {
	var tied bool
	counts := fmt.Sprintf("SELECT (SELECT count(*) FROM %s) > (SELECT count(*) FROM %s)",
		u.table("found"), u.table("times"))
	if err := s.queryRow(ctx, counts, &tied); err != nil {
		return err
	}
	if tied {
		if err := s.exec(ctx, u.found(true)); err != nil {
			return err
		}
	}
	return s.exec(ctx, fmt.Sprintf("DROP TABLE %s; DROP TABLE %s", u.table("keys"), u.table("times")))
}

// position returns where in found an output's feature is.
func (u *use) position(output registry.Output) int {
	for i, feature := range u.features {
		if feature == output.Feature {
			return i
		}
	}
	return -1
}

// output is the column of a feature. Its value is brought to the declared type only here, so that a value that does
// not fit is an error where it is in the answer, and not where a correction of the same time has replaced it.
func (u *use) output(output registry.Output) column {
	row := fmt.Sprintf("p%d", u.number)
	sql := u.rows.value(row, fmt.Sprintf("%s.f%d", row, u.position(output)), output.Feature)
	if u.statuses {
		sql = fmt.Sprintf("CASE WHEN NOT %s.expired THEN %s END", row, sql)
	}
	return column{name: output.Name, sql: sql, csv: csvText(sql, u.reference.View.Features[output.Feature].Type)}
}

// status is the SQL of an output's status (R13).
func (u *use) status(output registry.Output) string {
	return fmt.Sprintf("CASE WHEN p%[1]d.n IS NULL THEN 'NOT_FOUND' WHEN p%[1]d.expired THEN 'EXPIRED' "+
		"WHEN p%[1]d.f%[2]d IS NULL THEN 'NULL' ELSE 'PRESENT' END", u.number, u.position(output))
}

func (u *use) eventTimestamp() column {
	sql := fmt.Sprintf("make_timestamptz(p%d.e)", u.number)
	return column{name: u.reference.Alias + "__event_timestamp", sql: sql, csv: csvText(sql, plumbv1.Type_TIMESTAMP)}
}
