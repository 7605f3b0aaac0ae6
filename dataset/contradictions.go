package dataset

import (
	"fmt"
	"math"
	"regexp"
	"slices"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/objects"
)

// The digest at the end of a manifest detects accidental edits. It is not a signature: anyone can edit a manifest and
// recompute it. So everything in a manifest that can be computed is checked against the file.

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// contradiction says what in a manifest cannot be true, whatever the files are; empty if nothing is.
func (m *Manifest) contradiction() string {
	for _, check := range []func() string{m.contradictedUses, m.contradictedFiles, m.contradictedParts,
		m.Output.contradicted} {
		if details := check(); details != "" {
			return details
		}
	}
	return ""
}

// contradictedUses looks whether views, uses and columns go together: each view is there once, and is used or, if it is
// an on-demand view, has columns; and uses and columns are of views that are there.
func (m *Manifest) contradictedUses() string {
	views, used := map[string]bool{}, map[string]bool{}
	for _, view := range m.Views {
		if views[view.Name] {
			return fmt.Sprintf("views has %s twice", view.Name)
		}
		views[view.Name] = true
	}
	aliases := map[string]bool{}
	for _, use := range m.Uses {
		switch {
		case aliases[use.Alias]:
			return fmt.Sprintf("uses has %s twice", use.Alias)
		case !views[use.View]:
			return fmt.Sprintf("uses has view %s, which is not in views", use.View)
		case use.Matched < 0 || use.Matched > m.Output.Rows:
			return fmt.Sprintf("%s is matched by %d of %d rows", use.Alias, use.Matched, m.Output.Rows)
		}
		aliases[use.Alias], used[use.View] = true, true
	}
	for _, column := range m.Output.Columns {
		if column.View != "" && !views[column.View] {
			return fmt.Sprintf("column %q is of view %s, which is not in views", column.Name, column.View)
		}
		used[column.View] = true
	}
	for _, view := range m.Views {
		if !used[view.Name] {
			return fmt.Sprintf("view %s is not used", view.Name)
		}
	}
	return ""
}

func (m *Manifest) contradictedFiles() string {
	for _, file := range m.files() {
		if m.Labels.Content != "" && file == &m.Labels.File {
			continue
		}
		isObject := m.Format >= withoutTables && file.ETag != "" && file.Digest == "" && file.Table == nil &&
			objects.IsLocation(file.Path)
		isTable := m.Format >= withoutParts && file.Table != nil && *file == File{Path: file.Path, Outside: file.Outside,
			Table: file.Table, At: file.At} && file != &m.Labels.File
		isFile := !file.isVersioned() && digestPattern.MatchString(file.Digest)
		if file.Path == "" || file.Size < 0 || !isObject && !isTable && !isFile {
			return fmt.Sprintf("file %q has %d bytes with the digest %q", file.Path, file.Size, file.Digest)
		}
	}
	columns := m.labelColumns()
	if m.Labels.Content != "" && m.Labels.Content != contentDigest(m.Output.Rows, columns) {
		return "the digest of the labels is not that of the label columns"
	}
	if w := m.File; w != nil && (w.Size < 0 || !digestPattern.MatchString(w.Digest)) {
		return fmt.Sprintf("the training set has %d bytes with the digest %q", w.Size, w.Digest)
	}
	return ""
}

func (m *Manifest) contradictedParts() string {
	if len(m.Parts) == 0 {
		return ""
	}
	rows := int64(0)
	for i, part := range m.Parts {
		if part.Name != PartName(i, len(m.Parts)) || part.Rows < 0 || !digestPattern.MatchString(part.Digest) {
			return fmt.Sprintf("file %q has %d rows with the digest %q", part.Name, part.Rows, part.Digest)
		}
		rows += part.Rows
	}
	if m.Shard != nil || rows != m.Output.Rows {
		return fmt.Sprintf("its files have %d of %d rows", rows, m.Output.Rows)
	}
	return ""
}

func (o Output) contradicted() string {
	if o.Rows < 0 {
		return fmt.Sprintf("it has %d rows", o.Rows)
	}
	names := map[string]bool{}
	for _, column := range o.Columns {
		if names[column.Name] {
			return fmt.Sprintf("column %q is there twice", column.Name)
		}
		names[column.Name] = true
		if details := column.contradicted(o.Rows); details != "" {
			return fmt.Sprintf("column %q: %s", column.Name, details)
		}
	}
	if o.Digest != contentDigest(o.Rows, o.Columns) {
		return "the content digest is not that of its columns"
	}
	return ""
}

// contradicted says what cannot be true of a column of this number of rows. Statuses are one for each row, so they have
// to add up.
func (c Column) contradicted(rows int64) string {
	switch {
	case !digestPattern.MatchString(c.Digest):
		return fmt.Sprintf("its digest is %q", c.Digest)
	case c.Nulls < 0 || c.Nulls > rows:
		return fmt.Sprintf("%d nulls in %d rows", c.Nulls, rows)
	}
	if c.Statuses != nil {
		total := int64(0)
		for status, count := range c.Statuses {
			if _, known := plumbv1.Status_value[status]; !known || count < 0 || count > rows {
				return fmt.Sprintf("%d rows have the status %q", count, status)
			}
			total += count
		}
		if total != rows {
			return fmt.Sprintf("%d statuses in %d rows", total, rows)
		}
	}
	if c.Distribution == nil {
		return ""
	}
	return c.Distribution.contradicted(rows - c.Nulls)
}

// contradicted says what cannot be true of the distribution of the given number of values.
func (d Distribution) contradicted(values int64) string {
	switch {
	case d.NaNs < 0 || d.NaNs > values:
		return fmt.Sprintf("%d NaNs among %d values", d.NaNs, values)
	case d.Sampled < 0 || d.Sampled > 62:
		return fmt.Sprintf("its distribution is sampled by 2^%d", d.Sampled)
	case len(d.Percentiles) != 0 && len(d.Percentiles) != percentiles:
		return fmt.Sprintf("it has %d percentiles", len(d.Percentiles))
	case !slices.IsSorted(d.Percentiles):
		return "its percentiles are in no order"
	case (d.Min == nil) != (d.Max == nil), d.Min == nil && (d.Mean != nil || d.Percentiles != nil):
		return "its distribution has no least or no greatest value"
	}
	if d.Min != nil && (*d.Min > *d.Max || len(d.Percentiles) > 0 &&
		(d.Percentiles[0] < *d.Min || d.Percentiles[percentiles-1] > *d.Max)) {
		return "its percentiles are not between the least and the greatest value"
	}
	return contradictedBuckets(d.Buckets, values)
}

// contradictedBuckets says what cannot be true of the buckets of this number of texts, each of which is in exactly one.
func contradictedBuckets(buckets []int64, values int64) string {
	if len(buckets) == 0 {
		return ""
	}
	total := int64(0)
	for _, count := range buckets {
		if count < 0 || count > values {
			return fmt.Sprintf("a bucket has %d of %d texts", count, values)
		}
		total += count
	}
	if len(buckets) != textBuckets || total != values {
		return fmt.Sprintf("%d buckets have %d of %d texts", len(buckets), total, values)
	}
	return ""
}

// sameNumber compares two numbers of a distribution. A mean may be rounded otherwise on another processor.
func sameNumber(a, b *Number) bool {
	if a == nil || b == nil {
		return a == b
	}
	if *a == *b || math.IsNaN(float64(*a)) && math.IsNaN(float64(*b)) {
		return true
	}
	const rounding = 1e-9
	return math.Abs(float64(*a-*b)) <= rounding*max(math.Abs(float64(*a)), math.Abs(float64(*b)))
}
