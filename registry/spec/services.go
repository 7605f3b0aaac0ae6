package spec

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// checkService checks what a service asks for, reference by reference, and that its outputs have different names (R10).
// References to views that are not there are left out of the check of names: what they would add is not known.
func (c *checker) checkService(ctx context.Context, service *plumbv1.FeatureService) error {
	outputs := newOutputs(c, service)
	aliases := map[string]*plumbv1.ViewReference{}
	for _, reference := range service.GetFeatures() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if reference.GetView() == "" || c.isFaulty(reference, "view") || c.isFaulty(reference, "as") {
			continue
		}
		alias := cmp.Or(reference.GetAs(), reference.GetView())
		if first, ok := aliases[alias]; ok {
			c.add(reference, path{"as"}, "%q already stands for the view at %s; list all its features there, or give this one "+
				"another name with as", alias, c.Position(first))
			continue
		}
		aliases[alias] = reference
		if view, ok := c.views[reference.GetView()]; ok {
			outputs.addKeys(view, reference)
			for i, name := range c.checkFeatures(view, reference) {
				outputs.add(reference, i, alias, name)
			}
		} else if view, ok := c.onDemand[reference.GetView()]; ok {
			outputs.checkComputation(view, reference, alias)
		} else {
			c.unknownView(reference)
		}
		if len(outputs.owners) > maxOutputs {
			c.add(service, path{"features"}, "feature service %q has more than %d features; make several services of it",
				service.GetName(), maxOutputs)
			return nil
		}
	}
	outputs.checkLabels()
	return nil
}

func (c *checker) unknownView(reference *plumbv1.ViewReference) {
	if !c.mayLack("feature_views", c.viewNames) && !c.mayLack("on_demand_views", c.onDemandNames) {
		known := newNames(slices.Concat(c.viewNames.all, c.onDemandNames.all))
		c.add(reference, path{"view"}, "no feature view is named %q; %s", reference.GetView(),
			c.suggest(reference.GetView(), known))
	}
}

// checkFeatures reports features that the view does not have, and returns those that the reference asks for. A
// reference without a list asks for all of them. If the view's own list could not be read whole, nothing is called
// missing.
func (c *checker) checkFeatures(view *plumbv1.FeatureView, reference *plumbv1.ViewReference) []string {
	known, ok := c.featureNames[view]
	if !ok {
		known = namesOf(view.GetFeatures())
		c.featureNames[view] = known
	}
	if len(reference.GetFeatures()) == 0 {
		return slices.Sorted(maps.Keys(known.has))
	}
	complete := len(known.all) > 0 && !known.lacking && !c.isFaulty(view, "features")
	for i, name := range reference.GetFeatures() {
		if complete && name != "" && !known.has[name] {
			c.add(reference, path{"features", strconv.Itoa(i)}, "feature view %q has no feature %q; %s", view.GetName(), name,
				c.suggest(name, known))
		}
	}
	return reference.GetFeatures()
}

// maxOutputs bounds the features of a service, which views with many features and references to them would multiply to
// more than there is memory for. No file that a join could write has as many columns.
const maxOutputs = 20_000

// outputs are the columns of a service's results (R10): those it adds, and the label columns that it reads keys from.
type outputs struct {
	*checker
	service *plumbv1.FeatureService
	// owners holds which feature has an output name, such as weather:temp.
	owners map[string]string
	at     map[string]outputPlace
	labels map[string]label
}

type outputPlace struct {
	reference *plumbv1.ViewReference
	path      path
}

// label is a label column that a key or a request input is read from.
type label struct {
	keyType plumbv1.Type
	// reader is the view and its key or input, such as weather:airport.
	reader string
}

func newOutputs(c *checker, service *plumbv1.FeatureService) *outputs {
	return &outputs{checker: c, service: service, owners: map[string]string{}, at: map[string]outputPlace{},
		labels: map[string]label{}}
}

// addKeys takes in the label columns that a reference reads the view's join keys from, and reports keys that the view
// does not have and columns that are read as two types.
func (o *outputs) addKeys(view *plumbv1.FeatureView, reference *plumbv1.ViewReference) {
	joinKeys, complete := o.joinKeysOf(view)
	for _, key := range joinKeys {
		o.addLabel(view, reference, key)
	}
	if !complete {
		return
	}
	keys := namesOf(joinKeys)
	for _, key := range slices.Sorted(maps.Keys(reference.GetJoinKeys())) {
		if !keys.has[key] {
			o.addAtKey(reference, path{"join_keys", key}, "feature view %q has no join key %q; %s", view.GetName(), key,
				o.suggest(key, keys))
		}
	}
}

func (o *outputs) addLabel(view *plumbv1.FeatureView, reference *plumbv1.ViewReference, key *plumbv1.JoinKey) {
	column := cmp.Or(reference.GetJoinKeys()[key.GetName()], key.GetName())
	reader := cmp.Or(reference.GetAs(), view.GetName()) + ":" + key.GetName()
	first, ok := o.labels[column]
	switch {
	case !ok:
		o.labels[column] = label{key.GetType(), reader}
	case key.GetType() != first.keyType && key.GetType() != 0 && first.keyType != 0:
		o.checker.add(reference, path{"join_keys", key.GetName()}, "label column %q is read as %s for %s and as %s for %s; "+
			"map one of them to another column with join_keys", column, first.keyType, first.reader, key.GetType(), reader)
	}
}

// add adds the output of the i-th feature that a reference asks for, and reports it if the name is taken.
func (o *outputs) add(reference *plumbv1.ViewReference, i int, alias, feature string) {
	if feature == "" {
		return
	}
	name := feature
	if o.service.GetFullNames() {
		name = alias + "__" + feature
	}
	at := path{"features", strconv.Itoa(i)}
	if len(reference.GetFeatures()) == 0 {
		at = path{"view"}
	}
	owner := alias + ":" + feature
	switch first, taken := o.owners[name]; {
	case !taken:
		o.owners[name], o.at[name] = owner, outputPlace{reference, at}
	case first == owner:
		o.checker.add(reference, at, "feature %q is listed twice; list it once", feature)
	default:
		o.checker.add(reference, at, "output column %q is wanted by %s and %s; set full_names: true on the service, or "+
			"list the features of one of them without it", name, first, owner)
	}
}

// checkLabels reports outputs that have the name of a label column that the service reads.
func (o *outputs) checkLabels() {
	for _, column := range slices.Sorted(maps.Keys(o.labels)) {
		at, taken := o.at[column]
		if !taken {
			continue
		}
		remedy := "set full_names: true on the service, or read it from another column with join_keys"
		if strings.Contains(column, "__") {
			remedy = "read it from another column with join_keys"
		}
		o.checker.add(at.reference, at.path, "output column %q is also the label column that %s is read from; %s",
			column, o.labels[column].reader, remedy)
	}
}
