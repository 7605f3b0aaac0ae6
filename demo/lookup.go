package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// online looks keys up over gRPC.
func (s *server) online(ctx context.Context, keys []key, at time.Time) (*plumbv1.GetOnlineFeaturesResponse, error) {
	request := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: service},
		At:        timestamppb.New(at),
	}
	for i, name := range columns {
		parts := make([]any, len(keys))
		for j, k := range keys {
			if part := k.parts()[i]; part != nil {
				parts[j] = *part
			}
		}
		values, nulls := value.ToWire(plumbv1.Type_STRING, parts)
		request.Keys = append(request.Keys, &plumbv1.KeyColumn{Name: name, Nulls: nulls, Values: values})
	}
	reply, err := s.client.GetOnlineFeatures(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("look up %d keys: %w", len(keys), err)
	}
	for _, column := range reply.GetColumns() {
		if len(column.GetStatuses()) != len(keys) {
			return nil, fmt.Errorf("%s has %d rows for %d keys", column.GetName(), len(column.GetStatuses()), len(keys))
		}
	}
	return reply, nil
}

// textAt returns a served value if there is one, and otherwise why there is none.
func textAt(column *plumbv1.FeatureColumn, row int) (string, error) {
	if status := plumbv1.Status(column.GetStatuses()[row]); status != plumbv1.Status_PRESENT {
		return status.String(), nil
	}
	served, err := value.ReadWire(column.GetValues()).At(row)
	if err != nil {
		return "", fmt.Errorf("%s: %w", column.GetName(), err)
	}
	if number, ok := served.(float64); ok {
		return fmt.Sprintf("%.5g", number), nil
	}
	return fmt.Sprint(served), nil
}
