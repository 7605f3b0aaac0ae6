package dataset

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Differences names the members in which two manifests differ, such as "options.statuses" or
// "output.columns.temp.nulls". It goes by their JSON, so that a member which is added to manifests later is compared
// without a change here.
func Differences(a, b *Manifest) ([]string, error) {
	left, err := flattened(a)
	if err != nil {
		return nil, err
	}
	right, err := flattened(b)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for name, text := range left {
		if other, ok := right[name]; !ok || other != text {
			names[name] = true
		}
	}
	for name := range right {
		if _, ok := left[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// flattened is the text of each member that is not an object and no array of objects, by the names that lead to it.
func flattened(m *Manifest) (map[string]string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	var content any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&content); err != nil {
		return nil, err
	}
	members := map[string]string{}
	flatten(members, "", content)
	return members, nil
}

func flatten(into map[string]string, name string, value any) {
	below := func(part string, value any) {
		if name != "" {
			part = name + "." + part
		}
		flatten(into, part, value)
	}
	switch value := value.(type) {
	case map[string]any:
		for part, member := range value {
			below(part, member)
		}
		return
	case []any:
		if _, objects := first(value).(map[string]any); objects {
			for i, element := range value {
				below(elementName(i, element), element)
			}
			return
		}
	}
	text, _ := json.Marshal(value) // It has just been read.
	into[name] = string(text)
}

func first(values []any) any {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// elementName is what an element of an array is called: its name, path or view, or else its number. By number, a column
// that was added in front would make all columns after it differ.
func elementName(i int, element any) string {
	members, _ := element.(map[string]any)
	for _, key := range []string{"name", "path", "view"} {
		if name, ok := members[key].(string); ok {
			return name
		}
	}
	return strconv.Itoa(i)
}
