package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/project"
)

// completeKinds completes the KIND of list.
func completeKinds(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeDefinitions completes the KIND and NAME of show.
func (a *application) completeDefinitions(cmd *cobra.Command, args []string, prefix string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeKinds(cmd, args, prefix)
	}
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeNames(cmd.Context(), args[0], prefix)
}

// completePush completes the VIEW of push; its FILE is completed by the shell.
func (a *application) completePush(cmd *cobra.Command, args []string, prefix string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return a.completeNames(cmd.Context(), "views", prefix)
}

// completeViews completes a flag with the names of views; completeServices with those of services.
func (a *application) completeViews(cmd *cobra.Command, flag string) {
	a.completeFlag(cmd, flag, "views")
}
func (a *application) completeServices(cmd *cobra.Command, flag string) {
	a.completeFlag(cmd, flag, "services")
}

func (a *application) completeFlag(cmd *cobra.Command, flag, kindName string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, // It fails only if there is no such flag.
		func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
			return a.completeNames(cmd.Context(), kindName, prefix)
		})
}

// completeNames reads the names that are registered. If they cannot be read, there is nothing to complete with. A
// message on the command line that is being typed would be in the way.
func (a *application) completeNames(ctx context.Context, kindName, prefix string) ([]string, cobra.ShellCompDirective) {
	k, err := kindOf(kindName)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	err = a.inProject(ctx, func(ctx context.Context, p *project.Project) error {
		snapshot, err := p.Snapshot(ctx)
		if err != nil {
			return err
		}
		names = namesOf(snapshot, k, prefix)
		return nil
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func namesOf(snapshot *feature.Snapshot, k kind, prefix string) []string {
	var names []string
	for _, each := range k.all(snapshot.State.GetDefinitions()) {
		if strings.HasPrefix(each.GetName(), prefix) {
			names = append(names, each.GetName())
		}
	}
	return names
}
