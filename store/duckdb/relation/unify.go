package relation

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/sourcefiles"
)

// unified is the schema of a source whose files may have been written at different times: its columns, and how each
// file has them. DuckDB would bring files together by itself, but not exactly: it makes text of numbers, and doubles of
// large integers.
type unified struct {
	columns []unifiedColumn
	// byLayout has the columns of each layout of files, by folded name.
	byLayout map[string]map[string]fileColumn
}

// pushLogLayout is the layout of a push log that may have no file yet. No file's layout is called so.
const pushLogLayout = "push log"

type unifiedColumn struct {
	// name is as the first file spells it; names are alike whatever their case, as everywhere in SQL.
	name     string
	typeName string
	// first is the first file with the column.
	first fileColumn
	// absentFrom is the first file without it; empty if all files have it.
	absentFrom string
	// constant says that files of a table do not have it: each has one value for all of its rows.
	constant bool
	// unreadable says which file's values of it cannot be read, and why; empty if all can.
	unreadable string
}

// fileColumn is a column as one layout of files has it.
type fileColumn struct {
	file, name, typeName string
	// stored is the name that the file has for it; files of lake tables have others than the table.
	stored string
	// untyped says that it is nothing but null, and takes any type.
	untyped bool
}

// unify reads the schema of one file of each layout and brings them together.
func (r *Set) unify(ctx context.Context, source *feature.Source, files sourcefiles.Files) (*unified, error) {
	if err := files.CheckEncryption(); err != nil {
		return nil, err
	}
	u := &unified{byLayout: map[string]map[string]fileColumn{}}
	names, positions := files.Layouts()
	var examples, shown []string
	for _, name := range names {
		examples = append(examples, files.Paths[positions[name][0]])
		shown = append(shown, files.Shown(positions[name][0]))
	}
	var nanoseconds map[string]bool
	if !files.IsText() {
		var err error
		if nanoseconds, err = r.nanosecondColumns(ctx, examples); err != nil {
			return nil, err
		}
	}
	if lake := files.Lake(); lake != nil {
		u.takeTable(lake)
	}
	var disagreements []string
	for i, name := range names {
		columns, err := textColumns(files, positions[name][0]), error(nil)
		if !files.IsText() {
			columns, err = r.describeFile(ctx, examples[i], files.Footers[positions[name][0]], nanoseconds)
		}
		if err != nil {
			return nil, err
		}
		for j := range columns {
			columns[j].file = shown[i]
		}
		if err := files.CheckPartitions(shown[i], columnNames(columns)); err != nil {
			return nil, err
		}
		disagreements = append(disagreements, u.take(name, columns)...)
	}
	if source.Log != nil { // Rows will be pushed, so types have to go together before the first one is.
		disagreements = append(disagreements, u.take(pushLogLayout, logColumns(source))...)
	}
	if len(disagreements) > 0 {
		return nil, fault.Inputf("", "files disagree about %s; write them alike, or read them as two sources and bring "+
			"these together in a SQL source", strings.Join(disagreements, ", and about "))
	}
	if files.Format != feature.JSONLines { // A member that an object lacks is null.
		u.findAbsent(names, shown)
	}
	u.findUnreadable(files)
	return u, u.checkEvent(source)
}

func columnNames(columns []fileColumn) []string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.name
	}
	return names
}

// take adds the columns of a layout, and returns what they disagree about. A column's type is widened by each layout
// that has it, so that the order of layouts decides nothing but the spelling of names. A column of nothing but nulls,
// to which writers give no type, agrees with any type.
func (u *unified) take(layout string, columns []fileColumn) (disagreements []string) {
	u.byLayout[layout] = map[string]fileColumn{}
	for _, column := range columns {
		folded := strings.ToLower(column.name)
		at := u.find(folded)
		if at >= 0 && u.columns[at].unreadable != "" {
			continue // The table says that it cannot be read, whatever its type.
		}
		u.byLayout[layout][folded] = column
		switch {
		case at < 0:
			u.columns = append(u.columns, unifiedColumn{name: column.name, typeName: column.typeName, first: column})
		case column.untyped:
		case u.columns[at].first.untyped:
			u.columns[at].typeName, u.columns[at].first = column.typeName, column
		default:
			wide, ok := casts.Widened(u.columns[at].typeName, column.typeName)
			if !ok {
				first := u.columns[at].first
				disagreements = append(disagreements, fmt.Sprintf("column %s: %s in %s, %s in %s", column.name, first.typeName,
					first.file, column.typeName, column.file))
				continue
			}
			u.columns[at].typeName = wide
		}
	}
	return disagreements
}

