package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/registry"
)

func (a *application) datasetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dataset",
		Short: "Say what has changed since a training set was made, make it again, compare two",
		Long: "Each output of historical has a manifest: beside it, as FILE.manifest, and within it, where the format has\n" +
			"room. Dataset compares what it says with what there is now, or with another.",
	}
	cmd.AddCommand(a.datasetVerifyCommand(), a.datasetRebuildCommand(), a.datasetDiffCommand())
	return cmd
}

func (a *application) datasetVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Say what has changed since a training set was made",
		Long: "Verify compares a training set, its labels, the sources' files and the definitions with the manifest, and\n" +
			"names what has changed. It exits with 0 only if all was compared and nothing has. FILE is the training set\n" +
			"or its manifest.",
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project) error {
				return a.datasetVerify(ctx, p, args[0])
			})
		},
	}
}

// verification is what dataset verify prints.
type verification struct {
	File     string          `json:"file"`
	Same     bool            `json:"same"`
	Revision int64           `json:"revision,omitempty"`
	Digest   string          `json:"digest,omitempty"`
	Checks   []dataset.Check `json:"checks"`
}

func (a *application) datasetVerify(ctx context.Context, p *project, path string) error {
	found, err := dataset.Find(path)
	if err != nil {
		return err
	}
	present, err := p.present(ctx)
	if err != nil {
		return err
	}
	shown := a.progress("comparing")
	defer shown.stop()
	checks, err := found.Verify(ctx, present)
	shown.stop()
	if err != nil {
		return err
	}
	a.keepDigests(present.Digests)
	result := verification{File: found.Output, Same: true, Checks: checks}
	if found.Manifest != nil {
		result.Revision, result.Digest = found.Manifest.Revision, found.Manifest.Output.Digest
	}
	for _, check := range checks {
		result.Same = result.Same && check.State == dataset.Same
	}
	if err := a.print(result, result.write); err != nil || result.Same {
		return err
	}
	return errFailedCheck
}

// write tells everything that is not the same, and how much is.
func (v verification) write(w *printable.Writer) error {
	same := 0
	for _, check := range v.Checks {
		if check.State == dataset.Same {
			same++
		}
	}
	if err := writeChecks(w, v.Checks, func(s dataset.State) bool { return s != dataset.Same }); err != nil {
		return err
	}
	if v.Same {
		return w.Printf("%s is what its manifest says, and so is all that it was made of: %d things compared\n",
			v.File, same)
	}
	return w.Printf("%s: %d of %d things that it was made of are as they were\n", v.File, same, len(v.Checks))
}

func writeChecks(w *printable.Writer, checks []dataset.Check, wanted func(dataset.State) bool) error {
	var lines [][]string
	for _, check := range checks {
		if wanted(check.State) {
			lines = append(lines, []string{string(check.State), check.Subject, check.Name, check.Detail})
		}
	}
	for i := range lines {
		if lines[i][3] == "" {
			lines[i] = lines[i][:3]
		}
	}
	return w.Table(lines)
}

// present is the project as it is now.
func (p *project) present(ctx context.Context) (dataset.Present, error) {
	current, err := p.snapshot(ctx)
	if err != nil {
		return dataset.Present{}, err
	}
	registered, err := p.registry(ctx)
	if err != nil {
		return dataset.Present{}, err
	}
	offline, err := p.offline(ctx)
	if err != nil {
		return dataset.Present{}, err
	}
	at := func(ctx context.Context, revision int64) (*registry.Snapshot, error) {
		return registered.At(ctx, p.config.Project, revision)
	}
	return dataset.Present{Folder: p.config.ProjectDir, Digests: p.digests(), Current: current, At: at,
		Files: offline.Files}, nil
}

// keepDigests keeps them for the next time; without, that takes longer.
func (a *application) keepDigests(digests *dataset.FileDigests) {
	if err := digests.Save(); err != nil {
		a.note("the digests of the sources are not kept for the next time: %v", err)
	}
}

