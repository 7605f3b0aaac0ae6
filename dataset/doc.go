// Package dataset makes training sets that can be distinguished from others, and made again.
//
// A [Manifest] says what a training set was made of (the registry's revision, what was selected, the label file and the
// files of every source by the digests of their bytes) and what it holds: the digest of its content, which is that of
// the rows in their order and of nothing else, and how the values of each column are spread. [Found.Verify] compares
// all that with what there is now, [Found.Rebuildable] says whether the same can be made again, and [Compare] compares
// two.
//
// The package depends on no engine: the caller says which engine joins, and where the registry is.
package dataset
