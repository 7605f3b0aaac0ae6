// Package plumb is the Go client of a Plumb server: online look-ups, pushes, and reads of the registry. It is imported
// as
//
//	import plumb "github.com/plumbstore/plumb/sdk"
//
// It speaks gRPC and needs no cgo.
//
// A [Client] holds one connection that all calls share; a service makes one at its start and keeps it. Answers are
// columns: [ColumnOf] gives one feature's values for all rows, in their Go type, and [Features.Rows] goes through the
// rows. A value that is not there is data, never an error and never a zero: each has a [Status] (R13).
//
// Calls fail with the errors of gRPC, to be read with the package google.golang.org/grpc/status. [Violations] lists
// what was wrong with a request, field by field.
package plumb
