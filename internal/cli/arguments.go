package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/project"
)

// arguments requires exactly the arguments of these names.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fault.Inputf("", "%s is missing; write %s", names[len(args)], cmd.UseLine())
		case len(args) > len(names):
			extra := strings.Join(args[len(names):], " ")
			if project.IsFileFormat(extra) && cmd.Flags().Lookup("labels") != nil {
				return fault.Inputf("", "%q stands alone; did you mean --labels %s?", extra, extra)
			}
			return fault.Inputf("", "%q is too much; write %s", extra, cmd.UseLine())
		}
		return nil
	}
}
