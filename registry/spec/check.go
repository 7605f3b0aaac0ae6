package spec

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// Read loads the definitions of a project and checks them: it is Load and then Check. The error is a *Problems that
// lists every mistake, or a fault.
func Read(ctx context.Context, root string, paths []string, inspector Inspector) (*plumbv1.Definitions, error) {
	set, err := Load(root, paths)
	return set.checked(ctx, inspector, err)
}

// ReadTexts is Read for definition files that are given whole: it is Parse and then Check.
func ReadTexts(ctx context.Context, texts []Text, inspector Inspector) (*plumbv1.Definitions, error) {
	set, err := Parse(texts)
	return set.checked(ctx, inspector, err)
}

// checked returns the definitions of a set that Check accepts. Check repeats the mistakes that reading the set ended
// with; where there is no set, reading met a fault.
func (s *Set) checked(ctx context.Context, inspector Inspector, reading error) (*plumbv1.Definitions, error) {
	if s == nil {
		return nil, reading
	}
	if err := s.Check(ctx, inspector); err != nil {
		return nil, err
	}
	return s.Definitions, nil
}

// Check checks the set as a whole. The error is a *Problems that also lists what reading found, or a fault: what the
// Inspector returned that was no *registry.InputError, as it is. With a nil Inspector, sources are not looked into.
func (s *Set) Check(ctx context.Context, inspector Inspector) error {
	c := &checker{Set: s}
	c.entities = indexNames(c, "entity", s.Definitions.GetEntities())
	c.sources = indexNames(c, "source", s.Definitions.GetSources())
	c.views = indexNames(c, "feature view", s.Definitions.GetFeatureViews())
	indexNames(c, "feature service", s.Definitions.GetFeatureServices())
	for _, entity := range s.Definitions.GetEntities() {
		indexNames(c, "join key", entity.GetJoinKeys())
	}
	for _, view := range s.Definitions.GetFeatureViews() {
		c.checkView(view)
	}
	for _, service := range s.Definitions.GetFeatureServices() {
		c.checkService(service)
	}
	if inspector != nil {
		if err := c.checkSources(ctx, inspector); err != nil {
			return err
		}
	}
	return NewProblems(slices.Concat(s.problems, c.found))
}

// checker is one run of Check. It leaves the set as it was.
type checker struct {
	*Set
	found []Problem

	entities map[string]*plumbv1.Entity
	sources  map[string]*plumbv1.Source
	views    map[string]*plumbv1.FeatureView
}

// path leads to a part of a message, as in Set.Position.
type path []string

// add reports a problem at the value that the path leads to.
func (c *checker) add(message proto.Message, at path, format string, args ...any) {
	value, _ := c.locate(message, at)
	c.found = append(c.found, value.problem(format, args...))
}

// addAtKey reports a problem at the key that the path leads to.
func (c *checker) addAtKey(message proto.Message, at path, format string, args ...any) {
	_, key := c.locate(message, at)
	c.found = append(c.found, key.problem(format, args...))
}

type named interface {
	proto.Message
	GetName() string
}

// indexNames reports names that are given twice, and returns the first of each. Things without a name are left out:
// that has been reported.
func indexNames[T named](c *checker, kind string, things []T) map[string]T {
	index := map[string]T{}
	for _, thing := range things {
		name := thing.GetName()
		if first, ok := index[name]; ok {
			c.add(thing, path{"name"}, "there are two definitions of %s %q, the first at %s; rename or remove one", kind, name,
				c.Position(first, "name"))
		} else if name != "" {
			index[name] = thing
		}
	}
	return index
}

func namesOf[T named](things []T) []string {
	var names []string
	for _, thing := range things {
		if thing.GetName() != "" {
			names = append(names, thing.GetName())
		}
	}
	return names
}

// mayLack says whether the list of Definitions, which is called list, may have more in it than could be read, so that a
// name which is not there proves nothing.
func mayLack[T named](c *checker, list string, things []T) bool {
	return c.incomplete[list] || len(namesOf(things)) < len(things)
}

// suggest ends a sentence about a name that is not there.
func suggest(name string, known []string) string {
	if closest := registry.Closest(name, known); closest != "" {
		return "did you mean \"" + closest + "\"?"
	}
	if len(known) == 0 {
		return "none is defined"
	}
	known = slices.Compact(slices.Sorted(slices.Values(known)))
	const most = 8
	if len(known) > most {
		known = append(known[:most], "…")
	}
	return "known: " + strings.Join(known, ", ")
}
