// Package disk is where files become durable: files that appear only once they are whole, files that rows are appended
// to, locks, renames and removals that survive a power failure, and folders that do.
//
// A file system keeps two things apart: what is in a file, which is durable once the file is synced, and which files a
// folder has, which is durable once the folder is synced. A file that is renamed into place is therefore durable only
// after both, in this order:
//
//	write .report.html.partial-1   the new content, beside the file
//	sync  .report.html.partial-1   the content is durable, under a name that nobody reads
//	rename it to report.html       every reader sees the old content or the new, nothing in between
//	sync  the folder               the name is durable
//
// Disk.Write does these four. Disk.Rename, Disk.Remove and Disk.MkdirAll sync the folders that they change.
//
// A write or sync that fails leaves a file of which nobody knows what is durable. Linux reports a failed sync once,
// marks the pages as clean, and lets the next sync succeed without writing them. So a File that has failed once fails
// for good. To make its content durable, write another file.
//
// Everything is done through a System, which is the file system unless a test puts another one in its place. Package
// faulty has one that fails any operation, and one whose power fails:
//
//	log, err := pushlog.Open(ctx, pushlog.Config{Disk: disk.On(faulty.New(t, folder, fault)), …})
//
// Not everything that Plumb writes goes through here. DuckDB writes the Parquet and CSV files of a join, and SQLite
// does its databases whole. What DuckDB has written is synced and renamed here (Disk.Publish), and so are the folders
// made here that SQLite's databases lie in. Files that only the running process needs, such as spilled rows, are not
// durable and need nothing of this package but locks.
package disk
