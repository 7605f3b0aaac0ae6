package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// checkParquet refuses what DuckDB would read as something else, and finds the columns that it does not read exactly.
func (l *labelFile) checkParquet(ctx context.Context, reader *file.Reader) error {
	contents := reader.MetaData()
	if what := encryption(contents); what != "" {
		return fault.Inputf("", "%s, and encrypted files are not supported; write it decrypted", what)
	}
	leaf := 0
	for i := range contents.Schema.Root().NumFields() {
		node := contents.Schema.Root().Field(i)
		leaves := leavesOf(node)
		if why := unreadable(contents, node, leaf, leaves); why != "" {
			return fault.Inputf("", "column %s", why)
		}
		if err := checkGroup(node); err != nil {
			return fault.Inputf("", "column %q: %v", node.Name(), err)
		}
		for _, at := range leaves96(contents, leaf, leaves) {
			if err := checkLeaf(ctx, l.path, at); err != nil {
				return err
			}
		}
		if mayCut(contents, node, leaf, leaves) {
			l.floored = append(l.floored, i)
		}
		leaf += leaves
	}
	return nil
}

// checkGroup refuses names within a column that DuckDB would change.
func checkGroup(node schema.Node) error {
	group, ok := node.(*schema.GroupNode)
	if !ok {
		return nil
	}
	var names []string
	for i := range group.NumFields() {
		names = append(names, group.Field(i).Name())
		if err := checkGroup(group.Field(i)); err != nil {
			return err
		}
	}
	return checkFields(names)
}

// checkFields refuses fields of a struct that DuckDB's structs cannot have.
func checkFields(names []string) error {
	seen := map[string]string{}
	for _, name := range names {
		folded := strings.ToLower(name)
		if other, ok := seen[folded]; ok {
			return fmt.Errorf("its fields %q and %q differ in case at most; rename one", other, name)
		}
		if name == "" || strings.Contains(name, "\x00") {
			return fmt.Errorf("a field in it has the name %q; give it another", name)
		}
		seen[folded] = name
	}
	if len(names) == 0 {
		return errors.New("it is a struct without fields; leave it out")
	}
	return nil
}

// mayCut says whether a column may hold zoned nanoseconds before 1970, which DuckDB cuts towards 1970 (R1).
func mayCut(contents *metadata.FileMetaData, node schema.Node, first, leaves int) bool {
	for leaf := first; leaf < first+leaves; leaf++ {
		var unit schema.TimeUnitType
		zoned := false
		switch kind := contents.Schema.Column(leaf).LogicalType().(type) {
		case schema.TimestampLogicalType:
			unit, zoned = kind.TimeUnit(), kind.IsAdjustedToUTC()
		case *schema.TimestampLogicalType:
			unit, zoned = kind.TimeUnit(), kind.IsAdjustedToUTC()
		}
		if !zoned || unit != schema.TimeUnitNanos {
			continue
		}
		if !isLeaf(node) {
			return true
		}
		if times := eventSpan(contents, leaf); !times.known || times.least <= 0 {
			return true
		}
	}
	return false
}

// openColumns reads some of a Parquet file's columns as Arrow data. Their values are exact.
func openColumns(ctx context.Context, path string, columns []int) (*arrowFile, error) {
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return nil, fault.Inputf("", "%s", cmpError(err))
	}
	reader, err := parquetfile.NewReader(opened)
	if err != nil {
		return nil, errors.Join(fault.Inputf("", "it is not a complete Parquet file: %v", err), opened.Close())
	}
	var leaves []int
	leaf := 0
	for i := range reader.MetaData().Schema.Root().NumFields() {
		count := leavesOf(reader.MetaData().Schema.Root().Field(i))
		for at := leaf; len(columns) > 0 && columns[0] == i && at < leaf+count; at++ {
			leaves = append(leaves, at)
		}
		if len(columns) > 0 && columns[0] == i {
			columns = columns[1:]
		}
		leaf += count
	}
	properties := pqarrow.ArrowReadProperties{BatchSize: batchRows}
	arrows, err := pqarrow.NewFileReader(reader, properties, memory.DefaultAllocator)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	records, err := arrows.GetRecordReader(ctx, leaves, nil)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return &arrowFile{file: opened, schema: records.Schema(), next: func() (batch arrow.RecordBatch, err error) {
		defer func() {
			if damage := recover(); damage != nil {
				batch, err = nil, fmt.Errorf("it is damaged: %v", damage)
			}
		}()
		batch, err = records.Read()
		if err == nil && batch == nil {
			err = io.EOF
		}
		return batch, err
	}}, nil
}

// parquetSource is the FROM item of a Parquet file with the columns n, c0, c1, …
func (l *labelFile) parquetSource(ctx context.Context, s *session) (string, error) {
	names := quote.Numbered("c", len(l.columns))
	scan := fmt.Sprintf("%s AS labels(%s, n)", l.scanParquet(", file_row_number = true"), strings.Join(names, ", "))
	if l.has("file_row_number") {
		scan = fmt.Sprintf("(SELECT row_number() OVER () - 1 AS n, * FROM %s AS labels(%s))", l.scanParquet(""),
			strings.Join(names, ", "))
	}
	if len(l.floored) == 0 {
		return scan, nil
	}
	exact, err := openColumns(ctx, l.path, l.floored)
	if err != nil {
		return "", err
	}
	s.releases = append(s.releases, exact.close)
	if err := s.registerLabels(exact); err != nil {
		return "", err
	}
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = "p." + name
	}
	for i, at := range l.floored {
		columns[at] = fmt.Sprintf("z.c%d AS %s", i, names[at])
	}
	return fmt.Sprintf("(SELECT p.n, %s FROM (FROM %s) p JOIN (SELECT row_number() OVER () - 1 AS n, * FROM _labels) z "+
		"ON z.n = p.n ORDER BY p.n)", strings.Join(columns, ", "), scan), nil
}

// has says whether a column has a name, whatever its case.
func (l *labelFile) has(name string) bool {
	for _, column := range l.columns {
		if strings.EqualFold(column.Name, name) {
			return true
		}
	}
	return false
}
