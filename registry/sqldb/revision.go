package sqldb

import "context"

// Revision returns the number of the newest revision, without its state.
func (d *DB) Revision(ctx context.Context, project string) (int64, error) {
	handle, err := d.reader(ctx)
	if handle == nil || err != nil {
		return 0, err
	}
	var number int64
	// The primary key answers this; the state stays unread.
	err = handle.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) FROM revisions WHERE project = $1",
		project).Scan(&number)
	return number, d.explain(err)
}
