package expression

import (
	"slices"
	"strings"
)

// FunctionNames are the functions that expressions may call by name.
func FunctionNames() ([]string, error) {
	language, err := theLanguage()
	if err != nil {
		return nil, err
	}
	return (&compiler{language: language}).functionNames(), nil
}

// Operators are the operators as they are written.
func Operators() []string {
	var all []string
	for _, f := range functions() {
		switch {
		case f.name == "-_":
			all = append(all, "-x")
		case strings.HasPrefix(f.name, "_") || f.name == "!_" || f.name == "@in":
			all = append(all, symbol(f.name))
		}
	}
	slices.Sort(all)
	return all
}
