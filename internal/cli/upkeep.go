package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
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
	}, &cobra.Command{
		Use:   "upgrade",
		Short: "Move rows that an older version has stored into the layout of this version",
		Long: "Upgrade moves the rows of all views that an older version has stored into the layout of this version,\n" +
			"which takes less memory. Until then both are read. Before you run it, upgrade every server and every job of\n" +
			"the project: a server of an older version answers NOT_FOUND for moved rows. Upgrade can be interrupted and\n" +
			"run again. plumb materialize does the same for each view that it starts from the beginning.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), a.upgradeStore)
		},
	})
	return cmd
}

func (a *application) upgradeStore(ctx context.Context, p *project.Project) error {
	moving := a.progress("moving rows")
	report, err := p.UpgradeStore(ctx, func(moved int64) {
		moving.report(offline.Progress{Step: "moving rows", Rows: moved})
	})
	moving.stop()
	if err != nil {
		return fmt.Errorf("%d rows are moved; run it again to go on: %w", report.Moved, err)
	}
	document := map[string]any{"project": p.Config.Project, "moved": report.Moved, "unmoved": report.Unmoved,
		"others": report.Others}
	return a.print(document, func(w *printable.Writer) error { return writeUpgrade(w, report) })
}

func writeUpgrade(w *printable.Writer, report online.UpgradeReport) error {
	err := w.Printf("%d rows moved.\n", report.Moved)
	if report.Unmoved > 0 {
		err = errors.Join(err, w.Printf("%d rows were changed meanwhile by an older version: stop it, and run this again.\n",
			report.Unmoved))
	}
	if report.Others > 0 {
		err = errors.Join(err, w.Printf("%d rows that no view reads stay as they are; plumb online-store stats lists them.\n",
			report.Others))
	}
	return err
}

func (a *application) storeStats(ctx context.Context, p *project.Project) error {
	held, err := p.Holdings(ctx)
	if err != nil {
		return err
	}
	storage, err := p.Storage(ctx)
	if err != nil {
		return err
	}
	document := map[string]any{"project": p.Config.Project, "views": held}
	if storage != nil {
		document["storage"] = storage
	}
	return a.print(document, func(w *printable.Writer) error {
		return errors.Join(writeHeld(w, held), writeStorage(w, storage))
	})
}

// writeStorage says whether the server keeps rows in the form that suits them, and what would make it do so.
func writeStorage(w *printable.Writer, storage *online.Storage) error {
	switch {
	case storage == nil || storage.Entities == 0:
		return nil
	case storage.Compact == storage.Entities && storage.Searched == 0:
		return w.Printf("\nRedis keeps the rows in their compact form.\n")
	case len(storage.Settings) == 0:
		return w.Printf("\nRedis keeps the rows in the form that suits their number.\n")
	}
	return errors.Join(writeLarger(w, storage), writeSearched(w, storage),
		w.Printf("The server setting for that: %s. It applies to entities that are written from then on.\n",
			strings.Join(storage.Settings, " and ")))
}

func writeLarger(w *printable.Writer, storage *online.Storage) error {
	if storage.Larger == 0 {
		return nil
	}
	saved := 100 * (storage.Bytes - storage.CompactBytes) / max(storage.Bytes, 1)
	return w.Printf("\nRedis keeps %d of %d entities that were looked at in a larger form than necessary.\n"+
		"In the compact form they would take about %d%% less memory.\n", storage.Larger, storage.Entities, saved)
}

func writeSearched(w *printable.Writer, storage *online.Storage) error {
	if storage.Searched == 0 {
		return nil
	}
	return w.Printf("\nRedis keeps %d of %d entities that were looked at in the compact form, though they have many\n"+
		"rows. In the larger form look-ups of them would take less time.\n", storage.Searched, storage.Entities)
}

func writeHeld(w *printable.Writer, held []project.Holding) error {
	rows := [][]string{{"VIEW", "GENERATION", "ROWS", "SIZE", "STATE"}}
	for _, h := range held {
		state := h.State
		if h.OlderLayout {
			state += ", older layout"
		}
		rows = append(rows, []string{cmp.Or(h.View, "(unknown)"), fmt.Sprint(h.Generation), fmt.Sprint(h.Rows),
			humanize.Bytes(uint64(h.Bytes)), state})
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
