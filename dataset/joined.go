package dataset

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// partsName begins what the digest of a column in several files is made of.
const partsName = "plumb parts 1"

// joined is the output of several files, given those of each in their order. What it says of a column follows from what
// is said of the column in each file: so it can be told without reading rows.
func joined(parts []Output) (Output, error) {
	whole := Output{Columns: make([]Column, len(parts[0].Columns))}
	for _, part := range parts {
		whole.Rows += part.Rows
		if len(part.Columns) != len(whole.Columns) {
			return whole, errOtherColumns
		}
	}
	for i := range whole.Columns {
		columns := make([]Column, len(parts))
		for at, part := range parts {
			columns[at] = part.Columns[i]
		}
		var err error
		if whole.Columns[i], err = joinedColumn(columns, parts); err != nil {
			return whole, err
		}
	}
	whole.Digest = contentDigest(whole.Rows, whole.Columns)
	return whole, nil
}

var errOtherColumns = errors.New("the files of the training set do not have the same columns")

// joinedColumn is a column of several files. Its digest is the SHA-256 of a name and the digests in each file.
func joinedColumn(columns []Column, parts []Output) (Column, error) {
	whole := columns[0]
	digest := sha256.New()
	fmt.Fprintln(digest, partsName)
	whole.Nulls, whole.Statuses = 0, nil
	for _, column := range columns {
		if column.Name != whole.Name || column.Type != whole.Type || column.Kind != whole.Kind {
			return whole, errOtherColumns
		}
		fmt.Fprintln(digest, column.Digest)
		whole.Nulls += column.Nulls
		for status, count := range column.Statuses {
			if whole.Statuses == nil {
				whole.Statuses = map[string]int64{}
			}
			whole.Statuses[status] += count
		}
	}
	whole.Digest = named(digest.Sum(nil))
	whole.Distribution = joinedDistribution(columns, parts)
	return whole, nil
}

// joinedDistribution is that of a column in several files. Counts add up. Percentiles are estimated from those of the
// files: each percentile of a file stands for an equal share of that file's values.
func joinedDistribution(columns []Column, parts []Output) *Distribution {
	whole := &Distribution{}
	weights := map[Number]float64{}
	var total, sum float64
	meant, described := true, false
	for at, column := range columns {
		d := column.Distribution
		if d == nil && column.Nulls == parts[at].Rows {
			continue
		}
		if d == nil {
			return nil
		}
		described = true
		whole.NaNs += d.NaNs
		whole.Sampled = max(whole.Sampled, d.Sampled)
		if len(d.Buckets) == textBuckets {
			if whole.Buckets == nil {
				whole.Buckets = make([]int64, textBuckets)
			}
			for i, count := range d.Buckets {
				whole.Buckets[i] += count
			}
		}
		if d.Min == nil {
			continue
		}
		values := float64(parts[at].Rows - column.Nulls - d.NaNs)
		if whole.Min == nil || *d.Min < *whole.Min {
			whole.Min = d.Min
		}
		if whole.Max == nil || *d.Max > *whole.Max {
			whole.Max = d.Max
		}
		if meant = meant && d.Mean != nil; meant {
			sum += float64(*d.Mean) * values
		}
		total += values
		for _, p := range d.Percentiles {
			weights[p] += values / float64(len(d.Percentiles))
		}
	}
	if !described {
		return nil
	}
	if mean := sum / total; meant && !math.IsNaN(mean) {
		whole.Mean = number(mean)
	}
	whole.Percentiles = weighed(weights)
	return whole
}

// weighed returns the percentiles of weighted values, or nil if there are no values.
func weighed(weights map[Number]float64) []Number {
	if len(weights) == 0 {
		return nil
	}
	values := slices.Sorted(maps.Keys(weights))
	total := 0.0
	for _, value := range values {
		total += weights[value]
	}
	found := make([]Number, 0, percentiles)
	reached := weights[values[0]]
	at := 0
	for k := range percentiles {
		for at < len(values)-1 && reached < total*float64(k)/(percentiles-1) {
			at++
			reached += weights[values[at]]
		}
		found = append(found, values[at])
	}
	return found
}
