package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/registry"
)

// arguments requires exactly the arguments of these names.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return registry.Inputf("", "%s is missing; write %s", names[len(args)], cmd.UseLine())
		case len(args) > len(names):
			return registry.Inputf("", "%q is too much; write %s", strings.Join(args[len(names):], " "), cmd.UseLine())
		}
		return nil
	}
}
