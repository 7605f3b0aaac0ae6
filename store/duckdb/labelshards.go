package duckdb

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// Divide implements offline.Join. With the label rows sorted by their instants, a row is in the shard that the first
// row of its instant would be in if each shard had as many rows as the others.
func (j *join) Divide(ctx context.Context, shards int) ([]offline.LabelShard, error) {
	if j.labels.Format == labelfile.CSV {
		return nil, fault.Inputf("", "label rows in CSV have no types, and each shard would find types of its own; "+
			"write the labels as .parquet or .arrow")
	}
	divided := make([]offline.LabelShard, shards)
	err := j.open(ctx, nil, func(run *joinRun) error {
		query := fmt.Sprintf(`SELECT CAST(before * %[1]d // %[2]d AS BIGINT) AS shard, max(t), CAST(sum(rows) AS BIGINT)
FROM (SELECT t, rows, CAST(sum(rows) OVER (ORDER BY t) AS HUGEINT) - rows AS before
  FROM (SELECT t, count(*) AS rows FROM %[3]s.labels GROUP BY t))
GROUP BY shard ORDER BY shard`, shards, max(run.labels, 1), session.Schema)
		return run.session.QueryRows(ctx, query, func(rows *sql.Rows) error {
			var shard, last, count int64
			if err := rows.Scan(&shard, &last, &count); err != nil {
				return err
			}
			divided[shard] = offline.LabelShard{Rows: count, Window: offline.Window{End: feature.Instant(last)}}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for i := range divided {
		divided[i].Inputs = j.Inputs()
		if i == 0 {
			continue
		}
		end := divided[i-1].Window.End
		divided[i].Window.Start = &end
		if divided[i].Rows == 0 {
			divided[i].Window.End = end
		}
	}
	return divided, nil
}
