package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// sourceColumns are the typed columns of a source that aggregations may read.
type sourceColumns struct{ fields []feature.Field }

// checkColumns checks the columns and the filter of a source, and adds to it the columns that are read and not
// declared. The readers are the views of the source that have aggregations. found are the columns that the source has;
// nil if it has not been looked into.
func (c *checker) checkColumns(inspector Inspector, source *plumbv1.Source, found columns,
	readers []*plumbv1.FeatureView,
) *sourceColumns {
	s := &columnCheck{checker: c, source: source, inspector: inspector, found: found,
		declared: map[string]bool{}, missing: map[string]bool{}, inferred: map[string]*plumbv1.SourceColumn{},
		unreadable: map[proto.Message]bool{}}
	s.checkDeclared()
	s.checkReads(readers)
	c.infer(source, slices.Collect(maps.Values(s.inferred)))
	if s.sound {
		s.compile()
	}
	checked := &sourceColumns{}
	for _, column := range source.GetColumns() {
		checked.fields = append(checked.fields, feature.Field{Name: column.GetName(), Type: column.GetType()})
	}
	return checked
}

// infer adds columns to a source.
func (c *checker) infer(source *plumbv1.Source, inferred []*plumbv1.SourceColumn) {
	slices.SortFunc(inferred, func(a, b *plumbv1.SourceColumn) int { return cmp.Compare(a.GetName(), b.GetName()) })
	c.inferred[source] += len(inferred)
	source.Columns = append(source.Columns, inferred...)
	for _, column := range inferred {
		c.places[column] = c.places[source]
	}
}

// columnCheck is the check of one source's columns.
type columnCheck struct {
	*checker
	source    *plumbv1.Source
	inspector Inspector
	found     columns
	declared  map[string]bool
	// missing has the names that are not known, each of which is reported once.
	missing  map[string]bool
	inferred map[string]*plumbv1.SourceColumn
	// sound says whether expressions can be compiled. unreadable has those, by what has them, that read a name which is
	// not known.
	sound      bool
	unreadable map[proto.Message]bool
}

func (s *columnCheck) checkDeclared() {
	s.sound = !s.isFaulty(s.source, "columns") && !s.isFaulty(s.source, "filter")
	indexNames(s.checker, "column", s.source.GetColumns())
	for i, column := range s.source.GetColumns() {
		sound := column.GetName() != "" && column.GetType() != 0 && !s.isFaulty(column, "name") &&
			!s.isFaulty(column, "expression") && !s.isFaulty(column, "column") && !s.declared[column.GetName()]
		s.declared[column.GetName()] = true
		_, written := s.written(column, "expression")
		switch {
		case !sound:
		case column.GetName() == requestTime:
			s.add(column, path{"name"}, "column %q has the name of the time of a look-up; rename it", requestTime)
			sound = false
		case written && column.GetColumn() != "":
			s.add(column, path{"column"}, "column %q has both column and expression; keep the one that its values come from",
				column.GetName())
			sound = false
		case written && strings.TrimSpace(column.GetExpression()) == "":
			s.add(column, path{"expression"}, "the expression of column %q is empty; write one, or leave it out to read the "+
				"column of that name", column.GetName())
			sound = false
		case !written:
			s.checkRead(column, i)
		}
		s.sound = s.sound && sound
	}
	if _, written := s.written(s.source, "filter"); written && strings.TrimSpace(s.source.GetFilter()) == "" {
		s.add(s.source, path{"filter"}, "the filter is empty; write a condition such as amount > 0.0, or leave it out")
		s.sound = false
	}
}

// written says whether a field of a message is written, and where.
func (c *checker) written(message proto.Message, field string) (Position, bool) {
	at, ok := c.places[message]
	if !ok {
		return Position{}, false
	}
	if _, node := child(at.node, field); node != nil {
		return at.position(node), true
	}
	return Position{}, false
}

// checkRead checks that the source has the column that a declared one reads, and that it can become the type.
func (s *columnCheck) checkRead(declared *plumbv1.SourceColumn, i int) {
	if s.found == nil {
		return
	}
	field := "column"
	if declared.GetColumn() == "" {
		field = "name"
	}
	name := cmp.Or(declared.GetColumn(), declared.GetName())
	column, ok := s.found.find(name)
	if !ok {
		s.add(declared, path{field}, "source %q has no column %q; %s", s.source.GetName(), name,
			s.suggest(name, s.found.names()))
		return
	}
	s.checkType(s.inspector.CanBecome(column, declared.GetType(), false), declared.GetType(), column, s.source.GetName(),
		s.source, path{"columns", strconv.Itoa(i), "type"})
}

