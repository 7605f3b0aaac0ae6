package spec

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Inspector reports what sources hold; offline stores implement it.
type Inspector interface {
	// ColumnsOfEach calls found with each of the sources in turn, and with its columns in its order or an error, which is
	// a *fault.InputError if what the user gave is wrong: a path or a query. If the mistake is in another source that this
	// one reads, the message names it, as in "source flights", and ends with that source's own message. An error of found
	// ends it and is returned.
	ColumnsOfEach(ctx context.Context, sources []*feature.Source,
		found func(*feature.Source, []feature.Column, error) error) error
	// EventWise returns a *fault.InputError that says why the rows of a source are not events that can be aggregated; nil
	// if they are.
	EventWise(ctx context.Context, source *feature.Source) error
	// CanBecome returns why values of the column can never be converted to the declared type, as a feature or as a join
	// key; nil if they may be.
	CanBecome(column feature.Column, declared plumbv1.Type, joinKey bool) error
	// CanBeTime returns why the column cannot be an event or created timestamp; nil if it can.
	CanBeTime(column feature.Column) error
}

// columns are what a source holds.
type columns []feature.Column

func (c columns) names() *names {
	all := make([]string, len(c))
	for i, column := range c {
		all[i] = column.Name
	}
	return newNames(all)
}

// find looks a column up by its exact name.
func (c columns) find(name string) (feature.Column, bool) {
	i := slices.IndexFunc(c, func(column feature.Column) bool { return column.Name == name })
	if i < 0 {
		return feature.Column{}, false
	}
	return c[i], true
}

// inspection is what was found in the sources.
type inspection struct {
	resolved map[string]*feature.Source
	// found has the columns of the sources that could be read.
	found map[string]columns
}

// inspect looks into each source once, and reports those that cannot be read. The error is a fault.
func (c *checker) inspect(ctx context.Context, inspector Inspector) (*inspection, error) {
	looks := &inspection{resolved: feature.ResolveSources(c.Definitions.GetSources()), found: map[string]columns{}}
	var readable []*feature.Source
	for _, source := range c.Definitions.GetSources() {
		if c.sources[source.GetName()] == source && !readsNothing(source) {
			readable = append(readable, looks.resolved[source.GetName()])
		}
	}
	failures := map[*plumbv1.Source]*fault.InputError{}
	err := inspector.ColumnsOfEach(ctx, readable, func(source *feature.Source, found []feature.Column, err error) error {
		if input, ok := errors.AsType[*fault.InputError](err); ok {
			failures[c.sources[source.Name]] = input
			return nil
		}
		looks.found[source.Name] = found
		return err
	})
	if err != nil {
		return nil, err
	}
	c.reportFailures(failures)
	return looks, nil
}

// checkSources checks each source and the views that read it. The error is a fault. Views of a source that cannot be
// read are left out: their columns would all be reported as missing.
func (c *checker) checkSources(ctx context.Context, inspector Inspector, looks *inspection) error {
	for _, source := range c.Definitions.GetSources() {
		if found, ok := looks.found[source.GetName()]; ok && c.sources[source.GetName()] == source {
			c.checkTimestamps(inspector, source, found)
		}
	}
	for _, view := range c.Definitions.GetFeatureViews() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if found, ok := looks.found[view.GetSource()]; ok {
			c.checkKeyColumns(inspector, view, found)
			if len(view.GetAggregations()) == 0 {
				c.checkFeatureColumns(inspector, view, found)
			} else if err := c.checkEvents(ctx, inspector, view, looks); err != nil {
				return err
			}
		}
	}
	return c.checkLogs(ctx, inspector, looks.resolved, looks.found)
}

// checkEvents refuses aggregations over a query whose rows are not events. The error is a fault.
func (c *checker) checkEvents(ctx context.Context, inspector Inspector, view *plumbv1.FeatureView, looks *inspection,
) error {
	err := inspector.EventWise(ctx, looks.resolved[view.GetSource()])
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		c.add(view, path{"source"}, "%s", oneLine(input.Error()))
		return nil
	}
	return err
}

// readsNothing reports whether a source lacks its path or its query, which is reported elsewhere.
func readsNothing(source *plumbv1.Source) bool {
	switch kind := feature.KindOf(source).(type) {
	case feature.Files:
		return kind.Path == ""
	case feature.Query:
		return kind.SQL == ""
	}
	return true
}

