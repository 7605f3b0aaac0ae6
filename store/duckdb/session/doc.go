// Package session runs DuckDB for one operation of the engine.
//
// Every operation has an instance of its own, in memory, with a spill folder that only it uses. It is opened, looks at
// what it needs to find files, and is then confined: it loses access to all files but the ones given, to the network
// and to extensions, and its configuration is locked. Only after that is SQL bound which a user wrote.
//
//	s, err := session.Open(ctx, session.Options{DatabaseBytes: 1 << 30, TempDir: os.TempDir()})
//	err = s.Confine(ctx, []string{"/project/data/flights.parquet"})
//	err = s.Exec(ctx, "CREATE TABLE "+session.Schema+".t AS FROM read_parquet('/project/data/flights.parquet')")
//	err = s.Stream(ctx, "t", yield)
//	err = s.Close() // the spill folder is gone
//
// Errors of statements are explained: what is wrong with a file or a value is the user's input, and a limit that was
// reached is named with the setting that raises it. Spill folders of processes that were killed are removed by the next
// one, which knows them by their locks.
package session
