package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// online looks keys up over gRPC.
func (s *server) online(ctx context.Context, keys []key, at time.Time) (*plumbv1.GetOnlineFeaturesResponse, error) {
	request := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: service},
		At:        timestamppb.New(at),
	}
	for i, name := range columns {
		values, nulls := make([]string, len(keys)), make([]byte, len(keys))
		for j, k := range keys {
			if part := k.parts()[i]; part != nil {
				values[j] = *part
			} else {
				nulls[j] = 1
			}
		}
		request.Keys = append(request.Keys, &plumbv1.KeyColumn{Name: name, Nulls: nulls, Values: &plumbv1.Values{
			Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: values}}}})
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
	switch values := column.GetValues().GetKind().(type) {
	case *plumbv1.Values_Int32S:
		return fmt.Sprint(values.Int32S.GetValues()[row]), nil
	case *plumbv1.Values_Int64S:
		return fmt.Sprint(values.Int64S.GetValues()[row]), nil
	case *plumbv1.Values_Float64S:
		return fmt.Sprintf("%.5g", values.Float64S.GetValues()[row]), nil
	case *plumbv1.Values_Strings:
		return values.Strings.GetValues()[row], nil
	default:
		return "", fmt.Errorf("%s: the flights have no values of type %T", column.GetName(), values)
	}
}
