// Package iceberg reads the metadata of Iceberg tables: what a table holds at a snapshot, as a pinned list of files.
//
//	table, err := iceberg.Open(ctx, read, "/project/data/trips/metadata/00003-….metadata.json", iceberg.At{Tag: "june"})
//	table.Files   // Parquet files in source order (R3): by sequence number, and then by path
//	table.Deletes // which rows of them were deleted
//	table.Columns // the columns of the schema, by whose ids those of files are found, whatever their names
//
// It opens no Parquet file: engines and the plain reader do, each in its own way. The caller opens files, and checks
// that they lie where files may be read from, since the paths in metadata are as untrusted as the rest of it: sizes,
// counts and offsets are checked before anything is allocated for them, and what a version of the format adds that is
// not known here is refused by its name.
package iceberg
