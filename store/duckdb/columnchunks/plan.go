package columnchunks

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Scan is what a statement reads of Parquet files: some columns, and of some row groups.
type Scan struct {
	// columns are those that the plan lists, in lower case.
	columns map[string]bool
	// others is all else that the plan says, in lower case, and words are the words in it.
	others string
	words  map[string]bool
	bounds []bound
}

// bound is a condition that the instants of a column are in a range of microseconds with both ends, each of which may
// be open.
type bound struct {
	column   string
	from, to *int64
}

// node is an operator of a plan.
type node struct {
	Name     string                     `json:"name"`
	Children []node                     `json:"children"`
	Extra    map[string]json.RawMessage `json:"extra_info"`
}

// Plan reads the scans of Parquet files from what EXPLAIN (FORMAT json) says.
func Plan(explained string) ([]Scan, error) {
	var roots []node
	if err := json.Unmarshal([]byte(explained), &roots); err != nil {
		return nil, fmt.Errorf("read DuckDB's plan: %w", err)
	}
	return scansOf(roots), nil
}

func scansOf(nodes []node) []Scan {
	var scans []Scan
	for _, n := range nodes {
		if name := strings.TrimSpace(n.Name); name == "READ_PARQUET" || name == "PARQUET_SCAN" {
			scans = append(scans, newScan(n))
		}
		scans = append(scans, scansOf(n.Children)...)
	}
	return scans
}

func newScan(n node) Scan {
	s := Scan{columns: map[string]bool{}, words: map[string]bool{}}
	for _, line := range texts(n.Extra["Projections"]) {
		// The columns of a struct that are read alone are named after a dot, and so may be whole columns.
		for name := strings.ToLower(line); ; name = name[:strings.LastIndexByte(name, '.')] {
			s.columns[name] = true
			if !strings.Contains(name, ".") {
				break
			}
		}
	}
	// All else that the plan says may name a column that is read: conditions, or what a later version adds.
	for key, value := range n.Extra {
		if key != "Projections" && key != "Function" && key != "Estimated Cardinality" {
			s.others += strings.ToLower(strings.Join(texts(value), "\n")) + "\n"
		}
	}
	for word := range strings.FieldsFuncSeq(s.others, func(r rune) bool { return !isWord(r) }) {
		s.words[word] = true
	}
	s.bounds = boundsOf(texts(n.Extra["Filters"]))
	return s
}

// texts are the lines of a value of a plan, which is a text or a list of such.
func texts(value json.RawMessage) []string {
	var list []string
	if json.Unmarshal(value, &list) == nil {
		return list
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return nil
	}
	return strings.Split(text, "\n")
}

// isWord says whether a character is one of names that need no quotes.
func isWord(r rune) bool { return r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

// Reads says whether the scan may read a column. DuckDB breaks names at line ends, so of a name with several lines one
// is enough.
func (s Scan) Reads(column string) bool {
	for line := range strings.SplitSeq(strings.ToLower(column), "\n") {
		if line == "" || s.columns[line] || s.mentions(line) {
			return true
		}
	}
	return false
}

// mentions says whether a name may be in what the plan says besides the columns that it lists.
func (s Scan) mentions(name string) bool {
	if strings.ContainsFunc(name, func(r rune) bool { return !isWord(r) }) {
		return strings.Contains(s.others, name)
	}
	return s.words[name]
}

// comparison is a condition as plans have it, such as "time_hour">='2013-07-01 00:00:00'::TIMESTAMP. Names with other
// characters than these are left alone.
var comparison = regexp.MustCompile(
	`^([A-Za-z_][A-Za-z0-9_ ]*)(>=|<=|>|<|=)'([^']*)'::(TIMESTAMP WITH TIME ZONE|TIMESTAMP)$`)

// boundsOf reads the conditions that all rows of a scan meet. A condition of another form bounds nothing, and neither
// does one of several that are joined by OR.
func boundsOf(filters []string) []bound {
	var bounds []bound
	for _, filter := range filters {
		for part := range strings.SplitSeq(filter, " AND ") {
			if b, ok := boundOf(part); ok && !strings.Contains(filter, " OR ") {
				bounds = append(bounds, b)
			}
		}
	}
	return bounds
}

func boundOf(text string) (bound, bool) {
	found := comparison.FindStringSubmatch(strings.TrimSpace(text))
	if found == nil {
		return bound{}, false
	}
	at, ok := instantOf(found[3], found[4])
	b := bound{column: found[1]}
	switch found[2] {
	case ">=", ">":
		b.from = &at
	case "<=", "<":
		b.to = &at
	case "=":
		b.from, b.to = &at, &at
	}
	return b, ok
}

// instantOf is the instant of a literal in microseconds. The zone of a session is UTC.
func instantOf(text, kind string) (int64, bool) {
	layout := "2006-01-02 15:04:05"
	if kind == "TIMESTAMP WITH TIME ZONE" {
		layout += "-07"
	}
	at, err := time.Parse(layout, text)
	return at.UnixMicro(), err == nil
}
