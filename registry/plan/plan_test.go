package plan_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/internal/printable"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/plan"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

// everything alters as much as one revision can.
func everything(d *plumbv1.Definitions) {
	d.Entities[1].Description = "an airline"
	d.Entities[1].Tags = map[string]string{"owner": "ops"}
	d.Entities = append(d.Entities, &plumbv1.Entity{Name: "plane",
		JoinKeys: []*plumbv1.JoinKey{{Name: "tailnum", Type: plumbv1.Type_STRING}}})
	d.Sources[2].GetSql().Query = "SELECT *\n  FROM flights\n WHERE delay > 0 AND delay < 600 AND carrier IS NOT NULL"
	weather(d).Ttl = durationpb.New(36 * time.Hour)
	weather(d).Features[0].Type = plumbv1.Type_FLOAT32
	weather(d).Features[1] = newFeature("visib", plumbv1.Type_FLOAT64)
	d.FeatureViews[2] = &plumbv1.FeatureView{Name: "aircraft", Entities: []string{"plane"}, Source: "planes",
		Features: []*plumbv1.Feature{newFeature("seats", plumbv1.Type_INT32)}}
	model(d).Features[0].JoinKeys["airport"] = "dest"
	d.FeatureServices = append(d.FeatureServices, &plumbv1.FeatureService{Name: "aircraft_model",
		Features: []*plumbv1.ViewReference{{View: "aircraft"}}})
}

func TestAPlanReads(t *testing.T) {
	plans := map[string]*plan.Plan{
		"first":      history(t),
		"everything": history(t, everything),
		"removal":    history(t, func(d *plumbv1.Definitions) { proto.Reset(d) }),
		"empty":      history(t, nothing),
	}
	for name, p := range plans {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			if err := p.WriteText(printable.To(&text)); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", text.Bytes())
			var document bytes.Buffer
			encoder := json.NewEncoder(&document)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(p); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", document.Bytes())
		})
	}
}

