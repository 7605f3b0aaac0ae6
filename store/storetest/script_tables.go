package storetest

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// heading is a column of a table in a case file.
type heading struct {
	name     string
	declared plumbv1.Type
	// form is the type that the file has; written is the declared type that its cells are written in.
	form    arrow.DataType
	written plumbv1.Type
}

// headings reads the first row of a table; types has the declared types of the columns; a column that it does not have
// is STRING.
func headings(row []string, types map[string]plumbv1.Type) ([]heading, error) {
	var found []heading
	for _, word := range row {
		name, form, given := strings.Cut(word, ":")
		h := heading{name: name, declared: plumbv1.Type_STRING}
		if declared, ok := types[name]; ok {
			h.declared = declared
		}
		h.form, h.written = value.ArrowType(h.declared), h.declared
		if given {
			var err error
			var written plumbv1.Type
			if h.form, written, err = formNamed(form); err != nil {
				return nil, err
			}
			if written != 0 {
				h.written = written
			}
		}
		found = append(found, h)
	}
	return found, nil
}

// read returns a cell as the file has it and as the rules do. The latter is nil if the value does not fit the declared
// type, which only a case that fails may have.
func (h heading) read(word string) (stored, value any, err error) {
	if stored, err = literal(h.written, word); err != nil || stored == nil {
		return nil, nil, err
	}
	timestamp, ok := h.form.(*arrow.TimestampType)
	if ok && timestamp.Unit == arrow.Nanosecond {
		t, err := timeLiteral(word)
		return nanoseconds(t.UnixNano()), stored, err
	}
	if h.written == h.declared {
		return stored, stored, nil
	}
	if value, err = literal(h.declared, word); err != nil {
		value = nil
	}
	return stored, value, nil
}

// columns reads a table into columns as the file has them, and as the rules do.
func columns(heads []heading, rows [][]string) (stored, values []Column, err error) {
	for _, h := range heads {
		stored = append(stored, Column{Name: h.name, Form: h.form})
		values = append(values, Column{Name: h.name, Form: h.form})
	}
	for _, row := range rows {
		if len(row) != len(heads) {
			return nil, nil, fmt.Errorf("%q has %d cells, the heading %d", row, len(row), len(heads))
		}
		for i, word := range row {
			inFile, value, err := heads[i].read(word)
			if err != nil {
				return nil, nil, fmt.Errorf("column %s: %w", heads[i].name, err)
			}
			stored[i].Values = append(stored[i].Values, inFile)
			values[i].Values = append(values[i].Values, value)
		}
	}
	return stored, values, nil
}

// viewTypes are the types of a view's columns by name, with those of its two times.
func (c *Case) viewTypes(view *plumbv1.FeatureView) map[string]plumbv1.Type {
	types := map[string]plumbv1.Type{"event": plumbv1.Type_TIMESTAMP, "created": plumbv1.Type_TIMESTAMP}
	for _, key := range keysOf(c.World, view) {
		types[key.GetName()] = key.GetType()
	}
	for _, f := range c.World.readColumns(view) {
		types[f.GetName()] = f.GetType()
	}
	return types
}

// load adds a file to a view.
func (c *Case) load(name string, table [][]string) error {
	view, err := c.view(name)
	if err != nil {
		return err
	}
	stored, rows, hasCreated, err := c.rows(view, table)
	if err != nil {
		return err
	}
	if hasCreated {
		for _, source := range c.World.Definitions.Sources {
			if source.Name == view.Source || source.Name == "files_of_"+view.Source {
				source.CreatedTimestamp = "created"
			}
		}
	}
	file := File{Path: path.Join(c.prefix, name, fmt.Sprintf("%d.parquet", len(c.World.Files))), Columns: stored}
	for i := range rows {
		rows[i].File, rows[i].Number = file.Path, i
	}
	history := c.World.Histories[name]
	history.Rows = append(history.Rows, rows...)
	c.World.Files = append(c.World.Files, file)
	return nil
}

