package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
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
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.datasetVerify(ctx, p, args[0], labels)
			})
		},
	}
	addLabelsFlag(cmd, &labels)
	return cmd
}

// addLabelsFlag adds the flag for the path of label rows that have moved.
func addLabelsFlag(cmd *cobra.Command, labels *string) {
	cmd.Flags().StringVar(labels, "labels", "", "where the label rows are now, if not where they were")
}

func (a *application) datasetVerify(ctx context.Context, p *project.Project, path, labels string) error {
	shown := a.progress("comparing")
	defer shown.stop()
	result, err := p.VerifyTrainingSet(ctx, path, labels)
	shown.stop()
	if err != nil {
		return err
	}
	err = a.print(result, func(w *printable.Writer) error { return writeVerification(w, result) })
	if err != nil || result.Same {
		return err
	}
	return errFailedCheck
}

// writeVerification prints everything that is not the same, and how much is.
func writeVerification(w *printable.Writer, v *project.TrainingSetVerification) error {
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
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
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

func (a *application) datasetRebuild(ctx context.Context, p *project.Project, path, out, labels string) error {
	shown := a.progress("planning the join")
	defer shown.stop()
	rebuilt, err := p.Rebuild(ctx, project.RebuildRequest{Path: path, Out: out, Labels: labels, Progress: shown.report})
	shown.stop()
	if err != nil {
		return inFlags(err)
	}
	result := rebuilding{Out: rebuilt.Out, Rebuilt: len(rebuilt.Obstacles) == 0, Digest: rebuilt.Digest,
		Rows: rebuilt.Rows, Obstacles: rebuilt.Obstacles}
	if err := a.print(result, result.write); err != nil || result.Rebuilt {
		return err
	}
	return errFailedCheck
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
