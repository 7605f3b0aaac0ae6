package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// Formats of label and result files, by extension.
const (
	formatParquet = ".parquet"
	formatCSV     = ".csv"
	formatArrow   = ".arrow"
)

// fileFormat returns the format of a label or result file.
func fileFormat(path string) (string, error) {
	format := strings.ToLower(filepath.Ext(path))
	if !slices.Contains([]string{formatParquet, formatCSV, formatArrow}, format) {
		return "", fault.Inputf("", "file %s has to end in .parquet, .csv or .arrow", path)
	}
	return format, nil
}

// labelFile is the description of label rows. Our tables know its columns as c0, c1, …
type labelFile struct {
	path string
	// name is what messages call it.
	name    string
	format  string
	columns []feature.Column
	// floored are the columns of a Parquet file whose zoned nanoseconds DuckDB may not floor.
	floored []int
}

// describeLabels reads the schema of a label file, which messages call name, or else by its path.
func (e *Engine) describeLabels(ctx context.Context, s *session, path, name string) (*labelFile, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("label file: %w", err)
	}
	if info, err := os.Stat(absolute); err != nil {
		return nil, fault.Inputf("", "cannot read label file %s: %v", path, cmpError(err))
	} else if err := disk.CheckRegular(absolute, info); err != nil {
		return nil, fault.Inputf("", "cannot read label file %s: %v", path, cmpError(err))
	}
	if err := plainPath(absolute); err != nil {
		return nil, err
	}
	format, err := fileFormat(path)
	if err != nil {
		return nil, err
	}
	if err := gitlfs.Refuse(cmp.Or(name, "label file "+path), absolute); err != nil {
		return nil, err
	}
	labels := &labelFile{path: absolute, name: cmp.Or(name, "label file "+absolute), format: format}
	switch format {
	case formatParquet:
		err = labels.describeParquet(ctx, s)
	case formatCSV:
		err = labels.describeCSV()
	default:
		err = labels.describeArrow(ctx, s)
	}
	if err != nil {
		return nil, labels.explain(err)
	}
	return labels, labels.checkNames()
}

func cmpError(err error) string {
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		return pathError.Err.Error()
	}
	return err.Error()
}

// explain says which file an input error is about.
func (l *labelFile) explain(err error) error {
	var input *fault.InputError
	if errors.As(err, &input) && !strings.Contains(input.Message, "label") {
		return fault.Inputf("", "cannot read %s: %s", l.name, input.Message)
	}
	return err
}

func (l *labelFile) describeParquet(ctx context.Context, s *session) error {
	reader, err := parquetfile.Open(l.path)
	if err != nil {
		return fault.Inputf("", "%v", err)
	}
	defer reader.Close()
	root := reader.MetaData().Schema.Root()
	for i := range root.NumFields() {
		l.columns = append(l.columns, feature.Column{Name: root.Field(i).Name()})
	}
	if len(l.columns) == 0 {
		return nil // DuckDB has no tables without columns; checkNames says so.
	}
	if err := l.checkParquet(ctx, reader); err != nil {
		return err
	}
	return l.describe(ctx, s, l.scanParquet(""))
}

// describe takes the columns' types from a FROM item, by position, since DuckDB renames columns that differ by case
// only.
func (l *labelFile) describe(ctx context.Context, s *session, from string) error {
	at := 0
	return s.queryRows(ctx, "SELECT column_type FROM (DESCRIBE FROM "+from+")", func(rows *sql.Rows) error {
		if at >= len(l.columns) {
			return fmt.Errorf("%s has more columns than its schema", l.path)
		}
		err := rows.Scan(&l.columns[at].Type)
		at++
		return err
	})
}

func (l *labelFile) scanParquet(options string) string {
	return fmt.Sprintf("read_parquet(%s, hive_partitioning = false%s)", quote.Literal(l.path), options)
}

// checkNames refuses names that results could not keep (R10). One column may have none, as the index of pandas, and
// names may differ by case alone.
func (l *labelFile) checkNames() error {
	if len(l.columns) == 0 {
		return fault.Inputf("", "%s has no columns", l.name)
	}
	seen := map[string]bool{}
	for _, column := range l.columns {
		switch {
		case seen[column.Name] && column.Name == "":
			return fault.Inputf("", "%s has several columns without a name; name them", l.name)
		case seen[column.Name]:
			return fault.Inputf("", "%s has two columns named %q; rename one", l.name, column.Name)
		case strings.Contains(column.Name, "\x00") || !utf8.ValidString(column.Name):
			return fault.Inputf("", "%s has the column %q; names have to be UTF-8 without zero bytes", l.name, column.Name)
		}
		seen[column.Name] = true
	}
	return nil
}

