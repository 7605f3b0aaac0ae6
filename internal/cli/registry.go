package cli

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/spec"
)

func (a *application) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list [KIND]",
		Short:             "List what is registered: entities, sources, views or services; without KIND all of them",
		ValidArgsFunction: completeKinds,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return arguments("KIND")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.inProject(cmd.Context(), a.listAll)
			}
			k, err := kindOf(args[0])
			if err != nil {
				return err
			}
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error { return a.list(ctx, p, k) })
		},
	}
}

func (a *application) list(ctx context.Context, p *project.Project, k kind) error {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return err
	}
	all := k.all(snapshot.State.GetDefinitions())
	rows, documents := [][]string{k.heading}, make([]json.RawMessage, len(all))
	for i, each := range all {
		rows = append(rows, k.cells(each))
		if documents[i], err = document.Definition(each); err != nil {
			return err
		}
	}
	document := map[string]any{k.name: documents, "revision": snapshot.Revision}
	return a.print(document, func(w *printable.Writer) error { return w.Table(rows) })
}

// listAll lists every kind, with its name above.
func (a *application) listAll(ctx context.Context, p *project.Project) error {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return err
	}
	all := map[string]any{"revision": snapshot.Revision}
	for _, k := range kinds {
		documents := []json.RawMessage{}
		for _, each := range k.all(snapshot.State.GetDefinitions()) {
			written, err := document.Definition(each)
			if err != nil {
				return err
			}
			documents = append(documents, written)
		}
		all[k.name] = documents
	}
	return a.print(all, func(w *printable.Writer) error {
		for i, k := range kinds {
			if i > 0 {
				w.Printf("\n")
			}
			w.Printf("%s\n", k.name)
			rows := [][]string{k.heading}
			for _, each := range k.all(snapshot.State.GetDefinitions()) {
				rows = append(rows, k.cells(each))
			}
			if err := w.Table(rows); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *application) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show KIND NAME",
		Short:             "Print one registered definition as YAML",
		Args:              arguments("KIND", "NAME"),
		ValidArgsFunction: a.completeDefinitions,
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := kindOf(args[0])
			if err != nil {
				return err
			}
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.show(ctx, p, k, args[1])
			})
		},
	}
}

func (a *application) show(ctx context.Context, p *project.Project, k kind, name string) error {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return err
	}
	definition, err := k.find(snapshot.State.GetDefinitions(), name)
	if err != nil {
		return err
	}
	document, err := document.Definition(definition)
	if err != nil {
		return err
	}
	return a.print(document, func(w *printable.Writer) error {
		yaml, err := spec.Marshal(definition)
		if err != nil {
			return err
		}
		return w.Lines(string(yaml))
	})
}

func (a *application) historyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "history",
		Short: "List every revision, newest first: who applied it, when, and what changed",
		Args:  arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), a.history)
		},
	}
}

func (a *application) history(ctx context.Context, p *project.Project) error {
	engine, err := p.Registry(ctx)
	if err != nil {
		return err
	}
	revisions, err := engine.History(ctx, p.Config.Project)
	if err != nil {
		return err
	}
	if revisions == nil {
		revisions = []registry.Revision{}
	}
	return a.print(map[string]any{"revisions": revisions}, func(w *printable.Writer) error {
		for _, revision := range revisions {
			w.Printf("revision %d, %s, by %s\n", revision.Number, revision.At.UTC().Format(time.RFC3339), revision.By)
			for _, change := range revision.Changes {
				w.Printf("  %s\n", change)
			}
		}
		return w.Err()
	})
}
