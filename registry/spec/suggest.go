package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// maxComparisons bounds the names that a check compares with those that are not there. That is each of a thousand
// mistakes with a thousand names; beyond it no closest name is looked for.
const maxComparisons = 1_000_000

// names are what a name that is not there may have been meant to be.
type names struct {
	all []string
	// lacking says that some things have no name, so that one which is not there proves nothing.
	lacking bool
	has     map[string]bool
	// first are the first few in order, once they have been asked for.
	first []string
}

func newNames(all []string) *names {
	n := &names{all: all, has: make(map[string]bool, len(all))}
	for _, name := range all {
		n.has[name] = true
	}
	return n
}

func namesOf[T named](things []T) *names {
	var all []string
	for _, thing := range things {
		if thing.GetName() != "" {
			all = append(all, thing.GetName())
		}
	}
	n := newNames(all)
	n.lacking = len(all) < len(things)
	return n
}

// mayLack says whether the list of Definitions, which is called list and has the names, may have more in it than could
// be read, so that a name which is not there proves nothing.
func (c *checker) mayLack(list string, known *names) bool { return c.incomplete[list] || known.lacking }

// suggest ends a sentence about a name that is not there, once somebody reads it.
func (c *checker) suggest(name string, known *names) fmt.Stringer { return suggestion{c, name, known} }

type suggestion struct {
	checker *checker
	name    string
	known   *names
}

// String is the end of the sentence.
func (s suggestion) String() string {
	if s.checker.budget -= len(s.known.all); s.checker.budget >= 0 {
		if closest := fault.Closest(s.name, s.known.all); closest != "" {
			return "did you mean \"" + closest + "\"?"
		}
	}
	return s.known.list()
}

func (n *names) list() string {
	const most = 8
	if n.first == nil {
		n.first = slices.Compact(slices.Sorted(slices.Values(n.all)))
		if len(n.first) > most {
			n.first = append(slices.Clone(n.first[:most]), "…")
		}
	}
	if len(n.first) == 0 {
		return "none is defined"
	}
	return "known: " + strings.Join(n.first, ", ")
}
