package spec

import (
	"cmp"
	"context"
	"errors"
	slashpath "path"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/objects"
)

// checkPushLog refuses a push log that could not hold all rows, or whose rows others would read too. Two views that
// share a folder, and a source that reads a view's folder, would get rows with other columns, or count rows twice. A
// view is compared with those before it alone, so that each pair is reported once.
func (c *checker) checkPushLog(ctx context.Context, view *plumbv1.FeatureView) error {
	folder := view.GetPushLog().GetPath()
	if folder == "" || ctx.Err() != nil {
		return ctx.Err()
	}
	at := path{"push_log", "path"}
	if objects.IsLocation(folder) {
		location, err := objects.Parse(folder)
		switch {
		case err != nil:
			c.add(view, at, "%s", oneLine(err.Error()))
		case location.Key == "" || strings.ContainsAny(location.Key, "*?["):
			c.add(view, at, "%s has to name a folder in the bucket, without any of * ? [", folder)
		}
	}
	if source := c.sources[view.GetSource()]; source != nil && !isParquet(source) {
		kind := "SQL"
		if files, ok := feature.KindOf(source).(feature.Files); ok {
			kind = files.Format.String()
		}
		c.add(view, at, "view %q reads %s source %q, which has no place for pushed rows; push_log needs a Parquet source",
			view.GetName(), kind, source.GetName())
	}
	for _, other := range c.Definitions.GetFeatureViews() {
		if other == view {
			break
		}
		if overlap(folder, other.GetPushLog().GetPath()) {
			c.add(view, at, "the push log of view %q is in %s too; give each view a folder of its own", other.GetName(),
				other.GetPushLog().GetPath())
		}
	}
	for _, source := range c.Definitions.GetSources() {
		if reads(source.GetParquet().GetPath(), folder) {
			c.add(view, at, "source %q reads %s, and would read pushed rows as its own; name a folder elsewhere",
				source.GetName(), source.GetParquet().GetPath())
		}
		if overlap(folder, source.GetPostgres().GetPath()) {
			c.add(view, at, "%s has what is pulled for source %q; name a folder elsewhere", source.GetPostgres().GetPath(),
				source.GetName())
		}
	}
	c.checkLogColumns(view)
	return nil
}

// isParquet says whether a source's rows are in Parquet files.
func isParquet(source *plumbv1.Source) bool {
	files, ok := feature.KindOf(source).(feature.Files)
	return ok && files.Format == feature.Parquet
}

// checkLogColumns wants a column for each key, time and feature, since the log has one for each. Case does not
// distinguish them, since DuckDB finds the columns of a file without regard to it.
func (c *checker) checkLogColumns(view *plumbv1.FeatureView) {
	taken := map[string]string{}
	source := c.sources[view.GetSource()]
	for _, name := range []string{source.GetEventTimestamp(), source.GetCreatedTimestamp()} {
		taken[strings.ToLower(name)] = "the time " + name
	}
	for _, entity := range view.GetEntities() {
		for _, key := range c.entities[entity].GetJoinKeys() {
			taken[strings.ToLower(key.GetName())] = "the join key " + key.GetName()
		}
	}
	for i, f := range view.GetFeatures() {
		column := cmp.Or(f.GetColumn(), f.GetName())
		folded := strings.ToLower(column)
		if other, ok := taken[folded]; ok && column != "" {
			c.add(view, path{"features", strconv.Itoa(i)}, "feature %q is read from column %q as %s is, and a push may give "+
				"them different values; with a push_log each needs a column of its own", f.GetName(), column, other)
		}
		taken[folded] = "the feature " + f.GetName()
	}
}

// overlap says whether one of two folders is or lies in the other.
func overlap(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	a, b = slashpath.Clean(a)+"/", slashpath.Clean(b)+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// longestPath is that of Linux. No file has a longer one, and matching takes time in proportion to both lengths.
const longestPath = 4096

// reads says whether a source's path takes in files of a folder. The path is a folder, which takes in all below it, or
// a pattern, which is tried with the name that a file in the folder might have.
func reads(source, folder string) bool {
	if source == "" || max(len(source), len(folder)) > longestPath {
		return false
	}
	source, folder = slashpath.Clean(source), slashpath.Clean(folder)
	if strings.HasPrefix(folder+"/", source+"/") {
		return true
	}
	matches, err := doublestar.Match(source, folder+"/0.parquet")
	return err == nil && matches
}

// checkLogs looks into the push logs, whose files have to go together with those of the sources. The error is a fault.
func (c *checker) checkLogs(ctx context.Context, inspector Inspector, resolved map[string]*feature.Source,
	inspected map[string]columns,
) error {
	for _, view := range c.Definitions.GetFeatureViews() {
		folder := view.GetPushLog().GetPath()
		if _, ok := inspected[view.GetSource()]; !ok || folder == "" || len(view.GetAggregations()) > 0 ||
			resolved[view.GetSource()].IsQuery() {
			continue
		}
		logged := resolved[view.GetSource()].WithLog(view.GetName(), folder, c.logColumns(view))
		err := inspector.ColumnsOfEach(ctx, []*feature.Source{logged},
			func(_ *feature.Source, _ []feature.Column, err error) error { return err })
		var input *fault.InputError
		switch {
		case errors.As(err, &input):
			c.add(view, path{"push_log", "path"}, "%s", oneLine(err.Error()))
		case err != nil:
			return err
		}
	}
	return nil
}

func (c *checker) logColumns(view *plumbv1.FeatureView) []feature.Field {
	var fields []feature.Field
	for _, entity := range view.GetEntities() {
		for _, key := range c.entities[entity].GetJoinKeys() {
			fields = append(fields, feature.Field{Name: cmp.Or(key.GetColumn(), key.GetName()), Type: key.GetType()})
		}
	}
	for _, f := range view.GetFeatures() {
		fields = append(fields, feature.Field{Name: cmp.Or(f.GetColumn(), f.GetName()), Type: f.GetType()})
	}
	return fields
}
