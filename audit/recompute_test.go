package audit_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// openWithWorth opens a shop with an on-demand view, and applies an edit of it.
func openWithWorth(t *testing.T, edit func(*plumbv1.OnDemandView), options ...option) *shop {
	t.Helper()
	s := open(t, options...)
	s.change(func(d *plumbv1.Definitions) {
		view := &plumbv1.OnDemandView{Name: "worth", Views: []*plumbv1.ViewInput{{View: "price"}},
			Request: []*plumbv1.RequestInput{{Name: "pieces", Type: plumbv1.Type_FLOAT64},
				{Name: "sizes", Type: plumbv1.Type_INT64_ARRAY}},
			Features: []*plumbv1.ComputedFeature{
				{Name: "total", Type: plumbv1.Type_FLOAT64, Expression: "pieces * price.euros"},
				{Name: "asked", Type: plumbv1.Type_TIMESTAMP, Expression: "request_time"},
				{Name: "largest", Type: plumbv1.Type_INT64_ARRAY, Expression: "[sum(sizes), 9223372036854775807 + size(sizes)]"},
				{Name: "sizes_again", Type: plumbv1.Type_INT64_ARRAY, Expression: "sizes"},
			}}
		edit(view)
		d.OnDemandViews = []*plumbv1.OnDemandView{view}
		d.FeatureServices = append(d.FeatureServices, &plumbv1.FeatureService{Name: "worths",
			Features: []*plumbv1.ViewReference{{View: "worth"}}})
	})
	s.tick()
	return s
}

func unedited(*plumbv1.OnDemandView) {}

func worths(t *testing.T, shops ...any) *plumbv1.GetOnlineFeaturesRequest {
	t.Helper()
	request := &plumbv1.GetOnlineFeaturesRequest{
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: "worths"}}
	names, nulls := value.ToWire(plumbv1.Type_STRING, shops)
	request.Keys = []*plumbv1.KeyColumn{{Name: "shop", Values: names, Nulls: nulls}}
	pieces, sizes := make([]any, len(shops)), make([]any, len(shops))
	for i := range shops {
		pieces[i], sizes[i] = float64(i)+0.1, []any{int64(i), nil}
	}
	sizes[0] = []any{}
	for name, column := range map[string]struct {
		of     plumbv1.Type
		values []any
	}{"pieces": {plumbv1.Type_FLOAT64, pieces}, "sizes": {plumbv1.Type_INT64_ARRAY, sizes}} {
		values, nulls := value.ToWire(column.of, column.values)
		request.Inputs = append(request.Inputs, &plumbv1.InputColumn{Name: name, Values: values, Nulls: nulls})
	}
	return request
}

func TestComputedFeaturesAreComputedAgainFromWhatWasServed(t *testing.T) {
	s := openWithWorth(t, unedited)
	s.materialize(at(0))
	must(s.client.GetOnlineFeatures(t.Context(), worths(t, "a", "nobody", nil)))(t)
	report := s.audit()
	// Of three rows four features are computed, and one of price is read.
	if report.Rows != 3 || report.Values != 15 || report.Matched != 15 || report.NotCompared != 0 {
		t.Errorf("%+v", report)
	}
}

// What was read was too old. That is told with the view that it is of, and what was computed of it is right.
func TestAnInputThatIsLate_IsToldWithItsView(t *testing.T) {
	s := openWithWorth(t, unedited)
	s.materialize(at(0))
	must(s.client.GetOnlineFeatures(t.Context(), worths(t, "a")))(t)
	s.set(at(10))
	s.writePrices("second", price{shop: "a", at: at(-5), known: at(7), euros: 2.5})
	expect(t, s.audit(), "price", audit.CreatedAfter, 1, "created at 2026-03-01T12:07:00.000000Z")
}

func TestAComputedValueThatIsNotWhatTheExpressionGives_IsUnexplained(t *testing.T) {
	for name, forge := range map[string]func([]*plumbv1.FeatureColumn){
		"a value":     func(c []*plumbv1.FeatureColumn) { c[0].Values.GetFloat64S().Values[0] += 1e-9 },
		"a time":      func(c []*plumbv1.FeatureColumn) { c[1].Values.GetTimestamps().Micros[0]++ },
		"an element":  func(c []*plumbv1.FeatureColumn) { c[3].Values.GetArrays().Elements.GetInt64S().Values[0]++ },
		"a status":    func(c []*plumbv1.FeatureColumn) { c[2].Statuses[0] = byte(plumbv1.Status_NULL) },
		"of no value": func(c []*plumbv1.FeatureColumn) { c[0].Statuses[0] = byte(plumbv1.Status_INVALID) },
	} {
		t.Run(name, func(t *testing.T) {
			s := openWithWorth(t, unedited)
			s.materialize(at(0))
			request := worths(t, "a", "a")
			selection := must(s.current().SelectService("worths", false))(t)
			reply := must(must(lookup.New(selection))(t).Reply(t.Context(), s.online, lookup.Request{Keys: request.GetKeys(),
				Inputs: request.GetInputs(), At: at(0)}))(t)
			defer reply.Release()
			var answer plumbv1.GetOnlineFeaturesResponse
			if err := proto.Unmarshal(must(reply.WithReads())(t), &answer); err != nil {
				t.Fatal(err)
			}
			forge(answer.GetColumns())
			layout := s.recorder.Layout(auditlog.Selected{Project: "shops", Revision: s.current().Revision, Service: "worths"},
				selection)
			s.recorder.Offer(&auditlog.Entry{Layout: layout, ServedAt: at(0), At: at(0), Keys: request.GetKeys(),
				Inputs: request.GetInputs(), Stored: reply.Stored(), Rows: []int32{0, 1}, Count: 2},
				must(proto.Marshal(&answer))(t))
			expect(t, s.audit(), "worth", audit.Unexplained, 1, "the expression gives another value for what was served")
		})
	}
}

func TestWhatIsLoggedAsHashesIsNotComputedAgain(t *testing.T) {
	withKey := func(s *shop) { s.hasher = auditlog.NewHasher("secret") }
	for name, c := range map[string]struct {
		edit   func(*plumbv1.OnDemandView)
		reason string
	}{
		"an input": {func(v *plumbv1.OnDemandView) { v.Request[0].Sensitive = true },
			"has hashes of pieces, which on-demand view worth reads"},
		"a feature": {func(v *plumbv1.OnDemandView) { v.Features[1].Sensitive = true },
			`has hashes of feature "asked" of on-demand view worth`},
	} {
		s := openWithWorth(t, c.edit, withKey)
		s.materialize(at(0))
		must(s.client.GetOnlineFeatures(t.Context(), worths(t, "a")))(t)
		report := s.audit()
		if report.Values != 5 || report.Matched != 1 || report.NotCompared != 4 || len(report.Skipped) != 1 ||
			!strings.Contains(report.Skipped[0].Reason, c.reason) {
			t.Errorf("%s: %+v", name, report)
		}
	}
}
