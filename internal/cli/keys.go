package cli

import (
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
)

// keyColumns collects the rows of entity keys of a look-up.
//
// --key ticker=ACME --key ticker=INIT is two rows of one key; with a second key, the first values of both are the first
// row.
type keyColumns struct {
	*document.Keys
	// flag is the flag that the keys come from, for errors.
	flag string
}

func newKeyColumns(flag string, fields []feature.Field) *keyColumns {
	return &keyColumns{Keys: document.NewKeys(fields), flag: flag}
}

// check requires that each key was given, and each as often as the others.
func (k *keyColumns) check() error {
	for _, column := range k.Columns {
		if len(column.Values) == 0 {
			return fault.Inputf(k.flag, "key %s (%s) is missing; give it as --key %s=VALUE, or use --keys FILE",
				column.Name, column.Type, column.Name)
		}
		if first := k.Columns[0]; len(column.Values) != len(first.Values) {
			return fault.Inputf(k.flag, "%s has %d values and %s has %d; give each key as many as there are rows",
				first.Name, len(first.Values), column.Name, len(column.Values))
		}
	}
	return nil
}

// addFlag takes one --key col=value.
func (k *keyColumns) addFlag(pair string) error {
	name, text, ok := strings.Cut(pair, "=")
	if !ok {
		return fault.Inputf(k.flag, "%q is not of the form column=value", pair)
	}
	column, err := k.Column(name)
	if err != nil {
		return fault.Inputf(k.flag, "%v", err)
	}
	value, err := document.ParseKey(text, column.Type)
	if err != nil {
		return fault.Inputf(k.flag, "%s: %v", name, err)
	}
	column.Values = append(column.Values, value)
	return nil
}
