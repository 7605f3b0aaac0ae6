// Package storetest has the suite of offline.Store, which each offline engine passes, and the slow reference that
// engines and online stores are compared with. offlinetest has the suite of an engine's other parts.
//
// The reference is written from the rules alone: [History] from R1 to R17, and [Expression], which evaluates features
// of on-demand views row by row, from R25 and R26. [Aggregated] computes windows from R18 to R22, in loops over all
// events and with numbers of any size; it derives windows and names of features by itself. The reference is plain Go
// values and nested loops, no Arrow, no SQL, no codec, nothing that an engine uses. A [World] is a project with its
// files on disk on one side and its histories on the other; worlds come from the case files in testdata/pointintime,
// which are meant to be read, and from [DrawWorld] and [DrawWindowedWorld], which aim at the edges. The suites ask an
// engine and the reference the same questions and compare the answers bit for bit.
//
// A value is one of nil, bool, int32, int64, float32, float64, string, []byte, feature.Instant, and []any of these.
package storetest
