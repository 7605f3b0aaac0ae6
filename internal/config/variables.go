package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// ofKubernetes are the variables that Kubernetes gives containers beside a service of the name plumb. They are, for
// example, PLUMB_SERVICE_HOST and PLUMB_PORT_6570_TCP_ADDR, and nobody has misspelt them.
var ofKubernetes = regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP).*)?$`)

// MisspeltVariables warns of the variables of an environment, each NAME=VALUE, that are no setting's and are named
// almost as one. asked are the names that loading has looked up.
//
// An unknown key in plumb.yaml is an error. A variable is not, since other programs may read it; so there is a warning,
// and only if the name is close to that of a setting.
func MisspeltVariables(environ []string, asked map[string]bool) []string {
	const prefix = "PLUMB_"
	names := []string{strings.TrimPrefix(projectDirVariable, prefix)}
	for _, setting := range settings {
		names = append(names, strings.TrimPrefix(setting.Variable(), prefix))
	}
	var warnings []string
	for _, pair := range environ {
		variable, _, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(variable, prefix)
		if !ours || asked[variable] || ofKubernetes.MatchString(variable) || slices.Contains(names, name) {
			continue
		}
		if closest := fault.Closest(name, names); closest != "" {
			warnings = append(warnings, fmt.Sprintf("%s is set and is no setting; did you mean %s%s?", variable, prefix,
				closest))
		}
	}
	slices.Sort(warnings)
	return warnings
}
