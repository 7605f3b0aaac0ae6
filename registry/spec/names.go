package spec

import (
	"fmt"
	"regexp"
)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*_?$`)

const (
	maxNameBytes = 63
	nameRule     = "a name is a lower-case letter, then lower-case letters, digits and single underscores, " +
		"at most 63 in all"
)

// CheckName says why a name breaks the rule for names: [a-z][a-z0-9_]*, no __, at most 63 bytes. Definitions carry the
// same rule in their schema; this is for names elsewhere.
func CheckName(name string) error {
	if len(name) > maxNameBytes || !nameForm.MatchString(name) {
		return fmt.Errorf("%q is not a name: %s", name, nameRule)
	}
	return nil
}
