package server_test

import (
	"encoding/hex"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	feastserving "github.com/plumbstore/plumb/proto/feast/serving"
	feasttypes "github.com/plumbstore/plumb/proto/feast/types"
	"github.com/plumbstore/plumb/store/storetest"
)

// messageOf are the bytes of a message in a file that Feast wrote.
func messageOf(t *testing.T, name string) []byte {
	t.Helper()
	for line := range strings.Lines(string(must(os.ReadFile("testdata/feast_lookup.txt"))(t))) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			return must(hex.DecodeString(strings.TrimSpace(text)))(t)
		}
	}
	t.Fatalf("the file has no %s", name)
	return nil
}

func TestR13_FeastAnswersOverGRPCInTheBytesOfItsMessages(t *testing.T) {
	r := startShops(t, overFeast)
	r.write(r.view("price"),
		row(ago(time.Minute), []any{"here"}, 1.5, "fresh"),
		row(ago(2*time.Minute), []any{"null"}, nil, ""),
		row(ago(2*time.Hour), []any{"old"}, 2.5, "stale"),
	)
	request := &feastserving.GetOnlineFeaturesRequest{}
	if err := proto.Unmarshal(messageOf(t, "request"), request); err != nil {
		t.Fatal(err)
	}
	response := must(feastserving.NewServingServiceClient(r.conn).GetOnlineFeatures(t.Context(), request))(t)
	got := must(proto.MarshalOptions{Deterministic: true}.Marshal(response))(t)
	if diff := cmp.Diff(hex.EncodeToString(messageOf(t, "response")), hex.EncodeToString(got)); diff != "" {
		t.Errorf("(-Feast +got):\n%s\n%v", diff, response)
	}
}

func text(v string) *feasttypes.Value {
	return &feasttypes.Value{Val: &feasttypes.Value_StringVal{StringVal: v}}
}

func number(v int64) *feasttypes.Value {
	return &feasttypes.Value{Val: &feasttypes.Value_Int64Val{Int64Val: v}}
}

func entity(values ...*feasttypes.Value) *feasttypes.RepeatedValue {
	return &feasttypes.RepeatedValue{Val: values}
}

func feastRequest(entities map[string]*feasttypes.RepeatedValue, references ...string,
) *feastserving.GetOnlineFeaturesRequest {
	list := &feastserving.FeatureList{Val: references}
	return &feastserving.GetOnlineFeaturesRequest{
		Kind: &feastserving.GetOnlineFeaturesRequest_Features{Features: list}, Entities: entities,
	}
}

