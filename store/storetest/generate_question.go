package storetest

import (
	"fmt"
	"path"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// DrawQuestion draws a join over the world's views: some of them twice under an alias (R11), features in any order,
// labels in any order with duplicates, in any of the file formats.
func DrawQuestion(t *rapid.T, world *World, prefix string) Question {
	question := Question{
		FullNames:       rapid.Bool().Draw(t, "full names"),
		TimeColumn:      rapid.SampledFrom([]string{"event_timestamp", "as of", "order"}).Draw(t, "time column"),
		Statuses:        rapid.Bool().Draw(t, "statuses"),
		EventTimestamps: rapid.Bool().Draw(t, "event timestamps"),
		Provenance:      rapid.Bool().Draw(t, "provenance"),
		AsKnown:         true,
	}
	for _, view := range world.Definitions.GetFeatureViews() {
		question.References = append(question.References, drawReference(t, world, view, ""))
		if rapid.Bool().Draw(t, "again") {
			question.References = append(question.References, drawReference(t, world, view, view.Name+"_2"))
		}
		created := sourceOf(world, view).GetCreatedTimestamp() != ""
		question.AsKnown = question.AsKnown && created
	}
	for _, view := range world.Definitions.GetOnDemandViews() {
		question.References = append(question.References, drawComputed(t, world, view, ""))
		if oneIn(t, 3, "again") {
			question.References = append(question.References, drawComputed(t, world, view, view.Name+"_2"))
		}
	}
	question.AsKnown = question.AsKnown && rapid.Bool().Draw(t, "as known")
	question.References = rapid.Permutation(question.References).Draw(t, "references")
	question.FullNames = question.FullNames || sharesNames(question.References, world)
	question.Labels = drawLabels(t, world, question, prefix)
	return question
}

func sourceOf(world *World, view *plumbv1.FeatureView) *plumbv1.Source {
	sources := world.Definitions.GetSources()
	at := slices.IndexFunc(sources, func(s *plumbv1.Source) bool { return s.GetName() == view.GetSource() })
	return sources[at]
}

func viewOf(world *World, name string) *plumbv1.FeatureView {
	views := world.Definitions.GetFeatureViews()
	return views[slices.IndexFunc(views, func(v *plumbv1.FeatureView) bool { return v.GetName() == name })]
}

// drawReference picks features of the view, and label columns for its keys; a column is named after its key, or oddly.
func drawReference(t *rapid.T, world *World, view *plumbv1.FeatureView, alias string) *plumbv1.ViewReference {
	reference := &plumbv1.ViewReference{View: view.GetName(), As: alias, JoinKeys: map[string]string{}}
	if rapid.Bool().Draw(t, "some features") {
		var names []string
		for _, f := range view.GetFeatures() {
			names = append(names, f.GetName())
		}
		reference.Features = drawSome(t, names, "features")
	}
	for i, key := range keysOf(world, view) {
		if alias != "" || rapid.Bool().Draw(t, "mapped") {
			odd := rapid.SampledFrom(oddNames).Draw(t, "label column")
			reference.JoinKeys[key.GetName()] = fmt.Sprintf("%s %s%s%d", odd, view.GetName(), alias, i)
		}
	}
	return reference
}

func keysOf(world *World, view *plumbv1.FeatureView) []*plumbv1.JoinKey {
	var keys []*plumbv1.JoinKey
	for _, entity := range world.Definitions.GetEntities() {
		if slices.Contains(view.GetEntities(), entity.GetName()) {
			keys = append(keys, entity.GetJoinKeys()...)
		}
	}
	return keys
}

// sharesNames says whether output names need their views in front: two of them are the same, or one is a label column.
func sharesNames(references []*plumbv1.ViewReference, world *World) bool {
	taken := map[string]bool{"event_timestamp": true, "order": true, "note": true, "Weight": true, "part": true}
	for _, name := range keyNames {
		taken[name] = true
	}
	for _, reference := range references {
		for _, name := range featuresOf(world, reference) {
			if taken[name] {
				return true
			}
			taken[name] = true
		}
	}
	return false
}

// drawLabels draws the label file: keys that the views know and others, instants around each view's anchor, and columns
// that have nothing to do with the join. Rows come in random order and some of them twice.
func drawLabels(t *rapid.T, world *World, question Question, prefix string) File {
	extension := rapid.SampledFrom([]string{".parquet", ".arrow", ".csv"}).Draw(t, "label format")
	file := File{
		Path:     path.Join(prefix, "labels"+extension),
		RowGroup: rapid.SampledFrom([]int{0, 1, 5}).Draw(t, "label row group"),
	}
	rows := rapid.IntRange(0, 15).Draw(t, "labels")
	file.Columns = append(file.Columns, drawTimes(t, world, question, rows))
	for _, reference := range question.References {
		if world.onDemand(reference.GetView()) != nil {
			drawRequestColumns(t, world, question, reference, &file, rows)
			continue
		}
		view := viewOf(world, reference.GetView())
		for i, key := range keysOf(world, view) {
			name := reference.GetJoinKeys()[key.GetName()]
			if name == "" {
				name = key.GetName()
			}
			if !slices.ContainsFunc(file.Columns, func(c Column) bool { return c.Name == name }) {
				file.Columns = append(file.Columns, drawLabelKeys(t, world, view, i, name, key.GetType(), rows))
			}
		}
	}
	file.Columns = append(file.Columns, extraColumns(t, rows)...)
	return shuffled(t, file)
}

func drawTimes(t *rapid.T, world *World, question Question, rows int) Column {
	form := drawForm(t, plumbv1.Type_TIMESTAMP)
	times := Column{Name: question.TimeColumn, Form: form}
	for range rows {
		view := rapid.SampledFrom(world.Definitions.GetFeatureViews()).Draw(t, "about")
		instant := drawAround(t, world.Histories[view.GetName()])
		times.Values = append(times.Values, snapInstant(form, instant))
	}
	return times
}

// drawAround draws an instant in the neighbourhood of one of the history's rows.
func drawAround(t *rapid.T, history *History) feature.Instant {
	anchor := anchors[0].(feature.Instant)
	if history.Aggregated != nil {
		var row *SourceRow
		if len(history.Rows) > 0 {
			row = &history.Rows[rapid.IntRange(0, len(history.Rows)-1).Draw(t, "around")]
		}
		return history.Aggregated.drawInstantOf(t, row, anchor)
	}
	if len(history.Rows) > 0 {
		if event := rapid.SampledFrom(history.Rows).Draw(t, "around").Event; event != nil {
			anchor = *event
		}
	}
	return drawInstant(t, anchor, history.TTL)
}

func drawLabelKeys(t *rapid.T, world *World, view *plumbv1.FeatureView, key int, name string, declared plumbv1.Type,
	rows int,
) Column {
	column := Column{Name: name, Form: drawForm(t, declared)}
	pool := []any{DrawValue(t, declared)}
	for _, row := range world.Histories[view.GetName()].Rows {
		if row.Keys[key] != nil {
			pool = append(pool, row.Keys[key])
		}
	}
	for range rows {
		column.Values = append(column.Values, snap(column.Form, drawFrom(t, pool, 10)))
	}
	return column
}

// extraColumns carry what a label file may hold besides; the join must hand it back untouched (R6).
func extraColumns(t *rapid.T, rows int) []Column {
	note := Column{Name: "note", Form: value.ArrowType(plumbv1.Type_STRING)}
	weight := Column{Name: "Weight", Form: arrow.PrimitiveTypes.Float64}
	for range rows {
		note.Values = append(note.Values, DrawNullable(t, plumbv1.Type_STRING, 4))
		weight.Values = append(weight.Values, DrawNullable(t, plumbv1.Type_FLOAT64, 4))
	}
	return []Column{note, weight}
}

// shuffled repeats some rows and puts the columns in another order.
func shuffled(t *rapid.T, file File) File {
	if file.rows() > 0 && rapid.Bool().Draw(t, "duplicates") {
		for range rapid.IntRange(1, 4).Draw(t, "duplicates") {
			row := rapid.IntRange(0, file.rows()-1).Draw(t, "row")
			for i := range file.Columns {
				values := &file.Columns[i].Values
				*values = append(*values, (*values)[row])
			}
		}
	}
	file.Columns = rapid.Permutation(file.Columns).Draw(t, "label columns")
	return file
}

// DrawWindows draws consecutive windows that together reach from the beginning of time to the returned last end.
func DrawWindows(t *rapid.T, history *History) []offline.Window {
	ends := []feature.Instant{}
	for range rapid.IntRange(1, 4).Draw(t, "windows") {
		ends = append(ends, drawAround(t, history))
	}
	slices.Sort(ends)
	var windows []offline.Window
	var start *feature.Instant
	for _, end := range slices.Compact(ends) {
		windows = append(windows, offline.Window{Start: start, End: end})
		start = &end // Not &windows[i].End, which go1.26 lets dangle (golang/go#81612).
	}
	return windows
}
