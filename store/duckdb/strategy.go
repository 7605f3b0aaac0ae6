package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// strategy is how the times of a view's winners are found, and what the choice rests on.
//
// Pairing by hash reads the rows once and sorts nothing, but its work grows with the pairs of label and feature rows of
// one key. Walking in the order of time sorts both sides, and its work grows with their number alone.
type strategy struct {
	hash bool
	// labels and rows are the numbers of label rows with keys and of the source's rows.
	labels, rows int64
	// pairs estimates how many pairs of label and feature rows share a key.
	pairs float64
}

// defaultPairsPerRow is how many pairs for each row of both sides hashing may make before sorting is the cheaper way.
const defaultPairsPerRow = 4

func (s strategy) String() string {
	how := "in order of time"
	if s.hash {
		how = "by hash"
	}
	return fmt.Sprintf("%s: %d label rows, %d feature rows, about %.0f pairs", how, s.labels, s.rows, s.pairs)
}

// prepare reads what the choice rests on into tables, and chooses.
func (u *use) prepare(ctx context.Context, s *session) (strategy, error) {
	var chosen strategy
	for _, statement := range u.preparation() {
		if err := s.exec(ctx, statement); err != nil {
			return chosen, err
		}
	}
	if err := s.queryRow(ctx, "SELECT count(*) FROM "+u.rows.from, &chosen.rows); err != nil {
		return chosen, err
	}
	if len(u.labelKeys) == 0 {
		err := s.queryRow(ctx, "SELECT count(*) FROM "+u.table("keys"), &chosen.labels)
		chosen.pairs = float64(chosen.labels) * float64(chosen.rows)
		return chosen, err
	}
	// The mean number of labels that share their key, as one label sees it: feature rows are taken to be spread over the
	// keys as labels are.
	var sharing float64
	query := fmt.Sprintf("SELECT coalesce(sum(c), 0)::BIGINT, coalesce(sum(c::DOUBLE * c) / sum(c), 0) FROM "+
		"(SELECT count(*) AS c FROM %s GROUP BY %s)", u.table("keys"), strings.Join(u.keyNames(), ", "))
	if err := s.queryRow(ctx, query, &chosen.labels, &sharing); err != nil {
		return chosen, err
	}
	chosen.pairs = float64(chosen.rows) * sharing
	chosen.hash = chosen.pairs <= u.pairsPerRow*float64(chosen.rows+chosen.labels)
	return chosen, nil
}

// preparation stages a SQL source and reads the labels' keys.
func (u *use) preparation() []string { return append(slices.Clone(u.rows.staging), u.keys()) }
