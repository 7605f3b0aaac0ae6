package fault

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Closest returns the name that differs least from the one given, for "did you mean": in at most a third of its
// letters, and at most one more than that. Case counts only between names that are equally close without it. It returns
// "" if none is that close, and for what is too long to be a name, since the time of the comparison is proportional to
// its length.
func Closest(name string, names []string) string {
	const longest = 100
	if len(name) > longest {
		return ""
	}
	folded := strings.ToLower(name)
	best, least, leastExact := "", len(name)/3+2, 0
	for _, candidate := range names {
		distance := levenshtein.ComputeDistance(folded, strings.ToLower(candidate))
		exact := levenshtein.ComputeDistance(name, candidate)
		if distance < least || distance == least && best != "" && exact < leastExact {
			best, least, leastExact = candidate, distance, exact
		}
	}
	return best
}
