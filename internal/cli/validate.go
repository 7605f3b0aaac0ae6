package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

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

func (a *application) validate(ctx context.Context, p *project) error {
	definitions, err := p.definitions(ctx)
	if err != nil {
		return err
	}
	count := countDefinitions(definitions)
	return a.print(map[string]int{"valid": count}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d definitions are valid\n", count)
		return err
	})
}

func countDefinitions(d *plumbv1.Definitions) int {
	return len(d.GetEntities()) + len(d.GetSources()) + len(d.GetFeatureViews()) + len(d.GetFeatureServices())
}