func (u *unified) names() []string {
	names := make([]string, len(u.columns))
	for i, column := range u.columns {
		names[i] = column.name
	}
	return names
}

func (u *unified) find(name string) int {
	return slices.IndexFunc(u.columns, func(c unifiedColumn) bool { return strings.EqualFold(c.name, name) })
}

// findAbsent notes for each column the first file that lacks it.
func (u *unified) findAbsent(layouts, examples []string) {
	for i := range u.columns {
		if u.columns[i].constant {
			continue
		}
		folded := strings.ToLower(u.columns[i].name)
		for at, layout := range layouts {
			if _, ok := u.byLayout[layout][folded]; !ok {
				u.columns[i].absentFrom = examples[at]
				break
			}
		}
	}
}

// findUnreadable notes for each column the first file whose values of it cannot be read.
func (u *unified) findUnreadable(files sourcefiles.Files) {
	for i, footer := range files.Footers {
		for _, column := range footer.Columns {
			at := u.find(column.Name)
			if column.Unreadable != "" && at >= 0 && u.columns[at].unreadable == "" {
				u.columns[at].unreadable = files.Shown(i) + ": column " + column.Unreadable
			}
		}
	}
}

// checkEvent refuses a file without the event time: its rows could never be seen (R3).
func (u *unified) checkEvent(source *feature.Source) error {
	at := u.find(source.EventTimestamp)
	if at < 0 || u.columns[at].absentFrom == "" {
		return nil
	}
	return fault.Inputf("", "%s has no column %q, the event_timestamp; add it there, or leave the file out of the "+
		"source", u.columns[at].absentFrom, u.columns[at].name)
}

// describeFile asks DuckDB for the columns of one file. Of columns whose names differ only in case, only the first is
// reported, which the footer marks as unreadable.
func (r *Set) describeFile(ctx context.Context, path string, f parquetfooter.Footer, nanoseconds map[string]bool,
) ([]fileColumn, error) {
	var columns []fileColumn
	at := 0
	query := "SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet(" + quote.Literals([]string{path}) +
		", hive_partitioning = false))"
	err := r.session.QueryRows(ctx, query, func(rows *sql.Rows) error {
		column := fileColumn{file: path}
		err := rows.Scan(&column.stored, &column.typeName)
		if nanoseconds[path+"/"+column.stored] {
			column.typeName = strings.Replace(column.typeName, "TIMESTAMP WITH TIME ZONE", casts.ZonedNanoseconds, 1)
		}
		column.name = f.NameOf(at, column.stored)
		column.untyped = f.IsUntyped(column.name)
		if !f.Repeats(at) && column.name != "" {
			columns = append(columns, column)
		}
		at++
		return err
	})
	return columns, err
}

// nanosecondColumns returns the columns of zoned nanoseconds as path/column.
func (r *Set) nanosecondColumns(ctx context.Context, paths []string) (map[string]bool, error) {
	found := map[string]bool{}
	err := r.parquetColumns(ctx, paths, func(c parquetColumn) error {
		if c.nanosUTC {
			found[c.file+"/"+c.name] = true
		}
		return nil
	})
	return found, err
}

// registered is the columns as the engine reports them, those of the partitions at the end.
func (t Table) registered() []feature.Column {
	var columns []feature.Column
	for _, c := range t.schema.columns {
		columns = append(columns, feature.Column{Name: c.name, Type: c.typeName, AbsentFrom: c.absentFrom,
			Unreadable: c.unreadable})
	}
	for _, name := range t.Partitions {
		columns = append(columns, feature.Column{Name: name, Type: casts.FolderText, Texts: t.PartitionTexts(name)})
	}
	return columns
}

// logColumns are the columns that a push log has or will have.
func logColumns(source *feature.Source) []fileColumn {
	const file = "the push log"
	var columns []fileColumn
	for _, field := range source.Log.Columns {
		columns = append(columns, fileColumn{file: file, name: field.Name, typeName: casts.SQLType(field.Type)})
	}
	for _, name := range []string{source.EventTimestamp, source.CreatedTimestamp} {
		if name != "" {
			columns = append(columns, fileColumn{file: file, name: name, typeName: "TIMESTAMP WITH TIME ZONE"})
		}
	}
	return columns
}
