package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/store"
)

// upkeep is an online store that can be looked over and cleared.
type upkeep interface {
	store.Surveyor
	store.Remover
}

func (p *project) upkeep(ctx context.Context) (upkeep, error) {
	online, err := p.online(ctx)
	if err != nil {
		return nil, err
	}
	able, ok := online.(upkeep)
	if !ok {
		return nil, errors.New("this online store can neither count nor remove rows")
	}
	return able, nil
}

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

// heldRows is what stats says of a generation of a view.
type heldRows struct {
	store.Holding
	// State is "current", or says why nobody reads the rows: "removed", "not online", "set aside".
	State string `json:"state"`
}

func (a *application) storeStats(ctx context.Context, p *project) error {
	engine, err := p.registry(ctx)
	if err != nil {
		return err
	}
	current, err := engine.Current(ctx, p.config.Project)
	if err != nil {
		return err
	}
	online, err := p.upkeep(ctx)
	if err != nil {
		return err
	}
	holdings, err := online.Survey(ctx, p.config.Project)
	if err != nil {
		return err
	}
	held := []heldRows{}
	for _, holding := range holdings {
		held = append(held, heldRows{holding, stateOf(current, holding)})
	}
	document := map[string]any{"project": p.config.Project, "views": held}
	return a.print(document, func(w *printable.Writer) error { return writeHeld(w, held) })
}

func stateOf(current *feature.Snapshot, holding store.Holding) string {
	view, err := current.View(holding.View)
	switch {
	case err != nil:
		return "removed"
	case view.Generation != holding.Generation:
		return "set aside"
	case !view.Online:
		return "not online"
	}
	return "current"
}

func writeHeld(w *printable.Writer, held []heldRows) error {
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
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project) error {
				return a.teardown(ctx, p, args[0], yes)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "remove without being asked")
	return cmd
}

func (a *application) teardown(ctx context.Context, p *project, view string, yes bool) error {
	ledger, err := p.registry(ctx)
	if err != nil {
		return err
	}
	online, err := p.upkeep(ctx)
	if err != nil {
		return err
	}
	if err := a.checkTornDown(ctx, p, online, view); err != nil {
		return err
	}
	if !yes {
		if err := a.confirmTeardown(ctx, p, view); err != nil {
			return err
		}
	}
	// The progress goes first: whatever stops what follows, the next run begins anew.
	if err := ledger.Forget(ctx, p.config.Project, view); err != nil {
		return err
	}
	removed, err := online.Remove(ctx, p.config.Project, view)
	if err != nil {
		return fmt.Errorf("%d rows are removed, and others may be left; do it again: %w", removed, err)
	}
	document := map[string]any{"project": p.config.Project, "view": view, "removed": removed}
	return a.print(document, func(w *printable.Writer) error {
		return w.Printf("%s: %d rows removed.\n", view, removed)
	})
}

// checkTornDown refuses a name that neither a view nor a row has, which is a slip.
func (a *application) checkTornDown(ctx context.Context, p *project, online store.Surveyor, view string) error {
	engine, err := p.registry(ctx)
	if err != nil {
		return err
	}
	current, err := engine.Current(ctx, p.config.Project)
	if err != nil {
		return err
	}
	_, unknown := current.View(view)
	if unknown == nil {
		return nil
	}
	holdings, err := online.Survey(ctx, p.config.Project)
	if err != nil {
		return err
	}
	for _, holding := range holdings {
		if holding.View == view {
			return nil
		}
	}
	return unknown
}

func (a *application) confirmTeardown(ctx context.Context, p *project, view string) error {
	if !isTerminal(a.In) {
		return fault.Inputf("--yes", "teardown removes all online rows of view %s, and there is no terminal to ask on; "+
			"say so with plumb teardown %s --yes", view, view)
	}
	a.say("Remove all rows of view %s of project %s from the online store? [y/N] ", view, p.config.Project)
	answer, err := a.readLine(ctx)
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("it was not accepted; nothing was removed")
	}
	return nil
}
