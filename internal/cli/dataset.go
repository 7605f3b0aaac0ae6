package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/printable"
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
	var labels string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Say what has changed since a training set was made",
		Long: "Verify compares a training set, its labels, the sources' files and the definitions with the manifest, and\n" +
			"names what has changed. It exits with 0 only if all was compared and nothing has. Files are known by their\n" +
			"content: one that is elsewhere in the project, below offline.roots or beside the training set has moved.\n" +
			"FILE is the training set or its manifest.",
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project) error {
				return a.datasetVerify(ctx, p, args[0], labels)
			})
		},
	}
	addLabelsFlag(cmd, &labels)
	return cmd
}

// addLabelsFlag adds the flag that says where label rows are which are not where they were.
func addLabelsFlag(cmd *cobra.Command, labels *string) {
	cmd.Flags().StringVar(labels, "labels", "", "where the label rows are now, if not where they were")
}

// verification is what dataset verify prints.
type verification struct {
	File     string          `json:"file"`
	Same     bool            `json:"same"`
	Revision int64           `json:"revision,omitempty"`
	Digest   string          `json:"digest,omitempty"`
	Checks   []dataset.Check `json:"checks"`
}

func (a *application) datasetVerify(ctx context.Context, p *project, path, labels string) error {
	found, err := dataset.Find(path)
	if err != nil {
		return err
	}
	present, err := p.present(ctx, labels)
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
		result.Same = result.Same && check.State.Holds()
	}
	if err := a.print(result, result.write); err != nil || result.Same {
		return err
	}
	return errFailedCheck
}

// write tells everything that is not the same, and how much is.
func (v verification) write(w *printable.Writer) error {
	same, moved := 0, 0
	for _, check := range v.Checks {
		if check.State.Holds() {
			same++
		}
		if check.State == dataset.Moved {
			moved++
		}
	}
	if err := writeChecks(w, v.Checks, func(s dataset.State) bool { return s != dataset.Same }); err != nil {
		return err
	}
	if !v.Same {
		return w.Printf("%s: %d of %d things that it was made of are as they were\n", v.File, same, len(v.Checks))
	}
	also := ""
	if moved > 0 {
		also = fmt.Sprintf(", %d of them moved", moved)
	}
	return w.Printf("%s is what its manifest says, and so is all that it was made of: %d things compared%s\n",
		v.File, same, also)
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

// present is the project as it is now; labels, unless it is empty, is where a user says that the label rows are.
func (p *project) present(ctx context.Context, labels string) (dataset.Present, error) {
	if labels != "" {
		var err error
		if labels, err = labelFile(labels); err != nil {
			return dataset.Present{}, err
		}
	}
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
	at := func(ctx context.Context, revision int64) (*feature.Snapshot, error) {
		return registered.At(ctx, p.config.Project, revision)
	}
	return dataset.Present{Folder: p.config.ProjectDir, Search: p.roots(), Labels: labels, Digests: p.digests(),
		Current: current, At: at, Files: offline.Files}, nil
}

// roots are the folders that sources are read below, absolute.
func (p *project) roots() []string {
	var roots []string
	for _, root := range p.config.Offline.Roots {
		if !filepath.IsAbs(root) {
			root = filepath.Join(p.config.ProjectDir, root)
		}
		roots = append(roots, root)
	}
	return roots
}

// keepDigests keeps them for the next time; without, that takes longer.
func (a *application) keepDigests(digests *dataset.FileDigests) {
	if err := digests.Save(); err != nil {
		a.note("the digests of the sources are not kept for the next time: %v", err)
	}
}

func (a *application) datasetRebuildCommand() *cobra.Command {
	var out, labels string
	cmd := &cobra.Command{
		Use:   "rebuild FILE.manifest [--out FILE]",
		Short: "Make a training set again, as it was",
		Long: "Rebuild joins the same labels with the same files by the definitions of the manifest's revision, and\n" +
			"writes the output only if its content is what the manifest says. Otherwise it names what differs, writes\n" +
			"nothing, and exits with 1. Files that sources have got since are not read.",
		Args: arguments("FILE.manifest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project) error {
				return a.datasetRebuild(ctx, p, args[0], out, labels)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write; without, the one that the manifest is beside")
	addLabelsFlag(cmd, &labels)
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

func (a *application) datasetRebuild(ctx context.Context, p *project, path, out, labels string) error {
	found, err := dataset.Find(path)
	if err != nil {
		return err
	}
	if found.Manifest == nil || found.Check.State != dataset.Same {
		return fault.Inputf("", "%s cannot be relied upon: %s", found.Check.Name, found.Check.Detail)
	}
	old := found.Manifest
	if out == "" {
		out = found.Output
	}
	if err := checkFormats(cmp.Or(old.FileName(), found.Output), out); err != nil {
		return err
	}
	present, err := p.present(ctx, labels)
	if err != nil {
		return err
	}
	from, obstacles, err := found.Rebuildable(ctx, present)
	if err != nil {
		return err
	}
	result := rebuilding{Out: out, Digest: old.Output.Digest, Obstacles: obstacles}
	if len(obstacles) > 0 {
		a.keepDigests(present.Digests)
		return errors.Join(a.print(result, result.write), errFailedCheck)
	}
	report, err := a.rebuild(ctx, p, old, from, out)
	if err != nil {
		return err
	}
	result.Rebuilt, result.Rows = true, report.Rows
	return a.print(result, result.write)
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
