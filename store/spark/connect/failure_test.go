package connect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/spark/connect"
)

func TestFailuresHaveAClassAndOneLine(t *testing.T) {
	s := dial(t, shared(t))
	long := strings.Repeat("long ", 1000)
	for _, c := range []struct {
		statement, class, state, message string
		input                            bool
	}{
		{"SELEC 1", "PARSE_SYNTAX_ERROR", "42601", "Syntax error at or near 'SELEC'. (line 1, pos 0)", true},
		{"SELECT 1/0", "DIVIDE_BY_ZERO", "22012", "Division by zero.", true},
		{"SELECT x FROM nothing", "TABLE_OR_VIEW_NOT_FOUND", "42P01", "The table or view `nothing` cannot be found.", true},
		{"SELECT raise_error('plumb: view v, row 3: 1.5 is no INT64') FROM range(3)", "USER_RAISED_EXCEPTION", "P0001",
			"plumb: view v, row 3: 1.5 is no INT64", true},
		{"SELECT raise_error('" + long + "')", "USER_RAISED_EXCEPTION", "P0001", "long long ", true},
		{"SELECT * FROM parquet.`/nowhere`", "PATH_NOT_FOUND", "42K03", "Path does not exist: file:/nowhere.", true},
		{"INSERT OVERWRITE DIRECTORY '/proc/x' USING parquet SELECT 1 a", "", "", "java.io.IOException: Mkdirs failed",
			false},
	} {
		err := s.Run(t.Context(), c.statement)
		var failed *connect.Error
		if !errors.As(err, &failed) || failed.Class != c.class || failed.SQLState != c.state ||
			!strings.HasPrefix(err.Error(), c.message) || strings.ContainsAny(err.Error(), "\n") ||
			strings.Contains(err.Error(), "SQLSTATE") {
			t.Errorf("%.50s: %#v", c.statement, err)
		}
		var input *fault.InputError
		if errors.As(err, &input) != c.input || c.input && input.Message != err.Error() {
			t.Errorf("%.50s: its kind is %#v", c.statement, errors.Unwrap(err))
		}
	}
}

func TestAMessageThatIsTooLargeSaysHowLargeOneMayBe(t *testing.T) {
	s := dial(t, shared(t).WithLimit(1<<20))
	for _, statement := range []string{"SELECT repeat('x', 2000000)", "SELECT '" + strings.Repeat("x", 2<<20) + "'"} {
		err := s.Run(t.Context(), statement)
		if err == nil || !strings.Contains(err.Error(), "larger than the 1 MiB") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v", err)
		}
	}
	if got := one(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}
