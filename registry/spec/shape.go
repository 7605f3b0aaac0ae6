package spec

import (
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Unmarshal takes over durations, notes where each other message is written, and checks its keys and values. It returns
// true if protoyaml is not to read the message itself: durations and functions, which have forms of their own here, and
// what is not a mapping, which has been reported.
func (r *reader) Unmarshal(node *yaml.Node, message proto.Message) (bool, error) {
	if duration, ok := message.(*durationpb.Duration); ok {
		// A wrong duration was reported with the field that holds it.
		if parsed, err := feature.ParseDuration(node.Value); err == nil {
			proto.Merge(duration, durationpb.New(parsed))
		}
		return true, nil
	}
	r.set.places[message] = place{r.file, node}
	if function, ok := message.(*plumbv1.AggregateFunction); ok {
		r.readFunction(node, function)
		return true, nil
	}
	fields := message.ProtoReflect().Descriptor().Fields()
	if node.Kind != yaml.MappingNode {
		r.add(node, "%s is a mapping with the keys %s; this is %s", noun(message), quoteAll(fieldNames(fields)),
			describe(node))
		r.markFaulty(node, allFields)
		return true, nil
	}
	r.checkKeys(node, fields)
	return false, nil
}

func (r *reader) checkKeys(message *yaml.Node, fields protoreflect.FieldDescriptors) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(message.Content); i += 2 {
		key, value := message.Content[i], message.Content[i+1]
		field := fields.ByName(protoreflect.Name(key.Value))
		switch {
		case key.Kind != yaml.ScalarNode || field == nil:
			r.unknownKey(message, key, fields)
			continue
		case first[key.Value] != nil:
			r.repeatedKey(first[key.Value], key)
			r.markFaulty(message, key.Value)
			continue
		}
		first[key.Value] = key
		r.checkOneof(message, key, field, first)
		if !r.checkValue(key.Value, value, field) {
			r.markFaulty(message, key.Value)
		}
	}
}

// unknownKey reports a key that the message does not have. If a key that it has is likely meant, that field counts as
// faulty: with "feture:" for "features:", it would be wrong to report features as missing too.
func (r *reader) unknownKey(message, key *yaml.Node, fields protoreflect.FieldDescriptors) {
	names := fieldNames(fields)
	switch suggestion := fault.Closest(key.Value, names); {
	case key.Kind != yaml.ScalarNode:
		r.unknownName(key, names)
	case key.Value == "<<":
		r.add(key, "YAML merge keys (<<) are not read; write the keys out")
		r.markFaulty(message, allFields)
	case isCutExpression(message, key):
		r.add(key, "the comma before %q ends the expression, since YAML reads { } so; put the expression in quotes",
			key.Value)
		r.markFaulty(message, "expression")
		return
	case isPythonKey(key.Value, fields):
		r.add(key, "%q: Python functions are not run, since nothing proves that they give the same bits for training and "+
			"serving; write expressions, whose functions are in docs/expressions.md", key.Value)
		r.markFaulty(message, allFields)
		return
	case suggestion != "":
		r.unknownName(key, names)
		r.markFaulty(message, suggestion)
		return
	default:
		r.unknownName(key, names)
	}
	if fields.ByName("feature_views") != nil {
		// What was meant at the top of a file may be any of the lists.
		for _, name := range names {
			r.markFaulty(message, name)
		}
	}
}

// unknownName reports a key that is none of the names.
func (r *reader) unknownName(key *yaml.Node, names []string) {
	suggestion := fault.Closest(key.Value, names)
	switch {
	case key.Kind != yaml.ScalarNode:
		r.add(key, "expected a key here, one of %s; this is %s", quoteAll(names), describe(key))
	case suggestion != "":
		r.add(key, "unknown key %q; did you mean %q?", key.Value, suggestion)
	default:
		r.add(key, "unknown key %q; the keys here are %s", key.Value, quoteAll(names))
	}
}

// isPythonKey says whether an unknown key, where expressions belong, gives a function in Python as other feature stores
// have it.
func isPythonKey(key string, fields protoreflect.FieldDescriptors) bool {
	if fields.ByName("request") == nil && fields.ByName("expression") == nil {
		return false
	}
	return slices.Contains([]string{"python", "pandas", "udf", "mode", "function", "transformation"}, key)
}

// isCutExpression says whether an unknown key is what YAML made of the rest of an expression that has a comma and no
// quotes, such as amount) in {expression: coalesce(spend.mean, amount)}.
func isCutExpression(message, key *yaml.Node) bool {
	_, expression := child(message, "expression")
	return expression != nil && expression.Style == 0 && message.Style&yaml.FlowStyle != 0 &&
		key.Line >= expression.Line && key.Column > expression.Column
}

func (r *reader) repeatedKey(first, key *yaml.Node) {
	r.add(key, "key %q is given twice; the first is on line %d, keep one of them", key.Value, first.Line)
}

// checkOneof reports a field when another of its oneof came before it.
func (r *reader) checkOneof(message, key *yaml.Node, field protoreflect.FieldDescriptor, first map[string]*yaml.Node) {
	oneof := field.ContainingOneof()
	if oneof == nil || oneof.IsSynthetic() {
		return
	}
	for _, name := range fieldNames(oneof.Fields()) {
		if first[name] != nil && name != key.Value {
			r.add(key, "%q stands next to %q; keep one of them", key.Value, name)
			r.markFaulty(message, key.Value)
		}
	}
}

