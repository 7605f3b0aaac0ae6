package dataset

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Comparison is what two training sets differ in, by their manifests.
type Comparison struct {
	// Same says that the contents are the same: rows, their order, columns and values.
	Same bool `json:"same"`
	// Divided says that the rows lie in files otherwise, so that it is not known which columns have the same values.
	Divided bool `json:"divided,omitempty"`
	// Entries are what differs in how they were made.
	Entries []Entry `json:"entries"`
	// Columns are those of both, in the order of A and then of B.
	Columns []ColumnComparison `json:"columns"`
}

// Entry is a difference in what a training set was made of. It is Missing if B does not have it, Added if A does not.
type Entry struct {
	Subject string `json:"subject"`
	Name    string `json:"name,omitempty"`
	State   State  `json:"state"`
	A       string `json:"a,omitempty"`
	B       string `json:"b,omitempty"`
}

// ColumnComparison compares a column.
type ColumnComparison struct {
	Name  string   `json:"name"`
	Kind  string   `json:"kind,omitempty"`
	State State    `json:"state"`
	A     *Summary `json:"a,omitempty"`
	B     *Summary `json:"b,omitempty"`
	// KS and PSI say how far apart the values are that are neither null nor NaN; see KolmogorovSmirnov and
	// PopulationStability. They are absent if there is nothing to compute them from, as for sensitive columns.
	KS  *Number `json:"ks,omitempty"`
	PSI *Number `json:"psi,omitempty"`
}

// Summary is a column in few numbers.
type Summary struct {
	Type      string           `json:"type"`
	Nulls     int64            `json:"nulls"`
	NullShare Number           `json:"null_share"`
	Statuses  map[string]int64 `json:"statuses,omitempty"`
	NaNs      int64            `json:"nans,omitempty"`
	Min       *Number          `json:"min,omitempty"`
	Median    *Number          `json:"median,omitempty"`
	Mean      *Number          `json:"mean,omitempty"`
	Max       *Number          `json:"max,omitempty"`
}

// Compare compares two manifests.
func Compare(a, b *Manifest) Comparison {
	c := Comparison{Same: a.Output.Digest == b.Output.Digest, Divided: a.divided() != b.divided(), Entries: []Entry{},
		Columns: []ColumnComparison{}}
	c.fact("project", "", a.Project, b.Project)
	c.fact("revision", "", a.revision(), b.revision())
	c.facts("definition", hashes(a), hashes(b))
	c.fact("selection", "", a.Selection.String(), b.Selection.String())
	c.facts("use", uses(a), uses(b))
	c.facts("option", a.Options.texts(), b.Options.texts())
	c.fact("labels", "", a.Labels.String(), b.Labels.String())
	c.facts("source", sources(a), sources(b))
	c.fact("files", "", a.divided(), b.divided())
	c.fact("rows", "", fmt.Sprint(a.Output.Rows), fmt.Sprint(b.Output.Rows))
	c.fact("plumb", "", a.Plumb, b.Plumb)
	c.fact("engine", "", a.Engine, b.Engine)
	others := byName(b.Output.Columns)
	for _, column := range a.Output.Columns {
		other, ok := others[column.Name]
		if !ok {
			c.Columns = append(c.Columns, ColumnComparison{Name: column.Name, Kind: column.Kind, State: Missing,
				A: column.summary(a.Output.Rows)})
			continue
		}
		compared := compareColumns(a.Output.Rows, column, b.Output.Rows, other)
		if c.Divided {
			compared.State = NotCompared
		}
		c.Columns = append(c.Columns, compared)
	}
	known := byName(a.Output.Columns)
	for _, column := range b.Output.Columns {
		if _, ok := known[column.Name]; !ok {
			c.Columns = append(c.Columns, ColumnComparison{Name: column.Name, Kind: column.Kind, State: Added,
				B: column.summary(b.Output.Rows)})
		}
	}
	return c
}

// divided says how many rows each file has.
func (m *Manifest) divided() string {
	if len(m.Parts) == 0 {
		return "1"
	}
	rows := make([]string, len(m.Parts))
	for i, part := range m.Parts {
		rows[i] = fmt.Sprint(part.Rows)
	}
	return fmt.Sprintf("%d of %s rows", len(rows), strings.Join(rows, ", "))
}

// fact notes a difference.
func (c *Comparison) fact(subject, name, a, b string) {
	state := Changed
	switch {
	case a == b:
		return
	case a == "":
		state = Added
	case b == "":
		state = Missing
	}
	c.Entries = append(c.Entries, Entry{Subject: subject, Name: name, State: state, A: a, B: b})
}

// facts notes the differences of texts by name.
func (c *Comparison) facts(subject string, a, b map[string]string) {
	names := maps.Clone(a)
	maps.Copy(names, b)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.fact(subject, name, a[name], b[name])
	}
}

// revision is the registry's; empty if it is not known.
func (m *Manifest) revision() string {
	if m.Revision == 0 {
		return ""
	}
	return strconv.FormatInt(m.Revision, 10)
}

func hashes(m *Manifest) map[string]string {
	texts := map[string]string{}
	for _, view := range m.Views {
		texts[view.Name] = view.Hash
	}
	return texts
}

func uses(m *Manifest) map[string]string {
	texts := map[string]string{}
	for _, use := range m.Uses {
		text := use.View
		for _, key := range use.Keys {
			text += fmt.Sprintf(", %s from %s", key.Name, key.Column)
		}
		texts[use.Alias] = text
	}
	return texts
}

