package duckdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// midnightRows is the number of rows that are looked at if the footers do not rule out that all event times are
// midnights.
const midnightRows = 100_000

// AtMidnights implements offline.Advisor. Event times at midnights name days, and not when the rows were known: a total
// of 5 January that stands at that day's midnight is visible to labels of the whole day (R2), most of which could not
// have known it.
func (e *Engine) AtMidnights(ctx context.Context, source *feature.Source) (_ bool, err error) {
	if source.IsQuery() || source.CreatedTimestamp != "" {
		return false, nil
	}
	reading := e.finder.Begin(e.Scratch)
	files, err := e.finder.Find(ctx, source, reading)
	if reading != nil {
		err = errors.Join(err, reading.Close())
	}
	if err != nil || !files.AtMidnights(source.EventTimestamp) {
		return false, err
	}
	s, err := e.newSession(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := e.open(ctx, s, []*feature.Source{source}, nil)
	if err != nil {
		return false, err
	}
	others := 0
	query := fmt.Sprintf("SELECT count(*) FROM (SELECT %[1]s AS t FROM %[2]s LIMIT %[3]d) WHERE t::TIMESTAMP <> "+
		"date_trunc('day', t::TIMESTAMP)", quote.Identifier(source.EventTimestamp), r.Table(source).Scan(), midnightRows)
	err = s.QueryRow(ctx, query, &others)
	return others == 0, r.Blame(ctx, err)
}
