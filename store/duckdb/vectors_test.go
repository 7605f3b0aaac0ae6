package duckdb

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
)

// copiedTypes is the number of types. The columns a1, a2, … of the table of copyTable are numbered as they are.
const copiedTypes = 16

// scalarsInSQL are values of the scalar types in the row i of a table, none of them null.
var scalarsInSQL = map[plumbv1.Type]string{
	plumbv1.Type_BOOL:    `i % 3 = 0`,
	plumbv1.Type_INT32:   `CASE i % 3 WHEN 0 THEN -2147483648 WHEN 1 THEN 2147483647 ELSE i END::INTEGER`,
	plumbv1.Type_INT64:   `CASE i % 3 WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 ELSE i END::BIGINT`,
	plumbv1.Type_FLOAT32: `['-0.0', 'Infinity', '0.1', '3e38', 'NaN', '1e-45'][1 + i % 6]::FLOAT`,
	plumbv1.Type_FLOAT64: `['-0.0', '-Infinity', '0.1', '1e308', 'NaN', '5e-324'][1 + i % 6]::DOUBLE`,
	plumbv1.Type_STRING: `['', repeat('a', 11), repeat('b', 12), repeat('c', 13), 'Zürich', repeat('ü', 6) || 'x', ` +
		`i::VARCHAR, repeat('d', 300), 'a' || chr(0) || 'b'][1 + i % 9]`,
	plumbv1.Type_BYTES:     `['', '\xFF', repeat('a', 12), repeat('c', 13), repeat('\x00', 20)][1 + i % 5]::BLOB`,
	plumbv1.Type_TIMESTAMP: `make_timestamptz(CASE i % 3 WHEN 0 THEN -1 WHEN 1 THEN 0 ELSE 1357020000000000 END + i)`,
}

// copyTable has the columns a1, a2, … of each type, with nulls, empty lists and null elements.
func copyTable(rows int) string {
	columns := []string{"i"}
	for number := range copiedTypes {
		declared := plumbv1.Type(number + 1)
		element, isList := value.ElementType(declared)
		if !isList {
			text := scalarsInSQL[declared]
			columns = append(columns, fmt.Sprintf("CASE WHEN i %% 5 <> 1 THEN %s END AS a%d", text, number+1))
			continue
		}
		text := strings.ReplaceAll(scalarsInSQL[element], "i ", "(i + k) ")
		columns = append(columns, fmt.Sprintf(
			"CASE WHEN i %% 7 <> 2 THEN "+
				"list_transform(range(i %% 4), lambda k: CASE WHEN (i + k) %% 3 <> 0 THEN %s END) END AS a%d",
			strings.ReplaceAll(text, "i::VARCHAR", "(i + k)::VARCHAR"), number+1))
	}
	return fmt.Sprintf("SELECT %s FROM range(%d) r(i)", strings.Join(columns, ",\n  "), rows)
}

// copying is a computation whose features are its inputs, one of each type.
func copying(t *testing.T) *computed {
	t.Helper()
	var inputs []expression.Input
	var outputs []expression.Output
	computation := &feature.Computation{View: &feature.OnDemandView{Name: "copy"}, Alias: "copy"}
	for number := range copiedTypes {
		declared := plumbv1.Type(number + 1)
		name := fmt.Sprintf("a%d", number+1)
		inputs = append(inputs, expression.Input{Name: name, Type: declared})
		outputs = append(outputs, expression.Output{Name: "of_" + name, Type: declared, Expression: name})
		computation.View.Features = append(computation.View.Features,
			feature.ComputedFeature{Field: feature.Field{Name: "of_" + name, Type: declared}})
		computation.Features = append(computation.Features, number)
		computation.Inputs = append(computation.Inputs,
			feature.ComputationInput{Field: feature.Field{Name: name, Type: declared}, Label: name})
	}
	program, problems := expression.Compile(inputs, outputs)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	computation.Program = program
	return &computed{Computation: computation}
}

