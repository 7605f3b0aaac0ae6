package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
)

func (a *application) onlineStoreCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "online-store", Short: "Look the online store over"}
	cmd.AddCommand(&cobra.Command{
		Use:   "stats",
		Short: "Show what the online store holds of each view",
		Long: "Stats counts the rows that the online store holds of each view and generation, and estimates what they\n" +
			"take. Rows that nobody reads are there too: those of views that were removed or are not online, and of\n" +
			"generations that a change has set aside. plumb teardown VIEW removes them.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), a.storeStats)
		},
	})
	return cmd
}

func (a *application) storeStats(ctx context.Context, p *project.Project) error {
	held, err := p.Holdings(ctx)
	if err != nil {
		return err
	}
	document := map[string]any{"project": p.Config.Project, "views": held}
	return a.print(document, func(w *printable.Writer) error { return writeHeld(w, held) })
}

func writeHeld(w *printable.Writer, held []project.Holding) error {
	rows := [][]string{{"VIEW", "GENERATION", "ROWS", "SIZE", "STATE"}}
	for _, h := range held {
		rows = append(rows, []string{h.View, fmt.Sprint(h.Generation), fmt.Sprint(h.Rows), humanize.Bytes(uint64(h.Bytes)),
			h.State})
	}
	return w.Table(rows)
}

func (a *application) teardownCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "teardown VIEW",
		Short: "Remove all rows of a view from the online store",
		Long: "Teardown removes the rows of one view, of all its generations, and forgets how far the view was\n" +
			"materialized: the next run starts from the beginning, and until then look-ups answer NOT_FOUND. The view\n" +
			"need not be registered any more. Let no materialization of the view run meanwhile. It asks first; without a\n" +
			"terminal to ask on it needs --yes.",
		Args: arguments("VIEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.teardown(ctx, p, args[0], yes)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "remove without being asked")
	return cmd
}

// teardown checks the name before it asks, so that a slip is not confirmed.
func (a *application) teardown(ctx context.Context, p *project.Project, view string, yes bool) error {
	if err := p.CheckTeardown(ctx, view); err != nil {
		return err
	}
	if !yes {
		if err := a.confirmTeardown(ctx, p, view); err != nil {
			return err
		}
	}
	removed, err := p.Teardown(ctx, view)
	if err != nil {
		return err
	}
	document := map[string]any{"project": p.Config.Project, "view": view, "removed": removed}
	return a.print(document, func(w *printable.Writer) error {
		return w.Printf("%s: %d rows removed.\n", view, removed)
	})
}

func (a *application) confirmTeardown(ctx context.Context, p *project.Project, view string) error {
	if !isTerminal(a.In) {
		return fault.Inputf("--yes", "teardown removes all online rows of view %s, and there is no terminal to ask on; "+
			"say so with plumb teardown %s --yes", view, view)
	}
	a.say("Remove all rows of view %s of project %s from the online store? [y/N] ", view, p.Config.Project)
	answer, err := a.readLine(ctx)
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("it was not accepted; nothing was removed")
	}
	return nil
}
