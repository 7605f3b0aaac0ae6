package columnchunks

import (
	"testing"
	"time"
)

// explained is a plan with one scan.
func explained(extra string) string {
	return `[{"name": "AGGREGATE", "children": [{"name": "READ_PARQUET ", "children": [],
		"extra_info": {` + extra + `}}]}]`
}

func scanOf(t *testing.T, extra string) Scan {
	t.Helper()
	scans, err := Plan(explained(extra))
	if err != nil || len(scans) != 1 {
		t.Fatalf("%d scans, %v", len(scans), err)
	}
	return scans[0]
}

func TestAScanReadsTheColumnsThatThePlanLists(t *testing.T) {
	s := scanOf(t, `"Projections": ["day", "Id", "st.x", "we,ird", " name", "file_row_number"],
		"Filters": ["k>5", "note='it''s'"], "Function": "READ_PARQUET", "Estimated Cardinality": "1"`)
	for column, want := range map[string]bool{
		"id": true, "ID": true, "st": true, "st.x": true, "we,ird\n name": true, "k": true, "note": true, "x": false,
		"y": false, "ed": false, "parquet": false, "cardinality": false, "": true, "it''s": true,
	} {
		if s.Reads(column) != want {
			t.Errorf("reads %q: %v", column, !want)
		}
	}
	if s := scanOf(t, `"Projections": "only"`); !s.Reads("only") || s.Reads("other") {
		t.Errorf("one column is read as %v", s.columns)
	}
	if _, err := Plan("no plan"); err == nil {
		t.Error("what is no plan was read")
	}
}

func TestOnlyConditionsThatAllRowsMeetBoundTimes(t *testing.T) {
	at := time.Date(2013, 7, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	for filter, want := range map[string][]string{
		`["at>='2013-07-01 00:00:00'::TIMESTAMP"]`:                             {">="},
		`["at>='2013-07-01 00:00:00'::TIMESTAMP AND at<='2013-07-01'::DATE"]`:  {">="},
		`"at<='2013-07-01 00:00:00+00'::TIMESTAMP WITH TIME ZONE"`:             {"<="},
		`["at='2013-07-01 00:00:00'::TIMESTAMP", "k=1"]`:                       {">=", "<="},
		`["at>='2013-07-01 00:00:00'::TIMESTAMP OR at IS NULL"]`:               nil,
		`["optional: at>='2013-07-01 00:00:00'::TIMESTAMP"]`:                   nil,
		`["at>='2013-07-01 00:00:00'::TIMESTAMP_NS"]`:                          nil,
		`["at>='290309-12-22 (BC) 00:00:00'::TIMESTAMP"]`:                      nil,
		`["(at + 1)>='2013-07-01 00:00:00'::TIMESTAMP"]`:                       nil,
		`["at IN ('2013-07-01 00:00:00'::TIMESTAMP, 'x')"]`:                    nil,
		`["s>='2013-07-01 00:00:00'", "at!='2013-07-01 00:00:00'::TIMESTAMP"]`: nil,
	} {
		var got []string
		for _, bound := range scanOf(t, `"Filters": `+filter).bounds {
			if bound.column != "at" || bound.from != nil && *bound.from != at || bound.to != nil && *bound.to != at {
				t.Errorf("%s bounds %q", filter, bound.column)
			}
			if bound.from != nil {
				got = append(got, ">=")
			}
			if bound.to != nil {
				got = append(got, "<=")
			}
		}
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Errorf("%s bounds by %v, and not by %v", filter, got, want)
		}
	}
}
