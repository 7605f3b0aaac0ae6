package dataset

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/plumbstore/plumb/internal/disk"
)

// WriteLabels writes the first columns of a training set, which were those of its label rows, to an .arrow file. Label
// rows that came from a program are nowhere else. A training set keeps all label columns and one row for each label, in
// their order (R6), so it can be made again from itself.
func WriteLabels(ctx context.Context, trainingSet, path string, columns int) error {
	return disk.Real().Write(path, func(w io.Writer) error {
		var writer *ipc.FileWriter
		t := table{path: trainingSet, format: formatOf(trainingSet)}
		err := t.read(ctx, func(batch arrow.RecordBatch) (err error) {
			schema := arrow.NewSchema(batch.Schema().Fields()[:columns], nil)
			if writer == nil {
				if writer, err = ipc.NewFileWriter(w, ipc.WithSchema(schema)); err != nil {
					return err
				}
			}
			return writer.Write(array.NewRecordBatch(schema, batch.Columns()[:columns], batch.NumRows()))
		})
		if writer != nil {
			err = errors.Join(err, writer.Close())
		}
		return err
	})
}
