package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
)

// search is the SQL that finds the winners of a use in one pass over its rows, of which some event times may be seen.
//
// A use goes in passes, each over all rows of the source for a part of the labels, as many as memory can index at a
// time; most often there is one. See winners.Index for how a pass finds the winners.
//
// The statements of a pass run in this order: collect indexes the labels; scan offers all rows to the index; rank
// offers them again with their created times, if rows tie or the join is as known. Then either keep reads the winners'
// features into the index, or winners makes a table of which row won which label and found joins the features to it.
// Where keys may share a hash, found or verify compares them.
type search struct {
	*use
	pass pass
	seen timeRange
}

// collect is the query that hands the labels of a pass to the index.
func (s search) collect() string {
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_label(h, t)) FROM (%s)", s.keyed(s.pass))
}

// offered selects the rows that can be seen at all and may be by the labels, as an index takes them, with their created
// times or without.
func (s search) offered(created bool) string {
	columns := []string{
		s.hash.of(s.rows.typedKeys()) + " AS h",
		s.rows.visible(s.asKnown) + " AS v",
		s.rows.eventTime() + " AS e",
		"o",
	}
	if created {
		columns = append(columns, "coalesce("+s.rows.createdTime()+", "+noCreated+") AS c")
	}
	where := s.rows.usable() + s.rows.within(s.seen)
	if s.asKnown {
		where += " AND c IS NOT NULL"
	}
	return fmt.Sprintf("SELECT %s\n  FROM %s\n  WHERE %s", strings.Join(columns, ", "), s.rows.from, where)
}

// scan is the query that offers the rows to the index.
func (s search) scan() string {
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_offer%d(h, v, e, o))\nFROM (%s)", s.number,
		s.offered(false))
}

// rank is the query that offers the rows to an index that compares created times.
func (s search) rank() string {
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_rank%d(h, v, e, o, c))\nFROM (%s)", s.number,
		s.offered(true))
}

// keep is the query that keeps the features of the winners.
func (s search) keep() string {
	columns, names := []string{"o"}, "o"
	for _, f := range s.features {
		name := fmt.Sprintf("f%d", f)
		columns = append(columns, s.rows.value("", name, f)+" AS "+name)
		names += ", " + name
	}
	if s.wantsCreated() {
		columns, names = append(columns, s.rows.createdTime()+" AS c"), names+", c"
	}
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_keep%d(%s))\nFROM (SELECT %s FROM %s%s)", s.number, names,
		strings.Join(columns, ", "), s.rows.from, s.whereFetched("true"))
}

// whereFetched is the condition, with that of the times that are seen if rows have to be fetched: row groups of other
// times have no winners, so they are not fetched again for their features. Reading them locally costs less than the
// condition.
func (s search) whereFetched(condition string) string {
	if s.rows.table.HasObjects() {
		condition += s.rows.within(s.seen)
	}
	if condition == "true" {
		return ""
	}
	return " WHERE " + condition
}

// needed are the columns of a row that the answer needs.
func (s search) needed() []string {
	columns := []string{"o"}
	if s.verifies() {
		for i, key := range s.rows.typedKeys() {
			columns = append(columns, fmt.Sprintf("%s AS k%d", key, i))
		}
	}
	for _, f := range s.features {
		columns = append(columns, fmt.Sprintf("f%d", f))
	}
	if s.wantsCreated() {
		columns = append(columns, s.rows.createdTime()+" AS c")
	}
	if s.mayComplain() {
		columns = append(columns, s.rows.places("")...)
	}
	return columns
}

// winners is the table of the labels of a pass that have a winner: its position o and its event time e.
func (s search) winners() string {
	keys := ""
	if s.verifies() {
		keys = quote.Each(s.keyNames(), ", $", "")
	}
	return fmt.Sprintf("CREATE OR REPLACE TABLE %s AS\nSELECT n, p.o AS o, p.e AS e%s, p.expired AS expired\n"+
		"FROM (SELECT *, _plumb_found%d(h, t) AS p FROM (%s))\nWHERE p.o IS NOT NULL",
		s.table("winners"), keys, s.number, s.keyed(s.pass))
}

// verify counts the winners whose keys are not the label's, if the features do not have to be read.
func (s search) verify() string {
	keys := s.rows.typedKeys()
	for i := range keys {
		keys[i] += fmt.Sprintf(" AS k%d", i)
	}
	return fmt.Sprintf("SELECT count(*) FROM (SELECT o, %s FROM %s%s) r JOIN %s w ON w.o = r.o "+
		"WHERE NOT (%s)", strings.Join(keys, ", "), s.rows.from,
		s.whereFetched(fmt.Sprintf("_plumb_wins%d(o)", s.number)), s.table("winners"),
		quote.Each(s.keyNames(), "r.$ = w.$", " AND "))
}

// found is the table of the winners with their features as the source has them.
func (s search) found() string {
	number := "w.n"
	if s.verifies() {
		number = fmt.Sprintf("CASE WHEN %s THEN w.n ELSE error(%s) END AS n",
			quote.Each(s.keyNames(), "r.$ = w.$", " AND "), quote.Literal(session.Collision))
	}
	columns := []string{number, "w.o", "w.e", "w.expired"}
	for _, f := range s.features {
		columns = append(columns, fmt.Sprintf("r.f%d", f))
	}
	if s.wantsCreated() {
		columns = append(columns, "r.c")
	}
	if s.mayComplain() {
		columns = append(columns, s.rows.places("r")...)
	}
	into := "CREATE OR REPLACE TABLE " + s.table("found") + " AS"
	if s.pass.number > 0 {
		into = "INSERT INTO " + s.table("found")
	}
	return fmt.Sprintf("%s\nSELECT %s\nFROM (SELECT %s FROM %s%s) r\nJOIN %s w ON w.o = r.o", into,
		strings.Join(columns, ", "), strings.Join(s.needed(), ", "), s.rows.from,
		s.whereFetched(fmt.Sprintf("_plumb_wins%d(o)", s.number)), s.table("winners"))
}

// statements are the SQL of the pass, for people.
func (s search) statements(keeps bool) []string {
	list := append(slices.Clone(s.rows.staging), s.collect())
	if !s.asKnown {
		list = append(list, s.scan())
	}
	switch {
	case s.asKnown:
		list = append(list, s.rank())
	case s.hasCreated():
		list = append(list, "-- only where rows of one event time tie:\n"+s.rank())
	}
	if s.verifies() || !keeps {
		list = append(list, s.winners())
	}
	switch {
	case !keeps:
		list = append(list, s.found())
	case s.verifies():
		list = append(list, s.verify(), s.keep())
	default:
		list = append(list, s.keep())
	}
	return list
}
