package storetest

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// inShards reads windows shard by shard, and adds up what is reported. It has to come to the same as a whole window.
type inShards struct {
	engine offline.Store
	shards int
}

func (s inShards) Newest(ctx context.Context, request offline.NewestRequest, yield func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	return s.each(ctx, request.View, func(part *offline.Part) (offline.NewestReport, error) {
		request.Part = part
		return s.engine.Newest(ctx, request, yield)
	})
}

func (s inShards) Events(ctx context.Context, request offline.EventsRequest, yield func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	return s.each(ctx, request.View, func(part *offline.Part) (offline.NewestReport, error) {
		request.Part = part
		return s.engine.Events(ctx, request, yield)
	})
}

func (s inShards) each(ctx context.Context, view *feature.View,
	read func(*offline.Part) (offline.NewestReport, error),
) (sum offline.NewestReport, err error) {
	part := offline.Part{Shards: s.shards, Division: s.engine.Division()}
	if part.Inputs, err = s.engine.Inputs(ctx, []*feature.Source{view.Source}); err != nil {
		return sum, err
	}
	for part.Shard = range s.shards {
		report, err := read(&part)
		if err != nil {
			return sum, err
		}
		sum.Read, sum.Before, sum.Failed = sum.Read+report.Read, sum.Before+report.Before, sum.Failed+report.Failed
		sum.NullKeys, sum.NullTimes = sum.NullKeys+report.NullKeys, sum.NullTimes+report.NullTimes
		sum.Failures = append(sum.Failures, report.Failures...)
	}
	return sum, nil
}
