package casts_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
)

// castCase converts one value of a source type. Results are compared as DuckDB's text, which shows every bit of a
// float.
type castCase struct {
	from, value string
	to          plumbv1.Type
	want        string
}

func TestR9_EveryValueIsConvertedExactlyOrRefused(t *testing.T) {
	const refused = "refused"
	cases := []castCase{
		{"DOUBLE", "1.5", plumbv1.Type_INT64, refused},
		{"DOUBLE", "2.0", plumbv1.Type_INT64, "2"},
		{"DOUBLE", "9223372036854775807", plumbv1.Type_INT64, refused}, // As a double that is 2^63.
		{"DOUBLE", "'NaN'", plumbv1.Type_INT64, refused},
		{"DOUBLE", "'inf'", plumbv1.Type_INT32, refused},
		{"BIGINT", "2147483648", plumbv1.Type_INT32, refused},
		{"BIGINT", "-2147483648", plumbv1.Type_INT32, "-2147483648"},
		{"UBIGINT", "9223372036854775808", plumbv1.Type_INT64, refused},
		{"UBIGINT", "9223372036854775807", plumbv1.Type_INT64, "9223372036854775807"},
		{"HUGEINT", "-9223372036854775808", plumbv1.Type_INT64, "-9223372036854775808"},
		{"UTINYINT", "255", plumbv1.Type_INT32, "255"},
		{"DECIMAL(10,2)", "12.00", plumbv1.Type_INT32, "12"},
		{"DECIMAL(10,2)", "12.50", plumbv1.Type_INT32, refused},
		{"DECIMAL(38,30)", "99999999.9", plumbv1.Type_INT64, refused},
		{"DECIMAL(10,2)", "0.10", plumbv1.Type_FLOAT64, "0.1"},
		{"DECIMAL(38,0)", "9007199254740993", plumbv1.Type_FLOAT64, refused},
		{"BIGINT", "9007199254740993", plumbv1.Type_FLOAT64, refused},
		{"BIGINT", "9007199254740992", plumbv1.Type_FLOAT64, "9007199254740992.0"},
		{"BIGINT", "9223372036854775807", plumbv1.Type_FLOAT64, refused},
		{"DOUBLE", "0.1", plumbv1.Type_FLOAT32, refused},
		{"DOUBLE", "0.5", plumbv1.Type_FLOAT32, "0.5"},
		{"DOUBLE", "'-0.0'", plumbv1.Type_FLOAT32, "-0.0"},
		{"DOUBLE", "'NaN'", plumbv1.Type_FLOAT32, "nan"},
		{"DOUBLE", "'-inf'", plumbv1.Type_FLOAT32, "-inf"},
		{"DOUBLE", "1e300", plumbv1.Type_FLOAT32, refused},
		{"FLOAT", "'-0.0'", plumbv1.Type_FLOAT64, "-0.0"},
		{"INTEGER", "16777217", plumbv1.Type_FLOAT32, refused},
		{"VARCHAR", "' a '", plumbv1.Type_STRING, " a "},
		{"ENUM('b', 'a')", "'a'", plumbv1.Type_STRING, "a"},
		{"DATE", "'1969-12-31'", plumbv1.Type_TIMESTAMP, "1969-12-31 00:00:00+00"},
		{"DATE", "'infinity'", plumbv1.Type_TIMESTAMP, refused},
		{"TIMESTAMP", "'infinity'", plumbv1.Type_TIMESTAMP, refused},
		{"TIMESTAMP_S", "'1969-12-31 23:59:59'", plumbv1.Type_TIMESTAMP, "1969-12-31 23:59:59+00"},
		{"TIMESTAMP_MS", "'1969-12-31 23:59:59.999'", plumbv1.Type_TIMESTAMP, "1969-12-31 23:59:59.999+00"},
		{"TIMESTAMP_NS", "'1969-12-31 23:59:59.999999999'", plumbv1.Type_TIMESTAMP, "1969-12-31 23:59:59.999999+00"},
		{"TIMESTAMP_NS", "'1970-01-01 00:00:00.000000999'", plumbv1.Type_TIMESTAMP, "1970-01-01 00:00:00+00"},
		{"TIMESTAMP WITH TIME ZONE", "'2013-03-10 02:30:00+05:30'", plumbv1.Type_TIMESTAMP, "2013-03-09 21:00:00+00"},
		{casts.ZonedNanoseconds, "'1970-01-01 00:00:00'", plumbv1.Type_TIMESTAMP, refused},
		{casts.ZonedNanoseconds, "'1970-01-01 00:00:00.000001'", plumbv1.Type_TIMESTAMP, "1970-01-01 00:00:00.000001+00"},
		{casts.FileText, "'1.5'", plumbv1.Type_INT64, refused},
		{casts.FileText, "' 1'", plumbv1.Type_INT64, refused},
		{casts.FileText, "'1e2'", plumbv1.Type_INT64, refused},
		{casts.FileText, "''", plumbv1.Type_INT64, refused},
		{casts.FileText, "'9223372036854775808'", plumbv1.Type_INT64, refused},
		{casts.FileText, "'-7'", plumbv1.Type_INT32, "-7"}, {casts.FileText, "'-007'", plumbv1.Type_INT32, refused},
		{casts.FileText, "'+7'", plumbv1.Type_INT64, refused},
		{casts.FileText, "'-0'", plumbv1.Type_INT64, refused}, {casts.FolderText, "'007'", plumbv1.Type_INT32, "7"},
		{casts.FileText, "'AB=='", plumbv1.Type_BYTES, refused},
		{casts.FileText, "'yes'", plumbv1.Type_BOOL, refused},
		{casts.FileText, "'true'", plumbv1.Type_BOOL, "true"},
		{casts.FileText, "'AAE='", plumbv1.Type_BYTES, `\x00\x01`},
		{casts.FileText, "'AAE'", plumbv1.Type_BYTES, refused},
		{casts.FileText, "''", plumbv1.Type_STRING, ""},
		{casts.FileText, "'2013-01-01T06:00:00.1234569Z'", plumbv1.Type_TIMESTAMP, "2013-01-01 06:00:00.123456+00"},
		{casts.FileText, "'1969-12-31T23:59:59.9999999Z'", plumbv1.Type_TIMESTAMP, "1969-12-31 23:59:59.999999+00"},
		{casts.FileText, "'2013-01-01 06:00:00'", plumbv1.Type_TIMESTAMP, "2013-01-01 06:00:00+00"},
		{casts.FileText, "'2013-01-01T06:00:00+0530'", plumbv1.Type_TIMESTAMP, "2013-01-01 00:30:00+00"},
		{casts.FileText, "'2013-13-01'", plumbv1.Type_TIMESTAMP, refused},
		{casts.FileText, "'infinity'", plumbv1.Type_TIMESTAMP, refused},
		{casts.FileText, "'noon'", plumbv1.Type_TIMESTAMP, refused},
		{casts.FileText, "'1e400'", plumbv1.Type_FLOAT64, refused},
		{casts.FileText, "'-1e400'", plumbv1.Type_FLOAT64, refused},
		{casts.FileText, "'1e39'", plumbv1.Type_FLOAT32, refused},
		{casts.FileText, "'1e-400'", plumbv1.Type_FLOAT64, refused},
		{casts.FileText, "'1e-50'", plumbv1.Type_FLOAT32, refused},
		{casts.FileText, "'-0.0e-400'", plumbv1.Type_FLOAT64, "-0.0"},
		{casts.FileText, "'1e-45'", plumbv1.Type_FLOAT32, "1e-45"},
		{casts.FileText, "'Infinity'", plumbv1.Type_FLOAT32, "inf"},
		{casts.FileText, "'-Infinity'", plumbv1.Type_FLOAT64, "-inf"},
		{casts.FileText, "'NaN'", plumbv1.Type_FLOAT64, "nan"},
		{casts.FileText, "'-NaN'", plumbv1.Type_FLOAT64, refused},
		{casts.FileText, "'+NaN'", plumbv1.Type_FLOAT32, refused},
		{casts.FileText, "'inf'", plumbv1.Type_FLOAT64, refused},
		{casts.FileText, "'1.2.3'", plumbv1.Type_FLOAT64, refused},
		{casts.FolderText, "'01'", plumbv1.Type_INT64, "1"},
		{casts.FolderText, "'1.25'", plumbv1.Type_FLOAT64, "1.25"},
		{"BIGINT[]", "[1, NULL, -1]", plumbv1.Type_INT32_ARRAY, "[1, NULL, -1]"},
		{"BIGINT[]", "[1, 2147483648]", plumbv1.Type_INT32_ARRAY, refused},
		{"DOUBLE[]", "['-0.0', 'NaN', NULL]", plumbv1.Type_FLOAT64_ARRAY, "[-0.0, nan, NULL]"},
		{"INTEGER[3]", "[1, 2, 3]", plumbv1.Type_INT64_ARRAY, "[1, 2, 3]"},
		{"DATE[]", "['1970-01-02', NULL]", plumbv1.Type_TIMESTAMP_ARRAY, "['1970-01-02 00:00:00+00', NULL]"},
		{"VARCHAR[]", "[]", plumbv1.Type_STRING_ARRAY, "[]"},
	}
	s := sessiontest.Open(t)
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s %s to %s", c.from, c.value, c.to), func(t *testing.T) {
			got, err := cast(t, s, c)
			var input *fault.InputError
			switch {
			case c.want != refused && err != nil:
				t.Fatal(err)
			case c.want != refused && got != c.want:
				t.Errorf("got %s, want %s", got, c.want)
			case c.want == refused && !errors.As(err, &input):
				t.Errorf("got %s and error %v, want an input error", got, err)
			case c.want == refused && !strings.Contains(err.Error(), "column x, row 7: "):
				t.Errorf("error %q does not name column and row", err)
			}
			if value, misfit := take(t, s, c); misfit != (c.want == refused) || !misfit && value != c.want {
				t.Errorf("of a file to push it is %q, and a misfit: %t", value, misfit)
			}
		})
	}
}

