package spec

import (
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Functions of aggregations have short forms, which are read and written here: sum, {last_n: 5},
// {top_k: 3, max_values: 500}, {percentile: [0.5, 0.99], error: 0.01}, and {name: histogram, max_values: 500}. The rest
// of this package sees the messages, and where each is written.

// parameter is a key that a function in braces may have.
type parameter struct {
	name string
	// example shows the function with the parameter.
	example string
	set     func(r *reader, node *yaml.Node, f *plumbv1.AggregateFunction) bool
}

// leading are the parameters that are named as a function. The others follow.
var leading = map[aggregate.Function]parameter{
	aggregate.LastN: {"last_n", "{last_n: 5}", func(r *reader, node *yaml.Node, f *plumbv1.AggregateFunction) (ok bool) {
		f.N, ok = r.count("last_n", node)
		return ok
	}},
	aggregate.TopK: {"top_k", "{top_k: 3}", func(r *reader, node *yaml.Node, f *plumbv1.AggregateFunction) (ok bool) {
		f.N, ok = r.count("top_k", node)
		return ok
	}},
	aggregate.Percentile: {"percentile", "{percentile: [0.5, 0.99]}", (*reader).quantiles},
}

var following = map[string]func(r *reader, node *yaml.Node, f *plumbv1.AggregateFunction) bool{
	"max_values": func(r *reader, node *yaml.Node, f *plumbv1.AggregateFunction) (ok bool) {
		if f.MaxValues, ok = r.count("max_values", node); ok && f.MaxValues == 0 {
			r.add(node, "max_values is 0; leave it out for 1,000")
		}
		return ok && f.MaxValues > 0
	},
	"error": func(r *reader, node *yaml.Node, f *plumbv1.AggregateFunction) (ok bool) {
		if f.Error, ok = r.number(`"error"`, node); ok && f.Error == 0 {
			r.add(node, "percentile is not exact, so its error is more than 0; leave it out for 0.01")
		}
		return ok && f.Error != 0
	},
}

// functionKeys are the keys of a function in braces.
var functionKeys = []string{"name", "last_n", "top_k", "percentile", "max_values", "error"}

// readFunction reads a function. What is wrong is reported, and the function then counts as faulty.
func (r *reader) readFunction(node *yaml.Node, f *plumbv1.AggregateFunction) {
	ok := false
	switch node.Kind {
	case yaml.ScalarNode:
		// That it has no value was reported with the list.
		ok = !isNull(node) && r.plainFunction(node, f)
	case yaml.MappingNode:
		ok = r.functionWithParameters(node, f)
	case yaml.SequenceNode:
		r.add(node, "a function is its name, such as sum, or a mapping such as {last_n: 5}; this is a list")
	}
	if !ok {
		r.markFaulty(node, allFields)
	}
}

// plainFunction takes over the name of a function that has no parameter of its own.
func (r *reader) plainFunction(node *yaml.Node, f *plumbv1.AggregateFunction) bool {
	if !r.checkText("a function", node) {
		return false
	}
	function := aggregate.Function(node.Value)
	if lead, takes := leading[function]; takes {
		r.add(node, "%s needs a parameter; write %s", function, lead.example)
		return false
	}
	if !slices.Contains(aggregate.Functions, function) {
		r.add(node, "there is no function %q; %s", node.Value, feature.SuggestFunction(node.Value))
		return false
	}
	f.Name = node.Value
	return true
}

func (r *reader) functionWithParameters(node *yaml.Node, f *plumbv1.AggregateFunction) bool {
	ok := true
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || !slices.Contains(functionKeys, key.Value):
			r.unknownParameter(key)
			ok = false
		case first[key.Value] != nil:
			r.repeatedKey(first[key.Value], key)
			ok = false
		default:
			first[key.Value] = key
			ok = r.isWritten(key.Value, value) && r.parameter(key, value, f) && ok
		}
	}
	if ok && f.GetName() == "" {
		r.add(node, "a function in braces begins with its name, as in {last_n: 5} or {name: histogram, max_values: 500}")
		return false
	}
	return ok && r.checkFollowing(f, first)
}

// followers are the parameters that may follow that of a leading one; max_values may follow a name.
var followers = map[string]string{"last_n": "", "top_k": "max_values", "percentile": "error"}