func sources(m *Manifest) map[string]string {
	texts := map[string]string{}
	for _, source := range m.Sources {
		texts[source.Source+": "+source.Path] = source.content()
	}
	return texts
}

func (s Selection) String() string {
	text := "service " + s.Service
	if s.Service == "" {
		text = strings.Join(s.Features, ",")
	}
	if s.FullNames {
		text += ", full names"
	}
	return text
}

func (o Options) texts() map[string]string {
	return map[string]string{
		"timestamp_column": o.TimestampColumn,
		"statuses":         strconv.FormatBool(o.Statuses),
		"event_timestamps": strconv.FormatBool(o.EventTimestamps),
		"provenance":       strconv.FormatBool(o.Provenance),
		"as_known":         strconv.FormatBool(o.AsKnown),
	}
}

// String is the file by what it holds, since the same labels may lie elsewhere.
func (f File) String() string { return fmt.Sprintf("%d bytes, %s", f.Size, f.Digest) }

func compareColumns(rowsA int64, a Column, rowsB int64, b Column) ColumnComparison {
	c := ColumnComparison{Name: a.Name, Kind: a.Kind, State: Changed, A: a.summary(rowsA), B: b.summary(rowsB)}
	if a.Digest == b.Digest {
		c.State, c.KS, c.PSI = Same, number(0), number(0)
		return c
	}
	if a.Distribution == nil || b.Distribution == nil {
		return c
	}
	if d, ok := KolmogorovSmirnov(*a.Distribution, *b.Distribution); ok {
		c.KS = number(d)
	}
	if psi, ok := PopulationStability(*a.Distribution, *b.Distribution); ok {
		c.PSI = number(psi)
	}
	return c
}

func (c Column) summary(rows int64) *Summary {
	s := &Summary{Type: c.Type, Nulls: c.Nulls, Statuses: c.Statuses}
	if rows > 0 {
		s.NullShare = Number(float64(c.Nulls) / float64(rows))
	}
	if d := c.Distribution; d != nil {
		s.NaNs, s.Min, s.Mean, s.Max = d.NaNs, d.Min, d.Mean, d.Max
		if len(d.Percentiles) == percentiles {
			s.Median = &d.Percentiles[percentiles/2]
		}
	}
	return s
}

// KolmogorovSmirnov is the greatest distance between the two cumulative distributions: D = max over x of |A(x) - B(x)|,
// where A(x) is the share of A's 101 percentiles that are at most x. So it is exact to about 0.01. ok is false if one
// of the two has no percentiles.
func KolmogorovSmirnov(a, b Distribution) (d float64, ok bool) {
	if len(a.Percentiles) == 0 || len(b.Percentiles) == 0 {
		return 0, false
	}
	for _, x := range slices.Concat(a.Percentiles, b.Percentiles) {
		d = max(d, math.Abs(shareUpTo(a.Percentiles, x)-shareUpTo(b.Percentiles, x)))
	}
	return d, true
}

// shareUpTo is the share of sorted numbers that are at most x.
func shareUpTo(sorted []Number, x Number) float64 {
	after, _ := slices.BinarySearchFunc(sorted, x, func(each, x Number) int {
		if each <= x {
			return -1
		}
		return 1
	})
	return float64(after) / float64(len(sorted))
}

// leastShare stands in for smaller shares, whose logarithm would have no bound.
const leastShare = 0.001

// PopulationStability is the population stability index, the sum over bins of (b - a) · ln(b / a), where a and b are
// the shares of A and B in the bin, and a share of less than 0.001 counts as 0.001. The bins of numbers end at A's
// deciles, with equal ones merged, and have shares by percentiles; the bins of texts are the buckets of their hashes.
// ok is false if one of the two has neither.
func PopulationStability(a, b Distribution) (psi float64, ok bool) {
	sharesA, sharesB := textShares(a), textShares(b)
	if len(a.Percentiles) > 0 && len(b.Percentiles) > 0 {
		edges := deciles(a.Percentiles)
		sharesA, sharesB = binShares(a.Percentiles, edges), binShares(b.Percentiles, edges)
	}
	if len(sharesA) == 0 || len(sharesA) != len(sharesB) {
		return 0, false
	}
	for i := range sharesA {
		shareA, shareB := max(sharesA[i], leastShare), max(sharesB[i], leastShare)
		psi += (shareB - shareA) * math.Log(shareB/shareA)
	}
	return psi, true
}

// deciles are the different ones of the inner deciles.
func deciles(percentiles []Number) []Number {
	var edges []Number
	for k := 10; k < len(percentiles)-1; k += 10 {
		edges = append(edges, percentiles[k])
	}
	return slices.Compact(edges)
}

// binShares are the shares in the bins that end at the edges, each with its end, and in the one beyond.
func binShares(sorted, edges []Number) []float64 {
	shares := make([]float64, len(edges)+1)
	below := 0.0
	for i, edge := range edges {
		up := shareUpTo(sorted, edge)
		shares[i], below = up-below, up
	}
	shares[len(edges)] = 1 - below
	return shares
}

// textShares are the shares in the buckets of texts; none if there are no texts.
func textShares(d Distribution) []float64 {
	total := int64(0)
	for _, count := range d.Buckets {
		total += count
	}
	if total == 0 {
		return nil
	}
	shares := make([]float64, len(d.Buckets))
	for i, count := range d.Buckets {
		shares[i] = float64(count) / float64(total)
	}
	return shares
}
