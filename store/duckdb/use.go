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
}

func (j *join) prepareUses(ctx context.Context, r *relations) error {
	for i, reference := range j.request.Selection.References {
		rows, err := readView(ctx, r, reference.View, fmt.Sprintf("rows%d", i))
		if err != nil {
			return err
		}
		u := &use{number: i, reference: reference, rows: rows, asKnown: j.request.AsKnown, statuses: j.request.Statuses}
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

// statements build the table found: for each label row n that has a winner, its event time, whether it has expired, and
// its features.
func (u *use) statements() []string {
	return append(slices.Clone(u.rows.staging), u.keys(), u.slots(), u.winners(), u.found())
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

// slots keeps, for each key and instant of the labels, the greatest of the rows that become visible at it or since the
// instant before.
func (u *use) slots() string {
	visible := "e"
	if u.asKnown {
		visible = "greatest(e, c)"
	}
	keys := u.keyNames()
	candidates := fmt.Sprintf("SELECT *, %s AS v FROM (%s)", visible, u.rows.candidates(u.asKnown))
	if len(keys) > 0 {
		names := strings.Join(keys, ", ")
		candidates += fmt.Sprintf("\n  SEMI JOIN (SELECT DISTINCT %s FROM %s) USING (%s)", names, u.table("keys"), names)
	}
	return fmt.Sprintf("CREATE TABLE %s AS\nSELECT %sl.t, max({'e': r.e, 'c': r.c, 'o': r.o}) AS best\nFROM (%s) r\n"+
		"ASOF JOIN %s l ON %sr.v <= l.t\nGROUP BY ALL", u.table("slots"), each(keys, "l.$, ", ""), candidates,
		u.table("keys"), each(keys, "r.$ = l.$ AND ", ""))
}

// winners gives each label row the best of its slots so far. Slots are in the order of event time, so that is the last
// one's; as known, a row may become visible after a later one, so it is the greatest.
func (u *use) winners() string {
	keys := u.keyNames()
	slots := u.table("slots")
	if u.asKnown {
		partition := ""
		if len(keys) > 0 {
			partition = "PARTITION BY " + strings.Join(keys, ", ") + " "
		}
		slots = fmt.Sprintf("(SELECT * REPLACE (max(best) OVER (%sORDER BY t) AS best) FROM %s)", partition, slots)
	}
	expired := "false"
	if ttl := u.rows.view.TTL.Microseconds(); ttl > 0 {
		// Of 128 bits, so that no instant is too early to subtract from.
		expired = fmt.Sprintf("s.best.e < l.t::HUGEINT - %d", ttl)
	}
	where := ""
	if !u.statuses {
		where = "\nWHERE NOT (" + expired + ")"
	}
	return fmt.Sprintf("CREATE TABLE %s AS\nSELECT l.n, s.best.e AS e, s.best.o AS o, %s AS expired\nFROM %s l\n"+
		"ASOF JOIN %s s ON %sl.t >= s.t%s", u.table("winners"), expired, u.table("keys"), slots,
		each(keys, "l.$ = s.$ AND ", ""), where)
}

func (u *use) keyNames() []string { return numbered("k", len(u.labelKeys)) }

// found fetches the winners' features by source order. They are not carried through the aggregates above: those would
// turn -0.0 within structs into 0.0, and move every feature of every row.
func (u *use) found() string {
	columns := []string{"w.n", "w.e", "w.expired"}
	for i, feature := range u.features {
		columns = append(columns, fmt.Sprintf("CASE WHEN w.expired THEN NULL ELSE %s END AS f%d",
			u.rows.value("r", feature), i))
	}
	return fmt.Sprintf("CREATE TABLE %s AS\nSELECT %s\nFROM %s w JOIN %s r ON r.o = w.o", u.table("found"),
		strings.Join(columns, ",\n  "), u.table("winners"), u.rows.from)
}

// run builds the tables and counts.
func (u *use) run(ctx context.Context, s *session, r *relations) (store.ViewReport, error) {
	report := store.ViewReport{Alias: u.reference.Alias}
	for _, statement := range u.statements() {
		if err := s.run(ctx, statement); err != nil {
			return report, fmt.Errorf("view %s: %w", u.reference.View.Name, r.blame(ctx, err))
		}
	}
	if err := s.queryRow(ctx, u.rows.unusable(), &report.NullTimes, &report.NullKeys); err != nil {
		return report, err
	}
	for _, done := range []string{"keys", "slots", "winners"} {
		if err := s.exec(ctx, "DROP TABLE "+u.table(done)); err != nil {
			return report, err
		}
	}
	return report, s.queryRow(ctx, "SELECT count(*) FROM "+u.table("found")+" WHERE NOT expired", &report.Matched)
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

func (u *use) output(output registry.Output) column {
	sql := fmt.Sprintf("p%d.f%d", u.number, u.position(output))
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
