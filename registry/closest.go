package registry

import "github.com/agnivade/levenshtein"

// Closest returns the name that differs least from the one given, for "did you mean": in at most a third of its
// letters, and at most one more than that. It returns "" where none is that close, and for what is too long to be a
// name: the comparison takes time in proportion to its length.
func Closest(name string, names []string) string {
	const longest = 100
	if len(name) > longest {
		return ""
	}
	best, least := "", len(name)/3+2
	for _, candidate := range names {
		if d := levenshtein.ComputeDistance(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}
