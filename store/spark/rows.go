package spark

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// rows is the SQL that reads the rows of one view. It does not change.
//
// The relation _plumb_rows, which with defines, has the columns of the source that the view reads, by their own names
// and as they are. Beside them it has _plumb_k0 and so on, the keys in their declared types, null if a value does not
// fit (R9), and _plumb_bad, whether that is so; _plumb_e and _plumb_c, the event and the created time; and of files
// the places of rows.
type rows struct {
	view *feature.View
	// with defines relations, the last of which is _plumb_rows.
	with string
	// columns are what is written of a row, and absent what is written as null, since nothing reads it.
	columns, absent []string
	// misfits are the keys that may have values which do not fit.
	misfits []int
	// byValue says that rows have no order but that of their values (R3).
	byValue bool
	files   []*sourceFile
	// folders says that names of folders give columns.
	folders bool
}

// read plans the reading of the rows of a view. wanted are the positions of its features that are needed.
func (o *operation) read(ctx context.Context, view *feature.View, inputs []feature.Input, wanted []int) (*rows, error) {
	if view.Source.IsQuery() {
		return o.readQuery(ctx, view, inputs)
	}
	t, err := o.engine.tableOf(ctx, view.Source, inputs)
	if err != nil {
		return nil, err
	}
	r := &rows{view: view, files: t.files, folders: len(t.partitions) > 0}
	var names, other []string
	needed := neededColumns(view, wanted)
	for _, name := range neededColumns(view, nil) {
		switch {
		case slices.Contains(t.partitions, name):
			names = append(names, name) // The names of the rows' folders have it.
		case slices.Contains(needed, name):
			names = append(names, name)
			r.columns = append(r.columns, identifier(name))
		default:
			other = append(other, name)
		}
	}
	for _, name := range other {
		to, ok := sparkType(t.columns[slices.IndexFunc(t.columns, isNamed(name))].Type)
		if !ok {
			to = "BOOLEAN"
		}
		r.absent = append(r.absent, fmt.Sprintf("CAST(NULL AS %s) AS %s", to, identifier(name)))
	}
	r.columns = append(r.columns, pathColumn, rowColumn)
	from, err := t.rows(names, true)
	if err != nil {
		return nil, err
	}
	types := map[string]string{}
	for _, name := range names {
		embedded := t.columns[slices.IndexFunc(t.columns, isNamed(name))].Type
		types[name], _ = sparkType(strings.TrimSuffix(embedded, " (partition)"))
	}
	return r, r.define("", from, types)
}

// allUsable says whether the footers promise that no key and no event time is null.
func (r *rows) allUsable() bool {
	names := []string{r.view.Source.EventTimestamp}
	for i := range r.view.Keys {
		names = append(names, r.view.KeyColumn(i))
	}
	for _, f := range r.files {
		for _, name := range names {
			if c, ok := f.column(name); !ok || c.nulls {
				return false
			}
		}
	}
	return len(r.files) > 0
}

func isNamed(name string) func(feature.Column) bool {
	return func(c feature.Column) bool { return strings.EqualFold(c.Name, name) }
}

// neededColumns are the columns of a source that a view reads for some of its features, or nil for all, each once.
func neededColumns(view *feature.View, wanted []int) []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i := range view.Keys {
		add(view.KeyColumn(i))
	}
	add(view.Source.EventTimestamp)
	add(view.Source.CreatedTimestamp)
	for i, f := range view.Features {
		if wanted == nil || slices.Contains(wanted, i) {
			add(f.Column)
		}
	}
	return names
}

// define adds what is computed of the columns, which have these types, to a query for them.
func (r *rows) define(before, from string, types map[string]string) error {
	columns := []string{"*"}
	for i, key := range r.view.Keys {
		column := r.view.KeyColumn(i)
		typed, fits, err := typedKey(identifier(column), types[column], key.Type)
		if err != nil {
			return fault.Inputf("", "column %q of source %s: %v", column, r.view.Source.Name, err)
		}
		columns = append(columns, fmt.Sprintf("%s AS _plumb_k%d", typed, i))
		if !fits {
			r.misfits = append(r.misfits, i)
		}
	}
	created := "CAST(NULL AS TIMESTAMP)"
	if name := r.view.Source.CreatedTimestamp; name != "" {
		created = "CAST(" + identifier(name) + " AS TIMESTAMP)"
	}
	columns = append(columns, "CAST("+identifier(r.view.Source.EventTimestamp)+" AS TIMESTAMP) AS _plumb_e",
		created+" AS _plumb_c")
	r.with = fmt.Sprintf("WITH %s_plumb_rows AS (\nSELECT *, %s AS _plumb_bad FROM (SELECT %s FROM (\n%s\n)))\n", before,
		r.misfit(), strings.Join(columns, ", "), from)
	return nil
}

// typed are the keys in their declared types.
func (r *rows) typed() []string { return numbered("_plumb_k", len(r.view.Keys)) }

// written selects what is written of rows.
func (r *rows) written() string {
	return "SELECT " + strings.Join(append(slices.Clone(r.columns), r.absent...), ", ")
}

// misfit is the condition that a key does not fit. Such rows are always written, for the embedded engine to complain
// of.
func (r *rows) misfit() string {
	conditions := []string{}
	for _, i := range r.misfits {
		conditions = append(conditions, fmt.Sprintf("%s IS NOT NULL AND _plumb_k%d IS NULL",
			identifier(r.view.KeyColumn(i)), i))
	}
	if len(conditions) == 0 {
		return "false"
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// usable is the condition that a row has a time and all keys.
func (r *rows) usable() string { return "_plumb_e IS NOT NULL" + each(r.typed(), " AND $ IS NOT NULL") }

// nullKey is the condition that a row has no value of a key.
func (r *rows) nullKey() string {
	text := "false"
	for i := range r.view.Keys {
		text += " OR " + identifier(r.view.KeyColumn(i)) + " IS NULL"
	}
	return "(" + text + ")"
}

// partition begins a window over the rows of one key; without columns, over all rows (R12).
func partition(columns ...string) string {
	if len(columns) == 0 {
		return ""
	}
	return "PARTITION BY " + strings.Join(columns, ", ") + " "
}

// place are the columns that say where a row of a file is.
func (r *rows) place() []string {
	if r.byValue {
		return nil
	}
	return []string{pathColumn, rowColumn}
}
