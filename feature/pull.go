package feature

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Pull is where the rows of a folder come from that plumb pull fills.
type Pull struct {
	// Connection is the name of a database in the configuration.
	Connection string
	// Query is a SELECT in that database's SQL.
	Query string
	// By is the column of the query by which later pulls go on: the created time, or the event time of a source without
	// one. It is empty if the source has neither, and every pull reads all rows.
	By string
	// Overlap is how far before the latest row that was pulled the next pull begins.
	Overlap time.Duration
}

// DefaultOverlap is that of a source that declares none.
const DefaultOverlap = time.Hour

func pullOf(source *plumbv1.Source, postgres *plumbv1.PostgresSource) *Pull {
	pull := &Pull{
		Connection: postgres.GetConnection(), Query: postgres.GetQuery(), Overlap: DefaultOverlap,
		By: cmp.Or(source.GetCreatedTimestamp(), source.GetEventTimestamp()),
	}
	if postgres.GetOverlap() != nil {
		pull.Overlap = postgres.GetOverlap().AsDuration()
	}
	return pull
}

// Folder is the name of the folder, in that of the source, which has the files of this query. What another query
// returned lies elsewhere. So a revision reads what its own query returned, before and after the next one is applied.
// Names are durable.
func (p *Pull) Folder() string {
	const form = "plumb pull 1\nconnection %+q\nquery %+q\nby %+q\n"
	sum := sha256.Sum256(fmt.Appendf(nil, form, p.Connection, p.Query, p.By))
	return hex.EncodeToString(sum[:8])
}