func TestFeastsTypesOverGRPCAreThoseOfTheDefinitions(t *testing.T) {
	r := start(t, overFeast)
	r.apply(storetest.StateOf(everyType()))
	second := feature.Instant(1_000_000)
	r.write(r.view("all"), row(ago(0), []any{true, int32(-7), int64(math.MinInt64), "a", []byte{0, 255}},
		false, int32(3), int64(4), float32(0.5), 0.1, "é", []byte{1}, -second+1,
		[]any{true, nil}, []any{int32(1)}, []any{}, []any{float32(1)}, []any{math.Inf(1)}, []any{"a"}, []any{[]byte{2}},
		[]any{2*second - 1}))
	list := func(values ...*feasttypes.Value) *feasttypes.Value {
		return &feasttypes.Value{Val: &feasttypes.Value_ListVal{ListVal: entity(values...)}}
	}
	boolean := func(v bool) *feasttypes.Value {
		return &feasttypes.Value{Val: &feasttypes.Value_BoolVal{BoolVal: v}}
	}
	raw := func(v ...byte) *feasttypes.Value {
		return &feasttypes.Value{Val: &feasttypes.Value_BytesVal{BytesVal: v}}
	}
	small := func(v int32) *feasttypes.Value {
		return &feasttypes.Value{Val: &feasttypes.Value_Int32Val{Int32Val: v}}
	}
	response := must(feastserving.NewServingServiceClient(r.conn).GetOnlineFeatures(t.Context(), feastRequest(
		map[string]*feasttypes.RepeatedValue{
			"k_bool": entity(boolean(true)), "k_int32": entity(number(-7)), "k_int64": entity(number(math.MinInt64)),
			"k_string": entity(text("a")), "k_bytes": entity(raw(0, 255)),
		}, "all:*")))(t)
	var got []*feasttypes.Value
	for _, result := range response.GetResults() {
		got = append(got, result.GetValues()...)
	}
	want := []*feasttypes.Value{
		boolean(true), raw(0, 255), small(-7), number(math.MinInt64), text("a"),
		boolean(false), small(3), number(4), {Val: &feasttypes.Value_FloatVal{FloatVal: 0.5}},
		{Val: &feasttypes.Value_DoubleVal{DoubleVal: 0.1}}, text("é"), raw(1),
		{Val: &feasttypes.Value_UnixTimestampVal{UnixTimestampVal: -1}},
		list(boolean(true), &feasttypes.Value{}),
		{Val: &feasttypes.Value_Int32ListVal{Int32ListVal: &feasttypes.Int32List{Val: []int32{1}}}},
		list(),
		{Val: &feasttypes.Value_FloatListVal{FloatListVal: &feasttypes.FloatList{Val: []float32{1}}}},
		{Val: &feasttypes.Value_DoubleListVal{DoubleListVal: &feasttypes.DoubleList{Val: []float64{math.Inf(1)}}}},
		{Val: &feasttypes.Value_StringListVal{StringListVal: &feasttypes.StringList{Val: []string{"a"}}}},
		{Val: &feasttypes.Value_BytesListVal{BytesListVal: &feasttypes.BytesList{Val: [][]byte{{2}}}}},
		{Val: &feasttypes.Value_UnixTimestampListVal{UnixTimestampListVal: &feasttypes.Int64List{Val: []int64{1}}}},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestR9_FeastsKeysOverGRPCAreOfTheirTypes(t *testing.T) {
	r := startShops(t, overFeast)
	client := feastserving.NewServingServiceClient(r.conn)
	half := &feasttypes.Value{Val: &feasttypes.Value_DoubleVal{DoubleVal: 1.5}}
	raw := &feasttypes.Value{Val: &feasttypes.Value_BytesVal{BytesVal: []byte("a")}}
	shop := feastRequest(map[string]*feasttypes.RepeatedValue{"shop": entity(raw)}, "price:euros")
	road := feastRequest(map[string]*feasttypes.RepeatedValue{"origin": entity(half), "dest": entity(text("1"))},
		"road:metres")
	twice := feastRequest(map[string]*feasttypes.RepeatedValue{"shop": entity(text("a"))}, "price:euros")
	twice.RequestContext = map[string]*feasttypes.RepeatedValue{"shop": entity(text("b"))}
	versions := feastRequest(nil, "world:rate")
	versions.IncludeFeatureViewVersionMetadata = true
	for want, request := range map[string]*feastserving.GetOnlineFeaturesRequest{
		"shop: row 1: holds BYTES values; it is STRING":                                      shop,
		"dest: row 1: holds STRING values; it is INT64; origin: row 1: \"1.5\" is not INT64": road,
		"include_feature_view_version_metadata: is true":                                     versions,
		"shop: is given twice": twice,
	} {
		_, err := client.GetOnlineFeatures(t.Context(), request)
		if status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(status.Convert(err).Message(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// INVALID has no counterpart in Feast. Its clients make INVALID of every status that they do not know.
func TestR26_FeastTakesRequestInputsAndAnswersThatAValueIsInvalid(t *testing.T) {
	r := startBaskets(t)
	request := feastRequest(map[string]*feasttypes.RepeatedValue{"shop": entity(text("a"), text("b"))}, "change:each")
	request.RequestContext = map[string]*feasttypes.RepeatedValue{"coins": entity(number(0), number(3))}
	answer := must(feastserving.NewServingServiceClient(r.conn).GetOnlineFeatures(t.Context(), request))(t)
	names, each := answer.GetMetadata().GetFeatureNames().GetVal(), answer.GetResults()[0]
	statuses := []feastserving.FieldStatus{feastserving.FieldStatus_INVALID, feastserving.FieldStatus_PRESENT}
	if !slices.Equal(names, []string{"each"}) || !slices.Equal(each.GetStatuses(), statuses) ||
		each.GetValues()[0].GetVal() != nil || each.GetValues()[1].GetInt32Val() != 33 {
		t.Errorf("got %v", answer)
	}
	r.expectFeast(feastLookup, `{"entities":{"coins":[0,3.0],"shop":["a","b"]},"features":["change:each"]}`, 200,
		`{"results":[`+feastColumn(`null,33`, `"INVALID","PRESENT"`, `"2026-03-01T12:00:00Z","2026-03-01T12:00:00Z"`)+
			`],"metadata":{"feature_names":["each"]}}`)
}

func TestFeastsServicesAreAnsweredOnlyIfTheyAreTurnedOn(t *testing.T) {
	info := &feastserving.GetFeastServingInfoRequest{}
	off := startShops(t)
	_, err := feastserving.NewServingServiceClient(off.conn).GetFeastServingInfo(t.Context(), info)
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("got %v, want that there is no such service", err)
	}
	on := startShops(t, overFeast, func(c *server.Config) { c.Version = "1.2.3" })
	told := must(feastserving.NewServingServiceClient(on.conn).GetFeastServingInfo(t.Context(), info))(t)
	if told.GetVersion() != "1.2.3" {
		t.Errorf("got %v", told)
	}
}