// checkFollowing reports parameters that the function does not have.
func (r *reader) checkFollowing(f *plumbv1.AggregateFunction, keys map[string]*yaml.Node) bool {
	follower, leads := followers[f.GetName()]
	if !leads {
		follower = "max_values"
	}
	ok := true
	for _, name := range slices.Sorted(maps.Keys(following)) {
		if key := keys[name]; key != nil && name != follower {
			r.add(key, "%s takes no %q; take it out", f.GetName(), name)
			ok = false
		}
	}
	return ok
}

// parameter takes over one key of a function and its value.
func (r *reader) parameter(key, value *yaml.Node, f *plumbv1.AggregateFunction) bool {
	if set, ok := following[key.Value]; ok {
		return set(r, value, f)
	}
	if f.GetName() != "" {
		r.add(key, "%q begins another function; put it into braces of its own", key.Value)
		return false
	}
	if lead, ok := leading[aggregate.Function(key.Value)]; ok {
		f.Name = key.Value
		return lead.set(r, value, f)
	}
	return r.plainFunction(value, f)
}

func (r *reader) unknownParameter(key *yaml.Node) {
	if key.Kind == yaml.ScalarNode && slices.Contains(aggregate.Functions, aggregate.Function(key.Value)) {
		r.add(key, "%s takes no value; write it alone, or as {name: %s, max_values: 500}", key.Value, key.Value)
		return
	}
	r.unknownName(key, functionKeys)
}

// count reads a whole number.
func (r *reader) count(label string, node *yaml.Node) (uint32, bool) {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!int" {
		if n, err := strconv.ParseUint(node.Value, 10, 32); err == nil {
			return uint32(n), true
		}
	}
	r.add(node, "%q must be a whole number; this is %s", label, describe(node))
	return 0, false
}

// number reads a decimal number.
func (r *reader) number(label string, node *yaml.Node) (float64, bool) {
	tag := node.ShortTag()
	if node.Kind == yaml.ScalarNode && (tag == "!!int" || tag == "!!float") {
		if n, err := strconv.ParseFloat(node.Value, 64); err == nil {
			return n, true
		}
	}
	r.add(node, "%s must be a number; this is %s", label, describe(node))
	return 0, false
}

func (r *reader) quantiles(node *yaml.Node, f *plumbv1.AggregateFunction) bool {
	if node.Kind != yaml.SequenceNode {
		r.add(node, `"percentile" must be a list of quantiles, such as [0.5, 0.99]; this is %s`, describe(node))
		return false
	}
	ok := true
	for _, item := range node.Content {
		if !r.isWritten("percentile", item) {
			ok = false
			continue
		}
		quantile, read := r.number(`an item of "percentile"`, item)
		f.Quantiles = append(f.Quantiles, quantile)
		ok = ok && read
	}
	return ok
}

// functionNode is the YAML that readFunction reads.
func functionNode(f *plumbv1.AggregateFunction) *yaml.Node {
	lead, takes := leading[aggregate.Function(f.GetName())]
	if !takes && f.GetMaxValues() == 0 {
		return textNode(f.GetName())
	}
	node := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	add := func(key string, value *yaml.Node) { node.Content = append(node.Content, textNode(key), value) }
	switch {
	case !takes:
		add("name", textNode(f.GetName()))
	case f.GetName() == string(aggregate.Percentile):
		quantiles := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, quantile := range f.GetQuantiles() {
			quantiles.Content = append(quantiles.Content, numberNode(quantile))
		}
		add(lead.name, quantiles)
	default:
		add(lead.name, countNode(uint64(f.GetN())))
	}
	if f.GetMaxValues() > 0 {
		add("max_values", countNode(uint64(f.GetMaxValues())))
	}
	if f.GetError() != 0 {
		add("error", numberNode(f.GetError()))
	}
	return node
}

func countNode(n uint64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatUint(n, 10)}
}

// numberNode writes a number with all the digits that it needs. A whole number has a tag that agrees with how it looks.
func numberNode(n float64) *yaml.Node {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	node.Tag = node.ShortTag()
	return node
}

// checkWindow wants a duration or another word that is known in its place.
func (r *reader) checkWindow(label string, node *yaml.Node, word string) bool {
	if node.Kind != yaml.ScalarNode {
		r.add(node, "%s must be a duration such as 1h or 30d, or %s; this is %s", label, word, describe(node))
		return false
	}
	if node.Value == word {
		return true
	}
	if _, err := feature.ParseDuration(node.Value); err != nil {
		r.add(node, "%s must be a duration such as 1h or 30d, or %s: %v", label, word, err)
		return false
	}
	return true
}
