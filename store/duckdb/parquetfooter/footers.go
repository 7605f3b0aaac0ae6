package parquetfooter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/parquetfile"
)

// Footer holds what the end of a Parquet file says. No row has to be read for it.
type Footer struct {
	// Read says that the rest holds.
	Read bool
	// Layout is equal for files whose columns have the same names and types.
	Layout string
	// Columns are the top-level columns in the file's order.
	Columns []Column
	Rows    int64
	// Events is the range of the event times of the file.
	Events Span
	// Digest is the SHA-256 of the footer's bytes, in hexadecimal, and Bytes is their number.
	Digest string
	Bytes  int64
	// Encrypted says what part of the file is encrypted, so that none of it can be read; empty if nothing is.
	Encrypted string
	// Damaged says why the footer cannot be read; empty if it can.
	Damaged string
}

// Column is a top-level column of a file.
type Column struct {
	// Name is the column's, and Stored the one that it has in the file. They differ only in files of lake tables, whose
	// columns are found by ID, which is -1 if a column has none.
	Name, Stored string
	ID           int
	// untyped says that writers saw nothing but nulls in it and gave it no type.
	untyped bool
	// Nulls is the number of nulls, or -1 if the footer does not say.
	Nulls int64
	// Times is the range of the instants of a column of times that is a leaf; not known for any other.
	Times Span
	// Unreadable says why values of the column cannot be read correctly; empty if they can.
	Unreadable string
	// Leaves96 are the positions among the file's leaves of those that are times of 96 bits.
	Leaves96 []int
}

// Span is a range of instants in microseconds with both ends.
type Span struct {
	Least, Greatest int64
	// Known says that no instant is outside the span; least > greatest if there is none at all.
	Known bool
}

// NoInstants is the span of nothing.
var NoInstants = Span{Least: math.MaxInt64, Greatest: math.MinInt64, Known: true}

// With is the span of both.
func (s Span) With(other Span) Span {
	return Span{min(s.Least, other.Least), max(s.Greatest, other.Greatest), s.Known && other.Known}
}

// Meets says whether an instant of the span may lie in [from, to], each of which may be open.
func (s Span) Meets(from, to *int64) bool {
	return !s.Known || (from == nil || s.Greatest >= *from) && (to == nil || s.Least <= *to)
}

// Read reads and checks the footers of all files, in their order. event names the column with the event times. A
// footer that is damaged says so: its file may turn out not to be read. checkFooters refuses those that are.
func Read(ctx context.Context, paths []string, event string) ([]Footer, error) {
	footers := make([]Footer, len(paths))
	var group errgroup.Group
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for i := next.Add(1) - 1; i < int64(len(paths)); i = next.Add(1) - 1 {
				if err := context.Cause(ctx); err != nil {
					return err
				}
				footers[i] = readOrRefuse(paths[i], event)
			}
			return nil
		})
	}
	return footers, group.Wait()
}

// readOrRefuse reads a footer, or says why it cannot be read.
func readOrRefuse(path, event string) Footer {
	footer, err := readFooter(path, event)
	if err == nil {
		return footer
	}
	if hasEncryptedFooter(path) {
		return Footer{Encrypted: "its footer is encrypted"}
	}
	return Footer{Damaged: disk.Reason(err).Error()}
}

func readFooter(path, event string) (f Footer, err error) {
	// A damaged footer is allowed to break the decoder, and nothing else.
	defer func() {
		if damage := recover(); damage != nil {
			f, err = Footer{}, fmt.Errorf("damaged footer: %v", damage)
		}
	}()
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return Footer{}, err
	}
	defer opened.Close()
	contents, text, err := parquetfile.Contents(opened)
	if err != nil {
		return Footer{}, err
	}
	digest := sha256.Sum256(text)
	f = Footer{Read: true, Rows: contents.NumRows, Encrypted: Encryption(contents),
		Digest: hex.EncodeToString(digest[:]), Bytes: int64(len(text))}
	var layout []byte
	for _, top := range TopColumns(contents) {
		column := Column{Name: top.Node.Name(), Stored: top.Node.Name(), ID: int(top.Node.FieldID()), Nulls: -1,
			untyped: top.IsUntyped(), Unreadable: top.Unreadable(), Leaves96: top.Leaves96()}
		if top.isLeaf() {
			column.Nulls, column.Times = countNulls(contents, top.First), timeSpan(contents, top.First)
			if strings.EqualFold(column.Name, event) {
				f.Events = column.Times
			}
		}
		f.Columns = append(f.Columns, column)
		layout = appendLayout(layout, top.Node)
	}
	f.Layout = string(layout)
	f.markRepeated()
	return f, nil
}