func (c *Case) view(name string) (*plumbv1.FeatureView, error) {
	if c.World.Histories[name] == nil {
		return nil, fmt.Errorf("no view is named %q", name)
	}
	return viewOf(c.World, name), nil
}

// rows reads a table of a view's rows.
func (c *Case) rows(view *plumbv1.FeatureView, table [][]string) ([]Column, []SourceRow, bool, error) {
	if len(table) == 0 {
		return nil, nil, false, fmt.Errorf("the rows of %s have no heading", view.Name)
	}
	heads, err := headings(table[0], c.viewTypes(view))
	if err != nil {
		return nil, nil, false, err
	}
	stored, values, err := columns(heads, table[1:])
	if err != nil {
		return nil, nil, false, err
	}
	byName := map[string][]any{}
	for _, column := range values {
		byName[column.Name] = column.Values
	}
	rows := make([]SourceRow, len(table)-1)
	for i := range rows {
		rows[i].Event = instantAt(byName["event"], i)
		rows[i].Created = instantAt(byName["created"], i)
		for _, key := range keysOf(c.World, view) {
			rows[i].Keys = append(rows[i].Keys, byName[key.GetName()][i])
		}
		for _, f := range c.World.readColumns(view) {
			rows[i].Features = append(rows[i].Features, featureAt(byName[f.GetName()], i))
		}
	}
	hasCreated := slices.ContainsFunc(heads, func(h heading) bool { return h.name == "created" })
	return stored, rows, hasCreated, nil
}

// featureAt returns null if the file has no such column.
func featureAt(values []any, row int) any {
	if values == nil {
		return nil
	}
	return values[row]
}

func instantAt(values []any, row int) *feature.Instant {
	if values == nil || values[row] == nil {
		return nil
	}
	instant := values[row].(feature.Instant)
	return &instant
}

// aReference is: view:feature as alias(key=column), of which only the view must be there.
var aReference = regexp.MustCompile(`(\w+)(?::(\w+))?(?: as (\w+))?(?:\(([^)]*)\))?(?:, *|$)`)

// references reads references to views with commas between them.
func references(text string) []*plumbv1.ViewReference {
	var all []*plumbv1.ViewReference
	for _, part := range aReference.FindAllStringSubmatch(text, -1) {
		reference := &plumbv1.ViewReference{View: part[1], As: part[3], JoinKeys: map[string]string{}}
		if part[2] != "" {
			reference.Features = []string{part[2]}
		}
		for pair := range strings.SplitSeq(part[4], ",") {
			if key, column, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
				reference.JoinKeys[key] = column
			}
		}
		all = append(all, reference)
	}
	return all
}

func aliasOf(reference *plumbv1.ViewReference) string {
	return cmp.Or(reference.GetAs(), reference.GetView())
}

// addJoin reads a join and its table.
func (c *Case) addJoin(text string, line int, table [][]string) error {
	join := ScriptedJoin{Line: line, Question: Question{TimeColumn: "event_timestamp", Statuses: true}}
	text, join.Question.AsKnown = strings.CutPrefix(text, "as_known ")
	text, join.Question.FullNames = strings.CutPrefix(text, "full_names ")
	join.Question.References = references(text)
	labels, err := join.split(table)
	if err != nil {
		return err
	}
	types := map[string]plumbv1.Type{"event_timestamp": plumbv1.Type_TIMESTAMP}
	if selection, err := c.World.Select(join.Question); err == nil { // one that is refused may be what the case shows
		keys, err := selection.Keys()
		if err != nil {
			return err
		}
		for _, key := range keys {
			types[key.Name] = key.Type
		}
		inputs, err := selection.Inputs()
		if err != nil {
			return err
		}
		for _, input := range inputs {
			types[input.Name] = input.Type
		}
	}
	heads, err := headings(labels[0], types)
	if err != nil {
		return err
	}
	stored, values, err := columns(heads, labels[1:])
	if err != nil {
		return err
	}
	join.Question.Labels = File{
		Path: path.Join(c.prefix, fmt.Sprintf("labels%d.parquet", len(c.Joins))), Columns: values, stored: stored,
	}
	c.Joins = append(c.Joins, join)
	return nil
}

