// Package pulled keeps the rows of a database's query in a folder of Parquet files, which the offline store reads.
//
// A pull reads the rows of a window of time in one snapshot of the database and writes them to one file, which gets its
// name once it is whole and durable. That name is the commit: what has been pulled, and up to where, is what the files
// say (header.go), and nothing is kept beside them. So a process that is killed at any point has pulled either all rows
// of its window or none.
//
//	data/payments/3f9a01c2b4d5e6f7/00000002-00000001.parquet   all rows, by plumb pull --full
//	data/payments/3f9a01c2b4d5e6f7/00000002-00000002.parquet   those that came later
//
// The folder's name stands for the query (feature.Pull.Folder). The first number of a file is its generation: only
// files of the newest one count, so the first file of a generation replaces all files before it at once. Those are
// removed by the next pull, since joins that have begun still read them.
//
// Rows commit in another order than that of their times. So a pull begins before the latest time that it has (the
// overlap), and leaves out rows that are there already (known.go). The window is closed on both sides, so that rows
// with the very time of the latest row are seen again, whatever the overlap.
package pulled
