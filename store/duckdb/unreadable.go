package duckdb

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// unreadable says why DuckDB would not read the values of a top-level column correctly; it returns "" if it would. The
// column has the given number of leaves, from first on. What DuckDB reads wrongly must be known from the footer, since
// DuckDB returns it without an error.
func unreadable(contents *metadata.FileMetaData, node schema.Node, first, leaves int) string {
	for leaf := first; leaf < first+leaves; leaf++ {
		column := contents.Schema.Column(leaf)
		if digits := decimalPrecision(column); digits > maxDecimalDigits {
			return fmt.Sprintf("%q is a decimal of %d digits, and more than %d cannot be read; write it with fewer digits, or "+
				"as text", node.Name(), digits, maxDecimalDigits)
		}
		if isSplit(contents, leaf) {
			return fmt.Sprintf("%q holds %s values in the encoding BYTE_STREAM_SPLIT, which is read of FLOAT and DOUBLE alone; "+
				"write it in another, such as PLAIN", node.Name(), column.PhysicalType())
		}
	}
	return ""
}

// decimalPrecision is the number of digits of a decimal leaf, and 0 of any other.
func decimalPrecision(column *schema.Column) int32 {
	if decimal, ok := column.LogicalType().(schema.DecimalLogicalType); ok {
		return decimal.Precision()
	}
	if decimal, ok := column.LogicalType().(*schema.DecimalLogicalType); ok {
		return decimal.Precision()
	}
	if node, ok := column.SchemaNode().(*schema.PrimitiveNode); ok && node.DecimalMetadata().IsSet {
		return node.DecimalMetadata().Precision
	}
	return 0
}

// isSplit says whether a leaf that is no floating point number is stored as split streams of bytes.
func isSplit(contents *metadata.FileMetaData, leaf int) bool {
	switch contents.Schema.Column(leaf).PhysicalType() {
	case parquet.Types.Float, parquet.Types.Double:
		return false
	}
	for _, group := range contents.RowGroups {
		for _, encoding := range group.Columns[leaf].GetMetaData().GetEncodings() {
			if parquet.Encoding(encoding) == parquet.Encodings.ByteStreamSplit {
				return true
			}
		}
	}
	return false
}

// encryption says what of a file is encrypted, or "".
func encryption(contents *metadata.FileMetaData) string {
	for _, group := range contents.RowGroups {
		for leaf, chunk := range group.Columns {
			if chunk.IsSetCryptoMetadata() && leaf < contents.Schema.NumColumns() {
				return fmt.Sprintf("its column %q is encrypted", contents.Schema.Column(leaf).Path())
			}
		}
	}
	if contents.IsSetEncryptionAlgorithm() {
		return "its footer names an algorithm of encryption"
	}
	return ""
}

// hasEncryptedFooter says whether a file ends as Parquet files with an encrypted footer do.
func hasEncryptedFooter(path string) bool {
	const magic = "PARE"
	opened, err := os.Open(path)
	if err != nil {
		return false
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil || info.Size() < 2*int64(len(magic)) {
		return false
	}
	end := make([]byte, len(magic))
	if _, err := opened.ReadAt(end, info.Size()-int64(len(magic))); err != nil {
		return false
	}
	return bytes.Equal(end, []byte(magic))
}

// checkEncryption refuses a file of which something is encrypted: without keys DuckDB opens none of it.
func (f sourceFiles) checkEncryption() error {
	for i := range f.paths {
		if what := f.footers[i].encrypted; what != "" {
			return fault.Inputf("", "%s cannot be read: %s, and encrypted files are not supported; write it decrypted",
				f.paths[i], what)
		}
	}
	return nil
}

// alias is the name of a column in the scan of files. For queries a column that cannot be read has one that is found in
// their plans.
func (c unifiedColumn) alias(forQuery bool) string {
	if forQuery && c.unreadable != "" {
		return "_plumb_unreadable: " + c.unreadable
	}
	return c.name
}

// renameUnreadable gives the columns of a scan for queries their names.
func (f sourceFiles) renameUnreadable(scan string) string {
	if !slices.ContainsFunc(f.unified.columns, func(c unifiedColumn) bool { return c.unreadable != "" }) {
		return scan
	}
	var columns []string
	for _, column := range f.unified.columns {
		columns = append(columns, quote.Identifier(column.alias(true))+" AS "+quote.Identifier(column.name))
	}
	return "SELECT " + strings.Join(append(columns, quote.Identifiers(f.partitions)...), ", ") + " FROM (" + scan + ")"
}

// checkReadable refuses a query that uses a column which cannot be read. Such columns raise an error in its place, so
// that the rest of a file can be read, and DuckDB drops from a plan what a query does not use.
func (r *relations) checkReadable(ctx context.Context, source *feature.Source) error {
	var unreadable []unifiedColumn
	for _, files := range r.files {
		if files.unified == nil {
			continue // A source that is defined after the query is not read by it.
		}
		for _, column := range files.unified.columns {
			if column.unreadable != "" {
				unreadable = append(unreadable, column)
			}
		}
	}
	if !source.IsQuery() || len(unreadable) == 0 {
		return nil
	}
	explain := "EXPLAIN (FORMAT json) FROM " + quote.Identifier(source.Name)
	return r.session.queryRows(ctx, explain, func(rows *sql.Rows) error {
		var key, text string
		if err := rows.Scan(&key, &text); err != nil {
			return err
		}
		var plan any
		if err := json.Unmarshal([]byte(text), &plan); err != nil {
			return fmt.Errorf("read DuckDB's plan of source %s: %w", source.Name, err)
		}
		for _, column := range unreadable {
			if holdsText(plan, column.alias(true)) || holdsText(plan, quote.Identifier(column.alias(true))) {
				return fault.Inputf("", "%s", column.unreadable)
			}
		}
		return nil
	})
}

// holdsText says whether a text occurs in one of the strings of a JSON value.
func holdsText(node any, text string) bool {
	contains := func(child any) bool { return holdsText(child, text) }
	switch node := node.(type) {
	case string:
		return strings.Contains(node, text)
	case []any:
		return slices.ContainsFunc(node, contains)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(node)), contains)
	}
	return false
}