// split takes the expected columns, right of the bar, off a table.
func (j *ScriptedJoin) split(table [][]string) (labels [][]string, err error) {
	for i, row := range table {
		at := slices.Index(row, "|")
		if at < 0 {
			at = len(row)
		}
		expected := row[min(at+1, len(row)):]
		if i == 0 {
			j.Names = expected
		} else if len(expected) != len(j.Names) {
			return nil, fmt.Errorf("%q has %d expected cells, the heading %d", row, len(expected), len(j.Names))
		} else {
			j.Cells = append(j.Cells, expected)
		}
		j.Question.EventTimestamps = j.Question.EventTimestamps || i == 0 && hasEventTimestamps(expected)
		labels = append(labels, row[:at])
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("the join has no labels")
	}
	return labels, nil
}

const eventTimestampSuffix = "__event_timestamp"

func hasEventTimestamps(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, eventTimestampSuffix) })
}

// addWindow reads: weather (05:00, 06:00]; a start of - means that the window has no beginning.
func (c *Case) addWindow(text string, line int, table [][]string) error {
	name, interval, _ := strings.Cut(text, " ")
	view, err := c.view(name)
	if err != nil {
		return err
	}
	start, end, ok := strings.Cut(strings.Trim(interval, "(]"), ", ")
	if !ok {
		return fmt.Errorf("%q is not of the form (start, end]", interval)
	}
	window := ScriptedWindow{View: name, Line: line}
	if start != "-" {
		t, err := timeLiteral(start)
		if err != nil {
			return err
		}
		window.Window.Start = new(feature.InstantOf(t))
	}
	var t time.Time
	if t, err = timeLiteral(end); err != nil {
		return err
	}
	window.Window.End = feature.InstantOf(t)
	_, window.Rows, _, err = c.rows(view, table)
	c.Windows = append(c.Windows, window)
	return err
}

// expected is the table that the case writes, in the shape of World.Answer: a cell is a value and so also a status.
func (j *ScriptedJoin) expected(answer *Table) (*Table, error) {
	table := &Table{Types: answer.Types}
	for _, name := range j.Names {
		table.Names = append(table.Names, name)
		if !strings.HasSuffix(name, eventTimestampSuffix) {
			table.Names = append(table.Names, name+"__status")
		}
	}
	if !slices.Equal(table.Names, answer.Names) {
		return nil, fmt.Errorf("the case expects the columns %q, the rules give %q", table.Names, answer.Names)
	}
	for _, cells := range j.Cells {
		var row []any
		for i, word := range cells {
			if strings.HasSuffix(j.Names[i], eventTimestampSuffix) {
				instant, err := literal(plumbv1.Type_TIMESTAMP, word)
				if err != nil {
					return nil, err
				}
				row = append(row, instant)
				continue
			}
			value, status, err := expectedCell(answer.Types[len(row)], word)
			if err != nil {
				return nil, err
			}
			row = append(row, value, status)
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}

func expectedCell(form arrow.DataType, word string) (any, string, error) {
	switch word {
	case "NOT_FOUND", "EXPIRED", "INVALID":
		return nil, word, nil
	case "null":
		return nil, "NULL", nil
	}
	for number := range plumbv1.Type_name {
		if declared := plumbv1.Type(number); arrow.TypeEqual(value.ArrowType(declared), form) {
			given, err := literal(declared, word)
			return given, "PRESENT", err
		}
	}
	return nil, "", fmt.Errorf("%s is no declared type's", form)
}
