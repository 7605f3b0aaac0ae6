package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
)

// definitions draws from few names and values, so that consecutive draws often differ in one thing only.
func definitions(t *rapid.T) *plumbv1.Definitions {
	types := rapid.SampledFrom([]plumbv1.Type{plumbv1.Type_INT64, plumbv1.Type_STRING})
	// Numbers are drawn small by preference, elements of a list are not.
	chance := rapid.SampledFrom([]bool{true, false, false, false, false, false, false})
	rarely := func(label string) bool { return chance.Draw(t, label) }
	d := &plumbv1.Definitions{}
	for _, name := range []string{"e1", "e2"} {
		d.Entities = append(d.Entities, &plumbv1.Entity{Name: name,
			JoinKeys: []*plumbv1.JoinKey{{Name: "key_of_" + name, Type: types.Draw(t, "key")}}})
	}
	d.Sources = []*plumbv1.Source{
		parquet("p1", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "path")),
		parquet("p2", "c"),
		query("q1", "SELECT * FROM "+rapid.SampledFrom([]string{"p1", "p2"}).Draw(t, "from")),
		query("q2", "SELECT * FROM q1"),
	}
	for _, name := range []string{"v1", "v2"} {
		if rarely("no " + name) {
			continue
		}
		view := &plumbv1.FeatureView{Name: name, Source: "p1", Entities: []string{"e1"}}
		if rarely("query") {
			view.Source = "q2"
		}
		if rarely("entity") {
			view.Entities = []string{"e2"}
		}
		if hours := rapid.IntRange(0, 2).Draw(t, "hours"); hours > 0 {
			view.Ttl = durationpb.New(time.Duration(hours) * time.Hour)
		}
		features := rapid.Permutation([]string{"f1", "f2", "f3"}).Draw(t, "features")
		for _, feature := range features[rapid.IntRange(0, 2).Draw(t, "left out"):] {
			f := &plumbv1.Feature{Name: feature, Type: plumbv1.Type_INT64}
			if rarely("type") {
				f.Type = plumbv1.Type_STRING
			}
			if rarely("column") {
				f.Column = "another"
			}
			view.Features = append(view.Features, f)
		}
		d.FeatureViews = append(d.FeatureViews, view)
		d.FeatureServices = append(d.FeatureServices, &plumbv1.FeatureService{Name: "of_" + name,
			Features: []*plumbv1.ViewReference{{View: name}}})
	}
	return d
}

// edit draws one part anew, or several.
func edit(t *rapid.T, old *plumbv1.Definitions) *plumbv1.Definitions {
	drawn := definitions(t)
	parts := rapid.SampledFrom([]string{"v1", "v1", "v2", "v2", "entities", "sources"})
	anew := rapid.SliceOfNDistinct(parts, 1, 2, rapid.ID).Draw(t, "anew")
	if !slices.Contains(anew, "entities") {
		drawn.Entities = old.Entities
	}
	if !slices.Contains(anew, "sources") {
		drawn.Sources = old.Sources
	}
	for i, view := range drawn.FeatureViews {
		if former := viewOf(old, view.GetName()); former != nil && !slices.Contains(anew, view.GetName()) {
			drawn.FeatureViews[i] = former
		}
	}
	return drawn
}

func viewOf(d *plumbv1.Definitions, name string) *plumbv1.FeatureView {
	at := slices.IndexFunc(d.GetFeatureViews(), func(v *plumbv1.FeatureView) bool { return v.GetName() == name })
	if at < 0 {
		return nil
	}
	return d.GetFeatureViews()[at]
}

// meaning spells out what decides every stored value of a view but the features themselves: keys, source, and over SQL
// the features that break ties (R3).
func meaning(d *plumbv1.Definitions, view *plumbv1.FeatureView) string {
	text := ""
	for _, entity := range d.GetEntities() {
		if slices.Contains(view.GetEntities(), entity.GetName()) {
			text += fmt.Sprintln(entity.GetName(), entity.GetJoinKeys()[0].GetType())
		}
	}
	source := view.GetSource()
	for range 3 { // q2 reads q1, which reads p1 or p2
		for _, s := range d.GetSources() {
			source = strings.ReplaceAll(source, s.GetName(), s.GetParquet().GetPath()+s.GetSql().GetQuery())
		}
	}
	text += source
	if view.GetSource() == "q2" {
		for _, feature := range view.GetFeatures() {
			text += "\n" + feature.GetName()
		}
	}
	return text
}

