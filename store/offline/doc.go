// Package offline is the contract of an offline engine: all that the product needs of one that reads sources and joins
// them to label rows as of each row's time (R1 to R12).
//
// An engine implements Engine, which has five parts. Store is the largest: it plans joins and streams the newest row of
// each key of a window. PlainReader reads all rows for proof, Advisor finds what may not be meant in definitions,
// RowReader reads rows to push, and Files knows the engine's files. Data moves as Arrow batches, in the types of
// value.ArrowType. Nothing here knows of DuckDB, of flags or of a command line, so that a second engine can replace the
// first.
//
// store/duckdb is an engine, and offlinetest.Suite is the suite that each passes.
package offline
