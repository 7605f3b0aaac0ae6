// Package arrowrows reads files as Arrow data that DuckDB takes for what it is.
//
// DuckDB reads Parquet itself. Other files, and columns of Parquet files that it would not read exactly, go through our
// own readers: Arrow IPC, which is checked completely, CSV and JSON lines, whose columns are text, and columns of
// Parquet files with zoned nanoseconds. All become a File, whose Numbered is what DuckDB gets:
//
//	file, err := arrowrows.OpenCSV("labels.csv")  // Schema: dest, sched_dep; both text
//	reader, err := file.Numbered()                // columns c0 and c1
//	err = session.Register(reader, "_labels")     // SELECT c0, c1 FROM _labels, once
//
// Columns lose their names, since those of DuckDB's tables may not differ by case alone, and get forms that DuckDB
// reads rightly: half floats become FLOAT, and zoned nanoseconds are floored to microseconds (R1).
package arrowrows
