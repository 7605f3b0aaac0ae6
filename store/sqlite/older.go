package sqlite

import (
	"context"
	"database/sql"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/plumbstore/plumb/store/packed"
)

// driver is SQLite with the functions that an upgrade needs.
const driver = "sqlite3_plumb"

func init() {
	sql.Register(driver, &sqlite3.SQLiteDriver{ConnectHook: func(connection *sqlite3.SQLiteConn) error {
		for name, function := range map[string]any{
			"plumb_precedence": func(old []byte) []byte { value, size := upgraded(old); return value[:size] },
			"plumb_body":       func(old []byte) []byte { value, size := upgraded(old); return value[size:] },
		} {
			if err := connection.RegisterFunc(name, function, true); err != nil {
				return err
			}
		}
		return nil
	}})
}

// upgraded returns the value of a row of version 1 as it is stored today, and the size of its precedence.
func upgraded(old []byte) (value []byte, size int) {
	value, err := packed.Upgrade(old)
	if err != nil {
		value = packed.Damaged(old)
	}
	return value, packed.PrecedenceSize(value)
}

// A file of version 1 had the names of a table in every row, and rows in the formats of packed.Upgrade:
//
//	rows (project TEXT, view TEXT, generation INTEGER, key BLOB, value BLOB)
//
// Opening such a file upgrades it, in one transaction. A process of an older version that has the file open meanwhile
// finds no table from then on, and fails. A damaged row stays damaged.
const upgradeRows = `
INSERT INTO tables (project, view, generation) SELECT DISTINCT project, view, generation FROM rows;
INSERT INTO packed_rows (owner, key, precedence, body)
	SELECT id, key, plumb_precedence(value), plumb_body(value) FROM rows JOIN tables USING (project, view, generation);
DROP TABLE rows`

func upgrade(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, createTables+";"+upgradeRows+";"+setVersion)
	return err
}
