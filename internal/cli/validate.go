package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func (a *application) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Check the definitions against themselves and the sources, and report every mistake at once",
		Args:  arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), a.validate)
		},
	}
}

func (a *application) validate(ctx context.Context, p *project.Project) error {
	definitions, err := a.definitions(ctx, p)
	if err != nil {
		return err
	}
	count := countDefinitions(definitions.Definitions)
	return a.print(map[string]int{"valid": count}, func(w *printable.Writer) error {
		return w.Printf("%d definitions are valid\n", count)
	})
}

func countDefinitions(d *plumbv1.Definitions) int {
	return len(d.GetEntities()) + len(d.GetSources()) + len(d.GetFeatureViews()) + len(d.GetOnDemandViews()) +
		len(d.GetFeatureServices())
}
