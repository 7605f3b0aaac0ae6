package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// sourceDifferences compares what makes a source's rows: not its description and tags.
func sourceDifferences(old, source *plumbv1.Source) []Difference {
	var d differ
	d.text("parquet.path", old.GetParquet().GetPath(), source.GetParquet().GetPath())
	d.text("csv.path", old.GetCsv().GetPath(), source.GetCsv().GetPath())
	d.text("jsonl.path", old.GetJsonl().GetPath(), source.GetJsonl().GetPath())
	d.text("postgres.connection", old.GetPostgres().GetConnection(), source.GetPostgres().GetConnection())
	d.text("postgres.query", old.GetPostgres().GetQuery(), source.GetPostgres().GetQuery())
	d.text("postgres.path", old.GetPostgres().GetPath(), source.GetPostgres().GetPath())
	d.text("iceberg.path", old.GetIceberg().GetPath(), source.GetIceberg().GetPath())
	d.text("iceberg.snapshot", snapshotText(old), snapshotText(source))
	d.text("iceberg.tag", old.GetIceberg().GetTag(), source.GetIceberg().GetTag())
	d.text("iceberg.as_of", old.GetIceberg().GetAsOf(), source.GetIceberg().GetAsOf())
	d.text("delta.path", old.GetDelta().GetPath(), source.GetDelta().GetPath())
	d.text("delta.version", versionText(old), versionText(source))
	d.text("delta.as_of", old.GetDelta().GetAsOf(), source.GetDelta().GetAsOf())
	d.text("sql.query", old.GetSql().GetQuery(), source.GetSql().GetQuery())
	d.text("sql.spark", old.GetSql().GetSpark(), source.GetSql().GetSpark())
	d.text("event_timestamp", old.GetEventTimestamp(), source.GetEventTimestamp())
	d.text("created_timestamp", old.GetCreatedTimestamp(), source.GetCreatedTimestamp())
	return d.found
}

// snapshotText is the id of the snapshot that is read of a table; empty if none is given.
func snapshotText(source *plumbv1.Source) string {
	if id := source.GetIceberg().GetSnapshot(); id != 0 {
		return strconv.FormatInt(id, 10)
	}
	return ""
}

// versionText is the number of the version that is read of a Delta table; empty if none is given.
func versionText(source *plumbv1.Source) string {
	if at, ok := source.GetDelta().GetAt().(*plumbv1.DeltaSource_Version); ok {
		return strconv.FormatInt(at.Version, 10)
	}
	return ""
}

// sourceReasons says why a view's rows mean something else because of its source; nil if they do not. The view may read
// another source. Or the source itself reads otherwise, or another one that its query reads does.
func (c *comparison) sourceReasons(old, view *plumbv1.FeatureView) []string {
	if old.GetSource() != view.GetSource() {
		return []string{fmt.Sprintf("the view reads source %s instead of %s", view.GetSource(), old.GetSource())}
	}
	var reasons []string
	for _, name := range c.readBy(view.GetSource()) {
		before, after := c.before.sources[name], c.after.sources[name]
		var fields []string
		for _, difference := range sourceDifferences(before, after) {
			fields = append(fields, difference.Field)
		}
		if fields == nil {
			continue
		}
		reason := fmt.Sprintf("source %s changes in %s", name, strings.Join(fields, " and "))
		if name != view.GetSource() {
			reason += fmt.Sprintf(", which %s reads", view.GetSource())
		}
		reasons = append(reasons, reason)
	}
	return reasons
}

// readBy returns a source and those that it reads, directly or not, ordered by name. Only sources of both revisions are
// looked at: a query that stays as it is cannot have read one that was not there, nor go on reading one that goes.
func (c *comparison) readBy(name string) []string {
	found := map[string]bool{}
	c.collect(name, found)
	return slices.Sorted(maps.Keys(found))
}

func (c *comparison) collect(name string, found map[string]bool) {
	if found[name] || c.before.sources[name] == nil || c.after.sources[name] == nil {
		return
	}
	found[name] = true
	for _, word := range feature.QueryWords(c.after.sources[name].GetSql().GetQuery()) {
		c.collect(word, found)
	}
}
