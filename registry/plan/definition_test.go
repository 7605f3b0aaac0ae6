package plan_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
)

// applied plans edits one after the other and returns the last revision.
func applied(t fataler, current *feature.Snapshot, edits ...func(d *plumbv1.Definitions)) *feature.Snapshot {
	t.Helper()
	desired := flights()
	if current.Revision > 0 {
		desired = proto.CloneOf(current.State.GetDefinitions())
	}
	for _, edit := range edits {
		edit(desired)
		p := plan.New(current, desired)
		current = snapshot(t, p.Base+1, p.State())
	}
	return current
}

func revisionOf(t fataler, snapshot *feature.Snapshot, name string) int64 {
	t.Helper()
	view, err := snapshot.View(name)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return view.Revision
}

func TestAViewKeepsTheRevisionAtWhichItsDefinitionCameToBe(t *testing.T) {
	describe := func(d *plumbv1.Definitions) { viewOf(d, "weather").Description = "hourly" }
	shorten := func(d *plumbv1.Definitions) { viewOf(d, "weather").Ttl = durationpb.New(time.Hour) }
	lengthen := func(d *plumbv1.Definitions) { viewOf(d, "weather").Ttl = durationpb.New(3 * time.Hour) }
	current := snapshot(t, 0, nil)
	for _, c := range []struct {
		name    string
		edit    func(d *plumbv1.Definitions)
		weather int64
	}{
		{"when it comes", nothing, 1},
		{"a description", describe, 1},
		{"a shorter ttl", shorten, 3},
		{"another description", func(d *plumbv1.Definitions) { viewOf(d, "weather").Description = "by the hour" }, 3},
		{"the former ttl", lengthen, 5},
	} {
		current = applied(t, current, c.edit)
		if got := revisionOf(t, current, "weather"); got != c.weather {
			t.Errorf("after %s: weather is of revision %d, want %d", c.name, got, c.weather)
		}
		if got := revisionOf(t, current, "plane"); got != 1 {
			t.Errorf("after %s: plane is of revision %d, want 1", c.name, got)
		}
	}
}

func TestWhatAnOlderVersionApplied_IsOfNoKnownRevisionUntilItChanges(t *testing.T) {
	current := applied(t, snapshot(t, 0, nil), nothing)
	// An older version carries on what it does not know, whatever it changes.
	state := proto.CloneOf(current.State)
	viewOf(state.GetDefinitions(), "weather").Ttl = nil
	current = snapshot(t, 2, state)
	if got := revisionOf(t, current, "weather"); got != 0 {
		t.Errorf("after an older version changed it weather is of revision %d, want 0", got)
	}
	current = applied(t, current, func(d *plumbv1.Definitions) { viewOf(d, "weather").Description = "hourly" })
	if got := revisionOf(t, current, "weather"); got != 0 {
		t.Errorf("after a description weather is of revision %d, want 0", got)
	}
	// Its former ttl gives it the former hash, which must not bring the former revision back.
	current = applied(t, current, func(d *plumbv1.Definitions) {
		viewOf(d, "weather").Ttl = durationpb.New(3 * time.Hour)
	})
	if got := revisionOf(t, current, "weather"); got != 4 {
		t.Errorf("after a change weather is of revision %d, want 4", got)
	}
}

// Whatever is applied in turn, all revisions since the one that a view keeps have its hash, and the one before has not.
func TestTheRevisionOfADefinitionIsTheFirstWithItsHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		past := []*feature.Snapshot{snapshot(t, 0, nil)}
		desired := definitions(t)
		for range rapid.IntRange(1, 8).Draw(t, "revisions") {
			current := past[len(past)-1]
			if p := plan.New(current, desired); !p.Empty() {
				past = append(past, snapshot(t, p.Base+1, p.State()))
			}
			desired = edit(t, desired)
		}
		for _, view := range past[len(past)-1].Views() {
			for revision, then := range past {
				before, err := then.View(view.Name)
				same := err == nil && before.Hash == view.Hash
				if int64(revision) >= view.Revision && !same || int64(revision) == view.Revision-1 && same {
					t.Fatalf("%s is of revision %d; at %d its hash is the same: %t", view.Name, view.Revision, revision, same)
				}
			}
		}
	})
}
