package registrytest

import "testing"

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
