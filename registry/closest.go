package registry

import "github.com/agnivade/levenshtein"

// Closest returns the name that differs least from the one given, for "did you mean": in at most a third of its letters,
// and at most one more than that. It returns "" where none is that close.
func Closest(name string, names []string) string {
	best, least := "", len(name)/3+2
	for _, candidate := range names {
		if d := levenshtein.ComputeDistance(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}
