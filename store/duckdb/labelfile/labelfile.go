package labelfile

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
	"github.com/plumbstore/plumb/internal/parquetfile"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/arrowrows"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
	"github.com/plumbstore/plumb/store/offline"
)

// Formats of label and result files, by extension.
const (
	Parquet = ".parquet"
	CSV     = ".csv"
	Arrow   = ".arrow"
)

// FormatOf returns the format of a label or result file.
func FormatOf(path string) (string, error) {
	format := strings.ToLower(filepath.Ext(path))
	if !slices.Contains([]string{Parquet, CSV, Arrow}, format) {
		return "", fault.Inputf("", "file %s has to end in .parquet, .csv or .arrow", path)
	}
	return format, nil
}

// File is the description of label rows. Our tables know its columns as c0, c1, …
type File struct {
	Path string
	// name is what messages call it.
	name    string
	Format  string
	Columns []feature.Column
	// floored are the columns of a Parquet file whose zoned nanoseconds DuckDB may not floor.
	floored []int
	// untyped are the columns of a Parquet or Arrow file that have no type.
	untyped []int
	// Within, unless it is nil, has the instants of the rows that count as there.
	Within *offline.Window
}

// Describe reads the schema of a label file, which messages call name, or else by its path.
func Describe(ctx context.Context, s *session.Session, path, name string) (*File, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("label file: %w", err)
	}
	if info, err := os.Stat(absolute); err != nil {
		return nil, fault.Inputf("", "cannot read label file %s: %v", path, disk.Reason(err))
	} else if err := disk.CheckRegular(absolute, info); err != nil {
		return nil, fault.Inputf("", "cannot read label file %s: %v", path, disk.Reason(err))
	}
	if err := sourcefiles.PlainPath(absolute); err != nil {
		return nil, err
	}
	format, err := FormatOf(path)
	if err != nil {
		return nil, err
	}
	if err := gitlfs.Refuse(cmp.Or(name, "label file "+path), absolute); err != nil {
		return nil, err
	}
	labels := &File{Path: absolute, name: cmp.Or(name, "label file "+absolute), Format: format}
	switch format {
	case Parquet:
		err = labels.describeParquet(ctx, s)
	case CSV:
		err = labels.describeCSV()
	default:
		err = labels.describeArrow(ctx, s)
	}
	if err != nil {
		return nil, labels.Explain(err)
	}
	return labels, labels.checkNames()
}

// Explain says which file an input error is about.
func (l *File) Explain(err error) error {
	var input *fault.InputError
	if errors.As(err, &input) && !strings.Contains(input.Message, "label") {
		return fault.Inputf("", "cannot read %s: %s", l.name, input.Message)
	}
	return err
}

func (l *File) describeParquet(ctx context.Context, s *session.Session) error {
	reader, err := parquetfile.Open(l.Path)
	if err != nil {
		return fault.Inputf("", "%v", err)
	}
	defer reader.Close()
	root := reader.MetaData().Schema.Root()
	for i := range root.NumFields() {
		l.Columns = append(l.Columns, feature.Column{Name: root.Field(i).Name()})
	}
	if len(l.Columns) == 0 {
		return nil // DuckDB has no tables without columns; checkNames says so.
	}
	if err := l.checkParquet(ctx, reader); err != nil {
		return err
	}
	return l.describe(ctx, s, l.scanParquet(""))
}

// describe takes the columns' types from a FROM item, by position, since DuckDB renames columns that differ by case
// only.
func (l *File) describe(ctx context.Context, s *session.Session, from string) error {
	at := 0
	return s.QueryRows(ctx, "SELECT column_type FROM (DESCRIBE FROM "+from+")", func(rows *sql.Rows) error {
		if at >= len(l.Columns) {
			return fmt.Errorf("%s has more columns than its schema", l.Path)
		}
		err := rows.Scan(&l.Columns[at].Type)
		at++
		return err
	})
}

func (l *File) scanParquet(options string) string {
	return fmt.Sprintf("read_parquet(%s, hive_partitioning = false%s)", quote.Literal(l.Path), options)
}

