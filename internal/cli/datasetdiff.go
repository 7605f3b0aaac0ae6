package cli

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/source/objects"
)

func (a *application) datasetDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two training sets by their manifests",
		Long: "Diff compares what two training sets were made of, and the distribution of each column, by their\n" +
			"manifests: neither the files nor a project need be there, unless they are objects. A and B are training\n" +
			"sets or manifests.\n\n" +
			"KS is the greatest distance between the two cumulative distributions, exact to 0.01; PSI is the sum of\n" +
			"(b - a) * ln(b / a) over bins that end at A's deciles, or over 64 buckets of texts' hashes.",
		Args: arguments("A", "B"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.datasetDiff(cmd.Context(), args[0], args[1])
		},
	}
}

// datasetDiff opens a project only for objects, whose server its configuration names.
func (a *application) datasetDiff(ctx context.Context, left, right string) error {
	compare := func() (compared *project.Differences, err error) {
		err = a.inProject(ctx, func(ctx context.Context, p *project.Project) (err error) {
			compared, err = p.CompareObjects(ctx, left, right)
			return err
		})
		return compared, err
	}
	if !objects.IsLocation(left) && !objects.IsLocation(right) {
		compare = func() (*project.Differences, error) { return project.CompareTrainingSets(left, right) }
	}
	compared, err := compare()
	if err != nil {
		return err
	}
	return a.print(compared, differences{compared}.write)
}

// differences are what two training sets differ in, as people read it.
type differences struct{ *project.Differences }

func (d differences) write(w *printable.Writer) error {
	var lines [][]string
	for _, entry := range d.Entries {
		lines = append(lines, []string{string(entry.State), entry.Subject, entry.Name, changed(entry)})
	}
	if err := w.Table(lines); err != nil {
		return err
	}
	if err := d.writeColumns(w); err != nil {
		return err
	}
	verdict := "The contents differ"
	switch {
	case d.Same:
		verdict = "The contents are the same"
	case d.Divided:
		verdict = "The rows lie in files otherwise, so that values were not compared"
	}
	return w.Printf("%s: %s has %d rows, %s has %d.\n", verdict, d.A.File, d.A.Rows, d.B.File, d.B.Rows)
}

// changed is what an entry was and is.
func changed(entry dataset.Entry) string {
	switch {
	case entry.A == "":
		return shortDigest(entry.B)
	case entry.B == "":
		return shortDigest(entry.A)
	}
	return shortDigest(entry.A) + " -> " + shortDigest(entry.B)
}

var wholeDigest = regexp.MustCompile(`[0-9a-f]{64}`)

// shortDigest shortens each digest in a text to its beginning, which is enough to distinguish two of them.
func shortDigest(text string) string {
	return wholeDigest.ReplaceAllStringFunc(text, func(digest string) string { return digest[:12] })
}

// writeColumns shows the columns that differ, and how many do not.
func (d differences) writeColumns(w *printable.Writer) error {
	lines := [][]string{{"COLUMN", "STATE", "NULLS", "MEAN", "MEDIAN", "KS", "PSI"}}
	for _, column := range d.Columns {
		if column.State != dataset.Same {
			lines = append(lines, []string{column.Name, string(column.State), change(column, nullShare),
				change(column, func(s *dataset.Summary) string { return short(s.Mean) }),
				change(column, func(s *dataset.Summary) string { return short(s.Median) }), short(column.KS), short(column.PSI)})
		}
	}
	same := len(d.Columns) - len(lines) + 1
	if len(lines) > 1 {
		if err := w.Table(lines); err != nil {
			return err
		}
	}
	return w.Printf("%d of %d columns are the same, value by value.\n", same, len(d.Columns))
}

func nullShare(s *dataset.Summary) string { return fmt.Sprintf("%.2f%%", 100*float64(s.NullShare)) }

// change is what a column was and is.
func change(c dataset.ColumnComparison, of func(*dataset.Summary) string) string {
	var texts []string
	for _, summary := range []*dataset.Summary{c.A, c.B} {
		if summary != nil {
			texts = append(texts, of(summary))
		}
	}
	if len(texts) == 2 && texts[0] == texts[1] {
		return texts[0]
	}
	return strings.Join(texts, " -> ")
}

// short is a number with six digits that count.
func short(n *dataset.Number) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatFloat(float64(*n), 'g', 6, 64)
}