// checkReads looks for every name that expressions and aggregations read.
func (s *columnCheck) checkReads(readers []*plumbv1.FeatureView) {
	for _, column := range s.source.GetColumns() {
		if !s.isFaulty(column, "expression") {
			s.checkExpression(column, "expression", column.GetExpression())
		}
	}
	if !s.isFaulty(s.source, "filter") {
		s.checkExpression(s.source, "filter", s.source.GetFilter())
	}
	for _, view := range readers {
		for _, a := range view.GetAggregations() {
			for field, name := range map[string]string{"of": a.GetOf(), "by": a.GetBy()} {
				if message := s.need(name); message != "" {
					s.add(a, path{field}, "%s", message)
				}
			}
		}
	}
}

func (s *columnCheck) checkExpression(message named, field, text string) {
	for _, read := range expression.Reads(text) {
		problem := s.need(read.Name)
		if read.Name == requestTime {
			problem = requestTime + " is the time of a look-up, and events are computed without one; read " +
				s.source.GetEventTimestamp() + ", or compare in an on-demand view"
		}
		if problem != "" || s.missing[read.Name] {
			s.unreadable[message] = true
		}
		if problem != "" {
			s.addInExpression(message, field, text, expression.Problem{Line: read.Line, Column: read.Column, Message: problem})
		}
	}
}

// need makes a name that is read known, or returns why it cannot. A name is looked for once.
func (s *columnCheck) need(name string) string {
	if name == "" || name == requestTime || s.declared[name] || s.inferred[name] != nil || s.missing[name] {
		return ""
	}
	s.missing[name] = true
	if s.isFaulty(s.source, "columns") {
		return ""
	}
	if s.found == nil {
		if s.inspector != nil {
			return "" // Why the source cannot be read is reported.
		}
		return fmt.Sprintf("column %q is not declared, and source %q is not looked into; declare it under columns with a "+
			"type", name, s.source.GetName())
	}
	column, ok := s.found.find(name)
	if !ok {
		known := newNames(slices.Concat(s.found.names().all, slices.Collect(maps.Keys(s.declared))))
		return fmt.Sprintf("source %q has no column %q; %s", s.source.GetName(), name, s.suggest(name, known))
	}
	declared := inferredType(column.Type)
	switch {
	case declared == 0 || column.Unreadable != "" || s.inspector.CanBecome(column, declared, false) != nil:
		return fmt.Sprintf("column %q of source %q is %s, and what is read of it has to be said; declare it under columns "+
			"with a type", name, s.source.GetName(), column.Type)
	case CheckName(name) != nil:
		return fmt.Sprintf("column %q of source %q is read only under another name; declare it under columns, as in "+
			"{name: amount, type: %s, column: %s}", name, s.source.GetName(), declared, name)
	}
	delete(s.missing, name)
	s.inferred[name] = &plumbv1.SourceColumn{Name: name, Type: declared}
	return ""
}

// compile checks the expressions. What is wrong with those that read unknown names is reported once these are known.
func (s *columnCheck) compile() {
	resolved := feature.ResolveSources([]*plumbv1.Source{s.source})[s.source.GetName()]
	_, problems := feature.CompileEvents(resolved.Columns, resolved.Filter, resolved.EventTimestamp)
	var computed []*plumbv1.SourceColumn
	for _, column := range s.source.GetColumns() {
		if column.GetExpression() != "" {
			computed = append(computed, column)
		}
	}
	for _, problem := range problems {
		if problem.Output < len(computed) {
			if column := computed[problem.Output]; !s.unreadable[column] {
				s.addInExpression(column, "expression", column.GetExpression(), problem)
			}
			continue
		}
		if s.unreadable[s.source] {
			return
		}
		s.addInExpression(s.source, "filter", s.source.GetFilter(), problem)
	}
}

// inferredTypes are what columns are read as that are not declared, by the engine's names of types.
var inferredTypes = map[string]plumbv1.Type{
	"BOOLEAN": plumbv1.Type_BOOL, "TINYINT": plumbv1.Type_INT32, "SMALLINT": plumbv1.Type_INT32,
	"INTEGER": plumbv1.Type_INT32, "BIGINT": plumbv1.Type_INT64, "FLOAT": plumbv1.Type_FLOAT32,
	"DOUBLE": plumbv1.Type_FLOAT64, "VARCHAR": plumbv1.Type_STRING, "BLOB": plumbv1.Type_BYTES,
	"DATE": plumbv1.Type_TIMESTAMP,
}

// inferredType is the type that a column is read as which is not declared; 0 if it has to be.
func inferredType(engine string) plumbv1.Type {
	if element, ok := strings.CutSuffix(engine, "[]"); ok {
		inferred := inferredType(element)
		if inferred == 0 {
			return 0
		}
		return plumbv1.Type(plumbv1.Type_value[inferred.String()+"_ARRAY"])
	}
	if strings.HasPrefix(engine, "TIMESTAMP") {
		return plumbv1.Type_TIMESTAMP
	}
	return inferredTypes[engine]
}
