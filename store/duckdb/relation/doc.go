// Package relation makes sources readable in a session, as relations of SQL.
//
// A source of files is a Table: its files with the schema that they have in common. Files of one source may have been
// written at different times, and DuckDB would bring them together by itself, but not exactly: it makes text of a
// number that meets text, and doubles of large integers. So files are grouped by what their footers say, DuckDB
// describes one of each group, and each group is read with its own casts to the one type of each column:
//
//	r, err := relation.Open(ctx, finder, s, sources, nil)
//	r.Table(flights).Scan()
//	// (SELECT CAST("delay" AS BIGINT) AS "delay", … FROM read_parquet(['/project/data/2012.parquet'], …)
//	//  UNION ALL SELECT "delay" AS "delay", … FROM read_parquet(['/project/data/2013.parquet'], …))
//
// A SQL source is a view of its name, over views of the sources that it names. These are made only if there is such a
// source. Open does all of it in the one order that is safe: it finds the files, confines the session to them, and then
// binds the SQL.
//
// After a reading, Blame says which source or file an error comes from, and that a file has changed meanwhile.
package relation
