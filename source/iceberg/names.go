package iceberg

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (m *metadata) listedRefs() string { return listed(slices.Sorted(maps.Keys(m.Refs))) }

// listed are names in words, the last of them.
func listed(names []string) string {
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > mostListed:
		rest := len(names) - mostListed
		return fmt.Sprintf("%s and %d others", strings.Join(names[rest:], ", "), rest)
	}
	return strings.Join(names, ", ")
}