func TestR9_TypesThatNeverFitAreRefusedBeforeAnyRowIsRead(t *testing.T) {
	for from, targets := range map[string][]plumbv1.Type{
		"VARCHAR":               {plumbv1.Type_INT64, plumbv1.Type_BYTES, plumbv1.Type_BOOL, plumbv1.Type_TIMESTAMP},
		"BLOB":                  {plumbv1.Type_STRING, plumbv1.Type_INT32},
		"BOOLEAN":               {plumbv1.Type_INT32, plumbv1.Type_STRING},
		"BIGINT":                {plumbv1.Type_BOOL, plumbv1.Type_STRING, plumbv1.Type_TIMESTAMP, plumbv1.Type_INT64_ARRAY},
		"TIME":                  {plumbv1.Type_TIMESTAMP},
		"INTERVAL":              {plumbv1.Type_INT64},
		"STRUCT(a INTEGER)":     {plumbv1.Type_INT64, plumbv1.Type_STRING},
		"BIGINT[]":              {plumbv1.Type_INT64, plumbv1.Type_STRING_ARRAY},
		"BIGINT[][]":            {plumbv1.Type_INT64_ARRAY},
		"MAP(VARCHAR, INTEGER)": {plumbv1.Type_STRING_ARRAY},
		"TIMESTAMP":             {plumbv1.Type_INT64, plumbv1.Type_STRING},
		"STRUCT(a INTEGER[])[]": {plumbv1.Type_INT32_ARRAY},
	} {
		for _, to := range targets {
			if _, err := casts.To(from, to); err == nil {
				t.Errorf("%s to %s: want an error", from, to)
			}
		}
	}
}

