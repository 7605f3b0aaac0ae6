package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// checkShards asks the engine shard by shard, and compares the rows of all shards with the reference's (R6). Those of a
// shard are in the order of the labels, so they are put together again by the labels' instants alone.
func (w *World) checkShards(ctx context.Context, engine offline.Store, question Question, shards int) error {
	request, err := w.request(question)
	if err != nil {
		return err
	}
	divided, err := divide(ctx, engine, request, shards)
	if _, refused := errors.AsType[*fault.InputError](err); refused && strings.HasSuffix(question.Labels.Path, ".csv") {
		return nil
	}
	if err != nil {
		return err
	}
	tables, report := make([]*Table, shards), offline.JoinReport{}
	for i := range divided {
		request.Shard, tables[i] = &divided[i], &Table{}
		part, err := stream(ctx, engine, request, tables[i])
		if err != nil {
			return err
		}
		if part.Rows != divided[i].Rows || int64(len(tables[i].Rows)) != part.Rows {
			return fmt.Errorf("shard %d has %d rows and reports %d, want %d", i, len(tables[i].Rows), part.Rows, divided[i].Rows)
		}
		report.Rows += part.Rows
		if report.Views == nil {
			report.Views = make([]offline.ViewReport, len(part.Views))
		}
		for use, view := range part.Views {
			report.Views[use].Matched += view.Matched
		}
	}
	times, err := question.column(question.TimeColumn)
	if err != nil {
		return err
	}
	got := &Table{Names: tables[0].Names, Types: tables[0].Types}
	for row, at := range times {
		i := shardOf(divided, at.(feature.Instant))
		if len(tables[i].Rows) == 0 {
			return fmt.Errorf("shard %d has no label row %d", i, row)
		}
		got.Rows, tables[i].Rows = append(got.Rows, tables[i].Rows[0]), tables[i].Rows[1:]
	}
	answer, wanted, err := w.Answer(request.Selection, question)
	if err != nil {
		return err
	}
	labels, err := w.labelTable(question, filepath.Join(w.Folder, question.Labels.Path))
	if err != nil {
		return err
	}
	found := differences(got, labels, answer)
	for use, view := range wanted.Views {
		if report.Views[use].Matched != view.Matched {
			found = append(found, fmt.Sprintf("%s is matched by %d rows, want %d", view.Alias, report.Views[use].Matched,
				view.Matched))
		}
	}
	return differ(found)
}

// divide divides the labels of a join.
func divide(ctx context.Context, engine offline.Store, request offline.JoinRequest, shards int) (
	[]offline.LabelShard, error,
) {
	join, err := engine.PlanJoin(ctx, request)
	if err != nil {
		return nil, err
	}
	defer join.Close()
	return join.Divide(ctx, shards)
}

func stream(ctx context.Context, engine offline.Store, request offline.JoinRequest, into *Table) (
	offline.JoinReport, error,
) {
	join, err := engine.PlanJoin(ctx, request)
	if err != nil {
		return offline.JoinReport{}, err
	}
	defer join.Close()
	return join.Stream(ctx, into.Add)
}

// shardOf is the shard that has the label rows of an instant.
func shardOf(shards []offline.LabelShard, at feature.Instant) int {
	for i, shard := range shards {
		if at <= shard.Window.End {
			return i
		}
	}
	return len(shards) - 1
}
