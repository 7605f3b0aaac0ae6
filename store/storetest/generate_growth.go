package storetest

import (
	"cmp"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// layout is the types that one file has its columns in; nil for a column that it lacks.
type layout struct {
	// columns are the keys', then the features'.
	columns        []arrow.DataType
	event, created arrow.DataType
}

// formsOf are those of the file with the path.
func (d *draft) formsOf(path string) *layout {
	if grown, ok := d.grown[path]; ok {
		return grown
	}
	return &layout{columns: d.forms, event: d.eventForm, created: d.createdForm}
}

// drawGrowth lets files of one source differ as they do when a schema grows: a column in another form that holds the
// same values, a feature or the created time not there yet, or there without a type since nothing but null was seen.
// The first file stays whole, so that each column is somewhere.
func (d *draft) drawGrowth(t *rapid.T, files []string) {
	d.grown = map[string]*layout{}
	if len(files) < 2 || d.isText() || d.isTable || !oneIn(t, 3, "growth") {
		return
	}
	for _, file := range files[1:] {
		grown := &layout{
			columns: slices.Clone(d.forms), event: drawForm(t, plumbv1.Type_TIMESTAMP), created: d.createdForm,
		}
		for i := range d.keys {
			grown.columns[i] = drawForm(t, d.entity.JoinKeys[i].Type)
		}
		for i := range grown.columns[len(d.keys):] {
			grown.columns[len(d.keys)+i] = drawGrown(t, d.def.Features[i].Type)
		}
		if oneIn(t, 3, "no created column") {
			grown.created = nil
		}
		d.grown[file+".parquet"] = grown
	}
}

func drawGrown(t *rapid.T, declared plumbv1.Type) arrow.DataType {
	switch rapid.IntRange(0, 7).Draw(t, "grown") {
	case 0:
		return nil
	case 1:
		return arrow.Null
	}
	return drawForm(t, declared)
}

// columnsOf lays rows out in the forms of their file.
func (f *layout) columnsOf(d *draft, rows []SourceRow) []Column {
	events := Column{Name: "observed at", Form: f.event}
	createds := Column{Name: "known at", Form: f.created}
	values := make([]Column, len(f.columns))
	for i, form := range f.columns {
		values[i] = Column{Form: form}
		if i < len(d.keys) {
			values[i].Name = cmp.Or(d.entity.JoinKeys[i].Column, d.entity.JoinKeys[i].Name)
		} else {
			values[i].Name = columnOf(d.def.Features[i-len(d.keys)])
		}
	}
	for _, row := range rows {
		events.Values = append(events.Values, valueOf(row.Event))
		createds.Values = append(createds.Values, valueOf(row.Created))
		for i, v := range slices.Concat(row.Keys[:len(d.keys)], row.Features)[:len(values)] {
			values[i].Values = append(values[i].Values, v)
		}
	}
	all := slices.Concat(values, []Column{events, createds})
	return slices.DeleteFunc(all, func(c Column) bool { return c.Form == nil })
}