// take converts the value as one of a file to push: if it does not fit, that is returned and not raised as an error.
func take(t *testing.T, s *session.Session, c castCase) (value string, misfit bool) {
	t.Helper()
	conversion, from := castOf(t, c)
	complaint := cmp.Or(conversion.MisfitText("x"), "NULL")
	err := s.QueryRow(t.Context(), fmt.Sprintf("SELECT coalesce(CAST(%s AS VARCHAR), 'null'), %s IS NOT NULL FROM (%s)",
		conversion.OrNull("x", "element"), complaint, from), &value, &misfit)
	if err != nil {
		t.Fatal(err)
	}
	return value, misfit
}

func cast(t *testing.T, s *session.Session, c castCase) (string, error) {
	t.Helper()
	conversion, from := castOf(t, c)
	var got string
	err := s.QueryRow(t.Context(), fmt.Sprintf("SELECT CAST(%s AS VARCHAR) FROM (%s)",
		conversion.SQL("x", "'column x'", "'row 7'"), from), &got)
	return got, err
}

// castOf is the cast of a case, and a query of the column x with its value.
func castOf(t *testing.T, c castCase) (found *casts.Cast, from string) {
	t.Helper()
	found, err := casts.To(c.from, c.to)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, _ := strings.Cut(strings.ReplaceAll(c.from, casts.ZonedNanoseconds, "TIMESTAMP WITH TIME ZONE"), " (")
	return found, fmt.Sprintf("SELECT CAST(%s AS %s) AS x", c.value, kind)
}

// The types do not depend on how many columns are asked about at a time.
func TestEachOfManyColumnsOfTextGetsItsOwnType(t *testing.T) {
	kinds := []struct{ texts, want string }{
		{"'1', '-20', NULL", "BIGINT"}, {"'1.5', '2', NULL", "DOUBLE"}, {"'1.50', '2.25', '3'", "DOUBLE"},
		{"'1.1', '1.10', '2'", "VARCHAR"}, {"'true', 'false', NULL", "BOOLEAN"}, {"NULL, NULL, NULL", "VARCHAR"},
		{"'a,b', '1', '2'", "VARCHAR"},
	}
	s := sessiontest.Open(t)
	var made, columns, want []string
	for i := range 600 {
		kind := kinds[i%len(kinds)]
		made = append(made, fmt.Sprintf("CAST([%s][i] AS VARCHAR) AS c%d", kind.texts, i))
		columns, want = append(columns, fmt.Sprintf("c%d", i)), append(want, kind.want)
	}
	for _, c := range []struct{ table, rows string }{{"filled", "true"}, {"empty", "false"}} {
		create := fmt.Sprintf("CREATE TABLE %s AS SELECT %s FROM range(1, 4) t(i) WHERE %s", c.table,
			strings.Join(made, ", "), c.rows)
		if err := s.Exec(t.Context(), create); err != nil {
			t.Fatal(err)
		}
	}
	got, err := casts.TypesOfText(t.Context(), s, "filled", columns)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	got, err = casts.TypesOfText(t.Context(), s, "empty", columns)
	if err != nil || !slices.Equal(got, slices.Repeat([]string{"VARCHAR"}, len(columns))) {
		t.Errorf("without rows: got %v, %v, want VARCHAR for each", got, err)
	}
}
