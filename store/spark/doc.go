// Package spark is the offline engine for sources that one machine cannot read: a Spark server reads them.
//
// Spark reduces a source to the rows that matter, and writes these to a staging folder as Parquet, as they are: the
// rows of a view that any label row sees, or the newest row of each key of a window. An embedded engine, which the
// caller gives (Config), then does with these rows what it would do with all. So values, statuses, conversions and
// results come from one implementation of the rules, and Spark's SQL only has to leave every row that can win, and of
// rows that tie the right one.
//
//	engine, err := spark.Open(spark.Config{Server: spark.Server{Remote: "sc://host:15002"}, …})
//	join, err := engine.PlanJoin(ctx, request)             // checks; asks nothing of Spark
//	report, err := join.WriteFile(ctx, "training.parquet") // Spark reads, the embedded engine joins
//
// An operation has a session and a staging folder of its own (operation). What is read of a view is planned as SQL
// (rows) over its files (table) or its query (queryReading), and reduced by a statement (reduce.go). What is left lies
// in files (staged) that take the place of the source.
//
// Everything else that an offline engine does is the embedded one's: files, footers, label files, the check of SQL, and
// what a request is refused for.
package spark
