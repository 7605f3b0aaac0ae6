package objects

import (
	"cmp"
	"slices"
)

// Range is the bytes from Start up to and without End.
type Range struct{ Start, End int64 }

// Length is the number of bytes.
func (r Range) Length() int64 { return r.End - r.Start }

// merged is the same bytes as ranges that are in order and do not touch.
func merged(ranges []Range) []Range {
	ordered := slices.Clone(ranges)
	slices.SortFunc(ordered, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	var out []Range
	for _, r := range ordered {
		switch last := len(out) - 1; {
		case r.Length() <= 0:
		case last >= 0 && r.Start <= out[last].End:
			out[last].End = max(out[last].End, r.End)
		default:
			out = append(out, r)
		}
	}
	return out
}

// without is the bytes of the wanted ranges that are not among those there are. Both are merged.
func without(wanted, there []Range) []Range {
	var missing []Range
	for _, r := range wanted {
		at, _ := slices.BinarySearchFunc(there, r.Start, func(have Range, start int64) int {
			if have.End <= start {
				return -1
			}
			return 1
		})
		for ; at < len(there) && there[at].Start < r.End; at++ {
			if there[at].Start > r.Start {
				missing = append(missing, Range{r.Start, there[at].Start})
			}
			r.Start = max(r.Start, there[at].End)
		}
		if r.Length() > 0 {
			missing = append(missing, r)
		}
	}
	return missing
}

const (
	// maxGap is the longest gap between ranges that is fetched with them: a request costs about as much time.
	maxGap = 1 << 20
	// freeGap is a gap that is always fetched: headers are longer.
	freeGap = 4 << 10
	// gapShare is the part of the wanted bytes that all longer gaps may have together.
	gapShare = 10
	// longest is how many bytes one request asks for, so that a long range is fetched by several at a time.
	longest = 8 << 20
)

// coalesced is the requests that fetch the ranges, which are merged: near ones together, as far as that does not fetch
// much more than was wanted, and long ones in parts.
func coalesced(ranges []Range) []Range {
	var wanted int64
	var gaps []int
	for i, r := range ranges {
		wanted += r.Length()
		if i > 0 && r.Start-ranges[i-1].End <= maxGap {
			gaps = append(gaps, i)
		}
	}
	gap := func(i int) int64 { return ranges[i].Start - ranges[i-1].End }
	slices.SortFunc(gaps, func(a, b int) int { return cmp.Compare(gap(a), gap(b)) })
	bridged, left := map[int]bool{}, wanted/gapShare
	for _, i := range gaps {
		if gap(i) > freeGap {
			if left -= gap(i); left < 0 {
				break
			}
		}
		bridged[i] = true
	}
	var joined []Range
	for i, r := range ranges {
		if bridged[i] {
			joined[len(joined)-1].End = r.End
		} else {
			joined = append(joined, r)
		}
	}
	var parts []Range
	for _, r := range joined {
		for ; r.Length() > longest; r.Start += longest {
			parts = append(parts, Range{r.Start, r.Start + longest})
		}
		parts = append(parts, r)
	}
	return parts
}
