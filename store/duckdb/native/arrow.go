package native

/*
#include <stdint.h>
#include <stdlib.h>

// The driver has these functions of DuckDB's C API only under a build tag, which go install does not set. Handles and
// structs of Arrow are pointers.
void duckdb_connection_get_arrow_options(void *connection, void **options);
void duckdb_destroy_arrow_options(void **options);
void *duckdb_to_arrow_schema(void *options, void **types, const char **names, uint64_t columns, void *schema);
void *duckdb_data_chunk_to_arrow(void *options, void *chunk, void *array);
int duckdb_arrow_scan(void *connection, const char *view, void *stream);
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// arrowOptions are those with which a connection gives Arrow data.
type arrowOptions struct{ handle unsafe.Pointer }

func (n *Connection) arrowOptions() arrowOptions {
	handle := new(unsafe.Pointer)
	C.duckdb_connection_get_arrow_options(n.conn.Ptr, handle)
	return arrowOptions{*handle}
}

func (o *arrowOptions) close() {
	handle := new(unsafe.Pointer) // C gets no pointer into what o is a part of.
	*handle = o.handle
	C.duckdb_destroy_arrow_options(handle)
}

// schema is that of columns with these types and names.
func (o *arrowOptions) schema(types []mapping.LogicalType, names []string) (*arrow.Schema, error) {
	handles, texts := make([]unsafe.Pointer, len(types)), make([]*C.char, len(names))
	for i := range types {
		handles[i], texts[i] = types[i].Ptr, C.CString(names[i])
	}
	defer func() {
		for _, text := range texts {
			C.free(unsafe.Pointer(text))
		}
	}()
	schema := new(cdata.CArrowSchema)
	defer cdata.ReleaseCArrowSchema(schema)
	into := unsafe.Pointer(schema)
	fault := C.duckdb_to_arrow_schema(o.handle, unsafe.SliceData(handles), unsafe.SliceData(texts),
		C.uint64_t(len(types)), into)
	err := faultOf(fault)
	if err != nil {
		return nil, err
	}
	return cdata.ImportCArrowSchema(schema)
}

// batch copies a chunk with columns of the schema.
func (o *arrowOptions) batch(schema *arrow.Schema, chunk mapping.DataChunk) (arrow.RecordBatch, error) {
	rows := new(cdata.CArrowArray)
	defer cdata.ReleaseCArrowArray(rows)
	into := unsafe.Pointer(rows)
	fault := C.duckdb_data_chunk_to_arrow(o.handle, chunk.Ptr, into)
	err := faultOf(fault)
	if err != nil {
		return nil, err
	}
	return cdata.ImportCRecordBatchWithSchema(rows, schema)
}

func faultOf(handle unsafe.Pointer) error {
	fault := mapping.ErrorData{Ptr: handle}
	defer mapping.DestroyErrorData(&fault)
	if handle != nil && mapping.ErrorDataHasError(fault) {
		return fmt.Errorf("give rows as Arrow data: %w", errors.New(mapping.ErrorDataMessage(fault)))
	}
	return nil
}

// RegisterReader makes a view of a reader, which can be read once. The caller calls release once the view is no longer
// needed.
func (n *Connection) RegisterReader(reader array.RecordReader, view string) (release func(), err error) {
	// DuckDB keeps the pointer, so the stream is not in Go's memory.
	stream := (*cdata.CArrowArrayStream)(C.calloc(1, C.size_t(unsafe.Sizeof(cdata.CArrowArrayStream{}))))
	release = func() {
		cdata.ReleaseCArrowArrayStream(stream)
		C.free(unsafe.Pointer(stream))
	}
	cdata.ExportRecordReader(reader, stream)
	name, from := C.CString(view), unsafe.Pointer(stream)
	defer C.free(unsafe.Pointer(name))
	if C.duckdb_arrow_scan(n.conn.Ptr, name, from) != 0 {
		release()
		return nil, errors.New("DuckDB did not take the Arrow data")
	}
	return release, nil
}
