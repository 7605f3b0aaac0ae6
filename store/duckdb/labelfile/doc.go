// Package labelfile reads files of label rows, and of rows to push, into a session.
//
// Describe reads the schema of a Parquet, CSV or Arrow file and refuses what results could not keep. Load makes the
// table of the labels: n is a row's position, t its instant in microseconds, and c0, c1, … are the file's columns.
//
//	labels, err := labelfile.Describe(ctx, s, "labels.csv", "")
//	at, err := labels.Find("sched_dep", "the instant of each row") // 1
//	err = labels.Load(ctx, s, at)
//	// SELECT n, t, c0, c1 FROM _plumb.labels
//
// Nothing in the file is believed: it is checked before DuckDB sees it, and values that DuckDB would change are read by
// our own readers.
package labelfile
