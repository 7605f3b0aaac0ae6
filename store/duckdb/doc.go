// Package duckdb is the offline engine: it reads files and SQL sources with DuckDB, joins them to label rows as of each
// row's instant, and finds the newest rows for materialization.
//
// Every operation runs in a DuckDB instance of its own, in memory with a private spill folder. Before any user SQL is
// bound, the instance is given the exact list of files it may touch, loses all other access to files, network and
// extensions, and its configuration is locked. So a SQL source can read the sources it names and nothing else.
//
//	engine, err := duckdb.Open(duckdb.Config{ProjectDir: "/project", Roots: []string{"data"}})
//	join, err := engine.PlanJoin(ctx, request)             // finds files, checks labels and columns
//	report, err := join.WriteFile(ctx, "training.parquet") // reads
//
// A plan does not change and holds nothing open: a join of uses of views (use), each with the SQL of its view's rows
// (viewRows). What is read is read by a run (joinRun, useRun) in a session of its own.
//
// This package decides which row each label sees, which rows are the newest, and how results are written. How rows are
// had is in packages below it, each of which imports those below itself:
//
//	duckdb
//	relation  labelfile    sources and label rows, readable in a session
//	session                one DuckDB instance
//	native                 Go functions that DuckDB calls
//	sourcefiles            the files of a source; from here on there is no DuckDB
//	arrowrows              files as Arrow data
//	parquetfooter          what the ends of Parquet files say
//	casts  sqlcheck        the SQL of conversions; which SQL may be a source
//	winners  quote         which row each label sees; names and texts in SQL
package duckdb
