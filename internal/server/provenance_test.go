package server_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
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

func TestHTTPTellsProvenanceWhereItIsAskedFor(t *testing.T) {
	r := startShops(t, overHTTP)
	view := r.view("price")
	r.write(view, row(ago(2*time.Hour), []any{"old"}, 1.0, nil))
	pushed := storetest.Pack(t, view.Keys, view.Schema(), row(ago(time.Minute), []any{"here"}, 2.0, nil))[0]
	pushed.Value = storetest.WithOrigin(pushed.Value, packed.PushOrigin(ago(time.Second)))
	must(r.online.Write(t.Context(), online.NewTable(view, 0), []online.Row{pushed}))(t)
	definition := `"view":"price","definition_revision":null,"definition_hash":"` + view.Hash.String() + `",`
	r.expect("POST", "/v1/online-features",
		`{"features":["price:euros"],"provenance":true,"event_timestamps":false,`+
			`"keys":{"shop":["here","old","nowhere"]}}`, 200,
		`{"rows":[`+
			`{"keys":{"shop":"here"},"features":{"euros":{"value":2.0,"status":"PRESENT"}},"provenance":{"price":{`+definition+
			`"origin":"PUSH","run":null,"pushed_timestamp":"2026-03-01T11:59:59Z","event_timestamp":"2026-03-01T11:59:00Z",`+
			`"created_timestamp":null,"age_micros":60000000,"schema_id":1}}},`+
			`{"keys":{"shop":"old"},"features":{"euros":{"value":null,"status":"EXPIRED"}},"provenance":{"price":{`+definition+
			`"origin":"RUN","run":1230066625199609624,"pushed_timestamp":null,"event_timestamp":"2026-03-01T10:00:00Z",`+
			`"created_timestamp":null,"age_micros":7200000000,"schema_id":1}}},`+
			`{"keys":{"shop":"nowhere"},"features":{"euros":{"value":null,"status":"NOT_FOUND"}},"provenance":{"price":{`+
			definition+`"origin":"NO_ROW","run":null,"pushed_timestamp":null,"event_timestamp":null,`+
			`"created_timestamp":null,"age_micros":null,"schema_id":null}}}`+
			`],"revision":1}`)
}
