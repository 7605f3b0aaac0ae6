// Package delta reads the logs of Delta tables: what a table holds at a version, as a pinned list of files.
//
//	table, err := delta.Open(ctx, read, list, "/project/data/trips", delta.At{Version: &version})
//	table.Files   // Parquet files in source order (R3): by the time of their making, and then by path
//	table.Columns // the columns of the schema, with the names or ids that they have in files
//
// The log is a list of commits in JSON and of checkpoints, which have what was true at a version. Open begins with the
// newest checkpoint that is whole, by the listing of the log alone: the file _last_checkpoint is a hint that may be
// wrong. Tables of protocols with features that are not known here are refused by the features' names.
//
// Data files are not opened. Checkpoints are Parquet files, which are checked before they are decoded.
package delta