func TestChanges_AreOrderedByWhatDependsOnWhat(t *testing.T) {
	p := history(t, func(d *plumbv1.Definitions) {
		everything(d)
		d.FeatureServices = d.FeatureServices[1:]
		d.FeatureViews = slices.Delete(d.FeatureViews, 1, 2)
		d.Sources, d.Entities = slices.Delete(d.Sources, 2, 4), slices.Delete(d.Entities, 1, 2)
	})
	var got []string
	for _, change := range p.Changes {
		d := change.Describe()
		got = append(got, fmt.Sprintf("%s %s %s", d.Action, d.Kind, d.Name))
	}
	want := []string{
		"add entity plane", "add view aircraft", "alter view weather", "add service aircraft_model",
		"remove service delay_model", "remove view carrier_day", "remove view plane",
		"remove source carrier_days", "remove source delays", "remove entity carrier",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEachKindOfChange_HasItsOwnType(t *testing.T) {
	found := map[string]bool{}
	for _, p := range []*plan.Plan{
		history(t), history(t, everything),
		history(t, func(d *plumbv1.Definitions) { proto.Reset(d) }),
	} {
		for _, change := range p.Changes {
			found[reflect.TypeOf(change).Name()] = true
		}
	}
	for _, name := range []string{"AddEntity", "AddSource", "AddView", "AddService", "AlterEntity", "AlterSource",
		"AlterView", "AlterService", "RemoveEntity", "RemoveSource", "RemoveView", "RemoveService"} {
		if !found[name] {
			t.Errorf("no change is of type %s", name)
		}
	}
}

func TestOtherOrderAndSpelling_AreNoChange(t *testing.T) {
	p := history(t, func(d *plumbv1.Definitions) {
		slices.Reverse(d.Entities)
		slices.Reverse(d.Sources)
		slices.Reverse(d.FeatureServices)
		weather(d).Features[0].Column = "temp"
		weather(d).Online = new(true)
		model(d).Features[1].As = "carrier_day"
		model(d).Features[1].JoinKeys = map[string]string{"carrier": "carrier"}
		slices.Reverse(d.FeatureViews)
	})
	if !p.Empty() {
		t.Errorf("changes: %v", p.Changes)
	}
}

func TestAService_ChangesWithTheViewsItReads(t *testing.T) {
	p := history(t, func(d *plumbv1.Definitions) {
		weather(d).Features = append(weather(d).Features, newFeature("visib", plumbv1.Type_FLOAT64))
	})
	last := p.Changes[len(p.Changes)-1].Describe()
	want := plan.Description{Action: plan.Alter, Kind: plan.Service, Name: "delay_model", Differences: []plan.Difference{
		{Field: "outputs.origin_weather__visib", To: "FLOAT64"},
	}}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
}

func TestANewPlan_NeitherChangesNorKeepsWhatItIsGiven(t *testing.T) {
	definitions := flights()
	slices.Reverse(definitions.Sources)
	given := proto.CloneOf(definitions)
	p := plan.New(snapshot(t, 0, nil), definitions)
	state := p.State()
	if diff := cmp.Diff(given, definitions, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	weather(definitions).Source = "changed later"
	p.State().Views[0].Name = "changed later"
	if diff := cmp.Diff(state, p.State(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestDefinitionsThatDoNotResolve_AreComparedAsWritten(t *testing.T) {
	p := history(t, func(d *plumbv1.Definitions) {
		d.Entities, d.Sources = nil, nil
		model(d).FullNames = false
		d.FeatureViews = append(d.FeatureViews, &plumbv1.FeatureView{}, nil)
	})
	if p.Empty() {
		t.Error("the plan is empty")
	}
	if p := plan.New(snapshot(t, 0, nil), nil); !p.Empty() {
		t.Errorf("no definitions change %v", p.Changes)
	}
}

func TestACommit_SaysInOneLineEachWhatChanges(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := history(t, func(d *plumbv1.Definitions) {
		weather(d).Ttl, weather(d).Description = nil, "two\nlines"
		d.Entities = append(d.Entities, &plumbv1.Entity{Name: "plane"})
	})
	want := registry.Commit{Project: "nycflights", Base: 1, State: p.State(), By: "ada", At: at, Changes: []string{
		"add entity plane",
		"alter view weather: ttl removed, was 3h; description added: two lines; rebuild: 1 -> 2",
	}}
	if diff := cmp.Diff(want, p.Commit("ada", at), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatBecomesSensitiveOrNoLongerIs_IsListed(t *testing.T) {
	mark := func(sensitive bool) func(*plumbv1.Definitions) {
		return func(d *plumbv1.Definitions) {
			d.Entities[0].JoinKeys[0].Sensitive, weather(d).Features[1].Sensitive = sensitive, sensitive
		}
	}
	for want, edits := range map[string][]func(*plumbv1.Definitions){
		"sensitive added: true":       {nothing, mark(true)},
		"sensitive removed, was true": {mark(true), mark(false)},
	} {
		got := history(t, edits...).Commit("ada", time.Time{}).Changes
		wanted := []string{"alter entity airport: join_keys.airport." + want, "alter view weather: features.gust." + want}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestATTL_IsShownAsPeopleWriteIt(t *testing.T) {
	for text, d := range map[string]time.Duration{
		"2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "1h": time.Hour, "1h30m": 90 * time.Minute, "1m30s": 90 * time.Second,
		"10m": 10 * time.Minute, "7d1µs": 7*24*time.Hour + time.Microsecond, "20h10m": 20*time.Hour + 10*time.Minute,
		"30s": 30 * time.Second, "500ms": 500 * time.Millisecond, "10d1s": 240*time.Hour + time.Second,
	} {
		p := history(t, ttl(d))
		if got := p.Changes[0].Describe().Differences[0]; got.To != text {
			t.Errorf("%v is shown as %q, not %q", d, got.To, text)
		}
	}
}
