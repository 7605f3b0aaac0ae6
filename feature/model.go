package feature

import (
	"cmp"
	"slices"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Field is a named, typed column.
type Field struct {
	Name string
	Type plumbv1.Type
}

func (f Field) name() string { return f.Name }

// Column is a column of a source as an engine reports it.
type Column struct {
	Name string
	// Type is the engine's name for the type, such as "BIGINT" or "TIMESTAMP WITH TIME ZONE".
	Type string
	// AbsentFrom is a file of the source that lacks the column; empty if all have it.
	AbsentFrom string
	// Texts are the values of a column that the names of folders give, each once; nil for others.
	Texts []string
	// Unreadable says why the column cannot be read as values; empty if it can.
	Unreadable string
}

// Format is that of the files of a source.
type Format int

// The formats of files.
const (
	Parquet Format = iota
	CSV
	// JSONLines has an object on each line.
	JSONLines
)

// String is the name of the format in definitions.
func (f Format) String() string { return [...]string{"parquet", "csv", "jsonl"}[f] }

// Kind is what a source reads: Files or a Query. Engines switch over it, and refuse a kind that they do not know.
type Kind interface{ isKind() }

// Files are files of one format, whose rows are in the order of path and row number (R3).
type Files struct {
	// Path is a file, glob or folder, as written in the definition.
	Path   string
	Format Format
	// Pull says what fills the folder, if plumb pull does; nil for other files.
	Pull *Pull
	// Iceberg says which snapshot is read of the table whose metadata file Path is; nil for other files. Rows are then in
	// the order of the sequence number of the snapshot that added their file, path and row number.
	Iceberg *Iceberg
	// Delta says which version is read of the table whose folder Path is; nil for other files. Rows are then in the order
	// of the time at which their file was made, path and row number.
	Delta *Delta
	// Copies says what the files are copies of; nil for other files.
	Copies *Copies
}

// Copies are the names that results have for files which are copies of others, by the names that the copies have
// themselves.
type Copies struct{ Names map[string]string }

// Query is SQL over other sources of the project, which Source.Sibling looks up by name. Its rows have no order but
// that of their values (R3).
type Query struct {
	// SQL is as DuckDB reads it. Spark is the same for the engine of that name; empty if that reads SQL.
	SQL, Spark string
}

func (Files) isKind() {}
func (Query) isKind() {}

// KindOf returns the kind of a definition; nil if it says none.
func KindOf(source *plumbv1.Source) Kind {
	switch kind := source.GetKind().(type) {
	case *plumbv1.Source_Parquet:
		return Files{Path: kind.Parquet.GetPath(), Format: Parquet}
	case *plumbv1.Source_Csv:
		return Files{Path: kind.Csv.GetPath(), Format: CSV}
	case *plumbv1.Source_Jsonl:
		return Files{Path: kind.Jsonl.GetPath(), Format: JSONLines}
	case *plumbv1.Source_Postgres:
		return Files{Path: kind.Postgres.GetPath(), Format: Parquet, Pull: pullOf(source, kind.Postgres)}
	case *plumbv1.Source_Iceberg:
		return Files{Path: kind.Iceberg.GetPath(), Format: Parquet, Iceberg: icebergOf(kind.Iceberg)}
	case *plumbv1.Source_Delta:
		return Files{Path: kind.Delta.GetPath(), Format: Parquet, Delta: deltaOf(kind.Delta)}
	case *plumbv1.Source_Sql:
		return Query{SQL: kind.Sql.GetQuery(), Spark: kind.Sql.GetSpark()}
	}
	return nil
}

// Source is a resolved data source.
type Source struct {
	Name             string
	Kind             Kind
	EventTimestamp   string
	CreatedTimestamp string
	// Columns are typed values of each row, and Filter a condition over them, which views of the kind Windows read.
	Columns []SourceColumn
	Filter  string

	// Log is where rows are kept that were pushed to the one view which reads this; nil if there is none. It is read after
	// the source's files.
	Log *PushLog

	siblings map[string]*Source
}

// SourceColumn is a typed value of each row of a source: read from a column, or computed by an expression over others.
type SourceColumn struct {
	Field
	// Column is the source's column; empty if there is an Expression.
	Column     string
	Expression string
}

// Files returns the files of a source, and false if it is of another kind.
func (s *Source) Files() (Files, bool) {
	files, ok := s.Kind.(Files)
	return files, ok
}

// Query returns the SQL of a source, and false if it is of another kind.
func (s *Source) Query() (sql string, ok bool) {
	query, ok := s.Kind.(Query)
	return query.SQL, ok
}

// IsQuery reports whether a source is a query, whose rows are ordered by their values (R3).
func (s *Source) IsQuery() bool {
	_, ok := s.Query()
	return ok
}

// PushLog is a folder of Parquet files of pushed rows.
type PushLog struct {
	// Path is the folder, as written in the definition.
	Path string
	// Columns are the keys and features of the view, by the names that the source has for them. The times are the
	// source's.
	Columns []Field
	// Unfinished are Parquet files, by absolute paths, of rows that are in write-ahead files still. They are read as if
	// they were in the folder, unless it has a file of the same name by then.
	Unfinished []string
}

// WithUnfinished returns the view as one run reads it, together with rows that are in write-ahead files.
func (v *View) WithUnfinished(files []string) *View {
	view, source, log := *v, *v.Source, *v.Source.Log
	log.Unfinished = files
	source.Log, view.Source = &log, &source
	return &view
}

// WithLog returns the source as it is read by the one view that keeps pushed rows in a folder. Its name distinguishes
// it from the source itself.
func (s *Source) WithLog(view, path string, columns []Field) *Source {
	read := *s
	read.Name += " with the push log of view " + view
	read.Log = &PushLog{Path: path, Columns: columns}
	return &read
}

// InFiles returns the source as copies of its rows are read for one view. Its name distinguishes it from the source
// itself. Rows of a query have no order there either (R3).
func (s *Source) InFiles(view string, files Files) *Source {
	read := *s
	read.Name += " for view " + view
	read.Log = nil
	if !s.IsQuery() {
		read.Kind = files
		return &read
	}
	copies := &Source{Name: "copies of " + read.Name, Kind: files}
	read.Kind = Query{SQL: `SELECT * FROM "` + copies.Name + `"`}
	read.siblings = map[string]*Source{copies.Name: copies}
	return &read
}

// InFiles returns the view as it reads copies of its source's rows; see Source.InFiles.
func (v *View) InFiles(files Files) *View {
	view := *v
	view.Source = v.Source.InFiles(v.Name, files)
	if v.Aggregated != nil {
		aggregated, events := *v.Aggregated, *v.Aggregated.Events
		events.Source = view.Source
		aggregated.Events = &events
		view.Aggregated = &aggregated
	}
	return &view
}

// Sibling returns the source of the same project that a query may refer to by this name; nil if there is none.
func (s *Source) Sibling(name string) *Source { return s.siblings[name] }

// Siblings returns the names of all sources of the project.
func (s *Source) Siblings() []string { return sortedNames(s.siblings) }

// Feature is a value of a view, read from a column of its source, or computed of its events.
type Feature struct {
	Field
	// Column is empty if the feature is computed.
	Column string
	// Sensitive says that audit logs hold a keyed hash in the place of its values.
	Sensitive bool
}

// Schema is a layout of stored rows.
type Schema struct {
	ID     uint32
	Fields []Field
}

// ViewKind is how the features of a view come from the rows of its source.
type ViewKind int

// The kinds of views.
const (
	// NewestRow views have features that are columns of the newest visible row of each key (R2, R3).
	NewestRow ViewKind = iota
	// Windows views have features that are computed of the rows of each key as events (R18 to R22).
	Windows
)

// View is a feature view with everything resolved. It is immutable.
type View struct {
	Project string
	Name    string
	Kind    ViewKind
	// Generation separates rows of different meaning in the online store; see plumbv1.RegisteredView.
	Generation int64
	// Rebuild is the revision since which all rows of the generation have to be written again; progress recorded under
	// an earlier one is void. It is never less than Generation.
	Rebuild int64
	// Hash identifies what decides the view's values. Revision is the one since which that has been so without a break; 0
	// if the view was applied by an older version, which did not keep it.
	Hash     DefinitionHash
	Revision int64
	// Keys are the join keys of the entities, in declared order; none for an entity-less view (R12).
	Keys []Field
	// keyColumns has the columns of the source that Keys are read from, by their names, if those are others.
	keyColumns map[string]string
	// SensitiveKeys are the names of the keys whose values audit logs hold a keyed hash of.
	SensitiveKeys []string
	Features      []Feature
	// Aggregated says how features are computed, of a view of the kind Windows; nil for others.
	Aggregated *Aggregated
	// TTL is the look-back, whole microseconds; 0 means unlimited (R2).
	TTL    time.Duration
	Online bool
	// Lookback is how far before the recorded end a materialization begins, whole microseconds.
	Lookback time.Duration
	Source   *Source
	// Schemas are the layouts that stored rows of this generation may have; the last is the current one.
	Schemas []Schema
}

// RequireNewestRow returns a *fault.InputError unless that is the kind of the view, for what knows this kind alone.
func (v *View) RequireNewestRow() error {
	if v.Kind == NewestRow {
		return nil
	}
	return fault.Inputf("", "view %s: how its features come from rows is not known to this version; upgrade it", v.Name)
}

// RequireKnown returns a *fault.InputError unless the view is of a kind that this version knows.
func (v *View) RequireKnown() error {
	if v.Kind == Windows {
		return nil
	}
	return v.RequireNewestRow()
}

// Sensitive returns the names of the view's keys and features that are sensitive.
func (v *View) Sensitive() []string {
	names := slices.Clone(v.SensitiveKeys)
	for _, feature := range v.Features {
		if feature.Sensitive {
			names = append(names, feature.Name)
		}
	}
	return names
}

// KeyColumn returns the column of the source that a key is read from.
func (v *View) KeyColumn(key int) string {
	name := v.Keys[key].Name
	return cmp.Or(v.keyColumns[name], name)
}

// Columns are the view's keys, and its features or what these are computed of, by the names that its source has for
// them.
func (v *View) Columns() []Field {
	if v.Aggregated != nil {
		return v.Aggregated.Events.Columns()
	}
	columns := make([]Field, 0, len(v.Keys)+len(v.Features))
	for i, key := range v.Keys {
		columns = append(columns, Field{Name: v.KeyColumn(i), Type: key.Type})
	}
	for _, feature := range v.Features {
		columns = append(columns, Field{Name: feature.Column, Type: feature.Type})
	}
	return columns
}

// Schema returns the current layout of stored rows.
func (v *View) Schema() Schema { return v.Schemas[len(v.Schemas)-1] }

// Reference is one use of a view: under a name, with its join keys read from certain label columns (R11).
type Reference struct {
	View *View
	// Alias stands for the view in output names; the view's name unless aliased.
	Alias string
	// LabelColumns names, for each of View.Keys, the label column to read it from.
	LabelColumns []string
}

// Output is one column of a result.
type Output struct {
	// Name is the column's (R10).
	Name string
	// From is where its values come from.
	From Origin
}

// Origin is where the values of an output come from: a StoredColumn or a ComputedColumn. A look-up or an engine that
// meets another origin refuses the selection; see Selection.RequireKnown.
type Origin interface{ isOrigin() }

// StoredColumn is a feature of the row that a use of a view finds.
type StoredColumn struct {
	// Reference and Feature are positions in Selection.References and in that reference's View.Features.
	Reference, Feature int
}

func (StoredColumn) isOrigin() {}

// ComputedColumn is a feature of an on-demand view.
type ComputedColumn struct {
	// Computation is a position in Selection.Computations, and Feature one in that computation's Features.
	Computation, Feature int
}

func (ComputedColumn) isOrigin() {}

// StoredOutput is an output that is a stored column.
type StoredOutput struct {
	StoredColumn

	Name string
}

// Selection is what a look-up or a training set asks for: its inputs, which are uses of views, and its outputs in the
// order wanted.
type Selection struct {
	// References are the uses of feature views. Those that computations alone read come last, with an alias such as
	// risk__spend: the on-demand view's, and what its expressions call the view.
	References []Reference
	// Computations are the uses of on-demand views.
	Computations []Computation
	Outputs      []Output
}
