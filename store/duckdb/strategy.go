package duckdb

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// pass is one of several readings of a source, each for the labels of another part of the hashes: pass 1 of 3 is for
// the labels whose hash leaves 1 when it is divided by 3. All labels of one key are in one pass.
type pass struct{ number, of int }

// strategy is how the winners of a use are found, and what the choice rests on.
type strategy struct {
	// keeps says that the index keeps the features of the winners as they go by. Otherwise they are read once the winners
	// are known.
	keeps bool
	// passes is how many parts the labels are indexed in, so that each part's index fits into memory.
	passes int
	// labels and rows are the numbers of label rows with keys and of the source's rows.
	labels, rows int64
	// bytes is the memory of an index at the most.
	bytes int64
	// windows are the windows that events are counted in; empty if rows are offered to labels. panes is how many panes
	// they make of the labels at the most.
	windows string
	panes   int64
}

func (s strategy) String() string {
	if s.windows != "" {
		return fmt.Sprintf("%d label rows cut into up to %d panes, %d events counted in them for windows of %s; "+
			"%s of memory, %s", s.labels, s.panes, s.rows, s.windows, humanize.Bytes(uint64(s.bytes)),
			english.Plural(s.passes, "pass", ""))
	}
	how := "the winners' features joined"
	if s.keeps {
		how = "the winners' features kept"
	}
	return fmt.Sprintf("%d label rows indexed, %d feature rows offered to them, %s; %s of memory, %s",
		s.labels, s.rows, how, humanize.Bytes(uint64(s.bytes)), english.Plural(s.passes, "pass", ""))
}

// readings is how often the source is read: for the winners, and for their features.
func (s strategy) readings() int { return 2 * s.passes }

// choosing holds what the choice of a strategy depends on, besides the data.
type choosing struct {
	// indexBytes bounds the memory of all label indexes.
	indexBytes int64
	// passes is the least number of passes if features are not kept.
	passes int
	// neverKeeps lets no index keep features; tests set it.
	neverKeeps bool
}

// split chooses the smallest number of passes, of at least so many, that fit into the available bytes.
func (s *strategy) split(u *use, least int, available int64) {
	for s.passes = least; ; s.passes++ {
		part := (s.labels + int64(s.passes) - 1) / int64(s.passes)
		if s.bytes = u.bytes(part, s.rows); s.bytes <= available || part <= 1 {
			return
		}
	}
}

// hashing makes hashes of keys. Each attempt makes others. An index by hashes of 64 bits takes the same memory for all
// types of keys. Two keys with one hash are very rare, and are detected: then everything is done again with the hashes
// of the next attempt. These are made in another way: DuckDB combines the hashes of its arguments, so keys of one hash
// would have one with anything that is added to both.
type hashing struct {
	attempt int
	// weak leaves so few bits to the first attempt's hashes that keys collide; tests set it.
	weak bool
}

// of is the SQL of the hash of typed keys that are not null, equal for equal keys.
func (h hashing) of(keys []string) string {
	switch {
	case len(keys) == 0:
		return "0::UBIGINT"
	case h.attempt > 0:
		return fmt.Sprintf("md5_number_lower(CAST(row(%s, %d) AS VARCHAR))", strings.Join(keys, ", "), h.attempt)
	case h.weak:
		return fmt.Sprintf("(hash(%s) %% 2)", strings.Join(keys, ", "))
	}
	return "hash(" + strings.Join(keys, ", ") + ")"
}

// isOneToOne says whether a single key of a type has a hash that no other key of the type has: DuckDB mixes the bits of
// an integer so that none is lost.
func (h hashing) isOneToOne(t plumbv1.Type) bool {
	return !h.weak && (t == plumbv1.Type_INT32 || t == plumbv1.Type_INT64)
}
