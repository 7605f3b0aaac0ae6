package sqldb

import (
	"context"
	"database/sql"
)

// Revision returns the number of the newest revision, without its state.
func (d *DB) Revision(ctx context.Context, project string) (int64, error) {
	var number int64
	// The primary key answers this; the state stays unread.
	err := d.query(ctx, func(rows *sql.Rows) error { return rows.Scan(&number) },
		"SELECT COALESCE(MAX(number), 0) FROM revisions WHERE project = $1", project)
	return number, err
}
