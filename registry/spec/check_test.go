package spec_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/spec"
)

// TestR10_WhatCheckAcceptsResolves draws small definitions in which names meet often, and checks that the registry can
// resolve every service of those that Check accepts: no name is missing, and no output or label column collides.
func TestR10_WhatCheckAcceptsResolves(t *testing.T) {
	folder := t.TempDir()
	accepted := 0
	check := func(rt *rapid.T) {
		text, err := spec.Marshal(drawProject(rt))
		if err != nil {
			rt.Fatal(err)
		}
		if err := os.WriteFile(folder+"/a.yaml", text, 0o644); err != nil {
			rt.Fatal(err)
		}
		definitions, err := spec.Read(t.Context(), folder, []string{"a.yaml"}, nil)
		if _, ok := errors.AsType[*spec.Problems](err); ok {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		accepted++
		if err := resolve(definitions); err != nil {
			rt.Fatalf("Check accepts, and the registry says %v\n%s", err, text)
		}
	}
	// Few of the definitions are accepted; a hundred draws may have none.
	const enough, rounds = 10, 50
	for round := 0; accepted < enough && round < rounds; round++ {
		rapid.Check(t, check)
	}
	if accepted < enough {
		t.Errorf("only %d were accepted and checked", accepted)
	}
}

// resolve selects every service of the definitions.
func resolve(definitions *plumbv1.Definitions) error {
	state := &plumbv1.State{Definitions: definitions}
	for _, view := range definitions.GetFeatureViews() {
		state.Views = append(state.Views, &plumbv1.RegisteredView{Name: view.GetName(), Schemas: []*plumbv1.ViewSchema{{}}})
	}
	snapshot, err := feature.NewSnapshot("test", 1, state)
	if err != nil {
		return err
	}
	for _, service := range definitions.GetFeatureServices() {
		selection, err := snapshot.SelectService(service.GetName(), false)
		if err != nil {
			return err
		}
		keys, err := selection.Keys()
		if err != nil {
			return err
		}
		for _, key := range keys {
			for _, output := range selection.Outputs {
				if output.Name == key.Name {
					return errors.New("label column " + key.Name + " is an output too")
				}
			}
		}
	}
	return nil
}

func drawProject(t *rapid.T) *plumbv1.Definitions {
	draw := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	keyTypes := rapid.SampledFrom([]plumbv1.Type{plumbv1.Type_STRING, plumbv1.Type_INT64})
	definitions := &plumbv1.Definitions{Sources: []*plumbv1.Source{{
		Name: "s", EventTimestamp: "t",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/s.parquet"}},
	}}}
	for _, name := range []string{"e", "f"} {
		definitions.Entities = append(definitions.Entities, &plumbv1.Entity{Name: name, JoinKeys: []*plumbv1.JoinKey{
			{Name: draw("key", name, "k", "b"), Type: keyTypes.Draw(t, "type")},
		}})
	}
	for _, name := range []string{"v", "w"} {
		view := &plumbv1.FeatureView{Name: name, Source: draw("source", "s", "s", "s", "x")}
		view.Entities = rapid.SliceOfN(rapid.SampledFrom([]string{"e", "e", "f", "f", "g"}), 0, 2).Draw(t, "entities")
		for range rapid.IntRange(1, 2).Draw(t, "features") {
			view.Features = append(view.Features, &plumbv1.Feature{Name: draw("feature", "a", "b", "c"), Type: drawType(t)})
		}
		definitions.FeatureViews = append(definitions.FeatureViews, view)
	}
	service := &plumbv1.FeatureService{Name: "m", FullNames: rapid.Bool().Draw(t, "full")}
	for range rapid.IntRange(1, 3).Draw(t, "references") {
		reference := &plumbv1.ViewReference{View: draw("view", "v", "v", "w", "w", "x")}
		reference.As = draw("as", "", "", "v", "o", "p")
		if rapid.Bool().Draw(t, "maps") {
			reference.JoinKeys = map[string]string{draw("key", "k", "e", "f", "b"): draw("label", "k", "l", "a", "v__a")}
		}
		reference.Features = rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2).Draw(t, "wanted")
		service.Features = append(service.Features, reference)
	}
	definitions.FeatureServices = []*plumbv1.FeatureService{service}
	return definitions
}

func TestNamesFollowOneRuleEverywhere(t *testing.T) {
	name := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9_é\n]{1,6}`), rapid.StringMatching(`[a-z]{62,64}`),
		rapid.SampledFrom([]string{"a", "a_", "a__", "_", "a_b_c", "a__b", "1"}))
	rapid.Check(t, func(t *rapid.T) {
		entity := &plumbv1.Entity{Name: name.Draw(t, "name"), JoinKeys: []*plumbv1.JoinKey{
			{Name: "id", Type: plumbv1.Type_INT64},
		}}
		inSchema, inCode := protovalidate.Validate(entity), spec.CheckName(entity.GetName())
		if (inSchema == nil) != (inCode == nil) {
			t.Fatalf("%q: the schema says %v, CheckName says %v", entity.GetName(), inSchema, inCode)
		}
	})
}

func TestProblemsOfADocumentNameTheFile(t *testing.T) {
	if root, err := spec.Document("plumb.yaml", []byte("a: 1\r\nb: 2\r\n")); err != nil || len(root.Content) != 4 {
		t.Errorf("got %v, %v", root, err)
	}
	_, err := spec.Document("plumb.yaml", []byte("a: [1\r\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "plumb.yaml:") {
		t.Errorf("got %v", err)
	}
}