// OfNames is the footer of a file that has nothing but the names of its columns. Nothing can be read from a column
// without a name.
func OfNames(names []string) Footer {
	var f Footer
	for _, name := range names {
		if name != "" {
			f.Columns = append(f.Columns, Column{Name: name, Stored: name, ID: -1, Nulls: -1})
		}
	}
	f.markRepeated()
	return f
}

// TimesOf is the range of the instants of a column. A file without the column has none.
func (f Footer) TimesOf(name string) Span {
	at := slices.IndexFunc(f.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
	if at < 0 {
		return NoInstants
	}
	return f.Columns[at].Times
}

// NameOf is the name of the column at a position of the file, which the file calls stored; empty if the file's table
// does not have the column any more.
func (f Footer) NameOf(at int, stored string) string {
	if at >= len(f.Columns) {
		return stored
	}
	return f.Columns[at].Name
}

// IsUntyped says whether a column has nothing but nulls and no type.
func (f Footer) IsUntyped(name string) bool {
	return slices.ContainsFunc(f.Columns, func(c Column) bool { return c.Name == name && c.untyped })
}

// appendLayout spells a column with everything that its type depends on.
func appendLayout(text []byte, node schema.Node) []byte {
	text = append(strconv.AppendQuote(text, node.Name()), ' ')
	text = append(strconv.AppendInt(text, int64(node.RepetitionType()), 10), ' ')
	if logical := node.LogicalType(); logical != nil {
		text = append(text, logical.String()...)
	}
	text = append(append(append(text, ' '), node.ConvertedType().String()...), ' ')
	switch node := node.(type) {
	case *schema.PrimitiveNode:
		text = append(append(text, node.PhysicalType().String()...), ' ')
		text = strconv.AppendInt(text, int64(node.TypeLength()), 10)
		if decimal := node.DecimalMetadata(); decimal.IsSet {
			text = fmt.Appendf(text, " %d %d", decimal.Precision, decimal.Scale)
		}
	case *schema.GroupNode:
		text = append(text, '(')
		for i := range node.NumFields() {
			text = appendLayout(text, node.Field(i))
		}
		text = append(text, ')')
	}
	return append(text, ';')
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

// Repeats says whether an earlier column of the file has the name of the one at the position, but for case. DuckDB
// would rename the later one.
func (f Footer) Repeats(at int) bool {
	return at < len(f.Columns) && slices.ContainsFunc(f.Columns[:at], func(c Column) bool {
		return strings.EqualFold(c.Stored, f.Columns[at].Stored)
	})
}

// Renamed is the footer of a file of a table that calls columns otherwise. A column that the table does not have any
// more has an empty name. Files whose columns have other names have layouts of their own.
func (f Footer) Renamed(name func(Column) string, event string) Footer {
	renamed := f
	renamed.Columns, renamed.Events = make([]Column, len(f.Columns)), Span{}
	for i, column := range f.Columns {
		column.Name = name(column)
		renamed.Columns[i] = column
		renamed.Layout += fmt.Sprintf("%q,", column.Name)
		if column.Name != "" && strings.EqualFold(column.Name, event) {
			renamed.Events = column.Times
		}
	}
	return renamed
}

// markRepeated marks columns whose names differ in case alone as unreadable.
func (f *Footer) markRepeated() {
	first := map[string]int{}
	for i, column := range f.Columns {
		folded := strings.ToLower(column.Name)
		at, ok := first[folded]
		if !ok {
			first[folded] = i
			continue
		}
		f.Columns[at].Unreadable = fmt.Sprintf("%q has the name of column %q, but for case; rename one", f.Columns[at].Name,
			column.Name)
	}
}