func origin(f *plumbv1.Feature) string {
	if f.GetColumn() == "" {
		return f.GetType().String() + " " + f.GetName()
	}
	return f.GetType().String() + " " + f.GetColumn()
}

// checkRows checks a view's layout against what its stored rows may be: written under any revision of the generation,
// and complete since its rebuild.
func checkRows(t *rapid.T, past []*plumbv1.Definitions, registered *plumbv1.RegisteredView) {
	now := past[len(past)-1]
	view := viewOf(now, registered.GetName())
	for revision := registered.GetGeneration(); revision <= int64(len(past)); revision++ {
		then := viewOf(past[revision-1], view.GetName())
		if then == nil || meaning(past[revision-1], then) != meaning(now, view) {
			t.Fatalf("rows of %s of revision %d mean something else now", view.GetName(), revision)
		}
		for _, feature := range view.GetFeatures() {
			former := slices.IndexFunc(then.GetFeatures(), func(f *plumbv1.Feature) bool {
				return f.GetName() == feature.GetName()
			})
			if former >= 0 && origin(then.GetFeatures()[former]) != origin(feature) {
				t.Fatalf("rows of %s of revision %d hold another %s", view.GetName(), revision, feature.GetName())
			}
			if former < 0 && revision >= registered.GetRebuild() {
				t.Fatalf("rows of %s of revision %d lack %s", view.GetName(), revision, feature.GetName())
			}
		}
		if !hasSchema(registered, then) {
			t.Fatalf("rows of %s of revision %d cannot be read", view.GetName(), revision)
		}
		ttl, forgetting := view.GetTtl().AsDuration(), then.GetTtl().AsDuration()
		if revision >= registered.GetRebuild() && forgetting != 0 && (ttl == 0 || ttl > forgetting) {
			t.Fatalf("rows of %s of revision %d may have been forgotten", view.GetName(), revision)
		}
	}
	last := len(registered.GetSchemas()) - 1
	if !hasSchema(&plumbv1.RegisteredView{Schemas: registered.GetSchemas()[last:]}, view) {
		t.Fatalf("the current schema of %s is %v", view.GetName(), registered.GetSchemas()[last])
	}
}

// hasSchema says whether one of the schemas is that of rows written under the view as it was then.
func hasSchema(registered *plumbv1.RegisteredView, then *plumbv1.FeatureView) bool {
	same := func(s *plumbv1.SchemaField, f *plumbv1.Feature) bool {
		return s.GetName() == f.GetName() && s.GetType() == f.GetType()
	}
	return slices.ContainsFunc(registered.GetSchemas(), func(schema *plumbv1.ViewSchema) bool {
		return slices.EqualFunc(schema.GetFields(), then.GetFeatures(), same)
	})
}

func TestR3R13_WhateverIsAppliedInTurn_StoredRowsMeanWhatTheLayoutSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		current := snapshot(t, 0, nil)
		desired := definitions(t)
		var past []*plumbv1.Definitions
		for range rapid.IntRange(1, 8).Draw(t, "revisions") {
			p := plan.New(current, desired)
			if !p.Empty() {
				past = append(past, desired)
				current = snapshot(t, p.Base+1, p.State())
			}
			again := plan.New(current, desired)
			if !again.Empty() {
				t.Fatalf("what was just applied changes %v", again.Changes)
			}
			if diff := cmp.Diff(current.State, again.State(), protocmp.Transform()); diff != "" {
				t.Fatalf("the state is no fixed point: %s", diff)
			}
			for _, registered := range current.State.GetViews() {
				checkRows(t, past, registered)
			}
			desired = edit(t, desired)
		}
	})
}

func TestRowsAreKept_WhereNothingOfTheirsChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := definitions(t)
		p := plan.New(snapshot(t, 0, nil), before)
		after := edit(t, before)
		current := snapshot(t, 1, p.State())
		for _, registered := range plan.New(current, after).State().GetViews() {
			then, now := viewOf(before, registered.GetName()), viewOf(after, registered.GetName())
			same := then != nil && meaning(before, then) == meaning(after, now) &&
				cmp.Equal(then.GetFeatures(), now.GetFeatures(), protocmp.Transform()) && then.GetSource() == now.GetSource()
			if same && registered.GetGeneration() != 1 {
				t.Fatalf("rows of %s were set aside for nothing", now.GetName())
			}
		}
	})
}
