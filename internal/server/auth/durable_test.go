package auth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
	"github.com/plumbstore/plumb/internal/server/auth"
)

// A token is shown once, so the file has to have its hash by then; and a file that cannot be parsed takes the tokens of
// all others away.
func TestAnAddedTokenSurvivesAFaultOfTheDiskAtEveryOperation(t *testing.T) {
	entry := func(name string) auth.Entry {
		_, hash := auth.NewToken()
		return auth.Entry{Name: name, Hash: hash, Role: auth.Read, Projects: []string{"shops"}}
	}
	faults := []faulty.Fault{{Survivors: faulty.Nothing}, {Survivors: faulty.Removals}}
	for _, fault := range faulty.Faults() {
		if fault.Err != nil {
			faults = append(faults, fault)
		}
	}
	for _, before := range []int{0, 1} {
		faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
			folder := t.TempDir()
			path := filepath.Join(folder, "tokens.yaml")
			if before > 0 {
				if err := auth.AppendToken(disk.Real(), path, entry("before")); err != nil {
					t.Fatal(err)
				}
			}
			system := faulty.New(t, folder, fault)
			failure := auth.AppendToken(disk.On(system), path, entry("added"))
			system.PowerFails()
			text, err := os.ReadFile(path)
			if err != nil && (before > 0 || failure == nil) {
				t.Fatal(err)
			}
			entries, err := auth.ParseTokens(path, text)
			if err != nil {
				t.Fatalf("%v, in\n%s", err, text)
			}
			if len(entries) < before || failure == nil && len(entries) != before+1 {
				t.Errorf("there are %d tokens after %d, adding gave %v", len(entries), before, failure)
			}
			return system
		}, faults...)
	}
}

func TestOfTwoThatAddATokenOfOneNameOneIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	for round := range 50 {
		results := make(chan error)
		for range 2 {
			go func() {
				_, hash := auth.NewToken()
				results <- auth.AppendToken(disk.Real(), path,
					auth.Entry{Name: fmt.Sprintf("n%d", round), Hash: hash, Role: auth.Read, Projects: []string{"shops"}})
			}()
		}
		if one, other := <-results, <-results; (one == nil) == (other == nil) {
			t.Fatalf("got %v and %v", one, other)
		}
	}
}
