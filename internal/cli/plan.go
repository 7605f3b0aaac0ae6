package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/parity"
	"github.com/plumbstore/plumb/registry/plan"
)

func (a *application) planCommand() *cobra.Command {
	var detailed bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would change, each change with its hazards",
		Args:  arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.plan(ctx, p, detailed)
			})
		},
	}
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 where there is something to change")
	return cmd
}

func (a *application) plan(ctx context.Context, p *project.Project, detailed bool) error {
	planned, err := a.planned(ctx, p)
	if err != nil {
		return err
	}
	if err := a.print(planned, planned.WriteText); err != nil {
		return err
	}
	if detailed && !planned.Empty() {
		return errChanges
	}
	return nil
}

func (a *application) applyCommand() *cobra.Command {
	var flags applyFlags
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Register the definitions as the project's next revision",
		Long: "Apply plans, and makes the plan the next revision, all or nothing. Where a change has hazards it asks\n" +
			"first; without a terminal to ask on it needs --yes. With --verify it applies only what plumb verify --plan\n" +
			"finds training and serving to agree on.",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inProject(cmd.Context(), func(ctx context.Context, p *project.Project) error {
				return a.apply(ctx, p, flags)
			})
		},
	}
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "accept the hazards without being asked")
	cmd.Flags().BoolVar(&flags.verify, "verify", false, "apply only if plumb verify --plan passes")
	flags.sampling.register(cmd, "verify-")
	return cmd
}

type applyFlags struct {
	yes, verify bool
	// sampling is for verify.
	sampling samplingFlags
}

// applied is what apply did. Without changes the revision is the one that was there.
type applied struct {
	Project  string        `json:"project"`
	Revision int64         `json:"revision"`
	Changes  []plan.Detail `json:"changes"`
	// Verify is what was found before, if that was asked for.
	Verify *parity.Report `json:"verify,omitempty"`
}

// apply asks about hazards before it verifies, so that a person need not wait for a verification to be asked. What is
// committed is the plan that was shown: if another apply comes first, it fails.
func (a *application) apply(ctx context.Context, p *project.Project, flags applyFlags) error {
	if err := flags.sampling.check("--verify-"); err != nil {
		return err
	}
	planned, err := a.planned(ctx, p)
	if err != nil {
		return err
	}
	done := applied{Project: planned.Project, Revision: planned.Base, Changes: planned.Details()}
	if planned.Empty() {
		return a.print(done, planned.WriteText)
	}
	ask := !flags.yes && len(planned.Hazards()) > 0
	if ask {
		if err := a.confirm(ctx, planned); err != nil {
			return err
		}
	}
	if flags.verify {
		if done.Verify, err = a.beforeApply(ctx, p, planned, flags.sampling); err != nil {
			return err
		}
	}
	if done.Revision, err = p.Apply(ctx, planned, userAtHost()); err != nil {
		return err
	}
	return a.print(done, func(w *printable.Writer) error {
		if !ask { // Who was asked has read it.
			if err := planned.WriteText(w); err != nil {
				return err
			}
		}
		if done.Verify != nil {
			w.Printf("\n%s\n", done.Verify.Verdict())
		}
		return w.Printf("\nApplied: project %s is at revision %d.\n", done.Project, done.Revision)
	})
}

// hazardsError says that hazards need a word that nobody was there to give.
type hazardsError struct{ changes []plan.Detail }

func (*hazardsError) Error() string {
	return "--yes: the plan has hazards, and there is no terminal to ask on; read them, then accept them with plumb " +
		"apply --yes"
}

// confirm shows a plan and asks whether to accept its hazards.
func (a *application) confirm(ctx context.Context, planned *plan.Plan) error {
	if err := planned.WriteText(printable.To(a.Err)); err != nil {
		return err
	}
	if !isTerminal(a.In) {
		return &hazardsError{planned.Details()}
	}
	a.say("\nApply in spite of the hazards? [y/N] ")
	answer, err := a.readLine(ctx)
	if err != nil {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("the hazards were not accepted; nothing was applied")
	}
	return nil
}

// readLine reads a line of input, or gives up when ctx is done. A caller whose ctx is done ends the program, so the
// read that is left behind does no harm.
func (a *application) readLine(ctx context.Context) (string, error) {
	type input struct {
		line string
		err  error
	}
	read := make(chan input, 1)
	go func() {
		line, err := bufio.NewReader(a.In).ReadString('\n')
		read <- input{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case in := <-read:
		if errors.Is(in.err, io.EOF) {
			in.err = nil // No answer is no.
		}
		return in.line, in.err
	}
}

// userAtHost returns the user and the host that apply, as far as the machine knows.
func userAtHost() string {
	name, host := "unknown", "unknown"
	if current, err := user.Current(); err == nil {
		name = current.Username
	} else if variable := os.Getenv("USER"); variable != "" {
		name = variable
	}
	if known, err := os.Hostname(); err == nil {
		host = known
	}
	return name + "@" + host
}
