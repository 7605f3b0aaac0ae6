package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// forgetDerived undoes what an earlier Check derived, since the sources may hold something else now.
func (s *Set) forgetDerived() {
	for view := range s.derived {
		view.Features = nil
	}
	clear(s.derived)
	for source, columns := range s.inferred {
		source.Columns = source.Columns[:len(source.Columns)-columns]
	}
	clear(s.inferred)
}

// deriveFeatures checks the columns of all sources and the aggregations of all views, and gives each view the features
// that its aggregations make.
func (c *checker) deriveFeatures(inspector Inspector, inspected map[string]columns) {
	readers := map[string][]*plumbv1.FeatureView{}
	for _, view := range c.Definitions.GetFeatureViews() {
		if len(view.GetAggregations()) > 0 {
			readers[view.GetSource()] = append(readers[view.GetSource()], view)
		}
	}
	for _, source := range c.Definitions.GetSources() {
		if c.sources[source.GetName()] != source {
			continue
		}
		columns := c.checkColumns(inspector, source, inspected[source.GetName()], readers[source.GetName()])
		for _, view := range readers[source.GetName()] {
			c.deriveView(view, columns)
		}
	}
	for _, view := range c.Definitions.GetFeatureViews() {
		if len(view.GetAggregations()) > 0 && !c.derived[view] {
			c.underived[view] = true
		}
	}
}

// deriveView checks the aggregations of a view, and gives it its features if there is nothing wrong with them.
func (c *checker) deriveView(view *plumbv1.FeatureView, columns *sourceColumns) {
	d := derivation{checker: c, view: view, names: map[string]*plumbv1.Aggregation{},
		sound: !c.isFaulty(view, "aggregations")}
	keys, _ := c.joinKeysOf(view)
	d.keys = namesOf(keys)
	for _, a := range view.GetAggregations() {
		d.aggregate(a, columns)
	}
	d.checkHops()
	if !d.sound || len(view.GetFeatures()) > 0 {
		return
	}
	c.derived[view] = true
	view.Features = d.features
}

type derivation struct {
	*checker
	view     *plumbv1.FeatureView
	features []*plumbv1.Feature
	// names has the aggregation that makes each feature.
	names map[string]*plumbv1.Aggregation
	keys  *names
	hops  []usedHop
	sound bool
}

// usedHop is a hop and where it comes from.
type usedHop struct {
	hop         time.Duration
	aggregation *plumbv1.Aggregation
	path        path
}

func (d *derivation) report(a *plumbv1.Aggregation, at path, format string, args ...any) {
	d.sound = false
	d.add(a, at, format, args...)
}

// maxFeatures bounds the features of a view.
const maxFeatures = 1000

// aggregate checks an aggregation, and adds its features.
func (d *derivation) aggregate(a *plumbv1.Aggregation, columns *sourceColumns) {
	if !d.isReadable(a) || !columns.has(a.GetOf()) || !columns.has(a.GetBy()) {
		d.sound = false
		return
	}
	aggregates, outputs, problems := feature.PlanAggregation(a, columns.fields)
	for _, problem := range problems {
		d.report(a, problem.Path, "%s", problem.Message)
	}
	if len(d.features)+len(outputs) > maxFeatures {
		if d.sound {
			d.report(a, nil, "the aggregations of view %q make more than %d features; make several views of it",
				d.view.GetName(), maxFeatures)
		}
		return
	}
	d.checkSpans(a, aggregates)
	for _, output := range outputs {
		d.addFeature(a, output.Field)
	}
}

// isReadable says whether nothing was reported about how an aggregation is written.
func (d *derivation) isReadable(a *plumbv1.Aggregation) bool {
	fields := a.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if d.isFaulty(a, string(fields.Get(i).Name())) {
			return false
		}
	}
	return !slices.ContainsFunc(a.GetFunctions(), func(f *plumbv1.AggregateFunction) bool {
		return d.isFaulty(f, allFields)
	})
}

// has says whether there is a column of a name and a type; no name is there too.
func (s *sourceColumns) has(name string) bool {
	return name == "" || slices.ContainsFunc(s.fields, func(f feature.Field) bool { return f.Name == name && f.Type != 0 })
}

