package duckdb

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/store/duckdb/arrowrows"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/offline"
)

// mark returns the text that DuckDB writes into a Parquet file in the place of the manifest, which is known only once
// the file is written. It is empty if there will be no manifest. It is random, so that nothing else in the footer can
// be the same text: sealParquet exchanges exactly one.
func (j *join) mark(format string) (string, error) {
	if j.request.Seal == nil || format != labelfile.Parquet {
		return "", nil
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("mark the place of the manifest: %w", err)
	}
	return fmt.Sprintf("%x", random), nil
}

// seal asks for the manifest of the file that was written, and keeps it there.
func (j *join) seal(ctx context.Context, partial, format, mark string, report offline.JoinReport) error {
	if j.request.Seal == nil {
		return nil
	}
	manifest, err := j.request.Seal(ctx, partial, report)
	if err != nil {
		return err
	}
	switch format {
	case labelfile.Parquet:
		err = sealParquet(partial, mark, manifest)
	case labelfile.Arrow:
		err = sealArrow(ctx, j.engine.config.Disk, partial, manifest)
	}
	if err != nil {
		return fmt.Errorf("keep the manifest in the file: %w", err)
	}
	return nil
}

// sealParquet puts a text in the place of the mark.
func sealParquet(path, mark, text string) error {
	return editFooter(path, func(footer []byte) ([]byte, error) {
		old := thriftText(mark)
		if found := bytes.Count(footer, old); found != 1 {
			return nil, fmt.Errorf("its footer has the mark %d times", found)
		}
		return bytes.Replace(footer, old, thriftText(text), 1), nil
	})
}

// thriftText is a text as Thrift's compact protocol writes it: its length and its bytes. Exchanging both keeps the
// footer well formed, whatever the lengths of the two texts (editFooter).
func thriftText(text string) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(text))), text...)
}

// sealArrow writes the file anew, since an Arrow file begins with its schema.
func sealArrow(ctx context.Context, on disk.Disk, path, manifest string) error {
	file, err := arrowrows.Open(path, math.MaxInt64)
	if err != nil {
		return err
	}
	defer file.Close()
	metadata := arrow.NewMetadata([]string{offline.ManifestKey}, []string{manifest})
	schema := arrow.NewSchema(file.Schema.Fields(), &metadata)
	return on.Write(path, func(w io.Writer) error {
		writer, err := ipc.NewFileWriter(w, ipc.WithSchema(schema))
		if err != nil {
			return err
		}
		for ctx.Err() == nil {
			batch, err := file.Next()
			if errors.Is(err, io.EOF) {
				return writer.Close()
			}
			if err == nil {
				err = writer.Write(array.NewRecordBatch(schema, batch.Columns(), batch.NumRows()))
			}
			if err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}