// checkValue says whether a value is of the kind that the field wants; if not, it has been reported. The messages that
// a field holds are checked by Unmarshal.
func (r *reader) checkValue(name string, value *yaml.Node, field protoreflect.FieldDescriptor) bool {
	switch {
	case !r.isWritten(name, value):
		return false
	case field.IsMap():
		return r.checkMap(name, value, field.MapValue())
	case field.IsList():
		return r.checkList(name, value, field)
	case field.Kind() == protoreflect.MessageKind && field.Message().Name() != "Duration":
		return value.Kind == yaml.MappingNode
	}
	return r.checkScalar(fmt.Sprintf("%q", name), value, field)
}

// isWritten reports what YAML allows in the place of a value and definitions do not. protoyaml would read a null as a
// field that is left out, and "ttl:" alone would mean no ttl, without a word.
func (r *reader) isWritten(name string, value *yaml.Node) bool {
	switch {
	case value.Kind == yaml.AliasNode:
		r.add(value, "YAML aliases (*%s) are not read; write the value out", value.Value)
	case isNull(value):
		r.add(value, "%q has no value; give it one, or remove it", name)
	default:
		return true
	}
	return false
}

func (r *reader) checkMap(name string, node *yaml.Node, field protoreflect.FieldDescriptor) bool {
	if node.Kind != yaml.MappingNode {
		r.add(node, "%q must be a mapping such as {key: value}; this is %s", name, describe(node))
		return false
	}
	ok := true
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case !r.isWritten(name, key) || !r.checkText(fmt.Sprintf("a key in %q", name), key):
			ok = false
			continue
		case first[key.Value] != nil:
			r.repeatedKey(first[key.Value], key)
			ok = false
			continue
		}
		first[key.Value] = key
		ok = r.isWritten(key.Value, value) && r.checkScalar(fmt.Sprintf("%q", key.Value), value, field) && ok
	}
	return ok
}

func (r *reader) checkList(name string, node *yaml.Node, field protoreflect.FieldDescriptor) bool {
	if node.Kind != yaml.SequenceNode {
		r.add(node, "%q must be a list, each item after a dash or all in [ ]; this is %s", name, describe(node))
		return false
	}
	ok := true
	label := fmt.Sprintf("an item of %q", name)
	for _, item := range node.Content {
		if field.Kind() == protoreflect.MessageKind {
			ok = r.checkItem(name, item, field) && ok
			continue
		}
		ok = r.isWritten(name, item) && r.checkScalar(label, item, field) && ok
	}
	return ok
}

// checkItem says whether the item of a list is of the kind that the message wants. Unmarshal reports those that are
// not, but for functions without a value.
func (r *reader) checkItem(name string, item *yaml.Node, field protoreflect.FieldDescriptor) bool {
	if field.Message().Name() == "AggregateFunction" {
		return r.isWritten(name, item)
	}
	return item.Kind == yaml.MappingNode
}

// checkScalar checks a value that is no mapping or list; label is what to call it.
func (r *reader) checkScalar(label string, node *yaml.Node, field protoreflect.FieldDescriptor) bool {
	switch field.Kind() {
	case protoreflect.BoolKind:
		if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!bool" && (node.Value == "true" || node.Value == "false") {
			return true
		}
		r.add(node, "%s must be true or false; this is %s", label, describe(node))
		return false
	case protoreflect.EnumKind:
		return r.checkType(node)
	case protoreflect.MessageKind:
		return r.checkDuration(label, node)
	case protoreflect.Uint32Kind:
		_, ok := r.count(string(field.Name()), node)
		return ok
	case protoreflect.Int64Kind:
		return r.checkWhole(label, node)
	}
	if word, ok := windowWords[field.FullName()]; ok {
		return r.checkWindow(label, node, word)
	}
	return r.checkText(label, node)
}

// checkWhole wants a whole number in its usual form.
func (r *reader) checkWhole(label string, node *yaml.Node) bool {
	number, err := strconv.ParseInt(node.Value, 10, 64)
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!int" && err == nil &&
		strconv.FormatInt(number, 10) == node.Value {
		return true
	}
	r.add(node, "%s must be a whole number; this is %s", label, describe(node))
	return false
}

// windowWords are the fields that are durations or a word, by their full names.
var windowWords = map[protoreflect.FullName]string{
	"plumb.v1.Aggregation.windows": feature.Lifetime,
	"plumb.v1.Aggregation.hop":     feature.HopExact,
}

// checkText wants text that YAML reads as text. Without quotes, 007 is the number 7 in YAML.
func (r *reader) checkText(label string, node *yaml.Node) bool {
	switch {
	case node.Kind != yaml.ScalarNode:
		r.add(node, "%s must be text; this is %s", label, describe(node))
	case node.ShortTag() != "!!str":
		r.add(node, "%s must be text; put %s in quotes", label, node.Value)
	default:
		return true
	}
	return false
}

func (r *reader) checkDuration(label string, node *yaml.Node) bool {
	if node.Kind != yaml.ScalarNode {
		r.add(node, "%s must be a duration such as 90s, 6h, 7d or 1d12h; this is %s", label, describe(node))
		return false
	}
	_, err := feature.ParseDuration(node.Value)
	if err != nil {
		r.add(node, "%s: %v", label, err)
	}
	return err == nil
}

func fieldNames(fields protoreflect.FieldDescriptors) []string {
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = string(fields.Get(i).Name())
	}
	return names
}

// describe says what a node is, for "this is …".
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, and aliases are not read"
	}
	if isNull(node) {
		return "empty"
	}
	return fmt.Sprintf("%q", node.Value)
}
