package spec

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/printable"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Marshal writes definitions, or one message of them, as the YAML that Load reads, with durations such as 1d12h. It is
// an error when a duration is not positive or no whole number of microseconds, which Load never lets in.
//
// This is not protoyaml's form: that writes 129600s, and some texts of several lines so that they cannot be read back.
func Marshal(message proto.Message) ([]byte, error) {
	node, err := messageNode(message.ProtoReflect())
	if err != nil {
		return nil, fmt.Errorf("write definitions: %w", err)
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, fmt.Errorf("write definitions: %w", err)
	}
	return escapeUnprintable(text.Bytes()), nil
}

// escapeUnprintable writes what a terminal would obey or hide as YAML's escapes. textNode has put quotes around each
// text that has such a character; the encoder escapes only some of them.
func escapeUnprintable(text []byte) []byte {
	var safe []byte
	for _, r := range string(text) {
		switch {
		case r == '\n' || r == '\t' || printable.Is(r):
			safe = utf8.AppendRune(safe, r)
		case r > math.MaxUint16:
			safe = fmt.Appendf(safe, `\U%08x`, r)
		default:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		}
	}
	return safe
}

// messageNode has a key for each field that is set, in the order of the schema.
func messageNode(message protoreflect.Message) (*yaml.Node, error) {
	if duration, ok := message.Interface().(*durationpb.Duration); ok {
		text, err := feature.FormatDuration(duration.AsDuration())
		return textNode(text), err
	}
	if function, ok := message.Interface().(*plumbv1.AggregateFunction); ok {
		return functionNode(function), nil
	}
	node := &yaml.Node{Kind: yaml.MappingNode}
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !message.Has(field) || isDerived(message, field) {
			continue
		}
		value, err := fieldNode(field, message.Get(field))
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, textNode(string(field.Name())), value)
	}
	return node, nil
}

// isDerived says whether Check derives a field from others of the message, so that files do not have it.
func isDerived(message protoreflect.Message, field protoreflect.FieldDescriptor) bool {
	view, ok := message.Interface().(*plumbv1.FeatureView)
	return ok && field.Name() == "features" && len(view.GetAggregations()) > 0
}

func fieldNode(field protoreflect.FieldDescriptor, value protoreflect.Value) (*yaml.Node, error) {
	switch {
	case field.IsMap():
		return mapNode(value.Map()), nil
	case field.IsList():
		return listNode(field, value.List())
	}
	return valueNode(field, value)
}

// mapNode is sorted by key, since a map has no order. All our maps are of text.
func mapNode(entries protoreflect.Map) *yaml.Node {
	texts := map[string]string{}
	entries.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		texts[key.String()] = value.String()
		return true
	})
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		node.Content = append(node.Content, textNode(key), textNode(texts[key]))
	}
	return node
}

// listNode writes names and functions in one line, and other messages below each other.
func listNode(field protoreflect.FieldDescriptor, list protoreflect.List) (*yaml.Node, error) {
	node := &yaml.Node{Kind: yaml.SequenceNode}
	if field.Kind() != protoreflect.MessageKind || field.Message().Name() == "AggregateFunction" {
		node.Style = yaml.FlowStyle
	}
	for i := range list.Len() {
		item, err := valueNode(field, list.Get(i))
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, item)
	}
	return node, nil
}

func valueNode(field protoreflect.FieldDescriptor, value protoreflect.Value) (*yaml.Node, error) {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return messageNode(value.Message())
	case protoreflect.BoolKind:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(value.Bool())}, nil
	case protoreflect.Uint32Kind:
		return countNode(value.Uint()), nil
	case protoreflect.Int64Kind:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(value.Int(), 10)}, nil
	case protoreflect.EnumKind:
		return textNode(plumbv1.Type(value.Enum()).String()), nil
	}
	return textNode(value.String()), nil
}

// textNode writes text as it is if YAML reads it back as text, and lines of text as a block. A block that begins with
// white space would need an indentation mark, which the encoder gets wrong, so it is quoted. A text that has something
// unprintable is quoted too.
func textNode(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch {
	case printable.Lines(text) != text || strings.TrimSpace(text) != strings.TrimRight(text, "\n"):
		node.Style = yaml.DoubleQuotedStyle
	case strings.Contains(text, "\n"):
		node.Style = yaml.LiteralStyle
	}
	return node
}
