package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/winners"
)

// pass is one of several readings of a source, each for the labels of another part of the hashes.
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
}

func (s strategy) String() string {
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

// choose counts labels and rows and makes the functions of the use known, within what is left of the memory.
func (u *use) choose(ctx context.Context, s *session) (strategy, error) {
	var chosen strategy
	if err := s.QueryRow(ctx, "SELECT count(*) FROM ("+u.keyed(pass{of: 1})+")", &chosen.labels); err != nil {
		return chosen, err
	}
	if chosen.rows = u.rows.count(); chosen.rows < 0 {
		if err := s.QueryRow(ctx, "SELECT count(*) FROM "+u.rows.from, &chosen.rows); err != nil {
			return chosen, err
		}
	}
	// What an index takes is free again once it has been read, but for one whose winners are kept. So no more than half
	// of the memory is for those.
	kept, left := u.keptTypes(), u.choice.indexBytes-s.keptBytes
	bytes := u.bytes(chosen.labels, chosen.rows) + chosen.labels*int64(8*winners.RecordWords(len(kept)))
	if kept != nil && s.keptBytes+bytes <= u.choice.indexBytes/2 {
		chosen.keeps, chosen.passes, chosen.bytes = true, 1, bytes
		s.keptBytes += bytes
	} else {
		kept = nil
		chosen.split(u, left)
	}
	u.keeps = chosen.keeps
	u.matcher = &matcher{ttl: u.rows.view.TTL.Microseconds(), statuses: u.statuses, kept: kept, names: u.keptNames()}
	return chosen, u.matcher.register(s.native, u.number)
}

// split chooses the smallest number of passes that fit into the available bytes.
func (s *strategy) split(u *use, available int64) {
	for s.passes = u.choice.passes; ; s.passes++ {
		part := (s.labels + int64(s.passes) - 1) / int64(s.passes)
		if s.bytes = u.bytes(part, s.rows); s.bytes <= available || part <= 1 {
			return
		}
	}
}

// bytes bounds the memory that it takes to index the given number of labels and to find their winners among the given
// number of rows.
func (u *use) bytes(labels, rows int64) int64 {
	label := int64(winners.IndexBytes)
	if u.hasCreated() {
		label += winners.CreatedBytes
	}
	blocks := min(labels, rows/64+int64(len(u.rows.files.paths))+1)
	return labels*label + blocks*winners.RowBlockBytes
}

// keptTypes returns the types of the features as an index keeps them, nil if it cannot keep all: it keeps values of at
// most 8 bytes, each of which fits its declared type.
func (u *use) keptTypes() []mapping.Type {
	if u.choice.neverKeeps {
		return nil
	}
	kept := []mapping.Type{}
	for _, feature := range u.features {
		t, ok := keepable[u.rows.view.Features[feature].Type]
		if !ok || u.rows.features[feature].mayComplain() {
			return nil
		}
		kept = append(kept, t)
	}
	if u.wantsCreated() {
		if u.rows.created.mayComplain() {
			return nil
		}
		kept = append(kept, mapping.TypeBigInt)
	}
	return kept
}

// keptNames are the names of the columns of keptTypes.
func (u *use) keptNames() []string {
	var names []string
	for _, feature := range u.features {
		names = append(names, fmt.Sprintf("f%d", feature))
	}
	if u.wantsCreated() {
		names = append(names, "c")
	}
	return names
}

// index gives the use an index of the labels of a pass. Uses of one key share what they can.
func (u *use) index(ctx context.Context, s *session, p pass) error {
	labels := u.collect(p)
	if s.collector.labels != labels {
		if err := u.collectLabels(ctx, s, p); err != nil {
			return err
		}
	}
	u.matcher.index = s.collector.give()
	return nil
}

func (u *use) collectLabels(ctx context.Context, s *session, p pass) error {
	var expected, taken int64
	if err := s.QueryRow(ctx, "SELECT count(*) FROM ("+u.keyed(p)+")", &expected); err != nil {
		return err
	}
	s.collector.expect(expected)
	if err := s.QueryRow(ctx, u.collect(p), &taken); err != nil {
		return err
	}
	if taken != expected {
		return fmt.Errorf("indexed %d of %d label rows", taken, expected)
	}
	s.collector.build(u.collect(p))
	return nil
}

// collision marks the error that SQL raises if two keys have one hash, and errCollision is that error.
const collision = "plumb-collision"

var errCollision = errors.New("two keys have one hash")

// hashing makes hashes of keys. Each attempt makes others.
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
		return fmt.Sprintf("hash(%s, %d)", strings.Join(keys, ", "), h.attempt)
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

// compareKeys finds out whether two keys have one hash.
func (u *use) compareKeys(ctx context.Context, s *session) error {
	var others int64
	err := s.QueryRow(ctx, u.verify(), &others)
	if err == nil && others > 0 {
		err = errCollision
	}
	return err
}
