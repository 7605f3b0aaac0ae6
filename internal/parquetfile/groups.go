package parquetfile

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// checkGroups checks that row groups have the columns of the schema, and that their pages lie within the file. Decoders
// find the pages of a column by its position in the schema and make room for as many bytes as the row group says,
// before they read one of them. The numbers of rows have to add up, since callers plan by the number of the whole file.
func checkGroups(contents *metadata.FileMetaData, size int64) error {
	columns, rows := contents.Schema.NumColumns(), int64(0)
	for i, group := range contents.RowGroups {
		if len(group.Columns) != columns {
			return fmt.Errorf("row group %d has %d columns and the schema %d", i, len(group.Columns), columns)
		}
		if group.NumRows < 0 || rows+group.NumRows < rows {
			return fmt.Errorf("row group %d has %d rows", i, group.NumRows)
		}
		rows += group.NumRows
		for j, chunk := range group.Columns {
			if !chunk.IsSetMetaData() {
				continue // It is encrypted, or somewhere else. Readers report it when the column is asked for.
			}
			start, length := chunk.MetaData.DataPageOffset, chunk.MetaData.TotalCompressedSize
			if offset := chunk.MetaData.DictionaryPageOffset; offset != nil && *offset > 0 {
				start = min(start, *offset)
			}
			if start < 0 || length < 0 || start > size || length > size-start || chunk.MetaData.NumValues < 0 {
				return fmt.Errorf("column %q of row group %d does not lie within the file",
					contents.Schema.Column(j).Path(), i)
			}
		}
	}
	if rows != contents.NumRows {
		return fmt.Errorf("it speaks of %d rows, and its row groups of %d", contents.NumRows, rows)
	}
	return nil
}