// reportFailures reports why sources cannot be read. What is said of a query because of another source that it reads is
// left out, as it is said of that one.
func (c *checker) reportFailures(failures map[*plumbv1.Source]*fault.InputError) {
	for source, failure := range failures {
		if followsFrom(source, failure.Error(), failures) {
			continue
		}
		at := path{"sql", "query"}
		if files, ok := feature.KindOf(source).(feature.Files); ok {
			at = path{files.Format.String(), "path"}
			switch {
			case files.Pull != nil:
				at = path{"postgres", "path"}
			case files.Iceberg != nil:
				at = path{"iceberg", "path"}
			case files.Delta != nil:
				at = path{"delta", "path"}
			}
		}
		isTold := !c.full()
		c.add(source, at, "%s", oneLine(failure.Error()))
		if isTold {
			c.found[len(c.found)-1].Excerpt = failure.Excerpt
		}
	}
}

func followsFrom(source *plumbv1.Source, message string, failures map[*plumbv1.Source]*fault.InputError) bool {
	if source.GetSql() == nil || mentions(message, source) {
		return false
	}
	for other, cause := range failures {
		if other != source && strings.HasSuffix(message, cause.Error()) && mentions(message, other) {
			return true
		}
	}
	return false
}

func mentions(message string, source *plumbv1.Source) bool {
	return strings.Contains(message, "source "+source.GetName()+":") ||
		strings.Contains(message, "source "+source.GetName()+" ")
}

// oneLine joins the lines of a message of an engine.
func oneLine(message string) string { return strings.Join(strings.Fields(message), " ") }

func (c *checker) checkTimestamps(inspector Inspector, source *plumbv1.Source, found columns) {
	timestamps := []struct{ field, column string }{
		{"event_timestamp", source.GetEventTimestamp()},
		{"created_timestamp", source.GetCreatedTimestamp()},
	}
	for _, timestamp := range timestamps {
		if timestamp.column == "" || c.isFaulty(source, timestamp.field) {
			continue
		}
		column, ok := found.find(timestamp.column)
		if !ok {
			c.add(source, path{timestamp.field}, "source %q has no column %q for its %s; %s", source.GetName(), timestamp.column,
				timestamp.field, c.suggest(timestamp.column, found.names()))
		} else if err := inspector.CanBeTime(column); err != nil {
			c.add(source, path{timestamp.field}, "column %q of source %q cannot be the %s: %s", column.Name, source.GetName(),
				timestamp.field, oneLine(err.Error()))
		}
	}
}

func (c *checker) checkKeyColumns(inspector Inspector, view *plumbv1.FeatureView, found columns) {
	known := found.names()
	for i, name := range view.GetEntities() {
		at := path{"entities", strconv.Itoa(i)}
		for _, key := range c.entities[name].GetJoinKeys() {
			if key.GetName() == "" || c.isFaulty(key, "name") {
				continue
			}
			wanted := cmp.Or(key.GetColumn(), key.GetName())
			column, ok := found.find(wanted)
			if !ok {
				c.add(view, at, "source %q has no column %q for the join key of entity %q; %s (column of the join key can name "+
					"another)", view.GetSource(), wanted, name, c.suggest(wanted, known))
			} else {
				c.checkType(inspector.CanBecome(column, key.GetType(), true), key.GetType(), column, view.GetSource(), view, at)
			}
		}
	}
}

func (c *checker) checkFeatureColumns(inspector Inspector, view *plumbv1.FeatureView, found columns) {
	known := found.names()
	for i, f := range view.GetFeatures() {
		field := "column"
		if f.GetColumn() == "" {
			field = "name"
		}
		name := cmp.Or(f.GetColumn(), f.GetName())
		if name == "" || c.isFaulty(f, "column") || c.isFaulty(f, field) {
			continue
		}
		column, ok := found.find(name)
		if !ok {
			c.add(f, path{field}, "source %q has no column %q; %s", view.GetSource(), name, c.suggest(name, known))
		} else if f.GetType() != 0 {
			c.checkType(inspector.CanBecome(column, f.GetType(), false), f.GetType(), column, view.GetSource(), view,
				path{"features", strconv.Itoa(i), "type"})
		}
	}
}

// checkType reports why a column cannot become the declared type, if there is a reason.
func (c *checker) checkType(reason error, declared plumbv1.Type, column feature.Column, source string,
	message proto.Message, at path,
) {
	if reason != nil && declared != 0 {
		c.add(message, at, "column %q of source %q does not fit type %s: %s; declare another type, or convert it in a SQL "+
			"source", column.Name, source, declared, oneLine(reason.Error()))
	}
}
