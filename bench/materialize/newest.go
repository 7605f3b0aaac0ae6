package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/rows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb"
	"github.com/plumbstore/plumb/store/offline"
)

// The forms that a user would write the newest-row query in.
const (
	eachColumn = "arg_max of each column"
	oneStruct  = "arg_max of a struct"
)

// newestFile has plumb's newest rows, to be compared.
const newestFile = "newest.parquet"

// measureNewest prints what the newest-row query takes against both forms written by hand, each in a process.
func measureNewest(ctx context.Context, folder string) error {
	var ours []process.Taken
	hands := map[string][]process.Taken{}
	for range rounds {
		took, err := process.Self(ctx, ".", ourNewest, folder)
		if err != nil {
			return err
		}
		ours = append(ours, took)
		for _, form := range []string{eachColumn, oneStruct} {
			if took, err = process.Self(ctx, ".", byHand, folder, form); err != nil {
				return err
			}
			hands[form] = append(hands[form], took)
		}
	}
	for _, step := range []string{writeNewest, comparing} {
		if _, err := process.Self(ctx, ".", step, folder); err != nil {
			return err
		}
	}
	a := process.Median(ours)
	fmt.Printf("| newest of %s rows x %d features, %s keys | plumb | by hand | ratio | memory of plumb | by hand |\n"+
		"|---|---|---|---|---|---|\n", humanize.Comma(sourceRows), rows.Features, humanize.Comma(sourceKeys))
	for _, form := range []string{eachColumn, oneStruct} {
		b := process.Median(hands[form])
		fmt.Printf("| %s | %.2f s | %.2f s | %.2f | %s | %s |\n", form, a.Elapsed.Seconds(), b.Elapsed.Seconds(),
			a.Elapsed.Seconds()/b.Elapsed.Seconds(), humanize.Bytes(uint64(a.Peak)), humanize.Bytes(uint64(b.Peak)))
	}
	return nil
}

// newest runs the query as a materialization does.
func newest(ctx context.Context, folder string, yield func(arrow.RecordBatch) error) error {
	engine, err := duckdb.Open(duckdb.Config{ProjectDir: folder, Roots: []string{"data"}, MemoryLimit: "8GB"})
	if err != nil {
		return err
	}
	view := &feature.View{
		Name: "uniform",
		Keys: []feature.Field{{Name: "user_id", Type: plumbv1.Type_INT64}},
		Source: &feature.Source{Name: "uniform", Kind: feature.Files{Path: uniformFile}, EventTimestamp: "event_timestamp",
			CreatedTimestamp: "created_timestamp"},
	}
	for f := range rows.Features {
		field := feature.Field{Name: fmt.Sprintf("f%d", f), Type: plumbv1.Type_FLOAT64}
		view.Features = append(view.Features, feature.Feature{Field: field, Column: field.Name})
	}
	window := offline.Window{End: rows.First + rows.Span}
	report, err := engine.Newest(ctx, offline.NewestRequest{View: view, Window: window}, yield)
	if err == nil && report.Read != sourceRows {
		err = fmt.Errorf("%d rows were read, not %d", report.Read, sourceRows)
	}
	return err
}

func readNewest(ctx context.Context, folder string) error {
	return newest(ctx, folder, func(arrow.RecordBatch) error { return nil })
}

// newestByHand keeps the result in a table, since something has to become of it.
func newestByHand(ctx context.Context, folder, form string) error {
	return rows.Execute(ctx, "CREATE TABLE newest AS "+handwritten(folder, form))
}

func handwritten(folder, form string) string {
	columns := []string{"event_timestamp", "created_timestamp"}
	for f := range rows.Features {
		columns = append(columns, fmt.Sprintf("f%d", f))
	}
	file := filepath.Join(folder, uniformFile)
	if form == oneStruct {
		return fmt.Sprintf("SELECT user_id, unnest(arg_max(r, event_timestamp)) FROM (SELECT user_id, event_timestamp, "+
			"struct_pack(%s) AS r FROM '%s') GROUP BY user_id", strings.Join(columns, ", "), file)
	}
	for i, column := range columns {
		columns[i] = fmt.Sprintf("arg_max(%s, event_timestamp) AS %[1]s", column)
	}
	return fmt.Sprintf("SELECT user_id, %s FROM '%s' GROUP BY user_id", strings.Join(columns, ", "), file)
}

// writeNewestFile writes plumb's newest rows.
func writeNewestFile(ctx context.Context, folder string) (err error) {
	file, err := os.Create(filepath.Join(folder, newestFile))
	if err != nil {
		return fmt.Errorf("keep the newest rows: %w", err)
	}
	var writer *pqarrow.FileWriter
	err = newest(ctx, folder, func(batch arrow.RecordBatch) error {
		if writer == nil {
			if writer, err = pqarrow.NewFileWriter(batch.Schema(), file, parquet.NewWriterProperties(),
				pqarrow.DefaultWriterProps()); err != nil {
				return fmt.Errorf("keep the newest rows: %w", err)
			}
		}
		return writer.WriteBuffered(batch)
	})
	if err != nil {
		return errors.Join(err, file.Close())
	}
	return writer.Close()
}

// compareNewest fails unless the queries give the same rows.
func compareNewest(ctx context.Context, folder string) error {
	same := []string{"a.event_ts = epoch_us(b.event_timestamp)", "a.created_ts = epoch_us(b.created_timestamp)"}
	for f := range rows.Features {
		same = append(same, fmt.Sprintf("a.f%d IS NOT DISTINCT FROM b.f%[1]d", f))
	}
	var all, different int64
	query := fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE (%s) IS NOT TRUE) FROM '%s' a FULL JOIN (%s) b "+
		"USING (user_id)", strings.Join(same, " AND "), filepath.Join(folder, newestFile), handwritten(folder, oneStruct))
	if err := rows.QueryRow(ctx, query, &all, &different); err != nil {
		return err
	}
	if all == 0 || different > 0 {
		return fmt.Errorf("%d of %d newest rows differ from those by hand", different, all)
	}
	return os.Remove(filepath.Join(folder, newestFile))
}
