package spark

import (
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// bounds are event times in microseconds, both included; nil for none.
type bounds struct {
	from, to *int64
	// nothing says that there are no such times.
	nothing bool
}

func (b bounds) condition() string {
	text := ""
	if b.nothing {
		text += " AND false"
	}
	if b.from != nil {
		text += " AND _plumb_e >= " + instant(*b.from)
	}
	if b.to != nil {
		text += " AND _plumb_e <= " + instant(*b.to)
	}
	return text
}

// instant is one in microseconds. As a number without quotes the least one would be out of range before its sign.
func instant(micros int64) string {
	return fmt.Sprintf("timestamp_micros(CAST('%d' AS BIGINT))", micros)
}

// sighted are label rows that look at a view by its keys: t and _plumb_k0 and so on. A null key matches nothing (R8).
func (l *labels) sighted(uses []feature.Reference) string {
	var reads []string
	for _, use := range uses {
		columns, where := []string{"t"}, "true"
		for i, name := range use.LabelColumns {
			v := fmt.Sprintf("v%d", l.position(name))
			columns = append(columns, fmt.Sprintf("%s AS _plumb_k%d", v, i))
			where += " AND " + v + " IS NOT NULL"
		}
		reads = append(reads, fmt.Sprintf("SELECT %s FROM %s WHERE %s", strings.Join(columns, ", "),
			parquetFiles([]string{l.path}), where))
	}
	return strings.Join(reads, "\nUNION ALL ")
}

func (l *labels) position(name string) int {
	for i, key := range l.keys {
		if key.Name == name {
			return i
		}
	}
	return -1
}

// together are the rows and the labels in one relation: the keys, _plumb_t, which is the instant from which labels see
// a row or that of a label, _plumb_side, which is 0 for rows and 1 for labels, and of rows what is carried.
func (r *rows) together(visible, where, labels string, carried ...string) string {
	keys := each(r.typed(), "$, ")
	return fmt.Sprintf("SELECT %[1]s%[2]s AS _plumb_t, 0 AS _plumb_side%[3]s FROM _plumb_rows WHERE %[4]s\n"+
		"UNION ALL SELECT %[1]st AS _plumb_t, 1 AS _plumb_side%[5]s FROM (\n%[6]s\n)",
		keys, visible, each(carried, ", $"), where, each(carried, ", NULL AS $"), labels)
}

// seen is the query for the rows that labels see, of each the greatest in R3's order. Rows of a query have no order but
// that of their values, so of them all that tie are selected. Which row is whose is for the embedded engine to find.
//
// In the order of instants, a row is seen if a label comes next: a running maximum is not needed.
func (r *rows) seen(labels string, within bounds) string {
	carried := append([]string{"_plumb_bad", "_plumb_c"}, r.columns...)
	where := "_plumb_bad OR " + r.usable() + within.condition()
	both := r.together("_plumb_e", where, labels, carried...)
	order := append([]string{"_plumb_t", "_plumb_side", "_plumb_c"}, r.place()...)
	next := fmt.Sprintf("SELECT *, _plumb_side = 0 AND lead(_plumb_side) OVER (%sORDER BY %s) = 1 AS _plumb_next "+
		"FROM (\n%s\n)", partition(r.typed()...), strings.Join(order, ", "), both)
	if r.byValue {
		next = fmt.Sprintf("SELECT * EXCEPT (_plumb_next), max(_plumb_next) OVER (%s) AS _plumb_next FROM (\n%s\n)",
			partition(append(r.typed(), "_plumb_t")...), next)
	}
	return fmt.Sprintf("%s%s FROM (\n%s\n) WHERE _plumb_side = 0 AND (_plumb_next OR _plumb_bad)", r.with, r.written(),
		next)
}

// known is seen for labels that see no row before it was known (R4). The greatest row may then come before others in
// the order of instants, so a running maximum finds it, and the rows are joined to what was found.
func (r *rows) known(labels string, within bounds) string {
	const visible = "greatest(_plumb_e, _plumb_c)"
	found := append([]string{"_plumb_e", "_plumb_c"}, r.place()...)
	both := r.together(visible, r.usable()+" AND _plumb_c IS NOT NULL"+within.condition(), labels, found...)
	best := fmt.Sprintf("SELECT *, max(CASE WHEN _plumb_side = 0 THEN struct(%s) END) OVER (%sORDER BY _plumb_t, "+
		"_plumb_side ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS _plumb_best FROM (\n%s\n)",
		strings.Join(found, ", "), partition(r.typed()...), both)
	on := "true" + each(r.typed(), " AND r.$ = b.$") + each(found, " AND r.$ = b._plumb_best.$")
	query := fmt.Sprintf("%s%s FROM _plumb_rows r LEFT SEMI JOIN (\n%s\n) b\n"+
		"ON b._plumb_side = 1 AND %s", r.with, r.written(), best, on)
	if len(r.misfits) > 0 {
		query += "\nUNION ALL " + r.written() + " FROM _plumb_rows WHERE _plumb_bad"
	}
	return query
}

// counted is the query for the events that labels may count: those that are not earlier than the next label by more
// than reach, the longest that a window and its offset are; nil for no bound.
func (r *rows) counted(labels string, within bounds, reach *int64, asKnown bool) string {
	carried := append([]string{"_plumb_bad", "_plumb_e"}, r.columns...)
	visible, where := "_plumb_e", r.usable()+within.condition()
	if asKnown {
		visible, where = "greatest(_plumb_e, _plumb_c)", where+" AND _plumb_c IS NOT NULL"
	}
	next := fmt.Sprintf("SELECT *, min(CASE WHEN _plumb_side = 1 THEN _plumb_t END) OVER (%sORDER BY _plumb_t DESC, "+
		"_plumb_side DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS _plumb_next FROM (\n%s\n)",
		partition(r.typed()...), r.together(visible, "_plumb_bad OR "+where, labels, carried...))
	reached := "_plumb_next IS NOT NULL"
	if reach != nil {
		reached += fmt.Sprintf(" AND unix_micros(_plumb_next) - unix_micros(_plumb_e) <= %dL", *reach)
	}
	return fmt.Sprintf("%s%s FROM (\n%s\n) WHERE _plumb_side = 0 AND (_plumb_bad OR %s)", r.with, r.written(), next,
		reached)
}

// inWindow is the condition that a row's event time is in a window (R5).
func inWindow(window offline.Window) string {
	text := "_plumb_e <= " + instant(int64(window.End))
	if window.Start != nil {
		text += " AND _plumb_e > " + instant(int64(*window.Start))
	}
	return text
}

// inPart is the condition that a row is in a part. A key that is null or does not fit counts as null, so that the row
// is in one shard too.
func (r *rows) inPart(part *offline.Part) string {
	switch {
	case part == nil || part.Shards == 1:
		return "true"
	case len(r.view.Keys) == 0: // Then all rows are of one key (R12).
		return fmt.Sprint(part.Shard == 0)
	}
	return fmt.Sprintf("pmod(xxhash64(%s), %dL) = %d", strings.Join(r.typed(), ", "), part.Shards, part.Shard)
}

// newest is the query for the greatest row of each key of a window (R3), and for all that tie if they have no order.
func (r *rows) newest(window offline.Window, part *offline.Part) string {
	order := "_plumb_e DESC, _plumb_c DESC NULLS LAST" + each(r.place(), ", $ DESC")
	where := inWindow(window) + " AND " + r.inPart(part)
	query := fmt.Sprintf("%s%s FROM (SELECT *, rank() OVER (%sORDER BY %s) AS _plumb_rank FROM _plumb_rows\n"+
		"WHERE %s AND %s)\nWHERE _plumb_rank = 1", r.with, r.written(), partition(r.typed()...), order, r.usable(), where)
	if len(r.misfits) > 0 {
		query += fmt.Sprintf("\nUNION ALL %s FROM _plumb_rows WHERE _plumb_bad AND NOT %s AND %s", r.written(), r.nullKey(),
			where)
	}
	return query
}

// events is the query for all rows of a window that have all keys.
func (r *rows) events(window offline.Window, part *offline.Part) string {
	return fmt.Sprintf("%s%s FROM _plumb_rows WHERE NOT %s AND %s AND %s", r.with, r.written(), r.nullKey(),
		inWindow(window), r.inPart(part))
}

// counts is the query for NewestReport's counts of a window: Read, NullKeys, NullTimes, and Before.
func (r *rows) counts(window offline.Window, part *offline.Part) string {
	before := "0L"
	if window.Start != nil {
		before = "count_if(_plumb_e <= " + instant(int64(*window.Start)) + ")"
	}
	return fmt.Sprintf("%[1]sSELECT count_if(NOT %[2]s AND %[3]s), count_if(%[2]s AND %[3]s), "+
		"count_if(_plumb_e IS NULL), %[4]s\nFROM _plumb_rows WHERE %[5]s", r.with, r.nullKey(), inWindow(window), before,
		r.inPart(part))
}

// unusable is the query for how many rows have no time, and how many have a time and no value of a key (R3, R8).
func (r *rows) unusable() string {
	return fmt.Sprintf("%sSELECT count_if(_plumb_e IS NULL), count_if(_plumb_e IS NOT NULL AND %s) FROM _plumb_rows",
		r.with, r.nullKey())
}
