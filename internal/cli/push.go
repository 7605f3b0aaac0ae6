package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/offline"
)

func (a *application) pushCommand() *cobra.Command {
	var options pushOptions
	cmd := &cobra.Command{
		Use:   "push VIEW FILE",
		Short: "Write rows of a file straight into the online store",
		Long: "Push writes the rows of a .parquet, .csv or .jsonl file into the online store, where the newest row of\n" +
			"each key wins. The file has a column for each join key, by its name; for the event time, and the created time\n" +
			"where there is one, named as in the view's source or event_timestamp and created_timestamp; and for each\n" +
			"feature, by its name or that of the source's column. Rows that cannot be stored are listed, with exit code\n" +
			"3, and the others are stored all the same.",
		Args: arguments("VIEW", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.push(ctx, p, args[0], args[1], options)
			})
		},
		ValidArgsFunction: a.completePush,
	}
	cmd.Flags().BoolVar(&options.atomic, "atomic", false, "store nothing where any row is refused")
	cmd.Flags().UintVar(&options.list, "list-refused", maxRefusals, "how many refused rows to list; 0 for all")
	return cmd
}

// pushOptions are the flags of a push.
type pushOptions struct {
	atomic bool
	// list is how many refused rows are listed; 0 is all.
	list uint
}

func (a *application) push(ctx context.Context, p *project.Project, name, path string, options pushOptions) error {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return err
	}
	view, err := snapshot.View(name)
	if err != nil {
		return err
	}
	if err := push.Admit(view); err != nil {
		return err
	}
	given, err := pushFile(ctx, p, path)
	if err != nil {
		return err
	}
	pusher, err := p.Pusher(ctx)
	if err != nil {
		return err
	}
	pushing := &pushing{view: view, pusher: pusher, given: given, progress: a.progress("pushing to " + view.Name),
		options: options,
		report:  pushLine{View: view.Name, Revision: snapshot.Revision, Refusals: []push.Refusal{}}}
	err = pushing.run(ctx)
	pushing.progress.stop()
	if err != nil && pushing.report.isEmpty() {
		return err
	}
	if printing := a.print(pushing.report, pushing.report.write); err != nil || printing != nil {
		return errors.Join(err, printing)
	}
	return pushing.report.verdict()
}

// errRefused makes a push exit with 3. It is printed nowhere: the report says it.
var errRefused = errors.New("rows were refused")

// pushing is a push of one file, batch by batch.
//
// A file may be larger than memory, so it is pushed a few thousand rows at a time, and a failure leaves what was pushed
// before it. The file can be pushed again as it is (R14).
type pushing struct {
	view     *feature.View
	pusher   *push.Pusher
	given    push.Decoder
	progress *progress
	options  pushOptions
	report   pushLine
	rows     int64
}

// run pushes the file. An atomic push reads it twice: nothing is stored before every row was checked.
func (p *pushing) run(ctx context.Context) error {
	if p.options.atomic {
		err := p.given.Decode(ctx, p.view, func(rows push.Rows) error {
			refused, err := p.pusher.Check(p.view, rows)
			p.count(rows, refused)
			return err
		})
		if err != nil || p.report.Refused > 0 {
			return err
		}
		p.rows = 0
	}
	return p.given.Decode(ctx, p.view, func(rows push.Rows) error {
		report, err := p.pusher.Push(ctx, p.view, rows, p.options.atomic)
		p.report.Written += report.Written
		p.report.Older += report.Older
		p.count(rows, report.Refused)
		return errors.Join(err, p.pusher.RollDue(ctx))
	})
}

// maxRefusals is the default limit on how many refused rows are listed.
const maxRefusals = 1000

// count takes the rows of a batch into the report; in a file rows count from 1.
func (p *pushing) count(rows push.Rows, refused []push.Refusal) {
	for _, refusal := range refused {
		p.report.Refused++
		if most := p.options.list; most == 0 || len(p.report.Refusals) < int(most) {
			refusal.Row += p.rows + 1
			p.report.Refusals = append(p.report.Refusals, refusal)
		}
	}
	p.rows += int64(rows.Len())
	p.progress.report(offline.Progress{Step: "pushing to " + p.view.Name, Rows: p.rows})
}

// pushLine is what is printed of a push.
type pushLine struct {
	View    string `json:"view"`
	Written int64  `json:"written"`
	Older   int64  `json:"older"`
	// Refused counts the rows that Refusals lists, of which there are no more than were asked for.
	Refused  int64          `json:"refused"`
	Refusals []push.Refusal `json:"refusals"`
	Revision int64          `json:"revision"`
}

func (l pushLine) isEmpty() bool { return l.Written+l.Older+l.Refused == 0 }

// verdict is the error of refused rows.
func (l pushLine) verdict() error {
	if l.Refused > 0 {
		return errRefused
	}
	return nil
}

func (l pushLine) write(w *printable.Writer) error {
	text := fmt.Sprintf("%s: %s written", l.View, english.Plural(int(l.Written), "row", ""))
	if l.Older > 0 {
		text += fmt.Sprintf(", %d older than what is there", l.Older)
	}
	if l.Refused > 0 {
		text += fmt.Sprintf(", %d refused", l.Refused)
	}
	if err := w.Printf("%s\n", text); err != nil {
		return err
	}
	for _, refusal := range l.Refusals {
		if err := w.Printf("row %d: %s: %s\n", refusal.Row, refusal.Field, refusal.Reason); err != nil {
			return err
		}
	}
	if unlisted := l.Refused - int64(len(l.Refusals)); unlisted > 0 {
		return w.Printf("and %d more\n", unlisted)
	}
	return nil
}