func (a *application) datasetRebuildCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "rebuild FILE.manifest [--out FILE]",
		Short: "Make a training set again, as it was",
		Long: "Rebuild joins the same labels with the same files by the definitions of the manifest's revision, and\n" +
			"writes the output only if its content is what the manifest says. Otherwise it names what differs, writes\n" +
			"nothing, and exits with 1. Files that sources have got since are not read.",
		Args: arguments("FILE.manifest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project) error {
				return a.datasetRebuild(ctx, p, args[0], out)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write; without, the one that the manifest is beside")
	return cmd
}

// rebuilding is what dataset rebuild prints.
type rebuilding struct {
	Out       string          `json:"out"`
	Rebuilt   bool            `json:"rebuilt"`
	Digest    string          `json:"digest"`
	Rows      int64           `json:"rows,omitempty"`
	Obstacles []dataset.Check `json:"obstacles,omitempty"`
}

func (a *application) datasetRebuild(ctx context.Context, p *project, path, out string) error {
	found, err := dataset.Find(path)
	if err != nil {
		return err
	}
	if found.Manifest == nil || found.Check.State != dataset.Same {
		return registry.Inputf("", "%s cannot be relied upon: %s", found.Check.Name, found.Check.Detail)
	}
	old := found.Manifest
	if out == "" {
		out = found.Output
	}
	if err := checkFormats(old.Output.Name, out); err != nil {
		return err
	}
	present, err := p.present(ctx)
	if err != nil {
		return err
	}
	selection, obstacles, err := found.Rebuildable(ctx, present)
	if err != nil {
		return err
	}
	result := rebuilding{Out: out, Digest: old.Output.Digest, Obstacles: obstacles}
	if len(obstacles) > 0 {
		a.keepDigests(present.Digests)
		return errors.Join(a.print(result, result.write), errFailedCheck)
	}
	if err := a.rebuild(ctx, p, old, selection, out); err != nil {
		return err
	}
	result.Rebuilt, result.Rows = true, old.Output.Rows
	return a.print(result, result.write)
}

// rebuild makes the output again, and lets it appear only where it is the same.
func (a *application) rebuild(ctx context.Context, p *project, old *dataset.Manifest, selection *registry.Selection,
	out string,
) error {
	registered, err := p.registry(ctx)
	if err != nil {
		return err
	}
	snapshot, err := registered.At(ctx, p.config.Project, old.Revision)
	if err != nil {
		return err
	}
	flags := flagsOf(old, old.LabelsIn(p.config.ProjectDir), out)
	if err := p.checkJoinFiles(snapshot, flags); err != nil {
		return err
	}
	making := &trainingSet{project: p, flags: flags, selection: selection, request: flags.request(selection)}
	making.request.Only = old.SourceFiles()
	making.accept = func(made *dataset.Manifest) error { return made.Reproduces(old) }
	if err := making.describe(snapshot); err != nil {
		return err
	}
	_, err = making.write(ctx)
	return err
}

// flagsOf are those that historical was given.
func flagsOf(m *dataset.Manifest, labels, out string) historicalFlags {
	return historicalFlags{
		selection: selectionFlags{service: m.Selection.Service, features: m.Selection.Features,
			fullNames: m.Selection.FullNames},
		labels: labels, out: out, timestamp: m.Options.TimestampColumn, statuses: m.Options.Statuses,
		times: m.Options.EventTimestamps, provenance: m.Options.Provenance, asKnown: m.Options.AsKnown,
	}
}

// checkFormats refuses a format in which the content cannot be the same: CSV has texts alone.
func checkFormats(was, out string) error {
	if !isFileFormat(out) {
		return registry.Inputf("--out", "%s has to end in .parquet, .csv or .arrow", out)
	}
	isCSV := func(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }
	if isCSV(was) != isCSV(out) {
		return registry.Inputf("--out", "%s cannot have the content of %s, since CSV has no types; name a file that ends "+
			"in %s", out, was, filepath.Ext(was))
	}
	return nil
}

func (r rebuilding) write(w *printable.Writer) error {
	if r.Rebuilt {
		return w.Printf("%s: %d rows, the same as they were: %s\n", r.Out, r.Rows, r.Digest)
	}
	if err := writeChecks(w, r.Obstacles, func(dataset.State) bool { return true }); err != nil {
		return err
	}
	return w.Printf("%s was not rebuilt: what it was made of is not what it was\n", r.Out)
}
