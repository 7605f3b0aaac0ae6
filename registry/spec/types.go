package spec

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// checkType wants the name of a type. TYPE_UNSPECIFIED has the number 0, as has a name that is not in the map, and is
// unknown like that.
func (r *reader) checkType(node *yaml.Node) bool {
	switch {
	case node.Kind != yaml.ScalarNode:
		r.add(node, "a type is one word; this is %s; write %s", describe(node), typeList)
	case plumbv1.Type_value[node.Value] == 0:
		r.add(node, "unknown type %q; %s", node.Value, suggestType(node.Value))
	default:
		return true
	}
	return false
}

// otherNames are what other systems call our types.
var otherNames = map[string]string{
	"BIGINT": "INT64", "BINARY": "BYTES", "BLOB": "BYTES", "BOOLEAN": "BOOL", "DATE": "TIMESTAMP", "DATETIME": "TIMESTAMP",
	"DOUBLE": "FLOAT64", "INTEGER": "INT32 or INT64", "LONG": "INT64", "NUMBER": "FLOAT64", "REAL": "FLOAT32",
	"TEXT": "STRING", "VARCHAR": "STRING",
}

// suggestType ends the sentence about an unknown type. Names of other systems come first: DATE means TIMESTAMP, which
// is spelled in no way like it.
func suggestType(name string) string {
	upper := strings.ToUpper(name)
	if other, ok := otherNames[upper]; ok {
		return "did you mean " + other + "?"
	}
	switch upper {
	case "INT", "FLOAT":
		return fmt.Sprintf("did you mean %[1]s32 or %[1]s64?", upper)
	}
	if closest := fault.Closest(upper, typeNames()); closest != "" {
		return "did you mean " + closest + "?"
	}
	return "write " + typeList
}

const typeList = "BOOL, INT32, INT64, FLOAT32, FLOAT64, STRING, BYTES, TIMESTAMP, or one of them with _ARRAY"

// typeNames returns the names of the types in the order of their numbers.
func typeNames() []string {
	values := plumbv1.Type_TYPE_UNSPECIFIED.Descriptor().Values()
	var names []string
	for i := 1; i < values.Len(); i++ {
		names = append(names, string(values.Get(i).Name()))
	}
	return names
}
