// Package elementary has elementary functions of doubles whose bits are the same on every architecture.
//
// Those of package math are assembly on some architectures, and Go may fuse x*y + z into one operation on others. Here
// every product is rounded by an explicit conversion before it is added, which the language does not let a compiler
// fuse. The functions are within one unit in the last place, and mostly nearest, because they are computed in pairs of
// doubles and rounded at the end.
package elementary
