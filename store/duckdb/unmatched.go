package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// few is the share of label rows, one in few, below which it is explained why the others have found nothing. So few
// matches are seldom meant: most often the keys are written in another way, or the times are of another year.
const few = 10

// unmatched says why few label rows have found a row. It is asked for only then, since it reads the event times and the
// keys of the source once more, those that no label could see included.
func (u *use) unmatched(ctx context.Context, s *session.Session, labels timeRange) (*offline.Unmatched, error) {
	found := &offline.Unmatched{LabelsFrom: labels.from, LabelsTo: labels.to}
	query := fmt.Sprintf("SELECT min(%[1]s), max(%[1]s) FROM %[2]s WHERE %[3]s", u.rows.eventTime(), u.rows.from,
		u.rows.usable())
	if err := s.QueryRow(ctx, query, &found.SourceFrom, &found.SourceTo); err != nil || found.SourceFrom == nil {
		return found, err
	}
	late := "false"
	if ttl := u.rows.view.TTL.Microseconds(); ttl > 0 {
		late = fmt.Sprintf("t - %d > %d", ttl, *found.SourceTo)
	}
	hasKeys := "true" + quote.Each(u.labelColumns, " AND $ IS NOT NULL", "")
	query = fmt.Sprintf("SELECT count(*) FILTER (WHERE NOT (%[1]s)), count(*) FILTER (WHERE %[1]s AND t < %[2]d), "+
		"count(*) FILTER (WHERE %[1]s AND %[3]s) FROM %[4]s.labels", hasKeys, *found.SourceFrom, late, session.Schema)
	if err := s.QueryRow(ctx, query, &found.NullKeys, &found.Early, &found.Late); err != nil || len(u.labelKeys) == 0 {
		return found, err
	}
	keys := u.rows.typedKeys()
	for i := range keys {
		keys[i] += fmt.Sprintf(" AS k%d", i)
	}
	query = fmt.Sprintf("SELECT count(*) FROM (%s) l ANTI JOIN (SELECT %s FROM %s WHERE %s) r ON %s", u.keyed(pass{of: 1}),
		strings.Join(keys, ", "), u.rows.from, u.rows.usable(), quote.Each(u.keyNames(), "r.$ = l.$", " AND "))
	return found, s.QueryRow(ctx, query, &found.UnknownKeys)
}
