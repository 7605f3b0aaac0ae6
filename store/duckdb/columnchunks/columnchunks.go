// Package columnchunks says where in a Parquet file the bytes of columns are, and which of them a statement reads.
//
// DuckDB reads local files. Of an object there is a local file with what was fetched, so what a statement is going to
// read has to be known before it runs. Its plan says which columns that is, and by which conditions on times row groups
// are passed over; the footer says where these are:
//
//	scans, err := columnchunks.Plan(explained)
//	layout, err := columnchunks.Read(path)
//	layout.Ranges(scans) // the bytes of the columns in the row groups that are read
//
// What is not certain is read: a chunk that is there and not needed costs time, and one that is needed and not there
// ends the statement, since a page never begins with zeros.
package columnchunks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// slack is added to the end of each chunk, since some writers do not count a dictionary's header.
const slack = 128

// Layout is where the columns of a Parquet file are.
type Layout struct {
	columns []column
	groups  []group
	// end is where the footer begins, before which all chunks are.
	end int64
}

// column is a top-level column with the positions of its leaves.
type column struct {
	name         string
	first, after int
}

type group struct {
	leaves []leaf
}

// leaf is a chunk, with the range of its instants if it is one of times that DuckDB compares in microseconds.
type leaf struct {
	chunk, bloom objects.Range
	times        parquetfooter.Span
}

// Read reads the layout from the footer of a file. The footer has to be there, and nothing else.
func Read(path string) (*Layout, error) {
	reader, err := parquetfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("find the columns of %s: %w", path, err)
	}
	defer reader.Close()
	contents := reader.MetaData()
	l := &Layout{end: contents.GetSourceFileSize()}
	for _, top := range parquetfooter.TopColumns(contents) {
		l.columns = append(l.columns, column{top.Node.Name(), top.First, top.First + top.Leaves})
	}
	for at := range contents.RowGroups {
		l.groups = append(l.groups, l.group(contents, at))
	}
	return l, nil
}

func (l *Layout) group(contents *metadata.FileMetaData, at int) group {
	var g group
	for i, chunk := range contents.RowGroups[at].Columns {
		if !chunk.IsSetMetaData() {
			g.leaves = append(g.leaves, leaf{})
			continue
		}
		start, length := chunk.MetaData.DataPageOffset, chunk.MetaData.TotalCompressedSize
		if dictionary := chunk.MetaData.DictionaryPageOffset; dictionary != nil && *dictionary > 0 {
			start = min(start, *dictionary)
		}
		one := leaf{chunk: objects.Range{Start: start, End: min(start+length+slack, l.end)}}
		if !parquetfooter.IsNanoseconds(contents.Schema.Column(i)) {
			one.times = parquetfooter.GroupSpan(contents, at, i)
		}
		if bloom := chunk.MetaData.BloomFilterOffset; bloom != nil && *bloom > 0 && *bloom < l.end {
			one.bloom = objects.Range{Start: *bloom, End: min(*bloom+bloomLength(chunk.MetaData.BloomFilterLength), l.end)}
		}
		g.leaves = append(g.leaves, one)
	}
	return g
}

// bloomLength is how long a filter is. Where a footer does not say, the longest one is assumed that is of use.
func bloomLength(told *int32) int64 {
	if told != nil && *told > 0 {
		return int64(*told)
	}
	return 1 << 20
}

// Ranges are the bytes that the scans read of the file.
func (l *Layout) Ranges(scans []Scan) []objects.Range {
	var ranges []objects.Range
	for _, g := range l.groups {
		for _, scan := range scans {
			if !l.meets(g, scan) {
				continue
			}
			for _, c := range l.columns {
				if scan.Reads(c.name) {
					ranges = g.append(ranges, c)
				}
			}
		}
	}
	return ranges
}

// Leaf are the bytes of one leaf in all row groups.
func (l *Layout) Leaf(at int) []objects.Range {
	var ranges []objects.Range
	for _, g := range l.groups {
		if at < len(g.leaves) {
			ranges = append(ranges, g.leaves[at].chunk)
		}
	}
	return ranges
}

func (g group) append(ranges []objects.Range, c column) []objects.Range {
	for _, one := range g.leaves[c.first:c.after] {
		ranges = append(ranges, one.chunk)
		if one.bloom.Length() > 0 {
			ranges = append(ranges, one.bloom)
		}
	}
	return ranges
}

// meets says whether a row group may have a row for a scan. DuckDB passes a row group over by the same statistics. It
// may know less, so a row group without a least and a greatest time is always read.
func (l *Layout) meets(g group, scan Scan) bool {
	for _, bound := range scan.bounds {
		at := slices.IndexFunc(l.columns, func(c column) bool { return strings.EqualFold(c.name, bound.column) })
		if at < 0 || l.columns[at].after != l.columns[at].first+1 {
			continue
		}
		if times := g.leaves[l.columns[at].first].times; times.Least <= times.Greatest && times.IsFinite() &&
			!times.Meets(bound.from, bound.to) {
			return false
		}
	}
	return true
}
