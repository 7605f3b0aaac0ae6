package sqlcheck_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/fault"
)

// What cannot be given an order is refused, with a way to write it.
func TestR17_AnAggregateWithoutAnOrderIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT sum(x), 1e400 FROM f":                  "too large for a DOUBLE",
		"SELECT first(x) OVER (PARTITION BY k) FROM f": "first() over a window without ORDER BY",
		"SELECT row_number() OVER () FROM f":           "row_number() over a window without ORDER BY",
		"SELECT list(x) OVER (PARTITION BY k) FROM f":  "list() over a window without ORDER BY",
		"WITH RECURSIVE r(k, v) USING KEY (k) AS (SELECT 1 k, 2 v UNION " +
			"SELECT k, v + 1 FROM r) FROM r": "USING KEY",
	} {
		_, err := parseQuery(t, text)
		var input *fault.InputError
		if !errors.As(err, &input) || !strings.Contains(input.Message, want) {
			t.Errorf("%s: got error %v, want an input error with %q", text, err, want)
		}
	}
}

// What may choose among rows that tie is reported, and nothing else.
func TestR17_TiesThatAQueryLeavesOpenAreTold(t *testing.T) {
	for text, want := range map[string][]string{
		"SELECT row_number() OVER (ORDER BY t), lag(x) OVER (ORDER BY t) FROM f":   {"row_number()", "lag()"},
		"SELECT first_value(x) OVER (ORDER BY t), sum(x) OVER (ORDER BY t) FROM f": {"first_value()", "sum()"},

		"SELECT count(*) OVER (ORDER BY t ROWS 3 PRECEDING) FROM f":                                        {"count()"},
		"SELECT max(x) OVER (ORDER BY t RANGE 3 PRECEDING), rank() OVER (ORDER BY t) FROM f":               nil,
		"SELECT sum(x) OVER (PARTITION BY k), dense_rank() OVER (), max(x) OVER () FROM f":                 nil,
		"SELECT list(x) OVER (ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM f": {"list()"},
		"SELECT k, x FROM f ORDER BY k LIMIT 3":                                                            {"LIMIT"},
		"SELECT * FROM f ORDER BY k LIMIT 3":                                                               {"LIMIT"},
		"SELECT k AS a, x + 1, t FROM f ORDER BY a, x + 1, 3 LIMIT 3":                                      nil,
		"SELECT k, x FROM f ORDER BY ALL LIMIT 3":                                                          nil,
		"SELECT DISTINCT ON (k) k, x FROM f ORDER BY k":                                                    {"DISTINCT ON"},
		"SELECT DISTINCT ON (k) k, x FROM f ORDER BY k, x":                                                 nil,
		"SELECT * FROM f ASOF JOIN g USING (k, t)":                                                         {"ASOF JOIN"},
		"SELECT list(x ORDER BY t), arg_max(x, t), any_value(x), string_agg(x, ',' ORDER BY t) FROM f":     nil,
	} {
		parsed, err := parseQuery(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, parsed.Ties); diff != "" {
			t.Errorf("%s: ties (-want +got):\n%s", text, diff)
		}
	}
}
