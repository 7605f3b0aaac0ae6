package native

/*
// What cgo generates names the files of this folder. With -trimpath the build cache would share it among clones, and
// vet and linters would look for files of a clone that is gone. Flags that name the folder keep it apart.
#cgo CFLAGS: -I${SRCDIR}

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

// Connection is the connection below the driver.
type Connection struct {
	conn mapping.Connection
}

// Of finds the connection that the driver wraps and does not show. What the driver's field is called is checked
// here and pinned by go.mod.
func Of(driverConn any) (*Connection, error) {
	value := reflect.Indirect(reflect.ValueOf(driverConn))
	if value.Kind() == reflect.Struct {
		if field := value.FieldByName("conn"); field.IsValid() && field.Type() == reflect.TypeFor[mapping.Connection]() {
			return &Connection{conn: mapping.Connection{Ptr: field.FieldByName("Ptr").UnsafePointer()}}, nil
		}
	}
	return nil, fmt.Errorf("the DuckDB driver's connection (%T) has changed", driverConn)
}

// Progress returns how much of the running statement is done, from 0 to 1, or a negative number if DuckDB does not
// know. It is safe to call while a statement runs.
func (n *Connection) Progress() float64 {
	percentage, _, _ := mapping.QueryProgressTypeMembers(new(mapping.QueryProgress(n.conn)))
	return percentage / 100
}

// Columns are the arguments of one call. They are valid during the call alone. In the row of a null the memory of an
// argument holds anything, so a function looks at the masks before it uses a value.
type Columns struct {
	chunk mapping.DataChunk
	Rows  int
	Data  []unsafe.Pointer
	// Masks mark the nulls of each argument with zero bits. An argument without nulls has no mask.
	Masks [][]uint64
}

// Values is an argument as the numbers that it is, which must be as wide as its type in DuckDB.
func Values[T Number](c *Columns, arg int) []T { return unsafe.Slice((*T)(c.Data[arg]), c.Rows) }

// Number is a type of values as DuckDB has them in memory.
type Number interface {
	bool | uint8 | uint32 | uint64 | int32 | int64 | float32 | float64 | HugeInt
}

// HugeInt is a HUGEINT as DuckDB has it in memory.
type HugeInt struct {
	Low  uint64
	High int64
}

// Complete says whether no argument is null in any row.
func (c *Columns) Complete() bool {
	return !slices.ContainsFunc(c.Masks, func(mask []uint64) bool { return mask != nil })
}

// Present returns the rows in which no argument is null.
func (c *Columns) Present() []int {
	var rows []int
	for row := range c.Rows {
		if !slices.ContainsFunc(c.Masks, func(mask []uint64) bool { return winners.IsNull(mask, row) }) {
			rows = append(rows, row)
		}
	}
	return rows
}

// Answer is where a call puts its results.
type Answer struct {
	vector mapping.Vector
	rows   int
}

// Rows is the number of rows.
func (a Answer) Rows() int { return a.rows }

// Field is a field of an answer that is a STRUCT.
func (a Answer) Field(at int) Answer {
	return Answer{vector: mapping.StructVectorGetChild(a.vector, mapping.IdxT(at)), rows: a.rows}
}

// Numbers is the answer as numbers, which must be as wide as its type in DuckDB.
func Numbers[T Number](a Answer) []T {
	return unsafe.Slice((*T)(mapping.VectorGetData(a.vector)), a.rows)
}

// SetNull marks the rows as null.
func (a Answer) SetNull(rows []int) {
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

// Call is one of our own scalar functions. DuckDB calls it on many threads at once.
type Call func(Columns, Answer)

// Function is a function with its name and types, as SQL knows it.
type Function struct {
	Name string
	// Parameters is empty if the function takes any arguments of any types.
	Parameters []mapping.Type
	Result     Result
	Call       Call
}

// Result is the type of a function's result: a single one, or a STRUCT of fields.
type Result struct {
	Single mapping.Type
	Fields []Field
}

// Field is a field of a STRUCT.
type Field struct {
	Name string
	Kind mapping.Type
	// List says that the field is a list of that kind.
	List bool
}

func (f Field) logicalType() mapping.LogicalType {
	kind := mapping.CreateLogicalType(f.Kind)
	if !f.List {
		return kind
	}
	defer mapping.DestroyLogicalType(&kind)
	return mapping.CreateListType(kind)
}

func (r Result) logicalType() mapping.LogicalType {
	if r.Fields == nil {
		return mapping.CreateLogicalType(r.Single)
	}
	var types []mapping.LogicalType
	var names []string
	for _, f := range r.Fields {
		types, names = append(types, f.logicalType()), append(names, f.Name)
	}
	defer func() {
		for i := range types {
			mapping.DestroyLogicalType(&types[i])
		}
	}()
	return mapping.CreateStructType(types, names)
}

// Register makes a function known to SQL. It is called with all rows, also those with null arguments. It is volatile,
// since calls have effects: DuckDB would otherwise make one call of several with equal arguments, or leave out calls
// whose answers nobody uses.
func (n *Connection) Register(s Function) error {
	f := mapping.CreateScalarFunction()
	defer mapping.DestroyScalarFunction(&f)
	mapping.ScalarFunctionSetName(f, s.Name)
	for _, parameter := range s.Parameters {
		t := mapping.CreateLogicalType(parameter)
		mapping.ScalarFunctionAddParameter(f, t)
		mapping.DestroyLogicalType(&t)
	}
	if len(s.Parameters) == 0 {
		t := mapping.CreateLogicalType(mapping.TypeAny)
		mapping.ScalarFunctionSetVarargs(f, t)
		mapping.DestroyLogicalType(&t)
	}
	t := s.Result.logicalType()
	mapping.ScalarFunctionSetReturnType(f, t)
	mapping.DestroyLogicalType(&t)
	mapping.ScalarFunctionSetVolatile(f)
	mapping.ScalarFunctionSetSpecialHandling(f)
	held := &heldFunction{call: s.Call, handle: new(cgo.Handle)}
	*held.handle = cgo.NewHandle(held)
	held.pinner.Pin(held.handle)
	release := unsafe.Pointer(C.plumb_release_t(C.plumbRelease))
	mapping.ScalarFunctionSetExtraInfo(f, unsafe.Pointer(held.handle), release)
	mapping.ScalarFunctionSetFunction(f, unsafe.Pointer(C.plumb_call_t(C.plumbCall)))
	if mapping.RegisterScalarFunction(n.conn, f) == mapping.StateError {
		return fmt.Errorf("DuckDB does not take the function %s", s.Name)
	}
	return nil
}

// heldFunction is a function that DuckDB refers to. It lives until DuckDB releases it. If a statement was cancelled,
// that may be after the session has been closed.
type heldFunction struct {
	call   Call
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
	c := Columns{chunk: chunk, Rows: int(mapping.DataChunkGetSize(chunk))}
	for i := range mapping.DataChunkGetColumnCount(chunk) {
		vector := mapping.DataChunkGetVector(chunk, i)
		c.Data = append(c.Data, mapping.VectorGetData(vector))
		c.Masks = append(c.Masks, nil)
		if mapping.VectorGetValidity(vector) != nil {
			c.Masks[i] = validity(vector, c.Rows)
		}
	}
	held.call(c, Answer{vector: mapping.Vector{Ptr: output}, rows: c.Rows})
}
