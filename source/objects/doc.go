// Package objects reads objects of S3, and of what speaks its protocol, through local sparse files, and writes them.
//
// Offline engines read local files. So an object is a local file of the same size, in which there is only what was
// asked for: a Parquet reader asks for the footer, learns from it where the column chunks are, and asks for those that
// it needs.
//
//	reading := store.Begin(scratch)
//	found, err := reading.List(ctx, objects.Location{Bucket: "lake", Key: "flights/"})
//	file, err := reading.Open(found[0])
//	err = file.EnsureFooter(ctx)                        // one request
//	err = objects.Fetch(ctx, []objects.Need{{file, chunks}}) // as few requests as do not fetch much more than that
//	os.Open(file.Path())
//
// Every request for bytes names the version that was listed, by its ETag. So an object that is replaced meanwhile is an
// error with its name, and never a mix of two versions.
//
// A local file becomes an object by Store.Upload: it appears whole, or what was there stays.
//
// What was fetched is kept in a cache on disk (cache.go), which processes share, or in a folder of the operation.
package objects
