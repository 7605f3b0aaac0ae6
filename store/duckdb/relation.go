package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/registry"
)

// relations makes sources readable in a session, each as a view of its own name.
//
// It is used in two steps, since files can only be listed before the session is confined, and user SQL may only be
// bound after: add the sources, confine, then create the views.
type relations struct {
	engine  *Engine
	session *session
	// files of each Parquet source, by name.
	files map[string]sourceFiles
	// order lists every source after those that it reads.
	order []*registry.Source
}

func newRelations(engine *Engine, s *session) *relations {
	return &relations{engine: engine, session: s, files: map[string]sourceFiles{}}
}

// add takes the source in, and whatever it reads.
func (r *relations) add(ctx context.Context, source *registry.Source) error {
	return r.addBelow(ctx, source, nil)
}

// addBelow knows the chain of sources that led here, to find circles.
func (r *relations) addBelow(ctx context.Context, source *registry.Source, chain []string) error {
	if slices.Contains(chain, source.Name) {
		return registry.Inputf("", "the query refers to itself: %s", strings.Join(append(chain, source.Name), " reads "))
	}
	if slices.Contains(r.order, source) {
		return nil
	}
	if source.Query == "" {
		files, err := r.engine.find(source)
		if err != nil {
			return below(source, chain, err)
		}
		r.files[source.Name] = files
		r.order = append(r.order, source)
		return nil
	}
	parsed, err := r.session.parse(ctx, source)
	if err != nil {
		return below(source, chain, err)
	}
	for _, table := range parsed.tables {
		sibling := source.Sibling(table)
		if sibling == nil {
			return below(source, chain, unknownTable(source, table))
		}
		if err := r.addBelow(ctx, sibling, append(slices.Clone(chain), source.Name)); err != nil {
			return err
		}
	}
	r.order = append(r.order, source)
	return nil
}

// below names the source that a mistake is in where it is not the one asked for.
func below(source *registry.Source, chain []string, err error) error {
	var input *registry.InputError
	if len(chain) == 0 || !errors.As(err, &input) {
		return err
	}
	return registry.Inputf("", "source %s: %s", source.Name, input.Message)
}

func unknownTable(source *registry.Source, table string) error {
	hint := "sources are read by their names"
	if closest := registry.Closest(table, source.Siblings()); closest != "" {
		hint = fmt.Sprintf("did you mean %q?", closest)
	}
	return registry.Inputf("", "the query reads %q, which is no source; %s", table, hint)
}

// allowed returns every file of the sources.
func (r *relations) allowed() []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		paths = append(paths, r.files[name].paths...)
	}
	return paths
}

// create makes the views.
func (r *relations) create(ctx context.Context) error {
	for _, source := range r.order {
		body := source.Query
		if source.Query == "" {
			body = "SELECT * FROM " + scan(r.files[source.Name], "")
		}
		// The newline keeps a comment at the end of a query from swallowing the parenthesis.
		statement := fmt.Sprintf("CREATE VIEW %s AS FROM (%s\n)", identifier(source.Name), trimQuery(body))
		if err := r.session.exec(ctx, statement); err != nil {
			return inSource(source, err)
		}
	}
	return nil
}

// inSource says which source an error of DuckDB is about.
func inSource(source *registry.Source, err error) error {
	if err == nil {
		return nil
	}
	var input *registry.InputError
	if !errors.As(err, &input) {
		return fmt.Errorf("source %s: %w", source.Name, err)
	}
	if source.Query != "" {
		return registry.Inputf("", "the query of source %s fails: %s", source.Name, input.Message)
	}
	return registry.Inputf("", "cannot read source %s: %s", source.Name, input.Message)
}

// blame finds the file behind an error of reading that names none, by reading each file on its own. A file damaged in
// its middle has a good footer, and is found out only here.
func (r *relations) blame(ctx context.Context, err error) error {
	var input *registry.InputError
	if !errors.As(err, &input) || strings.Contains(input.Message, ".parquet") {
		return err
	}
	for _, path := range r.allowed() {
		probe := "SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(" + literals([]string{path}) + ")"
		if damage := r.session.exec(ctx, probe); damage != nil {
			return registry.Inputf("", "cannot read %s, it is damaged: %v", path, damage)
		}
	}
	return err
}

// trimQuery takes off the semicolon that may end a statement and may not end a subquery.
func trimQuery(query string) string { return strings.TrimRight(query, "; \t\r\n") }

// scan is the table function that reads the files, in source order. Partition values stay the text that they are in the
// folders' names; conversions parse them exactly.
func scan(files sourceFiles, options string) string {
	partitions := "hive_partitioning = false"
	if len(files.partitions) > 0 {
		partitions = "hive_partitioning = true, hive_types_autocast = false"
	}
	return fmt.Sprintf("read_parquet(%s, union_by_name = true, %s%s)", literals(files.paths), partitions, options)
}

// columns describes a source whose view is there.
func (r *relations) columns(ctx context.Context, source *registry.Source) ([]registry.Column, error) {
	var columns []registry.Column
	err := r.session.queryRows(ctx, "SELECT column_name, column_type FROM (DESCRIBE FROM "+identifier(source.Name)+")",
		func(rows *sql.Rows) error {
			var column registry.Column
			err := rows.Scan(&column.Name, &column.Type)
			columns = append(columns, column)
			return err
		})
	if err != nil {
		return nil, inSource(source, err)
	}
	return columns, r.refine(ctx, source, columns)
}

// refine marks what DuckDB's type does not tell: partition columns, and nanoseconds that DuckDB has cut to
// microseconds. It refuses files of one source that disagree about a column.
func (r *relations) refine(ctx context.Context, source *registry.Source, columns []registry.Column) error {
	files, ok := r.files[source.Name]
	if !ok {
		return nil
	}
	for i, column := range columns {
		if slices.Contains(files.partitions, column.Name) {
			columns[i].Type = partitionType
		}
	}
	first, nanosUTC := map[string]parquetColumn{}, map[string]bool{}
	err := r.session.parquetColumns(ctx, files.paths, func(c parquetColumn) error {
		nanosUTC[c.name] = nanosUTC[c.name] || c.nanosUTC
		if other, ok := first[c.name]; ok && other.types != c.types {
			return registry.Inputf("", "files disagree about column %s: %s in %s, %s in %s", c.name, other.types, other.file,
				c.types, c.file)
		}
		first[c.name] = c
		return nil
	})
	markNanoseconds(columns, nanosUTC)
	return inSource(source, err)
}
