package parquetfooter

import (
	"bytes"
	"fmt"
	"os"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/plumbstore/plumb/store/duckdb/casts"
)

// TopColumn is a top-level column of a file with its leaves, the columns that values are stored in: a number is one
// leaf, a struct has those of its fields.
type TopColumn struct {
	Node     schema.Node
	contents *metadata.FileMetaData
	// First is the position of its first leaf among those of the file, and leaves how many it has.
	First, Leaves int
}

// TopColumns lists the top-level columns of a file in its order. Leaves are counted and not found by their paths, since
// two may have one path, as a column "a.b" and the field b of a column a.
func TopColumns(contents *metadata.FileMetaData) []TopColumn {
	root := contents.Schema.Root()
	found := make([]TopColumn, root.NumFields())
	first := 0
	for i := range found {
		leaves := leavesOf(root.Field(i))
		found[i] = TopColumn{Node: root.Field(i), contents: contents, First: first, Leaves: leaves}
		first += leaves
	}
	return found
}

// Unreadable says why DuckDB would not read the values of the column correctly; it returns "" if it would. What DuckDB
// reads wrongly must be known from the footer, since DuckDB returns it without an error.
func (c TopColumn) Unreadable() string {
	contents, node := c.contents, c.Node
	for leaf := c.First; leaf < c.First+c.Leaves; leaf++ {
		column := contents.Schema.Column(leaf)
		if digits := decimalPrecision(column); digits > casts.MaxDecimalDigits {
			return fmt.Sprintf("%q is a decimal of %d digits, and more than %d cannot be read; write it with fewer digits, or "+
				"as text", node.Name(), digits, casts.MaxDecimalDigits)
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

// Encryption says what of a file is encrypted, or "".
func Encryption(contents *metadata.FileMetaData) string {
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

// IsUntyped says whether writers saw nothing but nulls in the column and gave it no type.
func (c TopColumn) IsUntyped() bool {
	switch c.Node.LogicalType().(type) {
	case schema.NullLogicalType, *schema.NullLogicalType:
		return true
	}
	return false
}

// MayCut says whether the column may hold zoned nanoseconds before 1970, which DuckDB cuts towards 1970 (R1).
func (c TopColumn) MayCut() bool {
	for leaf := c.First; leaf < c.First+c.Leaves; leaf++ {
		var unit schema.TimeUnitType
		zoned := false
		switch kind := c.contents.Schema.Column(leaf).LogicalType().(type) {
		case schema.TimestampLogicalType:
			unit, zoned = kind.TimeUnit(), kind.IsAdjustedToUTC()
		case *schema.TimestampLogicalType:
			unit, zoned = kind.TimeUnit(), kind.IsAdjustedToUTC()
		}
		if !zoned || unit != schema.TimeUnitNanos {
			continue
		}
		if !c.isLeaf() {
			return true
		}
		if times := timeSpan(c.contents, leaf); !times.Known || times.Least <= 0 {
			return true
		}
	}
	return false
}

// isLeaf says whether the column has one value for each row.
func (c TopColumn) isLeaf() bool {
	return c.Node.Type() == schema.Primitive && c.Node.RepetitionType() != parquet.Repetitions.Repeated
}

// leavesOf is the number of leaves of a column.
func leavesOf(node schema.Node) int {
	group, ok := node.(*schema.GroupNode)
	if !ok {
		return 1
	}
	leaves := 0
	for i := range group.NumFields() {
		leaves += leavesOf(group.Field(i))
	}
	return leaves
}

// Leaves96 lists the positions of the leaves that are times of 96 bits.
func (c TopColumn) Leaves96() []int {
	var found []int
	for leaf := c.First; leaf < c.First+c.Leaves; leaf++ {
		if c.contents.Schema.Column(leaf).PhysicalType() == parquet.Types.Int96 {
			found = append(found, leaf)
		}
	}
	return found
}