func (d *derivation) addFeature(a *plumbv1.Aggregation, field feature.Field) {
	first, taken := d.names[field.Name]
	switch {
	case taken && first == a:
		d.report(a, nil, "the aggregation makes feature %q twice; take out the function or the window that is repeated",
			field.Name)
		return
	case taken:
		d.report(a, nil, "the aggregation makes feature %q, as the one at %s does; name one of them with as", field.Name,
			d.Position(first))
		return
	case d.keys.has[field.Name]:
		d.report(a, path{"as"}, "the aggregation makes feature %q, which is a join key of the view too; give it another "+
			"name with as", field.Name)
		return
	case field.Name == labelTime:
		d.report(a, path{"as"}, "%s is the name that results give to the time; give the feature another one with as",
			labelTime)
		return
	case CheckName(field.Name) != nil:
		d.report(a, nil, "the aggregation makes feature %q, which is too long for a name; name it with as", field.Name)
		return
	}
	d.names[field.Name] = a
	made := &plumbv1.Feature{Name: field.Name, Type: field.Type}
	d.places[made] = d.places[a]
	d.features = append(d.features, made)
}

const (
	// longestExact is the longest window that is served online from single events.
	longestExact = time.Hour
	// mostTiles is how many tiles a window may reach over online.
	mostTiles = 400
)

// checkSpans checks that windows can be kept online, and collects their hops.
func (d *derivation) checkSpans(a *plumbv1.Aggregation, aggregates []windows.Aggregate) {
	if len(aggregates) == 0 {
		return
	}
	online := d.view.Online == nil || d.view.GetOnline()
	for i := range a.GetWindows() {
		// The aggregates of each function have the windows in their order.
		span := aggregates[i].Span
		at := path{"windows", strconv.Itoa(i)}
		switch {
		case span.Length == 0:
		case span.Hop == 0:
			if online && micros(span.Length) > longestExact {
				d.report(a, path{"hop"}, "hop: exact cannot be served online for windows longer than 1h; set online: false, or "+
					"give a hop")
				return
			}
		default:
			if tiles := (span.Length + span.Offset - 1) / span.Hop; online && tiles+2 > mostTiles {
				d.report(a, at, "a window of %s that begins at multiples of %s keeps up to %d parts of an entity online, and at "+
					"most %d are kept; give a longer hop, or set online: false", a.GetWindows()[i], text(micros(span.Hop)), tiles+2,
					mostTiles)
			}
			if a.GetHop() != "" {
				at = path{"hop"}
			}
			d.hops = append(d.hops, usedHop{micros(span.Hop), a, at})
		}
	}
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func text(d time.Duration) string {
	short, err := feature.FormatDuration(d)
	if err != nil {
		return fmt.Sprint(d)
	}
	return short
}

// checkHops wants every longer hop to be a multiple of every shorter one (R19).
func (d *derivation) checkHops() {
	slices.SortStableFunc(d.hops, func(a, b usedHop) int { return cmp.Compare(a.hop, b.hop) })
	for i := 1; i < len(d.hops); i++ {
		shorter, longer := d.hops[i-1], d.hops[i]
		if longer.hop%shorter.hop != 0 {
			d.report(longer.aggregation, longer.path, "a hop of %s is no multiple of the hop of %s at %s, and of two hops in a "+
				"view the longer one must be; give another hop", text(longer.hop), text(shorter.hop),
				d.Position(shorter.aggregation, shorter.path...))
			return
		}
	}
}

// checkAggregated checks what a view with aggregations says beside them.
func (c *checker) checkAggregated(view *plumbv1.FeatureView) {
	if view.GetTtl() != nil {
		c.add(view, path{"ttl"}, "a view with aggregations has no ttl, since its windows say how far it looks back; leave "+
			"ttl out")
	}
	if view.GetPushLog() != nil {
		c.add(view, path{"push_log"}, "a view with aggregations takes no pushes yet; leave push_log out")
	}
}

// checkReadsRows refuses a view whose features are columns of a source that computes columns or filters.
func (c *checker) checkReadsRows(view *plumbv1.FeatureView) {
	source := c.sources[view.GetSource()]
	for _, field := range []string{"columns", "filter"} {
		if at, written := c.written(source, field); source != nil && written {
			c.add(view, path{"source"}, "source %q has %s, at %s, which only aggregations read; read another source that has "+
				"none", source.GetName(), field, at)
			return
		}
	}
}
