package cli

import (
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
)

// keyColumns collects the rows of entity keys and request inputs of a look-up.
//
// --key ticker=ACME --key ticker=INIT is two rows of one key; with a second key, the first values of both are the first
// row.
type keyColumns struct {
	*document.Keys
	// flag is the flag that the keys come from, for errors.
	flag string
}

func newKeyColumns(flag string, fields, inputs []feature.Field) *keyColumns {
	return &keyColumns{Keys: document.NewKeys(fields, inputs), flag: flag}
}

// check requires that each key and input was given, and each as often as the others.
func (k *keyColumns) check() error {
	for _, column := range k.All() {
		if len(column.Values) == 0 {
			return fault.Inputf(flagOf(column), "%s %s (%s) is missing; give it as %s %s=VALUE, or use --keys FILE",
				columnKind(column), column.Name, column.Type, flagOf(column), column.Name)
		}
		if first := k.All()[0]; len(column.Values) != len(first.Values) {
			return fault.Inputf(k.flag, "%s has %d values and %s has %d; give each as many as there are rows",
				first.Name, len(first.Values), column.Name, len(column.Values))
		}
	}
	return nil
}

// columnKind is what messages call a column.
func columnKind(column *document.KeyColumn) string {
	if column.IsInput {
		return "request input"
	}
	return "key"
}

// flagOf is the flag that a column is given with.
func flagOf(column *document.KeyColumn) string {
	if column.IsInput {
		return "--input"
	}
	return "--key"
}

// addFlag takes one --key col=value, or one --input name=value.
func (k *keyColumns) addFlag(flag, pair string) error {
	name, text, ok := strings.Cut(pair, "=")
	if !ok {
		return fault.Inputf(flag, "%q is not of the form column=value", pair)
	}
	column, err := k.Column(name)
	if err != nil {
		return fault.Inputf(flag, "%v", err)
	}
	if right := flagOf(column); right != flag {
		return fault.Inputf(flag, "%s is given with %s", name, right)
	}
	value, err := column.Parse(text)
	if err != nil {
		return fault.Inputf(flag, "%s: %v", name, err)
	}
	column.Values = append(column.Values, value)
	return nil
}