// find returns the position of a column by its exact name.
func (l *labelFile) find(name, purpose string) (int, error) {
	at := slices.IndexFunc(l.columns, func(c feature.Column) bool { return c.Name == name })
	if at >= 0 {
		return at, nil
	}
	names := make([]string, len(l.columns))
	for i, column := range l.columns {
		names[i] = column.Name
	}
	hint := "it has " + strings.Join(names, ", ")
	if closest := fault.Closest(name, names); closest != "" {
		hint = fmt.Sprintf("did you mean %q?", closest)
	}
	return 0, fault.Inputf("", "%s has no column %q, %s; %s", l.name, name, purpose, hint)
}

// labelPlace is the SQL that says where in the labels a value is.
const labelPlace = "'row ' || (n + 1) || ' of the labels'"

// load makes the table labels: n is the row's position from 0, t its instant in microseconds, c0, c1, … its columns.
func (l *labelFile) load(ctx context.Context, s *session, timeColumn int) error {
	source, err := l.source(ctx, s)
	if err != nil {
		return l.explain(err)
	}
	times, err := l.times(timeColumn)
	if err != nil {
		return err
	}
	column := fmt.Sprintf("c%d", timeColumn)
	what := quote.Literal(fmt.Sprintf("label column %q", l.columns[timeColumn].Name))
	statement := fmt.Sprintf("CREATE TABLE %s.labels AS\nSELECT n, %s AS t, %s\nFROM %s", internalSchema,
		times.sql(column, what, labelPlace), strings.Join(quote.Numbered("c", len(l.columns)), ", "), source)
	if err := s.exec(ctx, statement); err != nil {
		return l.explain(l.blame(ctx, s, err))
	}
	return l.checkTimes(ctx, s, timeColumn)
}

// blame names the column that cannot be read, if the error does not.
func (l *labelFile) blame(ctx context.Context, s *session, err error) error {
	var input *fault.InputError
	if !errors.As(err, &input) || strings.Contains(input.Message, "column ") || l.format == formatCSV {
		return err
	}
	if l.format == formatParquet {
		if unfit := unfitTime(ctx, l.path); unfit != nil {
			return unfit
		}
	}
	for i, column := range l.columns {
		source, err := l.source(ctx, s)
		if err != nil {
			return err
		}
		if unread := s.exec(ctx, fmt.Sprintf("SELECT bit_xor(hash(c%d)) FROM %s", i, source)); unread != nil {
			return fault.Inputf("", "column %q cannot be read: %v", column.Name, unread)
		}
	}
	return err
}

// source is the FROM item with the columns n, c0, c1, …
func (l *labelFile) source(ctx context.Context, s *session) (string, error) {
	if l.format == formatParquet {
		return l.parquetSource(ctx, s)
	}
	open := func(path string) (*arrowFile, error) { return openArrow(path, s.arrowBytes) }
	if l.format == formatCSV {
		open = openCSV
	}
	reader, err := open(l.path)
	if err != nil {
		return "", err
	}
	s.releases = append(s.releases, reader.close)
	if err := s.registerLabels(reader); err != nil {
		return "", err
	}
	return "(SELECT row_number() OVER () - 1 AS n, * FROM _labels)", nil
}

// times is the conversion of the time column.
func (l *labelFile) times(column int) (*conversion, error) {
	times, err := microseconds(l.columns[column].Type)
	if err != nil {
		return nil, fault.Inputf("", "label column %q holds %s, which is not a time; it has to be a timestamp or a date, "+
			"or one as text in CSV. Convert numbers and other texts first, as by pandas.to_datetime",
			l.columns[column].Name, l.columns[column].Type)
	}
	return times, nil
}

// naive says whether instants of the labels have no zone. In a text one follows the time of day.
func (l *labelFile) naive(ctx context.Context, s *session, timeColumn int) (found bool, err error) {
	kind := l.columns[timeColumn].Type
	if l.format != formatCSV {
		return strings.HasPrefix(kind, "TIMESTAMP") && !strings.Contains(kind, "TIME ZONE"), nil
	}
	const zoned = `'\d:\d\d.*([Zz]|[+-]\d\d(:?\d\d)?)\s*$'`
	query := fmt.Sprintf("SELECT EXISTS (FROM %s.labels WHERE NOT regexp_matches(c%d, "+zoned+"))",
		internalSchema, timeColumn)
	return found, s.QueryRow(ctx, query, &found)
}

func (l *labelFile) checkTimes(ctx context.Context, s *session, timeColumn int) error {
	var rows, nulls, first int64
	err := s.QueryRow(ctx, "SELECT count(*), count(*) - count(t), coalesce(min(n) FILTER (t IS NULL), 0) + 1 FROM "+
		internalSchema+".labels", &rows, &nulls, &first)
	if err == nil && nulls > 0 {
		err = fault.Inputf("", "label column %q is null in %d of %d rows, first in row %d; every label row needs an "+
			"instant", l.columns[timeColumn].Name, nulls, rows, first)
	}
	return err
}
