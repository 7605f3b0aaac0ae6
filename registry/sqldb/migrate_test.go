package sqldb

import (
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A registry's schema version means the same in every database.
func TestMigrationsAreTheSameInNameForEachEngine(t *testing.T) {
	names := map[string][]string{}
	for _, engine := range []string{"sqlite", "postgres"} {
		entries, err := fs.ReadDir(migrations, "migrations/"+engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			names[engine] = append(names[engine], entry.Name())
		}
	}
	if diff := cmp.Diff(names["sqlite"], names["postgres"]); diff != "" {
		t.Error(diff)
	}
}
