package arrowrows

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonlines"
)

// OpenJSONLines opens a file as Arrow data with columns of these names, each a nullable text. The caller names them,
// since the columns of JSON lines are known only once all objects have been read (jsonlines.Names), and since all files
// of a source are read with the columns of any. Other members of an object are left out.
func OpenJSONLines(path string, names []string) (*File, error) {
	input, err := os.Open(path)
	if err != nil {
		return nil, fault.Inputf("", "%s", disk.Reason(err))
	}
	reader := jsonlines.NewReader(input)
	var fields []arrow.Field
	positions := map[string]int{}
	for i, name := range names {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
		positions[strings.ToLower(name)] = i
	}
	schema := arrow.NewSchema(fields, nil)
	return &File{file: input, Schema: schema, Next: func() (arrow.RecordBatch, error) {
		return nextObjects(reader, schema, positions)
	}}, nil
}

// nextObjects is a batch of objects; a member that an object lacks is null. Of members whose names differ in case
// alone, the first that is not null counts. The more columns there are, the fewer rows a batch has: objects of few
// members would otherwise make a batch of any size, all of nulls.
func nextObjects(reader *jsonlines.Reader, schema *arrow.Schema, positions map[string]int) (arrow.RecordBatch, error) {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	rows, most := 0, max(min(rowsOfBatch, bytesOfBatch/(4*max(len(positions), 1))), 1) // A null takes memory too.
	for size := 0; rows < most && size < bytesOfBatch; rows++ {
		members, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			at, ok := positions[strings.ToLower(member.Name)]
			if column := builder.Field(at); ok && !member.Null && column.Len() == rows {
				column.(*array.StringBuilder).Append(member.Text)
				size += len(member.Text)
			}
		}
		for _, column := range builder.Fields() {
			if column.Len() == rows {
				column.AppendNull()
			}
		}
	}
	if rows == 0 {
		return nil, io.EOF
	}
	return builder.NewRecordBatch(), nil
}
