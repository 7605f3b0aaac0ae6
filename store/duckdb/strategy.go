package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// pass is one of several readings of a source, each for the labels of another part of the hashes.
type pass struct{ number, of int }

// strategy is how the winners of a use are found, and what the choice rests on.
type strategy struct {
	// passes is how many parts the labels are indexed in, so that each part's index fits into memory.
	passes int
	// labels and rows are the numbers of label rows with keys and of the source's rows.
	labels, rows int64
}

func (s strategy) String() string {
	memory := humanize.Bytes(uint64(s.labels * indexBytes / int64(s.passes)))
	return fmt.Sprintf("%d label rows indexed in %s, %d feature rows offered to them, in %d passes",
		s.labels, memory, s.rows, s.passes)
}

// readings is how often the source is read: its keys and times, and its features, in each pass.
func (s strategy) readings() int { return 2 * s.passes }

// choosing holds what the choice of a strategy depends on, besides the data.
type choosing struct {
	// indexBytes bounds the memory of a label index.
	indexBytes int64
	// passes are made at least.
	passes int
}

// choose counts labels and rows.
func (u *use) choose(ctx context.Context, s *session) (strategy, error) {
	var chosen strategy
	if err := s.queryRow(ctx, "SELECT count(*) FROM ("+u.keyed(pass{of: 1})+")", &chosen.labels); err != nil {
		return chosen, err
	}
	if chosen.rows = u.rows.count(); chosen.rows < 0 {
		if err := s.queryRow(ctx, "SELECT count(*) FROM "+u.rows.from, &chosen.rows); err != nil {
			return chosen, err
		}
	}
	chosen.passes = max(u.choice.passes, int((chosen.labels*indexBytes+u.choice.indexBytes-1)/u.choice.indexBytes))
	return chosen, nil
}

// index makes the session's label index that of a pass, unless it already is: uses of one key share it.
func (u *use) index(ctx context.Context, s *session, p pass) error {
	labels := u.collect(p)
	if s.matcher.labels == labels {
		s.matcher.index.reset()
		return nil
	}
	var expected, collected int64
	if err := s.queryRow(ctx, "SELECT count(*) FROM ("+u.keyed(p)+")", &expected); err != nil {
		return err
	}
	s.matcher.expect(expected)
	if err := s.queryRow(ctx, labels, &collected); err != nil {
		return err
	}
	if collected != expected {
		return fmt.Errorf("indexed %d of %d label rows", collected, expected)
	}
	s.matcher.build(labels)
	return nil
}

// collision marks the error that SQL raises where two keys have one hash, and errCollision is that error.
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
