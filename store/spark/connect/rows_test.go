package connect_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/store/spark/connect"
)

// count reads all rows of range(n), which have to be 0, 1, 2 and so on, and calls each after every batch.
func count(t *testing.T, rows *connect.Rows, each func()) (count, batches int64) {
	t.Helper()
	defer rows.Close()
	for rows.Next() {
		ids := rows.Record().Column(0).(*array.Int64).Int64Values()
		for i, id := range ids {
			if id != count+int64(i) {
				t.Fatalf("row %d is %d", count+int64(i), id)
			}
		}
		count += int64(len(ids))
		batches++
		if each != nil {
			each()
		}
	}
	if err := rows.Err(); err != nil {
		t.Errorf("after %d rows: %v", count, err)
	}
	return count, batches
}

func TestARowsSchemaIsThereWithoutRows(t *testing.T) {
	s := dial(t, shared(t))
	rows, err := s.Query(t.Context(), "SELECT id, 'x' text FROM range(10) WHERE id > 10")
	if err != nil {
		t.Fatal(err)
	}
	if got := rows.Schema().Fields(); len(got) != 2 || got[0].Name != "id" || got[0].Type.Name() != "int64" ||
		got[1].Name != "text" || got[1].Type.Name() != "utf8" {
		t.Errorf("the columns are %s", got)
	}
	if got, _ := count(t, rows, nil); got != 0 {
		t.Errorf("%d rows", got)
	}
	rows.Close()
	if rows.Next() || rows.Err() != nil || rows.Record() != nil {
		t.Errorf("closed rows go on: %v", rows.Err())
	}
}

func TestRowsComeInManyBatchesOneAtATime(t *testing.T) {
	s := dial(t, shared(t))
	rows, err := s.Query(t.Context(), "SELECT id, id * 2D x FROM range(0, 1500000, 1, 3)")
	if err != nil {
		t.Fatal(err)
	}
	if got, batches := count(t, rows, nil); got != 1_500_000 || batches < 3 {
		t.Errorf("%d rows in %d batches", got, batches)
	}
}

func TestRowsThatAreClosedEarlyStopTheQuery(t *testing.T) {
	s := dial(t, shared(t))
	rows, err := s.Query(t.Context(), "SELECT id FROM range(0, 10, 1, 2) UNION ALL "+
		"SELECT id FROM range(0, 9000000000000000000, 1, 1) WHERE id % 7 = 8")
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	rows.Close()
	isFree(t)
}

func TestASessionIsForManyStatementsAtATime(t *testing.T) {
	s := dial(t, shared(t))
	var all errgroup.Group
	for n := range 8 {
		all.Go(func() error {
			query := fmt.Sprintf("SELECT id FROM range(0, %d, 1, 2)", n*1000)
			rows, err := s.Query(t.Context(), query)
			if err != nil {
				return err
			}
			defer rows.Close()
			got := int64(0)
			for rows.Next() {
				got += rows.Record().NumRows()
			}
			if rows.Err() == nil && got != int64(n*1000) {
				err = fmt.Errorf("%s: %d rows", query, got)
			}
			return errors.Join(rows.Err(), err)
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
}

func TestAStatementSucceedsOnlyOnceItsWorkIsDone(t *testing.T) {
	s := dial(t, shared(t))
	folder := t.TempDir()
	for _, statement := range []string{
		"CREATE TABLE made USING parquet LOCATION '" + folder + "/made' AS SELECT id FROM range(1000)",
		"DROP TABLE made", "CREATE TEMPORARY VIEW v AS SELECT * FROM parquet.`" + folder + "/made`",
	} {
		if err := s.Run(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, s, "SELECT sum(id) FROM v"); got != "499500" {
		t.Errorf("the sum is %s", got)
	}
}
