package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/parquetfile"
)

// footer holds what the end of a Parquet file says. No row has to be read for it.
type footer struct {
	// read says that the rest holds.
	read bool
	// layout is equal for files whose columns have the same names and types.
	layout string
	// columns are the top-level columns in the file's order.
	columns []footerColumn
	rows    int64
	// events is the range of the event times of the file.
	events span
	// digest is the SHA-256 of the footer's bytes, in hexadecimal.
	digest string
	// encrypted says what part of the file is encrypted, so that none of it can be read; empty if nothing is.
	encrypted string
	// damaged says why the footer cannot be read; empty if it can.
	damaged string
}

// footerColumn is a top-level column of a file.
type footerColumn struct {
	name string
	// untyped says that writers saw nothing but nulls in it and gave it no type.
	untyped bool
	// nulls is the number of nulls, or -1 if the footer does not say.
	nulls int64
	// unreadable says why values of the column cannot be read correctly; empty if they can.
	unreadable string
	// leaves96 are the positions among the file's leaves of those that are times of 96 bits.
	leaves96 []int
}

// span is a range of instants in microseconds with both ends.
type span struct {
	least, greatest int64
	// known says that no instant is outside the span; least > greatest if there is none at all.
	known bool
}

// noInstants is the span of nothing.
var noInstants = span{least: math.MaxInt64, greatest: math.MinInt64, known: true}

// with is the span of both.
func (s span) with(other span) span {
	return span{min(s.least, other.least), max(s.greatest, other.greatest), s.known && other.known}
}

// meets says whether an instant of the span may lie in [from, to], each of which may be open.
func (s span) meets(from, to *int64) bool {
	return !s.known || (from == nil || s.greatest >= *from) && (to == nil || s.least <= *to)
}

// readFooters reads and checks the footers of all files, in their order. event names the column with the event times. A
// footer that is damaged says so: its file may turn out not to be read. checkFooters refuses those that are.
func readFooters(ctx context.Context, paths []string, event string) ([]footer, error) {
	footers := make([]footer, len(paths))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		group.Go(func() (err error) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			footers[i], err = readFooter(path, event)
			if err != nil && hasEncryptedFooter(path) {
				footers[i].encrypted = "its footer is encrypted"
				return nil
			}
			if err != nil {
				footers[i].damaged = cmpError(err)
			}
			return nil
		})
	}
	return footers, group.Wait()
}

// checkFooters refuses files whose footers are damaged. No file may be given to DuckDB before.
func (f sourceFiles) checkFooters() error {
	for i, path := range f.paths {
		if why := f.footers[i].damaged; why != "" {
			return fault.Inputf("", "cannot read %s: %s", path, why)
		}
	}
	return nil
}

func readFooter(path, event string) (f footer, err error) {
	// A damaged footer is allowed to break the decoder, and nothing else.
	defer func() {
		if damage := recover(); damage != nil {
			f, err = footer{}, fmt.Errorf("damaged footer: %v", damage)
		}
	}()
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return footer{}, err
	}
	reader, err := parquetfile.NewReader(opened)
	if err != nil {
		return footer{}, errors.Join(err, opened.Close())
	}
	defer reader.Close() // It closes the file too.
	contents := reader.MetaData()
	root := contents.Schema.Root()
	f = footer{read: true, rows: contents.NumRows, encrypted: encryption(contents)}
	if f.digest, err = digestFooter(opened); err != nil {
		return footer{}, err
	}
	leaf := 0 // Leaves are counted: two may have one path, as a column "a.b" and the field b of a column a.
	for i := range root.NumFields() {
		node := root.Field(i)
		leaves := leavesOf(node)
		column := footerColumn{name: node.Name(), nulls: -1, untyped: isNullType(node),
			unreadable: unreadable(contents, node, leaf, leaves), leaves96: leaves96(contents, leaf, leaves)}
		if isLeaf(node) {
			column.nulls = countNulls(contents, leaf)
			if strings.EqualFold(node.Name(), event) {
				f.events = eventSpan(contents, leaf)
			}
		}
		f.columns = append(f.columns, column)
		f.layout += layoutOf(node)
		leaf += leaves
	}
	f.markRepeated()
	return f, nil
}

// digestFooter is the digest of a whole Parquet file's footer: before the last 8 bytes, 4 of which are its length.
func digestFooter(opened *os.File) (string, error) {
	const tail = 8
	info, err := opened.Stat()
	if err != nil {
		return "", err
	}
	var end [tail]byte
	if _, err := opened.ReadAt(end[:], info.Size()-tail); err != nil {
		return "", err
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	digest := sha256.New()
	if _, err := io.Copy(digest, io.NewSectionReader(opened, info.Size()-tail-length, length)); err != nil {
		return "", err
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// isUntyped says whether a column has nothing but nulls and no type.
func (f footer) isUntyped(name string) bool {
	return slices.ContainsFunc(f.columns, func(c footerColumn) bool { return c.name == name && c.untyped })
}

// isLeaf says whether a top-level column has one value for each row.
func isLeaf(node schema.Node) bool {
	return node.Type() == schema.Primitive && node.RepetitionType() != parquet.Repetitions.Repeated
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

func isNullType(node schema.Node) bool {
	switch node.LogicalType().(type) {
	case schema.NullLogicalType, *schema.NullLogicalType:
		return true
	}
	return false
}

// layoutOf spells a column with everything that its type depends on.
func layoutOf(node schema.Node) string {
	text := fmt.Sprintf("%q %d %v %v", node.Name(), node.RepetitionType(), node.LogicalType(), node.ConvertedType())
	switch node := node.(type) {
	case *schema.PrimitiveNode:
		metadata := node.DecimalMetadata()
		text += fmt.Sprintf(" %v %d %v", node.PhysicalType(), node.TypeLength(), metadata)
	case *schema.GroupNode:
		text += " ("
		for i := range node.NumFields() {
			text += layoutOf(node.Field(i))
		}
		text += ")"
	}
	return text + ";"
}

// countNulls adds up the null counts of a leaf in all row groups, or returns -1 if a row group has none.
func countNulls(contents *metadata.FileMetaData, leaf int) int64 {
	if contents.Schema.Column(leaf).MaxDefinitionLevel() == 0 {
		return 0
	}
	nulls := int64(0)
	for _, group := range contents.RowGroups {
		statistics := group.Columns[leaf].GetMetaData().GetStatistics()
		if statistics == nil || statistics.NullCount == nil {
			return -1
		}
		nulls += *statistics.NullCount
	}
	return nulls
}