// transformed is a query of the columns with something done to each list, %[1]s.
func transformed(lists string) string {
	var columns []string
	for number := range copiedTypes {
		column := fmt.Sprintf("a%d", number+1)
		if _, isList := value.ElementType(plumbv1.Type(number + 1)); isList {
			column = fmt.Sprintf(lists+" AS %[1]s", column)
		}
		columns = append(columns, column)
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM copied"
}

// vectorQueries are ways in which values come to a function: whole, through filters and joins, more than once, as
// constants, and as lists that other functions have made of lists.
var vectorQueries = []string{
	"FROM copied",
	"FROM copied WHERE i % 3 = 1",
	"FROM copied WHERE i % 1000 = 999",
	"FROM copied ORDER BY hash(i)",
	"FROM copied LIMIT 100 OFFSET 77",
	"SELECT copied.* FROM range(6000) s(j) JOIN copied ON i = j * 7 % 5000",
	"SELECT copied.* FROM range(6000) s(j) LEFT JOIN copied ON i = j * 3",
	"SELECT copied.* FROM copied, range(3)",
	"SELECT copied.* FROM copied WHERE i IN (SELECT j * 11 FROM range(100) s(j))",
	"SELECT u.* FROM (SELECT unnest(list(copied)) AS u FROM copied GROUP BY i % 40)",
	"FROM copied WHERE i = 4 UNION ALL FROM copied WHERE i = 1",
	transformed("list_reverse(%[1]s)"),
	transformed("list_sort(%[1]s)"),
	transformed("%[1]s[2:3]"),
	transformed("list_transform(%[1]s, lambda e: e)"),
	transformed("list_filter(%[1]s, lambda e: e IS NOT NULL)"),
	transformed("list_concat(%[1]s, %[1]s)"),
	transformed("list_resize(%[1]s, 3)"),
	transformed("[%[1]s[1], %[1]s[2]]"),
	transformed("CASE WHEN i %% 2 = 0 THEN %[1]s ELSE list_reverse(%[1]s) END"),
	transformed("list_select(%[1]s, [2, 1, 1])"),
	transformed("(SELECT any_value(c) FROM (SELECT copied.%[1]s AS c))"),
}

// Values of every type come from DuckDB to a program and back, whatever the vectors are that DuckDB hands over.
func TestValuesOfEveryTypePassThroughAProgram(t *testing.T) {
	s := sessiontest.Open(t)
	c := copying(t)
	if err := newComputing(c).register(s.Native()); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "CREATE TABLE copied AS "+copyTable(5000)); err != nil {
		t.Fatal(err)
	}
	var args []string
	for number := range copiedTypes {
		args = append(args, fmt.Sprintf("a%d", number+1))
	}
	call := fmt.Sprintf("_plumb_computed0(0::BIGINT, %s) AS x", strings.Join(args, ", "))
	for _, query := range vectorQueries {
		differences := copiedDifferences(t, s, fmt.Sprintf("SELECT *, %s FROM (%s)", call, query))
		if len(differences) > 0 {
			t.Errorf("%s: %q", query, differences)
		}
	}
	constants := make([]string, len(args))
	for i, arg := range args {
		constants[i] = fmt.Sprintf("(SELECT %s FROM copied WHERE i = 3) AS %s", arg, arg)
	}
	query := fmt.Sprintf("SELECT *, %s FROM (SELECT %s FROM range(3000))", call, strings.Join(constants, ", "))
	if differences := copiedDifferences(t, s, query); len(differences) > 0 {
		t.Errorf("constants: %q", differences)
	}
}

// copiedDifferences names the columns that came back otherwise in some row: in value, text or state.
func copiedDifferences(t *testing.T, s *session.Session, query string) []string {
	t.Helper()
	var counts, names []string
	for number := range copiedTypes {
		same := fmt.Sprintf("a%[1]d IS NOT DISTINCT FROM x.v%[2]d AND "+
			"a%[1]d::VARCHAR IS NOT DISTINCT FROM x.v%[2]d::VARCHAR AND "+
			"x.s%[2]d = CASE WHEN a%[1]d IS NULL THEN %[3]d ELSE %[4]d END",
			number+1, number, expression.Null, expression.Present)
		counts = append(counts, fmt.Sprintf("count(*) FILTER (NOT (%s))", same))
		names = append(names, plumbv1.Type(number+1).String())
	}
	var found []string
	err := s.QueryRows(t.Context(), fmt.Sprintf("SELECT count(*), %s FROM (%s)", strings.Join(counts, ", "), query),
		func(rows *sql.Rows) error {
			total, differing := 0, make([]int, copiedTypes)
			into := []any{&total}
			for i := range differing {
				into = append(into, &differing[i])
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if total == 0 {
				found = append(found, "no rows")
			}
			for i, count := range differing {
				if count > 0 {
					found = append(found, fmt.Sprintf("%s in %d of %d rows", names[i], count, total))
				}
			}
			return nil
		})
	if err != nil {
		return append(found, err.Error())
	}
	return slices.Clip(found)
}
