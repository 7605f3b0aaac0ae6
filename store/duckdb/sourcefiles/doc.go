// Package sourcefiles finds the files of sources and knows what can be known of them without DuckDB.
//
// A source names a file, a folder or a pattern. A Finder lists the files, in source order (R3), and looks at nothing
// that lies outside the roots, wherever symbolic links lead. The Files that it finds know their footers and the columns
// that the names of their folders give, and so which of them may hold what is looked for:
//
//	finder, err := sourcefiles.NewFinder("/project", []string{"data"})
//	files, err := finder.Find(ctx, source)               // data/2013/*.parquet: 365 files
//	march := files.Prune("time_hour", &from, &to, "dest") // 31 files, and those that may lack a dest
//
// Files is a value that does not change; what has fewer files is another. The files of a push log follow those of the
// source itself.
package sourcefiles
