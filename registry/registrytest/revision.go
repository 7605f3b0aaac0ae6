package registrytest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func revisionNumber(t *testing.T, open Database) {
	engine, other := open(t), open(t)
	for want := range int64(3) {
		for name, engine := range map[string]Engine{"same handle": engine, "another handle": other} {
			if got, err := engine.Revision(t.Context(), "test"); err != nil || got != want {
				t.Fatalf("%s: revision is %d, %v; want %d", name, got, err, want)
			}
			// R16
			if got, err := engine.Revision(t.Context(), "mytest"); err != nil || got != 0 {
				t.Fatalf("%s: the revision of another project is %d, %v", name, got, err)
			}
		}
		apply(t, engine, "test", want, described(""))
	}
}

func revisionByNumber(t *testing.T, open Database) {
	engine := open(t)
	states := []*plumbv1.State{stateOf(view{"weather", 1, 1}), {}, stateOf(view{"plane", 3, 3})}
	for base, state := range states {
		apply(t, engine, "test", int64(base), state)
	}
	apply(t, engine, "mytest", 0, &plumbv1.State{})
	for i, want := range states {
		snapshot, err := open(t).At(t.Context(), "test", int64(i)+1)
		if err != nil {
			t.Fatal(err)
		}
		if snapshot.Revision != int64(i)+1 || snapshot.Project != "test" {
			t.Errorf("revision %d came back as %d of %q", i+1, snapshot.Revision, snapshot.Project)
		}
		if diff := cmp.Diff(want, snapshot.State, protocmp.Transform(), protocmp.IgnoreEmptyMessages()); diff != "" {
			t.Errorf("revision %d: %s", i+1, diff)
		}
	}
	for project, revision := range map[string]int64{"test": 4, "mytest": 2, "no": 1, "": 0} {
		var missing *fault.NotFoundError
		if _, err := engine.At(t.Context(), project, revision); !errors.As(err, &missing) {
			t.Errorf("revision %d of %q, which is not there: %v", revision, project, err)
		}
	}
}
