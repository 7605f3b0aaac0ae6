package spec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"go.yaml.in/yaml/v3"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// checkRules reports what breaks the field rules that the messages are annotated with. The error is a fault.
func (r *reader) checkRules(definitions *plumbv1.Definitions) error {
	err := protovalidate.Validate(definitions)
	var invalid *protovalidate.ValidationError
	if err != nil && !errors.As(err, &invalid) {
		return err
	}
	if invalid != nil {
		for i, violation := range invalid.Violations {
			if !r.set.room() {
				r.set.more += len(invalid.Violations) - i
				break
			}
			r.addViolation(r.set.places[definitions].node, violation.Proto)
		}
	}
	return nil
}

// addViolation reports a broken rule, unless something was reported about the field already. A violation names its
// place by fields, such as sources[0].name. The place is looked for in the YAML: what is missing is reported at the
// message that should have it.
func (r *reader) addViolation(root *yaml.Node, violation *validate.Violation) {
	message, value := root, root
	name := ""
	for _, element := range violation.GetField().GetElements() {
		message, name = value, element.GetFieldName()
		_, value = child(message, name)
		if value == nil {
			value = message
			continue
		}
		if _, item := child(value, subscript(element)); item != nil {
			value = item
		}
	}
	faulty := r.set.isFaultyNode
	if faulty(message, name) || name == kindOneof && slices.ContainsFunc(kinds, func(kind string) bool {
		return faulty(message, kind)
	}) {
		return
	}
	r.markFaulty(message, name)
	r.add(value, "%s", explain(violation.GetRuleId(), violation.GetMessage(), message, name, value))
}

// subscript is the list index or map key of a path element, or empty.
func subscript(element *validate.FieldPathElement) string {
	if _, ok := element.GetSubscript().(*validate.FieldPathElement_Index); ok {
		return strconv.FormatUint(element.GetIndex(), 10)
	}
	return element.GetStringKey()
}

// kindOneof is the name of the oneof in Source.
const kindOneof = "kind"

// kinds are its members.
var kinds = []string{"parquet", "csv", "jsonl", "postgres", "iceberg", "delta", "sql"}

// explain says in a sentence what a broken rule means. The rules' own messages name neither the definition nor what to
// do. They are the last resort, for a rule that was added to the schema and not here.
func explain(rule, message string, parent *yaml.Node, name string, value *yaml.Node) string {
	switch rule {
	case "required":
		if name == kindOneof {
			last := len(kinds) - 1
			return fmt.Sprintf("source%s has none of %s and %q; give it one of them", nameOf(parent), quoteAll(kinds[:last]),
				kinds[last])
		}
		return fmt.Sprintf("%q is missing%s; %s", name, ownerOf(parent), remedies[name])
	case "string.pattern", "string.max_bytes":
		// What stands there may be an address with a password.
		if name == "connection" {
			return `"connection" is not a name: ` + remedies[name] + ", where its address and password belong"
		}
	}
	switch rule {
	case "string.pattern":
		return fmt.Sprintf("%q is not a name: %s", value.Value, nameRule)
	case "string.max_bytes":
		return fmt.Sprintf("%q is too long, %d bytes: %s", value.Value, len(value.Value), nameRule)
	case "repeated.min_items":
		return fmt.Sprintf("%q is missing%s; %s", name, ownerOf(parent), remedies[name])
	case "duration.gt":
		switch name {
		case "overlap":
			return fmt.Sprintf("%q must be longer than nothing, not %s; leave it out for one hour", name, value.Value)
		case "offset":
			return fmt.Sprintf("%q must be longer than nothing, not %s; leave it out for windows that end with the look-up",
				name, value.Value)
		}
		return fmt.Sprintf("%q must be longer than nothing, not %s; leave it out for a look-back without limit", name,
			value.Value)
	case "int64.gt":
		return fmt.Sprintf("%q must be greater than 0; this is %s", name, value.Value)
	case "string.min_len":
		return fmt.Sprintf("%q holds an empty name; write the name, or take it out", name)
	}
	return fmt.Sprintf("%q %s", name, message)
}

// checkContents wants features or aggregations of every view, and not both.
func (r *reader) checkContents(definitions *plumbv1.Definitions) {
	for _, view := range definitions.GetFeatureViews() {
		node := r.set.places[view].node
		if r.set.isFaulty(view, "features") || r.set.isFaulty(view, "aggregations") {
			continue
		}
		features, list := child(node, "features")
		_, aggregations := child(node, "aggregations")
		switch {
		case features != nil && len(view.GetAggregations()) > 0:
			r.markFaulty(node, "aggregations")
			r.add(features, "a feature view has either features or aggregations, and%s has both; the aggregations make "+
				"features, so take one of the lists out", nameOf(node))
		case len(view.GetFeatures())+len(view.GetAggregations()) == 0:
			r.markFaulty(node, "features")
			r.add(cmp.Or(list, aggregations, node), "feature view%s has neither features nor aggregations; list at least one",
				nameOf(node))
		}
	}
}

func ownerOf(parent *yaml.Node) string {
	if name := nameOf(parent); name != "" {
		return " in" + name
	}
	return ""
}

// remedies say how to mend a required field that is missing or empty.
var remedies = map[string]string{
	"name":       nameRule,
	"type":       "write " + typeList,
	"join_keys":  "list at least one, such as {name: airport, type: STRING}",
	"features":   "list at least one",
	"functions":  "list at least one, such as sum or {last_n: 5}",
	"windows":    "list at least one, such as 1h, 30d or lifetime",
	"source":     "name the source to read",
	"view":       "name the feature view to read",
	"path":       "name the file, a glob or the folder, relative to the project folder",
	"query":      "give a SELECT",
	"connection": "give the name that the database has under databases in plumb.yaml",
	"expression": "give a CEL expression, such as amount / coalesce(spend.mean, amount)",
}
