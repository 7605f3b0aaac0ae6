package server_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

func TestProvenanceIsToldWhereItIsAskedFor(t *testing.T) {
	onStores(t, func(t *testing.T, r *running) {
		view := r.view("price")
		r.write(view, row(ago(time.Hour), []any{"a"}, 1.0, nil))
		request := featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a", "b")}, "price:euros")
		if silent := must(r.client.GetOnlineFeatures(t.Context(), request))(t); silent.GetProvenance() != nil {
			t.Errorf("without being asked it tells %v", silent.GetProvenance())
		}
		request.Provenance = true
		event := int64(ago(time.Hour))
		want := []*plumbv1.ViewProvenance{{
			Alias: "price", View: "price", DefinitionRevision: view.Revision, DefinitionHash: view.Hash[:],
			Origins: []byte{byte(plumbv1.ViewProvenance_RUN), byte(plumbv1.ViewProvenance_NO_ROW)},
			Runs:    []int64{int64(storetest.SampleOrigin), 0}, PushedTimestamps: []int64{0, 0},
			EventTimestamps: []int64{event, 0}, CreatedTimestamps: []int64{0, 0}, CreatedNulls: []byte{1, 0},
			AgeMicros: []int64{time.Hour.Microseconds(), 0}, SchemaIds: []uint32{1, 0},
		}}
		response := must(r.client.GetOnlineFeatures(t.Context(), request))(t)
		if diff := cmp.Diff(want, response.GetProvenance(), protocmp.Transform()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
