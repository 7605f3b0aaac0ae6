package spec

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
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
// with; if there is no set, reading met a fault.
func (s *Set) checked(ctx context.Context, inspector Inspector, reading error) (*plumbv1.Definitions, error) {
	if s == nil {
		return nil, reading
	}
	if err := s.Check(ctx, inspector); err != nil {
		return nil, err
	}
	return s.Definitions, nil
}

// Check checks the set as a whole, and adds to its definitions what follows from the rest of them. The error is a
// *Problems that also lists what reading found, or a fault: what the Inspector returned that was no *fault.InputError,
// as it is. With a nil Inspector, sources are not looked into.
func (s *Set) Check(ctx context.Context, inspector Inspector) error {
	c := newChecker(s)
	if err := c.check(ctx, inspector); err != nil {
		return err
	}
	return newProblems(slices.Concat(s.problems, c.found), s.more+c.more)
}

// check finds the mistakes. The error is a fault, or that the context is done: what a client sent may take long.
func (c *checker) check(ctx context.Context, inspector Inspector) error {
	c.entities = indexNames(c, "entity", c.Definitions.GetEntities())
	c.sources = indexNames(c, "source", c.Definitions.GetSources())
	c.views = indexNames(c, "feature view", c.Definitions.GetFeatureViews())
	c.onDemand = indexNames(c, "on-demand view", c.Definitions.GetOnDemandViews())
	indexNames(c, "feature service", c.Definitions.GetFeatureServices())
	for _, entity := range c.Definitions.GetEntities() {
		indexNames(c, "join key", entity.GetJoinKeys())
	}
	looks := &inspection{}
	if inspector != nil {
		var err error
		if looks, err = c.inspect(ctx, inspector); err != nil {
			return err
		}
	}
	c.deriveFeatures(inspector, looks.found)
	for _, source := range c.Definitions.GetSources() {
		c.checkPulled(source)
		c.checkTable(source)
	}
	for _, view := range c.Definitions.GetFeatureViews() {
		if err := c.checkView(ctx, view); err != nil {
			return err
		}
	}
	for _, view := range c.Definitions.GetOnDemandViews() {
		if err := c.checkOnDemandView(ctx, view); err != nil {
			return err
		}
	}
	for _, service := range c.Definitions.GetFeatureServices() {
		if err := c.checkService(ctx, service); err != nil {
			return err
		}
	}
	if inspector == nil {
		return nil
	}
	return c.checkSources(ctx, inspector, looks)
}

// checker is one run of Check.
type checker struct {
	*Set
	// found are the first mistakes, as many as the set has room for, and more counts the others.
	found []Problem
	more  int
	// budget is how many more names may be compared with those that are not there.
	budget int

	entities map[string]*plumbv1.Entity
	sources  map[string]*plumbv1.Source
	views    map[string]*plumbv1.FeatureView
	onDemand map[string]*plumbv1.OnDemandView
	// computing has the on-demand views whose expressions are right.
	computing map[*plumbv1.OnDemandView]*computing
	// underived has the views with aggregations whose features could not be made.
	underived map[proto.Message]bool

	entityNames, sourceNames, viewNames, onDemandNames *names
	// featureNames are those of the views that services have asked for so far.
	featureNames map[*plumbv1.FeatureView]*names
}

func newChecker(s *Set) *checker {
	s.forgetDerived()
	return &checker{
		Set:           s,
		budget:        maxComparisons,
		entityNames:   namesOf(s.Definitions.GetEntities()),
		sourceNames:   namesOf(s.Definitions.GetSources()),
		viewNames:     namesOf(s.Definitions.GetFeatureViews()),
		onDemandNames: namesOf(s.Definitions.GetOnDemandViews()),
		featureNames:  map[*plumbv1.FeatureView]*names{},
		computing:     map[*plumbv1.OnDemandView]*computing{},
		underived:     map[proto.Message]bool{},
	}
}

// isFaulty says whether something was reported about a field of a message, or about what it would have been derived
// from.
func (c *checker) isFaulty(message proto.Message, name string) bool {
	return c.Set.isFaulty(message, name) || name == "features" && c.underived[message]
}

// path leads to a part of a message, as in Set.Position.
type path []string

// full reports whether no more mistakes are reported.
func (c *checker) full() bool { return len(c.problems)+len(c.found) >= maxProblems }

// add reports a problem at the value that the path leads to. The arguments are formatted only if it is reported.
func (c *checker) add(message proto.Message, at path, format string, args ...any) {
	if c.full() {
		c.more++
		return
	}
	value, _ := c.locate(message, at)
	c.found = append(c.found, value.problem(format, args...))
}

// addAtKey reports a problem at the key that the path leads to.
func (c *checker) addAtKey(message proto.Message, at path, format string, args ...any) {
	if c.full() {
		c.more++
		return
	}
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
