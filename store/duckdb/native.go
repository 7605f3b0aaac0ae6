package duckdb

/*
void plumbCall(void *, void *, void *);
typedef void (*plumb_call_t)(void *, void *, void *);

void plumbRelease(void *);
typedef void (*plumb_release_t)(void *);
*/
import "C"

import (
	"fmt"
	"reflect"
	"runtime"
	"runtime/cgo"
	"slices"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/store/duckdb/winners"
)

// native is the connection below the driver. The driver calls our own functions with boxed values, one row at a time,
// which for tens of millions of rows costs more than the work that they do. DuckDB itself calls them with columns.
type native struct {
	conn mapping.Connection
}

// newNative finds the connection that the driver wraps and does not show. What the driver's field is called is checked
// here and pinned by go.mod.
func newNative(driverConn any) (*native, error) {
	value := reflect.Indirect(reflect.ValueOf(driverConn))
	if value.Kind() == reflect.Struct {
		if field := value.FieldByName("conn"); field.IsValid() && field.Type() == reflect.TypeFor[mapping.Connection]() {
			return &native{conn: mapping.Connection{Ptr: field.FieldByName("Ptr").UnsafePointer()}}, nil
		}
	}
	return nil, fmt.Errorf("the DuckDB driver's connection (%T) has changed", driverConn)
}

// progress returns how much of the running statement is done, from 0 to 1, or a negative number if DuckDB does not
// know. It is safe to call while a statement runs.
func (n *native) progress() float64 {
	percentage, _, _ := mapping.QueryProgressTypeMembers(new(mapping.QueryProgress(n.conn)))
	return percentage / 100
}

// columns are the arguments of one call. They are valid during the call alone.
type columns struct {
	chunk mapping.DataChunk
	rows  int
	data  []unsafe.Pointer
	// masks mark the nulls of each argument with zero bits. An argument without nulls has no mask.
	masks [][]uint64
}

// valuesOf is an argument as the numbers that it is, which must be as wide as its type in DuckDB.
func valuesOf[T number](c *columns, arg int) []T { return unsafe.Slice((*T)(c.data[arg]), c.rows) }

type number interface {
	bool | uint8 | uint32 | uint64 | int64 | hugeint
}

// complete says whether no argument is null in any row.
func (c *columns) complete() bool {
	return !slices.ContainsFunc(c.masks, func(mask []uint64) bool { return mask != nil })
}

// present returns the rows in which no argument is null.
func (c *columns) present() []int {
	var rows []int
	for row := range c.rows {
		if !slices.ContainsFunc(c.masks, func(mask []uint64) bool { return winners.IsNull(mask, row) }) {
			rows = append(rows, row)
		}
	}
	return rows
}

// answer is where a call puts its results.
type answer struct {
	vector mapping.Vector
	rows   int
}

// field is a field of an answer that is a STRUCT.
func (a answer) field(at int) answer {
	return answer{vector: mapping.StructVectorGetChild(a.vector, mapping.IdxT(at)), rows: a.rows}
}

// numbersOf is the answer as numbers, which must be as wide as its type in DuckDB.
func numbersOf[T number](a answer) []T {
	return unsafe.Slice((*T)(mapping.VectorGetData(a.vector)), a.rows)
}

// setNull marks the rows as null.
func (a answer) setNull(rows []int) {
	if len(rows) == 0 {
		return
	}
	mapping.VectorEnsureValidityWritable(a.vector)
	mask := validity(a.vector, a.rows)
	for _, row := range rows {
		mask[row/64] &^= 1 << (row % 64)
	}
}

// validity is the mask of a vector that has one.
func validity(vector mapping.Vector, rows int) []uint64 {
	return unsafe.Slice((*uint64)(mapping.VectorGetValidity(vector)), (rows+63)/64)
}

// function is one of our own scalar functions. DuckDB calls it on many threads at once.
type function func(columns, answer)

// signature is a function's name and types.
type signature struct {
	name string
	// parameters is empty if the function takes any arguments of any types.
	parameters []mapping.Type
	result     result
	call       function
}

// result is the type of a function's result: a single one, or a STRUCT of fields.
type result struct {
	single mapping.Type
	fields []field
}

