package labelfile

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/arrowrows"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
)

// checkParquet refuses what DuckDB would read as something else, and finds the columns that it does not read exactly.
func (l *File) checkParquet(ctx context.Context, reader *file.Reader) error {
	contents := reader.MetaData()
	if what := parquetfooter.Encryption(contents); what != "" {
		return fault.Inputf("", "%s, and encrypted files are not supported; write it decrypted", what)
	}
	for i, top := range parquetfooter.TopColumns(contents) {
		if why := top.Unreadable(); why != "" {
			return fault.Inputf("", "column %s", why)
		}
		if err := checkGroup(top.Node); err != nil {
			return fault.Inputf("", "column %q: %v", top.Node.Name(), err)
		}
		for _, at := range top.Leaves96() {
			if err := parquetfooter.CheckLeaf(ctx, l.Path, l.Path, at); err != nil {
				return err
			}
		}
		if top.IsUntyped() {
			l.untyped = append(l.untyped, i)
		}
		if top.MayCut() {
			l.floored = append(l.floored, i)
		}
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
	return arrowrows.CheckFields(names)
}

// parquetSource is the FROM item of a Parquet file with the columns n, c0, c1, …
func (l *File) parquetSource(ctx context.Context, s *session.Session) (string, error) {
	names := quote.Numbered("c", len(l.Columns))
	scan := fmt.Sprintf("%s AS labels(%s, n)", l.scanParquet(", file_row_number = true"), strings.Join(names, ", "))
	if l.has("file_row_number") {
		scan = fmt.Sprintf("(SELECT row_number() OVER () - 1 AS n, * FROM %s AS labels(%s))", l.scanParquet(""),
			strings.Join(names, ", "))
	}
	if len(l.floored) == 0 {
		return scan, nil
	}
	exact, err := arrowrows.OpenParquet(ctx, l.Path, l.floored)
	if err != nil {
		return "", err
	}
	s.OnClose(exact.Close)
	if err := registerLabels(s, exact); err != nil {
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
func (l *File) has(name string) bool {
	for _, column := range l.Columns {
		if strings.EqualFold(column.Name, name) {
			return true
		}
	}
	return false
}