// checkNames refuses names that results could not keep (R10). One column may have none, as the index of pandas, and
// names may differ by case alone.
func (l *File) checkNames() error {
	if len(l.Columns) == 0 {
		return fault.Inputf("", "%s has no columns", l.name)
	}
	seen := map[string]bool{}
	for _, column := range l.Columns {
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

// IsUntyped says whether a column is nothing but null and has no type, as writers leave it that saw no value. Its Type
// is then that of the storage, and means nothing.
func (l *File) IsUntyped(column int) bool { return slices.Contains(l.untyped, column) }

// ToKey converts a column to the type of a join key. One without a type has null keys, which match nothing (R8).
func (l *File) ToKey(column int, declared plumbv1.Type) (*casts.Cast, error) {
	if l.IsUntyped(column) {
		return casts.Null(declared), nil
	}
	return casts.ToKey(l.Columns[column].Type, declared)
}

// To converts a column to a declared type. One without a type is null in every row.
func (l *File) To(column int, declared plumbv1.Type) (*casts.Cast, error) {
	if l.IsUntyped(column) {
		return casts.Null(declared), nil
	}
	return casts.To(l.Columns[column].Type, declared)
}

// Find returns the position of a column by its exact name.
func (l *File) Find(name, purpose string) (int, error) {
	at := slices.IndexFunc(l.Columns, func(c feature.Column) bool { return c.Name == name })
	if at >= 0 {
		return at, nil
	}
	names := make([]string, len(l.Columns))
	for i, column := range l.Columns {
		names[i] = column.Name
	}
	hint := "it has " + strings.Join(names, ", ")
	if closest := fault.Closest(name, names); closest != "" {
		hint = fmt.Sprintf("did you mean %q?", closest)
	}
	return 0, fault.Inputf("", "%s has no column %q, %s; %s", l.name, name, purpose, hint)
}

// Load makes the table labels: n is the row's position from 0 among the label rows, t its instant in microseconds, c0,
// c1, … its columns. If label rows are left out by their instants, in_file is the row's position among all of them.
func (l *File) Load(ctx context.Context, s *session.Session, timeColumn int) error {
	return l.load(ctx, s, timeColumn, "TABLE")
}

// Pass makes labels a view if the file can be read more than once, for a caller that lets all label rows pass by once:
// it need not hold them. What cannot be read shows when they do (Unreadable).
func (l *File) Pass(ctx context.Context, s *session.Session, timeColumn int) error {
	if l.Format != Parquet || len(l.floored) > 0 || l.Within != nil {
		return l.Load(ctx, s, timeColumn)
	}
	return l.load(ctx, s, timeColumn, "VIEW")
}

func (l *File) load(ctx context.Context, s *session.Session, timeColumn int, kind string) error {
	source, err := l.Source(ctx, s)
	if err != nil {
		return l.Explain(err)
	}
	times, err := l.Times(timeColumn)
	if err != nil {
		return err
	}
	column := fmt.Sprintf("c%d", timeColumn)
	what := quote.Literal(fmt.Sprintf("label column %q", l.Columns[timeColumn].Name))
	query := fmt.Sprintf("SELECT n AS %s, %s AS t, %s\nFROM %s", l.position(), times.SQL(column, what, place("n")),
		strings.Join(quote.Numbered("c", len(l.Columns)), ", "), source)
	if l.Within != nil {
		query = fmt.Sprintf("SELECT row_number() OVER () - 1 AS n, *\nFROM (%s%s)\nWHERE %s", query,
			l.prunes(column, l.Columns[timeColumn].Type), between("t", "%d", l.Within))
	}
	statement := fmt.Sprintf("CREATE %s %s.labels AS\n%s", kind, session.Schema, query)
	if err := s.Exec(ctx, statement); err != nil {
		return l.Explain(l.blame(ctx, s, err))
	}
	return l.checkTimes(ctx, s, timeColumn)
}

// Unreadable names the label column that cannot be read if a statement over the labels failed for that reason.
// Otherwise it returns the error as it is.
func (l *File) Unreadable(ctx context.Context, s *session.Session, err error) error {
	if blamed := l.blame(ctx, s, err); !errors.Is(blamed, err) {
		return l.Explain(blamed)
	}
	return err
}

// blame names the column that cannot be read, if the error does not.
func (l *File) blame(ctx context.Context, s *session.Session, err error) error {
	var input *fault.InputError
	if !errors.As(err, &input) || strings.Contains(input.Message, "column ") || l.Format == CSV {
		return err
	}
	if l.Format == Parquet {
		if unfit := parquetfooter.CheckMilliseconds(ctx, l.Path); unfit != nil {
			return unfit
		}
	}
	for i, column := range l.Columns {
		source, err := l.Source(ctx, s)
		if err != nil {
			return err
		}
		if unread := s.Exec(ctx, fmt.Sprintf("SELECT bit_xor(hash(c%d)) FROM %s", i, source)); unread != nil {
			return fault.Inputf("", "column %q cannot be read: %v", column.Name, unread)
		}
	}
	return err
}

// Source is the FROM item with the columns n, c0, c1, …
func (l *File) Source(ctx context.Context, s *session.Session) (string, error) {
	if l.Format == Parquet {
		return l.parquetSource(ctx, s)
	}
	open := func(path string) (*arrowrows.File, error) { return arrowrows.Open(path, s.ArrowBytes()) }
	if l.Format == CSV {
		open = arrowrows.OpenCSV
	}
	reader, err := open(l.Path)
	if err != nil {
		return "", err
	}
	s.OnClose(reader.Close)
	if err := registerLabels(s, reader); err != nil {
		return "", err
	}
	return "(SELECT row_number() OVER () - 1 AS n, * FROM _labels)", nil
}

// Times is the conversion of the time column.
func (l *File) Times(column int) (*casts.Cast, error) {
	times, err := casts.ToMicroseconds(l.Columns[column].Type)
	if err != nil {
		return nil, fault.Inputf("", "label column %q holds %s, which is not a time; it has to be a timestamp or a date, "+
			"or one as text in CSV. Convert numbers and other texts first, as by pandas.to_datetime",
			l.Columns[column].Name, l.Columns[column].Type)
	}
	return times, nil
}

// Naive says whether instants of the labels have no zone. In a text one follows the time of day.
func (l *File) Naive(ctx context.Context, s *session.Session, timeColumn int) (found bool, err error) {
	kind := l.Columns[timeColumn].Type
	if l.Format != CSV {
		return strings.HasPrefix(kind, "TIMESTAMP") && !strings.Contains(kind, "TIME ZONE"), nil
	}
	const zoned = `'\d:\d\d.*([Zz]|[+-]\d\d(:?\d\d)?)\s*$'`
	query := fmt.Sprintf("SELECT EXISTS (FROM %s.labels WHERE NOT regexp_matches(c%d, "+zoned+"))",
		session.Schema, timeColumn)
	return found, s.QueryRow(ctx, query, &found)
}

func (l *File) checkTimes(ctx context.Context, s *session.Session, timeColumn int) error {
	var rows, nulls, first int64
	err := s.QueryRow(ctx, "SELECT count(*), count(*) - count(t), coalesce(min(n) FILTER (t IS NULL), 0) + 1 FROM "+
		session.Schema+".labels", &rows, &nulls, &first)
	if err == nil && nulls > 0 {
		err = fault.Inputf("", "label column %q is null in %d of %d rows, first in row %d; every label row needs an "+
			"instant", l.Columns[timeColumn].Name, nulls, rows, first)
	}
	return err
}

func (l *File) describeArrow(ctx context.Context, s *session.Session) error {
	input, err := arrowrows.Open(l.Path, s.ArrowBytes())
	if err != nil {
		return err
	}
	defer input.Close()
	for i, field := range input.Schema.Fields() {
		l.Columns = append(l.Columns, feature.Column{Name: field.Name})
		if field.Type.ID() == arrow.NULL {
			l.untyped = append(l.untyped, i)
		}
	}
	if len(l.Columns) == 0 {
		return nil // DuckDB has no tables without columns; checkNames says so.
	}
	input.Next = func() (arrow.RecordBatch, error) { return nil, io.EOF }
	if err := registerLabels(s, input); err != nil {
		return err
	}
	return l.describe(ctx, s, "_labels")
}

// registerLabels makes a file readable as the view _labels, once.
func registerLabels(s *session.Session, file *arrowrows.File) error {
	reader, err := file.Numbered()
	if err != nil {
		return err
	}
	return s.Register(reader, "_labels")
}

func (l *File) describeCSV() error {
	input, err := arrowrows.OpenCSV(l.Path)
	if err != nil {
		return err
	}
	defer input.Close()
	for _, field := range input.Schema.Fields() {
		l.Columns = append(l.Columns, feature.Column{Name: field.Name, Type: casts.FileText})
	}
	return nil
}