type field struct {
	name string
	kind mapping.Type
}

func (r result) logicalType() mapping.LogicalType {
	if r.fields == nil {
		return mapping.CreateLogicalType(r.single)
	}
	var types []mapping.LogicalType
	var names []string
	for _, f := range r.fields {
		types, names = append(types, mapping.CreateLogicalType(f.kind)), append(names, f.name)
	}
	defer func() {
		for i := range types {
			mapping.DestroyLogicalType(&types[i])
		}
	}()
	return mapping.CreateStructType(types, names)
}

// register makes a function known to SQL. It is called with all rows, also those with null arguments.
func (n *native) register(s signature) error {
	f := mapping.CreateScalarFunction()
	defer mapping.DestroyScalarFunction(&f)
	mapping.ScalarFunctionSetName(f, s.name)
	for _, parameter := range s.parameters {
		t := mapping.CreateLogicalType(parameter)
		mapping.ScalarFunctionAddParameter(f, t)
		mapping.DestroyLogicalType(&t)
	}
	if len(s.parameters) == 0 {
		t := mapping.CreateLogicalType(mapping.TypeAny)
		mapping.ScalarFunctionSetVarargs(f, t)
		mapping.DestroyLogicalType(&t)
	}
	t := s.result.logicalType()
	mapping.ScalarFunctionSetReturnType(f, t)
	mapping.DestroyLogicalType(&t)
	mapping.ScalarFunctionSetVolatile(f)
	mapping.ScalarFunctionSetSpecialHandling(f)
	held := &heldFunction{call: s.call, handle: new(cgo.Handle)}
	*held.handle = cgo.NewHandle(held)
	held.pinner.Pin(held.handle)
	release := unsafe.Pointer(C.plumb_release_t(C.plumbRelease))
	mapping.ScalarFunctionSetExtraInfo(f, unsafe.Pointer(held.handle), release)
	mapping.ScalarFunctionSetFunction(f, unsafe.Pointer(C.plumb_call_t(C.plumbCall)))
	if mapping.RegisterScalarFunction(n.conn, f) == mapping.StateError {
		return fmt.Errorf("DuckDB does not take the function %s", s.name)
	}
	return nil
}

// heldFunction is a function that DuckDB refers to. It lives until DuckDB releases it. If a statement was cancelled,
// that may be after the session has been closed.
type heldFunction struct {
	call   function
	handle *cgo.Handle
	pinner runtime.Pinner
}

func heldAt(pointer unsafe.Pointer) (*heldFunction, bool) {
	held, ok := (*cgo.Handle)(pointer).Value().(*heldFunction)
	return held, ok
}

//export plumbRelease
func plumbRelease(pointer unsafe.Pointer) {
	if held, ok := heldAt(pointer); ok {
		held.handle.Delete()
		held.pinner.Unpin()
	}
}

//export plumbCall
func plumbCall(info, input, output unsafe.Pointer) {
	held, ok := heldAt(mapping.ScalarFunctionGetExtraInfo(mapping.FunctionInfo{Ptr: info}))
	if !ok {
		mapping.ScalarFunctionSetError(mapping.FunctionInfo{Ptr: info}, "the function is gone")
		return
	}
	defer func() {
		// A panic must not unwind through DuckDB's frames.
		if fault := recover(); fault != nil {
			mapping.ScalarFunctionSetError(mapping.FunctionInfo{Ptr: info}, fmt.Sprint("fault in a function: ", fault))
		}
	}()
	chunk := mapping.DataChunk{Ptr: input}
	c := columns{chunk: chunk, rows: int(mapping.DataChunkGetSize(chunk))}
	for i := range mapping.DataChunkGetColumnCount(chunk) {
		vector := mapping.DataChunkGetVector(chunk, i)
		c.data = append(c.data, mapping.VectorGetData(vector))
		c.masks = append(c.masks, nil)
		if mapping.VectorGetValidity(vector) != nil {
			c.masks[i] = validity(vector, c.rows)
		}
	}
	held.call(c, answer{vector: mapping.Vector{Ptr: output}, rows: c.rows})
}
